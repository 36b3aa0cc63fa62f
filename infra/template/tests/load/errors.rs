//! What a wrong template is told, and that it is told where.

use expect_test::{Expect, expect};

use super::read;

#[test]
fn a_value_that_cannot_be_resolved() {
    let values = [
        "!Ref Nowhere",
        "!GetAtt Nowhere.Arn",
        "!Sub '${Nowhere.Arn}'",
        "!If [Nowhere, a, b]",
        "!FindInMap [A, b, c]",
        "!Select [3, [a]]",
        "!ImportValue x",
        "[a]",
        "!Ref Left",
    ];
    let texts = values.map(|value| {
        format!(
            "Conditions: {{ No: !Equals [a, b] }}\nResources:\n  \
             Left: {{ Type: AWS::SQS::Queue, Condition: No }}\n  \
             S:\n    Type: AWS::Serverless::Function\n    Properties:\n      \
             Environment: {{ Variables: {{ V: {value} }} }}\n"
        )
    });
    check(
        "Resources.S.Properties.Environment.Variables.V",
        &texts,
        &expect![[r#"
        : !Ref to Nowhere, which the template does not declare
        : !GetAtt to Nowhere, which the template does not declare
        : !Sub to Nowhere, which the template does not declare
        : a condition refers to Nowhere, which the template does not declare
        : !FindInMap to A.b.c, which the template does not declare
        : the text "3", where an index into 1 values is expected
        : !ImportValue cannot be resolved here
        : a list, where text is expected
        : !Ref to Left, which its condition leaves out"#]],
    );
}

#[test]
fn a_parameter_without_a_value_it_may_have() {
    let rules = [
        "Type: String",
        "Type: String, Default: c, AllowedValues: [a, b]",
        "Type: String, Default: abc, AllowedPattern: 'b+'",
        "Type: Number, Default: x",
        "Type: String, Default: x, MinLength: 2",
        "Type: Number, Default: 9, MaxValue: 8",
    ];
    let texts = rules.map(|rules| format!("Parameters: {{ P: {{ {rules} }} }}\nResources: {{}}\n"));
    check(
        "Parameters.P",
        &texts,
        &expect![[r#"
        : the parameter P has no default and was given no value
        : the value of the parameter P is refused by its AllowedValues
        : the value of the parameter P is refused by its AllowedPattern
        : the value of the parameter P is refused by its Type
        : the value of the parameter P is refused by its MinLength
        : the value of the parameter P is refused by its MaxValue"#]],
    );
}

#[test]
fn an_api_that_leads_nowhere() {
    let properties = [
        "Routes: { send: { FunctionArn: !Ref Q } }",
        "Routes: { send: {} }",
        "Routes: { send-it: { FunctionArn: !GetAtt F.Arn } }",
        "Routes: { $connect: { FunctionArn: x }, connect: { FunctionArn: x } }",
        "Auth: { AuthType: CUSTOM, AuthArn: x }",
        "Auth: { AuthType: CUSTOM }",
    ];
    let texts = properties.map(|properties| {
        format!(
            "Resources:\n  Q: {{ Type: AWS::SQS::Queue }}\n  \
             F: {{ Type: AWS::Serverless::Function }}\n  \
             A:\n    Type: AWS::Serverless::WebSocketApi\n    Properties:\n      \
             RouteSelectionExpression: x\n      {properties}\n"
        )
    });
    check(
        "Resources.A.Properties",
        &texts,
        &expect![[r#"
            .Routes.send.FunctionArn: Q is not a function of the template
            .Routes.send: FunctionArn is missing
            .Routes: the route key "send-it", where an alphanumeric one is expected
            .Routes: the routes $connect and connect would both be AConnectRoute
            .Auth.AuthArn: x is not a function of the template
            .Auth: AuthArn is missing"#]],
    );
}

#[test]
fn a_topic_that_aws_would_refuse() {
    let properties = [
        "FifoTopic: true, TopicName: ordered",
        "TopicName: plain.fifo",
        "FifoTopic: maybe",
        "FifoTopic: true, FifoThroughputScope: All",
    ];
    let texts = properties.map(|properties| {
        format!("Resources: {{ T: {{ Type: AWS::SNS::Topic, Properties: {{ {properties} }} }} }}")
    });
    check(
        "Resources.T.Properties",
        &texts,
        &expect![[r#"
            .TopicName: the text "ordered", where a name with the ending .fifo is expected
            .TopicName: the text "plain.fifo", where a name without the ending .fifo is expected
            .FifoTopic: the text "maybe", where true or false is expected
            .FifoThroughputScope: the text "All", where Topic or MessageGroup is expected"#]],
    );
}

#[test]
fn a_template_that_is_not_one() {
    let texts = [
        "Resources: { S: { Type: AWS::Serverless::Function, Properties: { Timeout: soon } } }",
        "Resources: { S: { Properties: {} } }",
        "Resources: { T: { Type: AWS::DynamoDB::Table, Properties: { KeySchema: [] } } }",
        "Conditions: { A: !Condition B, B: !Condition A }\nResources: {}",
        "Transform: x",
        "a: }",
        "a: 1\na: 2",
        "[a]: b",
        "",
    ];
    check(
        "",
        &texts.map(str::to_owned),
        &expect![[r#"
            Resources.S.Properties.Timeout: the text "soon", where a whole number is expected
            Resources.S: Type is missing
            Resources.T.Properties: AttributeDefinitions is missing
            Conditions.A: the condition A depends on itself
            the template: Resources is missing
            the template is not readable YAML: line 1, column 4: misplaced bracket
            the template is not readable YAML: line 2, column 1: a key that its mapping already has
            the template is not readable YAML: line 1, column 3: a key that is not text
            the template: Resources is missing"#]],
    );
}

/// Holds the errors of `texts`, one a line and without the place they share, against `expected`.
fn check(place: &str, texts: &[String], expected: &Expect) {
    let errors = texts.iter().map(|text| {
        let error = read(text, &[]).unwrap_err().to_string();
        let within = error.strip_prefix(place);
        within.unwrap_or_else(|| panic!("{error} is not at {place}")).to_owned()
    });
    expected.assert_eq(&errors.collect::<Vec<_>>().join("\n"));
}

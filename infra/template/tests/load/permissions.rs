//! What policies allow functions.

use template::model::{Permissions, Statement};

use super::read;

/// What a function with these properties may do.
fn of(properties: &str) -> Permissions {
    let text = format!(
        "Conditions: {{ Never: !Equals [a, b] }}
Resources:
  T: {{ Type: AWS::DynamoDB::Table, Properties: {{ BillingMode: PAY_PER_REQUEST,
    AttributeDefinitions: [{{ AttributeName: k, AttributeType: S }}],
    KeySchema: [{{ AttributeName: k, KeyType: HASH }}] }} }}
  F:
    Type: AWS::Serverless::Function
    Properties: {properties}
"
    );
    read(&text, &[]).unwrap().functions["F"].permissions.clone()
}

fn known(statements: &[(bool, &[&str], &[&str])]) -> Permissions {
    let texts = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
    let statements = statements.iter().map(|(allows, actions, resources)| Statement {
        allows: *allows,
        actions: texts(actions),
        resources: texts(resources),
    });
    Permissions::Known(statements.collect())
}

#[test]
fn statements_are_read_from_every_policy() {
    let table = "arn:aws:dynamodb:us-east-1:123456789012:table/T";
    let policies = "{ Policies: [
      { Statement: [
        { Effect: Allow, Action: dynamodb:GetItem, Resource: !GetAtt T.Arn },
        !If [Never, { Effect: Allow, Action: '*', Resource: '*' }, !Ref AWS::NoValue] ] },
      { Version: 2012-10-17, Statement:
        { Effect: Deny, Action: ['dynamodb:*'], Resource: [!Sub '${T.Arn}/index/*'] } } ] }";
    let index = format!("{table}/index/*");
    let expected =
        [(true, &["dynamodb:GetItem"][..], &[table][..]), (false, &["dynamodb:*"], &[&index])];
    assert_eq!(of(policies), known(&expected));
    assert_eq!(of("{ Policies: [] }"), known(&[]));
    assert_eq!(of("{ Policies: !If [Never, [], !Ref AWS::NoValue] }"), known(&[]));
    assert_eq!(of("{}"), known(&[]));
}

#[test]
fn what_the_template_does_not_say_is_unknown() {
    for properties in [
        "{ Role: arn:aws:iam::123456789012:role/elsewhere }",
        "{ Policies: AdministratorAccess }",
        "{ Policies: [{ DynamoDBReadPolicy: { TableName: !Ref T } }] }",
        "{ Policies: [{ Statement: [{ Effect: Allow, NotAction: 'iam:*', Resource: '*' }] }] }",
        "{ Policies: [{ Statement: [{ Effect: Allow, Action: 's3:*', Resource: '*',
            Condition: { Bool: { 'aws:SecureTransport': 'true' } } }] }] }",
        "{ Policies: [{ Statement: [{ Effect: Perhaps, Action: 's3:*', Resource: '*' }] }] }",
        "{ Policies: [{ Statement: [{ Effect: Allow, Action: 's3:*',
            Resource: !ImportValue elsewhere }] }] }",
    ] {
        assert_eq!(of(properties), Permissions::Unknown, "{properties}");
    }
}

//! Templates and configurations: a deployment or an error that says where, the same every time.

use std::collections::BTreeMap;

use template::Context;

use crate::{Outcome, Target};

pub(crate) const TARGET: Target = Target {
    name: "templates",
    run: templates,
    seeds,
    dictionary: &[
        "\n",
        "    ",
        ": ",
        "- ",
        "!Ref ",
        "!Sub '${A}'",
        "!Sub '${!A}'",
        "!If [C, a, b]",
        "!GetAtt SendFunction.Arn",
        "!Not [!Condition C]",
        "!FindInMap [M, a, b]",
        "!Join [',', [a, b]]",
        "!Select [0, [a]]",
        "!Base64 a",
        "Fn::Split: [',', a]",
        "Ref: AWS::NoValue",
        "Ref: AWS::Region",
        "&x ",
        "*x",
        "<<: *x",
        "|\n",
        ">-\n",
        "? ",
        "{",
        "}",
        "[",
        "]",
        "'",
        "\"",
        "#",
        "\t",
        "---\n",
        "...\n",
        "%YAML 1.2\n",
        "Conditions:\n  C: !Equals [a, b]\n",
        "Parameters:\n  A: {Type: Number}\n",
        "Type: CommaDelimitedList",
        "DependsOn: A\n",
        "Condition: C\n",
        "parameter_overrides = \"A=b C='d e'\"\n",
        "[local.deploy.parameters]\n",
    ],
};

/// The real ones whole, and one that is small enough for a change to matter.
fn seeds() -> Vec<Vec<u8>> {
    let small = [
        "Parameters:\n  A: {Type: String, Default: a}\nMappings: {M: {k: {v: w}}}\n",
        "Conditions:\n  B: !Equals [!Ref A, a]\n",
        "  C: !Not [!And [!Condition B, !Or [!Equals [a, a], !Equals [b, a]]]]\n",
        "Globals: {Function: {Timeout: 3, Environment: {Variables: {V: !Ref A}}}}\nResources:\n",
        "  Api: {Type: AWS::Serverless::WebSocketApi, Properties: {RouteSelectionExpression: ",
        "$request.body.action, Routes: {send: {FunctionArn: !GetAtt SendFunction.Arn}}}}\n",
        "  SendFunction:\n    Type: AWS::Serverless::Function\n    Properties:\n",
        "      CodeUri: .\n      Handler: bootstrap\n      Runtime: provided.al2023\n",
        "      Environment:\n        Variables:\n",
        "          W: !If [C, !Sub '${A}-${AWS::Region}', b]\n",
        "          X: !Select [1, [a, b]]\n          Y: !Select [0, !Split [',', 'a,b']]\n",
        "          Z: !Join ['-', [a, !FindInMap [M, k, v]]]\n",
        "          N: !Sub ['${B}', {B: !GetAtt SendFunction.Arn}]\n",
    ];
    let overrides = "[local.deploy.parameters]\nparameter_overrides = \"A=b C='d e' E=f,g\"\n";
    let fixed = [small.concat(), "Resources: {}\n".to_owned(), overrides.to_owned()];
    let fixed = fixed.map(String::into_bytes);
    let folders = [".", "infra/gateway/fixture"];
    let whole = folders.iter().flat_map(|folder| crate::files(folder, "template.yaml"));
    let configurations = crate::files("infra/sam", ".toml");
    // Each small one as often as there are large ones, which are slow.
    let small = fixed.iter().cycle().take(12).cloned();
    small.chain(whole).chain(configurations).collect()
}

/// Reads a text as a template and as a configuration.
pub fn templates(data: &[u8]) -> Outcome {
    let text = &*String::from_utf8_lossy(data);
    let configured = configuration(text);
    let none = BTreeMap::new();
    let loaded = load(text, &none);
    // What a comment says changes nothing. A mark of the byte order is one at the start alone.
    if let Ok(deployment) = &loaded
        && !text.starts_with('\u{feff}')
    {
        let commented = load(&format!("# A comment.\n{text}"), &none);
        assert_eq!(commented.as_ref(), Ok(deployment));
    }
    let overrides = BTreeMap::from([("A".to_owned(), "b,1".to_owned())]);
    assert_eq!(load(text, &overrides), load(text, &overrides));
    Outcome::any([loaded.is_ok(), configured.is_some_and(|values| !values.is_empty())])
}

/// What a template deploys, or why it does not, in words.
fn load(text: &str, overrides: &BTreeMap<String, String>) -> Result<String, String> {
    match template::load(text, overrides, &Context::default()) {
        Ok(deployment) => Ok(format!("{deployment:?}")),
        Err(error) => {
            let sentence = error.to_string();
            assert!(sentence.contains(": "), "{sentence} says not where");
            Err(sentence)
        }
    }
}

fn configuration(text: &str) -> Option<BTreeMap<String, String>> {
    match template::samconfig_parameters(text, "local") {
        Ok(values) => {
            assert!(values.keys().all(|name| !name.is_empty()));
            Some(values)
        }
        Err(error) => {
            assert!(!error.to_string().is_empty());
            None
        }
    }
}

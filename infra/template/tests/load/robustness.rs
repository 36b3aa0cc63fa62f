//! No text panics or runs away, template or configuration.

use proptest::prelude::*;

use super::read;

/// A regular expression for the start of a configuration that is worth continuing.
const HEAD: &str = "(\\[a\\.deploy\\.parameters\\]\nparameter_overrides ?= ?)?";

/// Pieces that templates are made of, so that arbitrary text gets past the parser.
fn piece() -> impl Strategy<Value = String> {
    prop_oneof![
        prop::sample::select(vec![
            "Resources:\n",
            "  A:\n",
            "    Type: AWS::Serverless::Function\n",
            "    Properties:\n",
            "      Environment: {Variables: {V: ",
            "!Ref A",
            "!Sub '${A.b}'",
            "!If [C, ",
            "!GetAtt A.Arn",
            "}",
            "}}",
            "]",
            "[",
            ", ",
            "- ",
            "\n",
            "Conditions:\n",
            "  C: ",
            "!Equals [a, b]",
            "!Condition C",
            "&x ",
            "*x",
            "Parameters:\n",
            "{",
            ": ",
            "    Type: AWS::Serverless::WebSocketApi\n",
            "Globals:\n",
            "? ",
            "|\n",
            "'",
            "\"",
        ])
        .prop_map(str::to_owned),
        ".{0,8}",
    ]
}

proptest! {
    #[test]
    fn no_text_panics(pieces in prop::collection::vec(piece(), 0..24)) {
        let text = pieces.concat();
        if let Err(error) = read(&text, &[]) {
            prop_assert!(!error.to_string().is_empty());
        }
    }

    #[test]
    fn no_configuration_panics(head in HEAD, rest in ".*") {
        let text = format!("{head}{rest}");
        if let Ok(values) = template::samconfig_parameters(&text, "a") {
            prop_assert!(values.keys().all(|name| !name.is_empty()));
        }
    }
}

#[test]
fn depth_and_repetition_are_bounded() {
    let deep = "[".repeat(10_000);
    assert!(read(&deep, &[]).is_err());
    let mut laughs = "a0: &a0 [x]\n".to_owned();
    for level in 1..40 {
        let below = level - 1;
        laughs.push_str(&format!("a{level}: &a{level} [*a{below}, *a{below}]\n"));
    }
    let error = read(&laughs, &[]).unwrap_err().to_string();
    assert!(error.contains("more values than a template may hold"), "{error}");
}

#[test]
fn a_chain_of_conditions_is_bounded() {
    let mut conditions = "  C0: !Equals [a, a]\n".to_owned();
    for link in 1..100 {
        let nots = ["!Not [", "!Condition C", &(link - 1).to_string(), "]"].concat();
        conditions.push_str(&format!("  C{link}: {nots}\n"));
    }
    let declared_first = format!("Resources: {}\nConditions:\n{conditions}", "{}");
    assert!(read(&declared_first, &[]).is_ok());
    let last_first: Vec<_> = conditions.lines().rev().collect();
    let text = format!("Resources: {}\nConditions:\n{}", "{}", last_first.join("\n"));
    let error = read(&text, &[]).unwrap_err().to_string();
    assert_eq!(error, "Conditions.C75: the template is nested too deeply");
}

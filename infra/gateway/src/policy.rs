//! What policies decide, as IAM reads them; and what an authorizer did: by its policy, and its
//! context.

use serde_json::{Map, Value};
use template::model::Statement;

/// The longest answer of an authorizer.
///
/// Theirs: "Quotas for configuring and running a WebSocket API", authorizer result size.
const RESULT_BYTES_MAX: usize = 8 * 1024;

/// The action that a policy has to allow.
const INVOKE: &str = "execute-api:Invoke";

/// An authorizer's answer.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Verdict {
    pub(crate) is_allowed: bool,
    /// The context as texts, and `principalId`.
    pub(crate) context: Map<String, Value>,
}

impl Verdict {
    /// Reads an answer about `resource`; `None` where it is malformed.
    ///
    /// Statements with `Condition`, `NotAction` or `NotResource` are refused as malformed: letting
    /// them pass unread would allow what AWS denies.
    pub(crate) fn parse(bytes: &[u8], resource: &str) -> Option<Self> {
        if bytes.len() > RESULT_BYTES_MAX {
            return None;
        }
        let answer: Value = serde_json::from_slice(bytes).ok()?;
        let principal = answer.get("principalId")?.as_str()?;
        let statements = Statement::of_policy(answer.get("policyDocument")?)?;
        let is_allowed = is_allowed(&statements, INVOKE, resource);
        let mut context = Map::new();
        match answer.get("context") {
            None | Some(Value::Null) => {}
            Some(Value::Object(given)) => {
                for (name, value) in given {
                    context.insert(name.clone(), text(value)?.into());
                }
            }
            Some(_) => return None,
        }
        context.insert("principalId".to_owned(), principal.into());
        Some(Self { is_allowed, context })
    }
}

/// Context values reach functions as text; nested ones are not allowed.
fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Null | Value::Bool(_) | Value::Number(_) => Some(value.to_string()),
        Value::Array(_) | Value::Object(_) => None,
    }
}

/// Whether statements allow to do `action` to `resource`: one that denies wins, and what none is
/// about is denied.
pub(crate) fn is_allowed(statements: &[Statement], action: &str, resource: &str) -> bool {
    let is_about = |statement: &&Statement| {
        // Actions are compared whatever their case, resources are not.
        let folded = action.to_lowercase();
        let mut actions = statement.actions.iter().map(|pattern| pattern.to_lowercase());
        let mut resources = statement.resources.iter();
        actions.any(|pattern| matches(pattern.as_bytes(), folded.as_bytes()))
            && resources.any(|pattern| matches(pattern.as_bytes(), resource.as_bytes()))
    };
    let mut about = statements.iter().filter(is_about).peekable();
    about.peek().is_some() && about.all(|statement| statement.allows)
}

/// `*` is any text, `?` any one character. Returns to the last `*` where a guess was wrong.
fn matches(pattern: &[u8], name: &[u8]) -> bool {
    let (mut at, mut position) = (0, 0);
    let mut star = None;
    while position < name.len() {
        match pattern.get(at) {
            Some(b'*') => {
                star = Some((at, position));
                at += 1;
            }
            Some(expected) if *expected == b'?' || *expected == name[position] => {
                at += 1;
                position += 1;
            }
            _ => {
                let Some((star_at, start)) = star else { return false };
                star = Some((star_at, start + 1));
                at = star_at + 1;
                position = start + 1;
            }
        }
    }
    pattern[at..].iter().all(|rest| *rest == b'*')
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const RESOURCE: &str = "arn:aws:execute-api:us-east-1:123456789012:abcd123/prod/$connect";

    fn allowed(statements: &Value) -> Option<bool> {
        let answer = json!({"principalId": "ada", "policyDocument": {"Statement": statements}});
        Verdict::parse(answer.to_string().as_bytes(), RESOURCE).map(|verdict| verdict.is_allowed)
    }

    fn statement(effect: &str, resource: &str) -> Value {
        json!({"Action": "execute-api:Invoke", "Effect": effect, "Resource": resource})
    }

    #[test]
    fn a_resource_has_to_match() {
        for (resource, expected) in [
            (RESOURCE, true),
            ("*", true),
            ("arn:aws:execute-api:*:*:abcd123/prod/*", true),
            ("arn:aws:execute-api:us-east-1:123456789012:abcd12?/prod/$connect", true),
            ("arn:aws:execute-api:us-east-1:123456789012:abcd123/prod/*/*", false),
            ("arn:aws:execute-api:us-east-1:123456789012:other/prod/*", false),
        ] {
            assert_eq!(
                allowed(&json!([statement("Allow", resource)])),
                Some(expected),
                "{resource}"
            );
        }
    }

    #[test]
    fn deny_wins_and_nothing_is_denied() {
        let both = json!([statement("Allow", "*"), statement("Deny", "*")]);
        assert_eq!(allowed(&both), Some(false));
        assert_eq!(allowed(&json!([])), Some(false));
        assert_eq!(allowed(&statement("Allow", "*")), Some(true));
        let other = json!([{"Action": "s3:*", "Effect": "Allow", "Resource": "*"}]);
        assert_eq!(allowed(&other), Some(false));
    }

    #[test]
    fn patterns_are_of_actions_in_any_case_and_of_resources() {
        let policy = json!({"Statement": [
            {"Effect": "Allow", "Action": "dynamodb:*Item", "Resource": "arn:table/T"},
            {"Effect": "Deny", "Action": "dynamodb:DeleteItem", "Resource": "*"},
        ]});
        let statements = Statement::of_policy(&policy).unwrap();
        for (action, resource, expected) in [
            ("dynamodb:PutItem", "arn:table/T", true),
            ("DynamoDB:putitem", "arn:table/T", true),
            ("dynamodb:PutItem", "arn:table/t", false),
            ("dynamodb:PutItem", "arn:table/T/index/I", false),
            ("dynamodb:Query", "arn:table/T", false),
            ("dynamodb:DeleteItem", "arn:table/T", false),
        ] {
            let decided = is_allowed(&statements, action, resource);
            assert_eq!(decided, expected, "{action} {resource}");
        }
        assert!(!is_allowed(&[], "dynamodb:PutItem", "arn:table/T"));
    }

    #[test]
    fn what_is_not_understood_is_malformed() {
        let condition =
            json!([{"Action": "*", "Effect": "Allow", "Resource": "*", "Condition": {}}]);
        assert_eq!(allowed(&condition), None);
        for answer in [
            json!({"isAuthorized": true}),
            json!({"principalId": "ada"}),
            json!({"principalId": 1, "policyDocument": {"Statement": []}}),
            json!({"principalId": "ada", "policyDocument": {"Statement": []},
                "context": {"nested": {}}}),
            json!({"principalId": "x".repeat(9000), "policyDocument": {"Statement": []}}),
        ] {
            assert_eq!(Verdict::parse(answer.to_string().as_bytes(), RESOURCE), None);
        }
    }

    #[test]
    fn context_becomes_text() {
        let answer = json!({"principalId": "ada", "policyDocument": {"Statement": []},
            "context": {"a": "x", "b": 1, "c": true}});
        let verdict = Verdict::parse(answer.to_string().as_bytes(), RESOURCE).unwrap();
        let expected = json!({"a": "x", "b": "1", "c": "true", "principalId": "ada"});
        assert_eq!(Value::Object(verdict.context), expected);
    }
}

//! Event patterns of filter criteria: which records a mapping hands over.
//!
//! Source: "Filter rule syntax" in "Control which events Lambda sends to your function" and "Using
//! event filtering with a DynamoDB event source", AWS Lambda developer guide. What surprises:
//! a pattern names leaves only, so that `exists` of an attribute is asked of its type member
//! (`{"NewImage": {"name": {"S": [{"exists": true}]}}}`), and a number of an item is text in a
//! record, which `numeric` never matches.

use std::slice;

use serde_json::{Map, Value};

/// Why a pattern was refused.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum PatternError {
    /// It is not JSON.
    #[error("the pattern is not JSON")]
    Syntax,
    /// A member is neither an object nor a list of rules.
    #[error("`{member}` is neither an object nor a list of rules")]
    Member {
        /// Where it is, from the record's root.
        member: String,
    },
    /// A rule of a list is not one that Lambda knows.
    #[error("`{rule}` is not a rule")]
    Rule {
        /// The rule as JSON.
        rule: String,
    },
}

/// Every pattern of a mapping.
#[derive(Debug, Default)]
pub(crate) struct Filter {
    patterns: Vec<Pattern>,
}

/// All of these hold.
#[derive(Debug)]
struct Pattern {
    members: Vec<(String, Node)>,
    /// The alternatives of `$or`; none at all where there is no `$or`.
    alternatives: Vec<Self>,
}

#[derive(Debug)]
enum Node {
    Inner(Pattern),
    /// Any of these holds.
    Leaf(Vec<Rule>),
}

#[derive(Debug)]
enum Rule {
    Equals(Value),
    EqualsIgnoringCase(String),
    Prefix(String),
    Suffix(String),
    Numeric(Vec<(Comparison, f64)>),
    Exists(bool),
    AnythingBut(Vec<Self>),
}

#[derive(Clone, Copy, Debug)]
enum Comparison {
    Less,
    LessOrEqual,
    Equal,
    GreaterOrEqual,
    Greater,
}

impl Filter {
    /// Reads the patterns of a mapping; none lets every record pass.
    pub(crate) fn parse(patterns: &[String]) -> Result<Self, PatternError> {
        let parse = |text: &String| {
            let value: Value = serde_json::from_str(text).map_err(|_| PatternError::Syntax)?;
            let Value::Object(members) = value else { return Err(PatternError::Syntax) };
            Pattern::read(members, "")
        };
        Ok(Self { patterns: patterns.iter().map(parse).collect::<Result<_, _>>()? })
    }

    /// Whether a mapping hands `record` over.
    pub(crate) fn passes(&self, record: &Value) -> bool {
        self.patterns.is_empty() || self.patterns.iter().any(|pattern| pattern.holds(Some(record)))
    }
}

impl Pattern {
    fn read(members: Map<String, Value>, path: &str) -> Result<Self, PatternError> {
        let mut pattern = Self { members: Vec::new(), alternatives: Vec::new() };
        for (name, value) in members {
            let member = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
            let node = match value {
                Value::Array(alternatives) if name == "$or" => {
                    for alternative in alternatives {
                        let Value::Object(members) = alternative else {
                            return Err(PatternError::Member { member });
                        };
                        pattern.alternatives.push(Self::read(members, path)?);
                    }
                    continue;
                }
                Value::Object(members) => Node::Inner(Self::read(members, &member)?),
                Value::Array(rules) if !rules.is_empty() => {
                    Node::Leaf(rules.into_iter().map(Rule::read).collect::<Result<_, _>>()?)
                }
                Value::Array(_)
                | Value::Null
                | Value::Bool(_)
                | Value::Number(_)
                | Value::String(_) => return Err(PatternError::Member { member }),
            };
            pattern.members.push((name, node));
        }
        Ok(pattern)
    }

    fn holds(&self, value: Option<&Value>) -> bool {
        let all = self.members.iter().all(|(name, node)| {
            let member = value.and_then(|value| value.get(name));
            match node {
                Node::Inner(pattern) => pattern.holds(member),
                Node::Leaf(rules) => rules.iter().any(|rule| rule.holds(member)),
            }
        });
        let alternatives = &self.alternatives;
        all && (alternatives.is_empty() || alternatives.iter().any(|other| other.holds(value)))
    }
}

impl Rule {
    fn read(value: Value) -> Result<Self, PatternError> {
        let refused = || PatternError::Rule { rule: value.to_string() };
        let (name, argument) = match &value {
            Value::Object(members) if members.len() == 1 => {
                members.iter().next().ok_or_else(refused)?
            }
            Value::Object(_) | Value::Array(_) => return Err(refused()),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {
                return Ok(Self::Equals(value));
            }
        };
        let text = || argument.as_str().map(str::to_owned);
        let rule = match name.as_str() {
            "prefix" => text().map(Self::Prefix),
            "suffix" => text().map(Self::Suffix),
            "equals-ignore-case" => text().map(Self::EqualsIgnoringCase),
            "exists" => argument.as_bool().map(Self::Exists),
            "numeric" => numeric(argument).map(Self::Numeric),
            "anything-but" => {
                let rules =
                    argument.as_array().map_or_else(|| slice::from_ref(argument), Vec::as_slice);
                let rules = rules.iter().cloned().map(Self::read).collect::<Result<_, _>>()?;
                Some(Self::AnythingBut(rules))
            }
            _ => None,
        };
        rule.ok_or_else(refused)
    }

    /// Whether the rule holds of a member; nothing but `exists` holds of an object, or of none.
    fn holds(&self, value: Option<&Value>) -> bool {
        match value {
            Some(Value::Array(elements)) => {
                elements.iter().any(|element| self.holds(Some(element)))
            }
            Some(Value::Object(_)) | None => matches!(self, Self::Exists(false)),
            Some(leaf) => self.holds_of_leaf(leaf),
        }
    }

    fn holds_of_leaf(&self, leaf: &Value) -> bool {
        let text = leaf.as_str();
        match self {
            Self::Equals(Value::Number(number)) => {
                leaf.is_number() && number.as_f64() == leaf.as_f64()
            }
            Self::Equals(value) => value == leaf,
            Self::EqualsIgnoringCase(value) => {
                text.is_some_and(|text| text.to_lowercase() == value.to_lowercase())
            }
            Self::Prefix(prefix) => text.is_some_and(|text| text.starts_with(prefix)),
            Self::Suffix(suffix) => text.is_some_and(|text| text.ends_with(suffix)),
            Self::Numeric(bounds) => leaf.as_f64().is_some_and(|number| {
                bounds.iter().all(|(comparison, bound)| comparison.holds(number, *bound))
            }),
            Self::Exists(exists) => *exists,
            Self::AnythingBut(rules) => !rules.iter().any(|rule| rule.holds_of_leaf(leaf)),
        }
    }
}

impl Comparison {
    fn holds(self, number: f64, bound: f64) -> bool {
        match self {
            Self::Less => number < bound,
            Self::LessOrEqual => number <= bound,
            Self::Equal => (number - bound).abs() == 0.0,
            Self::GreaterOrEqual => number >= bound,
            Self::Greater => number > bound,
        }
    }
}

/// Reads `[">", 0, "<=", 5]`: one comparison, or two.
fn numeric(argument: &Value) -> Option<Vec<(Comparison, f64)>> {
    let parts = argument.as_array().filter(|parts| matches!(parts.len(), 2 | 4))?;
    let bounds = parts.chunks(2).map(|pair| {
        let comparison = match pair[0].as_str()? {
            "<" => Comparison::Less,
            "<=" => Comparison::LessOrEqual,
            "=" => Comparison::Equal,
            ">=" => Comparison::GreaterOrEqual,
            ">" => Comparison::Greater,
            _ => return None,
        };
        Some((comparison, pair[1].as_f64()?))
    });
    bounds.collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// Whether `pattern` lets this record pass: the only place that knows how a filter is asked.
    fn passes(pattern: &Value) -> bool {
        let record = json!({
            "eventName": "INSERT",
            "dynamodb": {
                "NewImage": {
                    "kind": {"S": "message"}, "size": {"N": "5"}, "empty": {"S": ""},
                    "open": {"BOOL": true}, "none": {"NULL": null}, "tags": {"SS": ["a", "b"]},
                },
                "SizeBytes": 54,
            },
        });
        Filter::parse(&[pattern.to_string()]).unwrap().passes(&record)
    }

    fn image(attribute: &str, kind: &str, rules: &Value) -> Value {
        json!({"dynamodb": {"NewImage": {attribute: {kind: rules}}}})
    }

    #[test]
    fn no_pattern_lets_everything_pass() {
        assert!(Filter::parse(&[]).unwrap().passes(&json!({})));
    }

    #[test]
    fn any_pattern_is_enough() {
        let patterns = [json!({"a": ["no"]}).to_string(), json!({"a": ["yes"]}).to_string()];
        assert!(Filter::parse(&patterns).unwrap().passes(&json!({"a": "yes"})));
    }

    #[test]
    fn every_member_has_to_match() {
        assert!(passes(&json!({"eventName": ["MODIFY", "INSERT"]})));
        let mut pattern = image("kind", "S", &json!(["message"]));
        assert!(passes(&pattern));
        pattern["eventName"] = json!(["REMOVE"]);
        assert!(!passes(&pattern));
    }

    #[test]
    fn a_leaf_is_compared_by_each_rule() {
        for (attribute, kind, rules, expected) in [
            ("kind", "S", json!([{"prefix": "mess"}]), true),
            ("kind", "S", json!([{"prefix": "age"}]), false),
            ("kind", "S", json!([{"suffix": "age"}]), true),
            ("kind", "S", json!([{"equals-ignore-case": "MESSAGE"}]), true),
            ("kind", "S", json!([{"anything-but": ["claim", "tail"]}]), true),
            ("kind", "S", json!([{"anything-but": ["claim", "message"]}]), false),
            ("kind", "S", json!([{"anything-but": {"prefix": "mess"}}]), false),
            ("absent", "S", json!([{"anything-but": ["claim"]}]), false),
            ("kind", "S", json!([{"exists": true}]), true),
            ("kind", "S", json!([{"exists": false}]), false),
            ("absent", "S", json!([{"exists": false}]), true),
            ("absent", "S", json!([{"exists": true}]), false),
            ("empty", "S", json!([""]), true),
            ("none", "NULL", json!([null]), true),
            ("open", "BOOL", json!([true]), true),
            ("tags", "SS", json!(["b"]), true),
            ("size", "N", json!(["5"]), true),
            // A number of an item is text.
            ("size", "N", json!([{"numeric": ["=", 5]}]), false),
        ] {
            let pattern = image(attribute, kind, &rules);
            assert_eq!(passes(&pattern), expected, "{pattern}");
        }
    }

    #[test]
    fn a_number_is_compared_and_bounded() {
        for (rule, expected) in [
            (json!({"numeric": ["=", 54]}), true),
            (json!({"numeric": [">", 54]}), false),
            (json!({"numeric": [">=", 54, "<", 55]}), true),
            (json!({"numeric": [">", 0, "<=", 53]}), false),
            (json!(54.0), true),
        ] {
            assert_eq!(passes(&json!({"dynamodb": {"SizeBytes": [rule]}})), expected, "{rule}");
        }
    }

    #[test]
    fn an_attribute_itself_is_no_leaf() {
        let pattern = json!({"dynamodb": {"NewImage": {"kind": [{"exists": true}]}}});
        assert!(!passes(&pattern));
    }

    #[test]
    fn one_alternative_is_enough() {
        let size = |size: u32| json!({"dynamodb": {"SizeBytes": [size]}});
        assert!(passes(&json!({"eventName": ["INSERT"], "$or": [size(1), size(54)]})));
        assert!(!passes(&json!({"eventName": ["INSERT"], "$or": [size(1), size(2)]})));
    }

    #[test]
    fn what_lambda_does_not_know_is_refused() {
        for pattern in [
            "[",
            "7",
            r#"{"a":"text"}"#,
            r#"{"a":[]}"#,
            r#"{"a":[{"cidr":"10.0.0.0/8"}]}"#,
            r#"{"a":[{"numeric":["~",1]}]}"#,
            r#"{"a":[{"numeric":["="]}]}"#,
            r#"{"$or":[1]}"#,
        ] {
            assert!(Filter::parse(&[pattern.to_owned()]).is_err(), "{pattern}");
        }
    }
}

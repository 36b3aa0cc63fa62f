//! The route selection expression: which route a message is for.
//!
//! Served are `$request.body.PATH`, text with `${request.body.PATH}` in it, and static text, where
//! PATH is a JSON path of names and indexes. API Gateway's reader is lenient, as far as is known: a
//! captured message with an unquoted name was routed by its action. Here JSON5 is what it accepts.

use serde_json::Value;

/// Brackets that a body which is only nearly JSON may open.
///
/// Ours: the lenient reader recurses, and knows no bound of its own.
const LENIENT_BRACKETS_MAX: usize = 128;

/// A parsed expression.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Selection {
    parts: Vec<Part>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Text(String),
    Body(Vec<Step>),
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Step {
    Name(String),
    Index(usize),
}

impl Selection {
    /// Reads an expression; `None` where it is of no form that API Gateway knows.
    pub(crate) fn parse(expression: &str) -> Option<Self> {
        if let Some(text) = expression.strip_prefix('\\') {
            return Some(Self { parts: vec![Part::Text(text.to_owned())] });
        }
        if let Some(variable) = expression.strip_prefix('$')
            && !variable.starts_with('{')
        {
            return Some(Self { parts: vec![parse_variable(variable)?] });
        }
        let mut parts = Vec::new();
        let mut rest = expression;
        while let Some((text, after)) = rest.split_once("${") {
            let (variable, after) = after.split_once('}')?;
            if !text.is_empty() {
                parts.push(Part::Text(text.to_owned()));
            }
            parts.push(parse_variable(variable)?);
            rest = after;
        }
        if !rest.is_empty() {
            parts.push(Part::Text(rest.to_owned()));
        }
        Some(Self { parts })
    }

    /// Gives the route key that `body` selects; `None` where it cannot be evaluated.
    pub(crate) fn evaluate(&self, body: &str) -> Option<String> {
        let needs_body = self.parts.iter().any(|part| matches!(part, Part::Body(_)));
        let body = if needs_body { read(body)? } else { Value::Null };
        let mut key = String::new();
        for part in &self.parts {
            match part {
                Part::Text(text) => key.push_str(text),
                Part::Body(path) => {
                    if let Some(value) = find(&body, path) {
                        key.push_str(&stringified(value));
                    }
                }
            }
        }
        Some(key)
    }
}

fn parse_variable(variable: &str) -> Option<Part> {
    let path = variable.strip_prefix("request.body")?;
    let mut steps = Vec::new();
    let mut rest = path;
    while !rest.is_empty() {
        if let Some(after) = rest.strip_prefix('.') {
            let end = after.find(['.', '[']).unwrap_or(after.len());
            let (name, after) = after.split_at(end);
            if name.is_empty() {
                return None;
            }
            steps.push(Step::Name(name.to_owned()));
            rest = after;
        } else {
            let (inside, after) = rest.strip_prefix('[')?.split_once(']')?;
            steps.push(match inside.strip_prefix('\'') {
                Some(name) => Step::Name(name.strip_suffix('\'')?.to_owned()),
                None => Step::Index(inside.parse().ok()?),
            });
            rest = after;
        }
    }
    Some(Part::Body(steps))
}

fn read(body: &str) -> Option<Value> {
    if let Ok(value) = serde_json::from_str(body) {
        return Some(value);
    }
    let brackets = body.bytes().filter(|byte| matches!(byte, b'[' | b'{')).count();
    if brackets > LENIENT_BRACKETS_MAX { None } else { json5::from_str(body).ok() }
}

fn find<'a>(body: &'a Value, path: &[Step]) -> Option<&'a Value> {
    path.iter().try_fold(body, |value, step| match step {
        Step::Name(name) => value.get(name),
        Step::Index(index) => value.get(index),
    })
}

/// Spells a value as the documentation does; how `null` is spelled is not documented.
fn stringified(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(items) => {
            let items: Vec<_> = items.iter().map(stringified).collect();
            format!("[{}]", items.join(", "))
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => value.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(expression: &str, body: &str, expected: Option<&str>) {
        let selection = Selection::parse(expression).unwrap();
        assert_eq!(selection.evaluate(body).as_deref(), expected, "{expression} of {body}");
    }

    #[test]
    fn a_property_of_the_body_selects() {
        check("$request.body.action", r#"{"action":"send"}"#, Some("send"));
        check("$request.body.a.b", r#"{"a":{"b":"deep"}}"#, Some("deep"));
        check("$request.body.a[1]", r#"{"a":["x","y"]}"#, Some("y"));
        check("$request.body['a-b']", r#"{"a-b":"odd"}"#, Some("odd"));
    }

    #[test]
    fn what_is_missing_is_empty_and_what_is_no_json_selects_nothing() {
        check("$request.body.action", "{}", Some(""));
        check("$request.body.action", r#""text""#, Some(""));
        check("$request.body.action", "{action:", None);
        check("$request.body.action", "", None);
    }

    #[test]
    fn what_is_nearly_json_selects() {
        check("$request.body.action", r#"{"action":"send", body:"hi"}"#, Some("send"));
        check("$request.body.action", "{'action':'send',}", Some("send"));
        let deep = format!("{{action:{}", "[".repeat(100_000));
        check("$request.body.action", &deep, None);
    }

    #[test]
    fn parts_are_joined() {
        let body = r#"{"noun":"group","verb":"join"}"#;
        check("${request.body.noun}/${request.body.verb}", body, Some("group/join"));
        check("v1-${request.body.noun}", body, Some("v1-group"));
    }

    #[test]
    fn values_are_stringified() {
        check("$request.body.a", r#"{"a":1}"#, Some("1"));
        check("$request.body.a", r#"{"a":true}"#, Some("true"));
        check("$request.body.a", r#"{"a":["item1","item2"]}"#, Some("[item1, item2]"));
        check("$request.body.a", r#"{"a":null}"#, Some("null"));
    }

    #[test]
    fn static_text_selects_itself() {
        check("\\$default", "not json", Some("$default"));
        check("static", "not json", Some("static"));
    }

    #[test]
    fn other_variables_are_not_known() {
        for expression in ["$request.header.x", "${context.x}", "$request.body.", "${request.body"]
        {
            assert_eq!(Selection::parse(expression), None, "{expression}");
        }
    }
}

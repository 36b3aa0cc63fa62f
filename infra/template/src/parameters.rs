//! A template's parameters: declared with rules, given values from outside.

use std::collections::BTreeMap;

use regex_lite::Regex;
use serde_json::{Value, json};

use crate::error::{Error, Path, Problem};
use crate::yaml::Node;

/// Gives every declared parameter its value: the override, else the default.
///
/// Overrides that no parameter has the name of are left to the caller, as `sam deploy` leaves
/// them.
pub(crate) fn resolve(
    declared: &[(String, Node)],
    overrides: &BTreeMap<String, String>,
) -> Result<BTreeMap<String, Value>, Error> {
    let mut values = BTreeMap::new();
    for (name, parameter) in declared {
        let path = Path::root("Parameters").child(name);
        let default = parameter.at("Default").map(|node| match node {
            Node::Null => Ok(String::new()),
            Node::Plain(text) | Node::Quoted(text) => Ok(text.clone()),
            Node::List(_) | Node::Map(_) | Node::Call { .. } => {
                Err(path.child("Default").unexpected(node.kind(), "text"))
            }
        });
        let text = match (overrides.get(name), default) {
            (Some(text), _) => text.clone(),
            (None, Some(default)) => default?,
            (None, None) => return Err(path.fail(Problem::NoValue { name: name.clone() })),
        };
        values.insert(name.clone(), accept(name, parameter, &text, &path)?);
    }
    Ok(values)
}

/// Holds `text` against the rules of the parameter.
fn accept(name: &str, parameter: &Node, text: &str, path: &Path) -> Result<Value, Error> {
    let refuse = |rule| Err(path.fail(Problem::Refused { name: name.to_owned(), rule }));
    let kind = parameter.at("Type").and_then(Node::scalar).unwrap_or("String");
    let list = kind == "CommaDelimitedList" || kind.starts_with("List<");
    let parts: Vec<&str> = match (list, text.is_empty()) {
        (true, true) => Vec::new(),
        (true, false) => text.split(',').map(str::trim).collect(),
        (false, _) => vec![text],
    };
    let numbers = matches!(kind, "Number" | "List<Number>");
    if numbers && parts.iter().any(|part| part.parse::<f64>().is_err()) {
        return refuse("Type");
    }
    if let Some(Node::List(allowed)) = parameter.at("AllowedValues")
        && !parts.iter().all(|part| allowed.iter().any(|node| node.scalar() == Some(part)))
    {
        return refuse("AllowedValues");
    }
    if let Some(pattern) = parameter.at("AllowedPattern").and_then(Node::scalar)
        // AWS matches the whole value. A pattern in Java's dialect that we cannot read is not held
        // against anyone: the deployment will.
        && let Ok(pattern) = Regex::new(&format!("^(?:{pattern})$"))
        && !parts.iter().all(|part| pattern.is_match(part))
    {
        return refuse("AllowedPattern");
    }
    let bound = |rule| -> Option<f64> { parameter.at(rule)?.scalar()?.parse().ok() };
    let length = text.chars().count() as f64;
    let number = text.parse::<f64>().ok();
    let broken = [
        ("MinLength", bound("MinLength").is_some_and(|least| length < least)),
        ("MaxLength", bound("MaxLength").is_some_and(|most| length > most)),
        ("MinValue", bound("MinValue").zip(number).is_some_and(|(least, it)| it < least)),
        ("MaxValue", bound("MaxValue").zip(number).is_some_and(|(most, it)| it > most)),
    ];
    if let Some((rule, _)) = broken.into_iter().find(|(_, broken)| *broken) {
        return refuse(rule);
    }
    Ok(if list { json!(parts) } else { json!(text) })
}

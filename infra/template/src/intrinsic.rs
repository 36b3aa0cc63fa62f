//! The intrinsic functions: a tree of a template in, plain values out.
//!
//! Only what is needed is resolved: the branch of an `!If` that is not taken may name what does
//! not exist, as on AWS.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map as Object, Value, json};

use crate::error::{Error, Path, Problem};
use crate::scope::Scope;
use crate::yaml::{Node, short};

impl Scope {
    /// Resolves `node`; nothing where it comes to `AWS::NoValue`.
    pub(crate) fn value(&self, node: &Node, path: &Path) -> Result<Option<Value>, Error> {
        Ok(Some(match node {
            Node::Null => Value::Null,
            Node::Quoted(text) => json!(text),
            Node::Plain(text) => plain(text),
            Node::List(items) => {
                let mut values = Vec::with_capacity(items.len());
                for (index, item) in items.iter().enumerate() {
                    values.extend(self.value(item, &path.child(index))?);
                }
                Value::Array(values)
            }
            Node::Map(entries) => {
                let mut object = Object::new();
                for (key, entry) in entries {
                    if let Some(value) = self.value(entry, &path.child(key))? {
                        object.insert(key.clone(), value);
                    }
                }
                Value::Object(object)
            }
            Node::Call { function, argument } => return self.call(function, argument, path),
        }))
    }

    /// Resolves `node` to text; nothing where it comes to `AWS::NoValue` or is empty YAML.
    pub(crate) fn text(&self, node: &Node, path: &Path) -> Result<Option<String>, Error> {
        match self.value(node, path)? {
            None | Some(Value::Null) => Ok(None),
            Some(value) => as_text(&value, path).map(Some),
        }
    }

    /// [`Scope::text`], where nothing and empty text are the same.
    pub(crate) fn text_or_empty(&self, node: &Node, path: &Path) -> Result<String, Error> {
        Ok(self.text(node, path)?.unwrap_or_default())
    }

    /// The text under `key` of the mapping `node`.
    pub(crate) fn text_at(
        &self,
        node: &Node,
        key: &str,
        path: &Path,
    ) -> Result<Option<String>, Error> {
        match node.at(key) {
            Some(node) => self.text(node, &path.child(key)),
            None => Ok(None),
        }
    }

    /// The whole number under `key` of the mapping `node`.
    pub(crate) fn number_at(
        &self,
        node: &Node,
        key: &str,
        path: &Path,
    ) -> Result<Option<u32>, Error> {
        let Some(text) = self.text_at(node, key, path)? else { return Ok(None) };
        let number = text.parse();
        let number =
            number.map_err(|_| path.child(key).unexpected(quoted(&text), "a whole number"));
        number.map(Some)
    }

    /// The mapping of names to texts under `key` of the mapping `node`.
    pub(crate) fn texts_at(
        &self,
        node: &Node,
        key: &str,
        path: &Path,
    ) -> Result<BTreeMap<String, String>, Error> {
        let path = path.child(key);
        let value = match node.at(key) {
            Some(node) => self.value(node, &path)?,
            None => None,
        };
        match value {
            None | Some(Value::Null) => Ok(BTreeMap::new()),
            Some(Value::Object(object)) => object
                .iter()
                .map(|(name, value)| Ok((name.clone(), as_text(value, &path.child(name))?)))
                .collect(),
            Some(other) => Err(path.unexpected(kind(&other), "a mapping")),
        }
    }

    /// Whether the condition that `node` names holds.
    pub(crate) fn condition(&self, node: &Node, path: &Path) -> Result<bool, Error> {
        let Some(name) = node.scalar() else {
            return Err(path.unexpected(node.kind(), "the name of a condition"));
        };
        self.conditions.get(name).copied().ok_or_else(|| {
            let call = "a condition refers".to_owned();
            path.fail(Problem::Undeclared { call, name: name.to_owned() })
        })
    }

    fn call(&self, function: &str, argument: &Node, path: &Path) -> Result<Option<Value>, Error> {
        let call = short(function);
        match function {
            "Ref" => self.reference(&call, scalar(argument, path)?, path),
            "Condition" => self.condition(argument, path).map(|holds| Some(json!(holds))),
            "Fn::If" => self.value(self.branch(argument, path)?, path),
            "Fn::Sub" => self.sub(argument, path).map(|text| Some(json!(text))),
            "Fn::GetAtt" => self.get_att(&call, argument, path).map(Some),
            "Fn::Join" => self.join(argument, path).map(|text| Some(json!(text))),
            "Fn::Select" => self.select(argument, path).map(Some),
            "Fn::Split" => self.split(argument, path).map(Some),
            "Fn::FindInMap" => self.find_in_map(argument, path).map(Some),
            "Fn::Base64" => {
                let text = self.text_or_empty(argument, path)?;
                Ok(Some(json!(STANDARD.encode(text))))
            }
            "Fn::GetAZs" => {
                let region = &self.context.region;
                Ok(Some(json!(["a", "b", "c"].map(|zone| format!("{region}{zone}")))))
            }
            "Fn::Length" => Ok(Some(json!(self.list(argument, path)?.len()))),
            "Fn::ToJsonString" => {
                let value = self.value(argument, path)?.unwrap_or(Value::Null);
                Ok(Some(json!(value.to_string())))
            }
            _ => Err(path.fail(Problem::Unsupported { call })),
        }
    }

    /// The branch that an `!If` takes.
    pub(crate) fn branch<'node>(
        &self,
        argument: &'node Node,
        path: &Path,
    ) -> Result<&'node Node, Error> {
        let [condition, then, otherwise] = parts(argument, path)? else {
            return Err(path.unexpected(argument.kind(), "three parts of !If"));
        };
        Ok(if self.condition(condition, path)? { then } else { otherwise })
    }

    /// `${Name}`, `${Name.Attribute}`, `${!literal}`, and the second form's own variables.
    fn sub(&self, argument: &Node, path: &Path) -> Result<String, Error> {
        let (template, variables) = match argument {
            Node::List(parts) => match parts.as_slice() {
                [template, variables] => (scalar(template, path)?, Some(variables)),
                _ => return Err(path.unexpected(argument.kind(), "a text and its variables")),
            },
            Node::Null | Node::Plain(_) | Node::Quoted(_) | Node::Map(_) | Node::Call { .. } => {
                (scalar(argument, path)?, None)
            }
        };
        let mut text = String::new();
        let mut rest = template;
        while let Some((before, after)) = rest.split_once("${") {
            text.push_str(before);
            let Some((name, after)) = after.split_once('}') else {
                rest = &rest[before.len()..];
                break;
            };
            match name.strip_prefix('!') {
                Some(literal) => text.push_str(&format!("${{{literal}}}")),
                None => text.push_str(&self.variable(name.trim(), variables, path)?),
            }
            rest = after;
        }
        text.push_str(rest);
        Ok(text)
    }

    fn variable(&self, name: &str, variables: Option<&Node>, path: &Path) -> Result<String, Error> {
        if let Some(node) = variables.and_then(|variables| variables.at(name)) {
            return self.text_or_empty(node, path);
        }
        let value = match name.split_once('.') {
            Some((resource, attribute)) => Some(self.attribute("!Sub", resource, attribute, path)?),
            None => self.reference("!Sub", name, path)?,
        };
        value.map_or(Ok(String::new()), |value| as_text(&value, path))
    }

    /// `Resource.Attribute`, or the two as a list.
    fn get_att(&self, call: &str, argument: &Node, path: &Path) -> Result<Value, Error> {
        if let Node::List(parts) = argument {
            let [resource, attribute] = parts.as_slice() else {
                return Err(path.unexpected(argument.kind(), "a resource and an attribute"));
            };
            let attribute = self.text_or_empty(attribute, path)?;
            return self.attribute(call, scalar(resource, path)?, &attribute, path);
        }
        let text = scalar(argument, path)?;
        let Some((resource, attribute)) = text.split_once('.') else {
            return Err(path.unexpected(quoted(text), "a resource and an attribute"));
        };
        self.attribute(call, resource, attribute, path)
    }

    fn join(&self, argument: &Node, path: &Path) -> Result<String, Error> {
        let [delimiter, list] = parts(argument, path)? else {
            return Err(path.unexpected(argument.kind(), "a delimiter and a list"));
        };
        let delimiter = self.text_or_empty(delimiter, path)?;
        let values = self.list(list, path)?;
        let texts: Result<Vec<_>, _> = values.iter().map(|value| as_text(value, path)).collect();
        Ok(texts?.join(&delimiter))
    }

    fn select(&self, argument: &Node, path: &Path) -> Result<Value, Error> {
        let [index, list] = parts(argument, path)? else {
            return Err(path.unexpected(argument.kind(), "an index and a list"));
        };
        let text = self.text_or_empty(index, path)?;
        let values = self.list(list, path)?;
        let index = text.parse::<usize>().ok().filter(|index| *index < values.len());
        match index {
            Some(index) => Ok(values[index].clone()),
            None => {
                let expected = format!("an index into {} values", values.len());
                Err(path.unexpected(quoted(&text), &expected))
            }
        }
    }

    fn split(&self, argument: &Node, path: &Path) -> Result<Value, Error> {
        let [delimiter, text] = parts(argument, path)? else {
            return Err(path.unexpected(argument.kind(), "a delimiter and a text"));
        };
        let delimiter = self.text_or_empty(delimiter, path)?;
        if delimiter.is_empty() {
            return Err(path.unexpected("no delimiter", "a delimiter"));
        }
        let text = self.text_or_empty(text, path)?;
        Ok(text.split(delimiter.as_str()).map(|part| json!(part)).collect())
    }

    /// Two keys into a mapping, and optionally what to give where there is nothing.
    fn find_in_map(&self, argument: &Node, path: &Path) -> Result<Value, Error> {
        let (keys, default) = match parts(argument, path)? {
            keys @ [_, _, _] => (keys, None),
            [keys @ .., options] if keys.len() == 3 => (keys, options.at("DefaultValue")),
            _ => return Err(path.unexpected(argument.kind(), "a mapping and two keys")),
        };
        let mut names = Vec::with_capacity(3);
        for key in keys {
            names.push(self.text_or_empty(key, path)?);
        }
        let mapping = self.mappings.iter().find(|(name, _)| *name == names[0]);
        let found = mapping
            .and_then(|(_, mapping)| mapping.at(&names[1]))
            .and_then(|top| top.at(&names[2]));
        let Some(node) = found.or(default) else {
            let name = names.join(".");
            return Err(path.fail(Problem::Undeclared { call: "!FindInMap".to_owned(), name }));
        };
        Ok(self.value(node, path)?.unwrap_or(Value::Null))
    }

    fn list(&self, node: &Node, path: &Path) -> Result<Vec<Value>, Error> {
        match self.value(node, path)? {
            Some(Value::Array(values)) => Ok(values),
            Some(other) => Err(path.unexpected(kind(&other), "a list")),
            None => Ok(Vec::new()),
        }
    }
}

/// What a value is as text: numbers and booleans as JSON writes them.
pub(crate) fn as_text(value: &Value, path: &Path) -> Result<String, Error> {
    match value {
        Value::String(text) => Ok(text.clone()),
        Value::Bool(_) | Value::Number(_) => Ok(value.to_string()),
        Value::Null => Ok(String::new()),
        Value::Array(_) | Value::Object(_) => Err(path.unexpected(kind(value), "text")),
    }
}

/// What an error calls a value.
pub(crate) fn kind(value: &Value) -> String {
    match value {
        Value::Null => "nothing".to_owned(),
        Value::Array(_) => "a list".to_owned(),
        Value::Object(_) => "a mapping".to_owned(),
        Value::String(text) => quoted(text),
        Value::Bool(_) | Value::Number(_) => format!("the value {value}"),
    }
}

fn quoted(text: &str) -> String {
    format!("the text {text:?}")
}

/// Booleans and whole numbers, and only those that come back as they were written: `007` and
/// `1.10` stay text.
fn plain(text: &str) -> Value {
    match text {
        "true" | "True" | "TRUE" => json!(true),
        "false" | "False" | "FALSE" => json!(false),
        _ => match text.parse::<i64>() {
            Ok(number) if number.to_string() == text => json!(number),
            Ok(_) | Err(_) => json!(text),
        },
    }
}

fn scalar<'node>(node: &'node Node, path: &Path) -> Result<&'node str, Error> {
    node.scalar().ok_or_else(|| path.unexpected(node.kind(), "text"))
}

fn parts<'node>(node: &'node Node, path: &Path) -> Result<&'node [Node], Error> {
    match node {
        Node::List(parts) => Ok(parts),
        Node::Null | Node::Plain(_) | Node::Quoted(_) | Node::Map(_) | Node::Call { .. } => {
            Err(path.unexpected(node.kind(), "a list"))
        }
    }
}

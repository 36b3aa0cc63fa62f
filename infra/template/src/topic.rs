//! `AWS::SNS::Topic`: its name, and what it does with repeated messages.
//!
//! Subscriptions, encryption, archives and delivery logs have no meaning on one machine.

use crate::error::{Error, Path};
use crate::model::{Fifo, FifoScope, Topic};
use crate::scope::Scope;
use crate::yaml::Node;

/// What the name of a FIFO topic, and of no other, ends with ("CreateTopic", Amazon SNS API
/// reference).
const SUFFIX: &str = ".fifo";

/// What the topic is called: what the template says, else its logical id.
pub(crate) fn name(
    scope: &Scope,
    id: &str,
    properties: &Node,
    path: &Path,
) -> Result<String, Error> {
    let path = path.child("Properties");
    let is_fifo = is_set(scope, properties, "FifoTopic", &path)?;
    match scope.text_at(properties, "TopicName", &path)? {
        Some(name) if name.ends_with(SUFFIX) != is_fifo => {
            let expected = match is_fifo {
                true => "a name with the ending .fifo",
                false => "a name without the ending .fifo",
            };
            Err(path.child("TopicName").unexpected(format!("the text {name:?}"), expected))
        }
        Some(name) => Ok(name),
        None if is_fifo => Ok(format!("{id}{SUFFIX}")),
        None => Ok(id.to_owned()),
    }
}

/// Reads one `AWS::SNS::Topic`.
pub(crate) fn read(
    scope: &Scope,
    id: &str,
    properties: &Node,
    path: &Path,
) -> Result<Topic, Error> {
    let name = name(scope, id, properties, path)?;
    let path = path.child("Properties");
    let fifo = match is_set(scope, properties, "FifoTopic", &path)? {
        true => Some(Fifo {
            scope: throughput_scope(scope, properties, &path)?,
            by_content: is_set(scope, properties, "ContentBasedDeduplication", &path)?,
        }),
        false => None,
    };
    Ok(Topic { id: id.to_owned(), arn: scope.arn("sns", &name), name, fifo })
}

fn throughput_scope(scope: &Scope, properties: &Node, path: &Path) -> Result<FifoScope, Error> {
    match scope.text_at(properties, "FifoThroughputScope", path)?.as_deref() {
        None | Some("Topic") => Ok(FifoScope::Topic),
        Some("MessageGroup") => Ok(FifoScope::MessageGroup),
        Some(other) => {
            let found = format!("the text {other:?}");
            Err(path.child("FifoThroughputScope").unexpected(found, "Topic or MessageGroup"))
        }
    }
}

fn is_set(scope: &Scope, properties: &Node, key: &str, path: &Path) -> Result<bool, Error> {
    match scope.text_at(properties, key, path)?.as_deref() {
        Some("true") => Ok(true),
        None | Some("false") => Ok(false),
        Some(other) => {
            Err(path.child(key).unexpected(format!("the text {other:?}"), "true or false"))
        }
    }
}

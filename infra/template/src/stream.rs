//! What feeds functions from tables' streams: events of type `DynamoDB` and
//! `AWS::Lambda::EventSourceMapping`, which have the same properties under three different names.

use std::time::Duration;

use serde_json::Value;

use crate::error::{Error, Path};
use crate::function;
use crate::intrinsic::{as_text, kind};
use crate::model::StreamMapping;
use crate::scope::{Scope, is_table};
use crate::yaml::Node;

/// Lambda's default for streams: `CreateEventSourceMapping`, `BatchSize`.
const BATCH_SIZE_DEFAULT: u32 = 100;

/// Reads one mapping; nothing where it is switched off or its source is not a table's stream.
///
/// `function` is known for an event, and named by the properties of an
/// `AWS::Lambda::EventSourceMapping`.
pub(crate) fn read(
    scope: &Scope,
    id: &str,
    function: Option<&str>,
    properties: &Node,
    path: &Path,
) -> Result<Option<StreamMapping>, Error> {
    let path = path.child("Properties");
    let source = if function.is_some() { "Stream" } else { "EventSourceArn" };
    let Some(arn) = scope.text_at(properties, source, &path)? else {
        return Err(path.missing(source));
    };
    let enabled = scope.text_at(properties, "Enabled", &path)?;
    let Some(table) = table(scope, &arn).filter(|_| enabled.as_deref() != Some("false")) else {
        return Ok(None);
    };
    let function = match function {
        Some(function) => function.to_owned(),
        None => match scope.text_at(properties, "FunctionName", &path)? {
            Some(name) => function::named(scope, &name, &path.child("FunctionName"))?,
            None => return Err(path.missing("FunctionName")),
        },
    };
    let number = |key| scope.number_at(properties, key, &path);
    let unbounded = |key| -> Result<Option<u32>, Error> {
        // Lambda writes "no bound" as -1.
        match scope.text_at(properties, key, &path)?.as_deref() {
            Some("-1") => Ok(None),
            Some(_) | None => number(key),
        }
    };
    let truth = |key| -> Result<bool, Error> {
        Ok(scope.text_at(properties, key, &path)?.as_deref() == Some("true"))
    };
    let window = number("MaximumBatchingWindowInSeconds")?.unwrap_or(0);
    let age = unbounded("MaximumRecordAgeInSeconds")?;
    let responses = list(scope, properties, "FunctionResponseTypes", &path)?;
    let start = scope.text_at(properties, "StartingPosition", &path)?;
    Ok(Some(StreamMapping {
        id: id.to_owned(),
        function,
        table,
        source: arn,
        from_oldest: start.as_deref() == Some("TRIM_HORIZON"),
        batch_size: number("BatchSize")?.unwrap_or(BATCH_SIZE_DEFAULT),
        batching_window: Duration::from_secs(u64::from(window)),
        parallelization: number("ParallelizationFactor")?.unwrap_or(1),
        filters: filters(scope, properties, &path)?,
        bisect: truth("BisectBatchOnFunctionError")?,
        retries_max: unbounded("MaximumRetryAttempts")?,
        record_age_max: age.map(|seconds| Duration::from_secs(u64::from(seconds))),
        reports_failures: responses.iter().any(|kind| kind == "ReportBatchItemFailures"),
        on_failure: on_failure(scope, properties, &path)?,
    }))
}

/// The logical id of the table that `arn` is a stream of.
fn table(scope: &Scope, arn: &str) -> Option<String> {
    let (_, after) = arn.split_once(":table/")?;
    let (name, _) = after.split_once("/stream/")?;
    let mut tables = scope.resources.iter().filter(|(_, resource)| is_table(&resource.kind));
    let found = tables.find(|(id, resource)| resource.name.as_ref().unwrap_or(id) == name);
    found.map(|(id, _)| id.clone())
}

fn filters(scope: &Scope, properties: &Node, path: &Path) -> Result<Vec<String>, Error> {
    let path = path.child("FilterCriteria");
    let criteria = properties.at("FilterCriteria").unwrap_or(&Node::Null);
    let filters = match criteria.at("Filters") {
        Some(node) => scope.value(node, &path)?,
        None => None,
    };
    let Some(filters) = filters else { return Ok(Vec::new()) };
    let patterns = filters.as_array().into_iter().flatten();
    patterns
        .map(|filter| match filter.get("Pattern") {
            Some(Value::String(pattern)) => Ok(pattern.clone()),
            Some(other) => Err(path.unexpected(kind(other), "a pattern as text")),
            None => Err(path.missing("Pattern")),
        })
        .collect()
}

fn on_failure(scope: &Scope, properties: &Node, path: &Path) -> Result<Option<String>, Error> {
    let path = path.child("DestinationConfig");
    let config = properties.at("DestinationConfig").and_then(|config| config.at("OnFailure"));
    match config {
        Some(config) => scope.text_at(config, "Destination", &path.child("OnFailure")),
        None => Ok(None),
    }
}

fn list(scope: &Scope, node: &Node, key: &str, path: &Path) -> Result<Vec<String>, Error> {
    let path = path.child(key);
    let value = match node.at(key) {
        Some(node) => scope.value(node, &path)?,
        None => None,
    };
    match value {
        None => Ok(Vec::new()),
        Some(Value::Array(values)) => values.iter().map(|value| as_text(value, &path)).collect(),
        Some(other) => Err(path.unexpected(kind(&other), "a list")),
    }
}

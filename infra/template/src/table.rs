//! `AWS::DynamoDB::Table` and `AWS::Serverless::SimpleTable`, as `CreateTable` requests.
//!
//! What has no meaning on one machine is dropped: encryption, tags, point-in-time recovery,
//! deletion protection, alarms.

use serde_json::{Map as Object, Value, json};

use crate::error::{Error, Path};
use crate::model::Table;
use crate::scope::Scope;
use crate::yaml::Node;

/// The properties that CloudFormation and `CreateTable` share.
const TABLE_KEPT: [&str; 6] = [
    "AttributeDefinitions",
    "KeySchema",
    "BillingMode",
    "ProvisionedThroughput",
    "GlobalSecondaryIndexes",
    "LocalSecondaryIndexes",
];

/// The same of an index.
const INDEX_KEPT: [&str; 4] = ["IndexName", "KeySchema", "Projection", "ProvisionedThroughput"];

/// Reads one `AWS::DynamoDB::Table`.
pub(crate) fn read(
    scope: &Scope,
    id: &str,
    properties: &Node,
    path: &Path,
) -> Result<Table, Error> {
    let path = path.child("Properties");
    let mut create = Object::new();
    create.insert("TableName".to_owned(), json!(name(scope, id)));
    for key in TABLE_KEPT {
        let Some(node) = properties.at(key) else { continue };
        let Some(mut value) = scope.value(node, &path.child(key))? else { continue };
        if key.ends_with("Indexes") {
            keep_of_indexes(&mut value);
        }
        create.insert(key.to_owned(), value);
    }
    for key in ["AttributeDefinitions", "KeySchema"] {
        if !create.contains_key(key) {
            return Err(path.missing(key));
        }
    }
    if let Some(stream) = properties.at("StreamSpecification") {
        let path = path.child("StreamSpecification");
        // CloudFormation leaves out that the stream is enabled: to specify it is to enable it.
        if let Some(view) = scope.text_at(stream, "StreamViewType", &path)? {
            let stream = json!({ "StreamEnabled": true, "StreamViewType": view });
            create.insert("StreamSpecification".to_owned(), stream);
        }
    }
    let ttl_attribute = match properties.at("TimeToLiveSpecification") {
        Some(node) => ttl(scope, node, &path.child("TimeToLiveSpecification"))?,
        None => None,
    };
    Ok(Table { id: id.to_owned(), create: Value::Object(create), ttl_attribute })
}

/// Reads one `AWS::Serverless::SimpleTable`: one key, `id` unless it says otherwise.
pub(crate) fn read_simple(
    scope: &Scope,
    id: &str,
    properties: &Node,
    path: &Path,
) -> Result<Table, Error> {
    let path = path.child("Properties");
    let key = properties.at("PrimaryKey").unwrap_or(&Node::Null);
    let key_path = path.child("PrimaryKey");
    let name_of_key = scope.text_at(key, "Name", &key_path)?.unwrap_or_else(|| "id".to_owned());
    let kind = match scope.text_at(key, "Type", &key_path)?.as_deref() {
        None | Some("String") => "S",
        Some("Number") => "N",
        Some("Binary") => "B",
        Some(other) => {
            let found = format!("the text {other:?}");
            return Err(key_path.child("Type").unexpected(found, "String, Number or Binary"));
        }
    };
    let create = json!({
        "TableName": name(scope, id),
        "AttributeDefinitions": [{ "AttributeName": name_of_key, "AttributeType": kind }],
        "KeySchema": [{ "AttributeName": name_of_key, "KeyType": "HASH" }],
        "BillingMode": "PAY_PER_REQUEST",
    });
    Ok(Table { id: id.to_owned(), create, ttl_attribute: None })
}

/// What the table was named, else its logical id.
fn name(scope: &Scope, id: &str) -> String {
    let given = scope.resources.get(id).and_then(|resource| resource.name.clone());
    given.unwrap_or_else(|| id.to_owned())
}

fn keep_of_indexes(indexes: &mut Value) {
    for index in indexes.as_array_mut().into_iter().flatten() {
        if let Some(index) = index.as_object_mut() {
            index.retain(|key, _| INDEX_KEPT.contains(&key.as_str()));
        }
    }
}

/// The attribute that expires items; none where expiry is declared and switched off.
fn ttl(scope: &Scope, node: &Node, path: &Path) -> Result<Option<String>, Error> {
    if scope.text_at(node, "Enabled", path)?.as_deref() == Some("false") {
        return Ok(None);
    }
    match scope.text_at(node, "AttributeName", path)? {
        Some(attribute) => Ok(Some(attribute)),
        None => Err(path.missing("AttributeName")),
    }
}

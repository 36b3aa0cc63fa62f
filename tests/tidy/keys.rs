//! The template's tables have the keys that the store writes.

use std::collections::BTreeMap;

use serde_json::Value;
use store_dynamo::keys::{connections, directory, entry, inbox, search};
use template::model::Table;

use crate::tree::deployment;

/// A table's partition key, its sort key with both types, and its TTL attribute.
type Schema = (Vec<(String, String)>, Option<String>);

#[test]
fn the_templates_keys_are_the_stores() {
    let schema = |keys: &[(&str, &str)], ttl: Option<&str>| -> Schema {
        let keys = keys.iter().map(|(name, kind)| ((*name).to_owned(), (*kind).to_owned()));
        (keys.collect(), ttl.map(str::to_owned))
    };
    let expected = BTreeMap::from([
        ("TimelineTable", schema(&[(entry::TIMELINE, "S"), (entry::SEQ, "N")], None)),
        ("InboxTable", schema(&[(inbox::USER, "S"), (inbox::POSITION, "N")], Some(inbox::EXPIRES))),
        (
            "DirectoryTable",
            schema(
                &[(directory::PARTITION, "S"), (directory::SORT, "S")],
                Some(directory::EXPIRES),
            ),
        ),
        ("SearchTable", schema(&[(search::PARTITION, "S"), (search::NUMBER, "N")], None)),
        ("ConnectionsTable", schema(&[(connections::USER, "S")], Some(connections::EXPIRES))),
    ]);
    let deployment = deployment();
    let found: BTreeMap<_, _> =
        deployment.tables.iter().map(|(id, table)| (id.as_str(), read(table))).collect();
    assert_eq!(found, expected);
}

fn read(table: &Table) -> Schema {
    let text = |value: &Value, key: &str| value[key].as_str().unwrap().to_owned();
    let list = |key: &str| table.create[key].as_array().unwrap().clone();
    let kinds: BTreeMap<_, _> = list("AttributeDefinitions")
        .iter()
        .map(|attribute| (text(attribute, "AttributeName"), text(attribute, "AttributeType")))
        .collect();
    // The partition key comes first: "HASH" is before "RANGE".
    let mut keys: Vec<_> = list("KeySchema")
        .iter()
        .map(|key| (text(key, "KeyType"), text(key, "AttributeName")))
        .collect();
    keys.sort();
    assert_eq!(keys.len(), kinds.len(), "{}: an attribute that is no key", table.id);
    let keys = keys.into_iter().map(|(_, name)| {
        let kind = kinds[&name].clone();
        (name, kind)
    });
    (keys.collect(), table.ttl_attribute.clone())
}

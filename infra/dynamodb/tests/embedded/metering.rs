//! What is counted is what is reported, and what is reported is what was asked for.

use dynamodb::Units;
use serde_json::{Value, json};

use crate::client::Client;
use crate::quiet;

fn item(key: &str, bytes: usize) -> Value {
    json!({ "pk": { "S": key }, "sk": { "N": "1" }, "v": { "S": "x".repeat(bytes) } })
}

fn key(key: &str) -> Value {
    json!({ "pk": { "S": key }, "sk": { "N": "1" } })
}

/// Every operation that consumes, with whether it writes.
fn consuming() -> Vec<(&'static str, bool, Value)> {
    let indexed = json!({ "pk": { "S": "i" }, "sk": { "N": "1" }, "by": { "S": "x" } });
    let put = |item: Value| json!({ "TableName": "Box", "Item": item });
    vec![
        ("PutItem", true, put(item("a", 1030))),
        ("PutItem", true, put(indexed)),
        (
            "UpdateItem",
            true,
            json!({
                "TableName": "Box", "Key": key("a"), "UpdateExpression": "SET n = :n",
                "ExpressionAttributeValues": { ":n": { "N": "1" } },
            }),
        ),
        ("GetItem", false, json!({ "TableName": "Box", "Key": key("a") })),
        ("GetItem", false, json!({ "TableName": "Box", "Key": key("a"), "ConsistentRead": true })),
        (
            "Query",
            false,
            json!({
                "TableName": "Box", "KeyConditionExpression": "pk = :a",
                "ExpressionAttributeValues": { ":a": { "S": "a" } },
            }),
        ),
        ("Scan", false, json!({ "TableName": "Box" })),
        (
            "BatchWriteItem",
            true,
            json!({
                "RequestItems": { "Box": [{ "PutRequest": { "Item": item("b", 3000) } }] },
            }),
        ),
        ("BatchGetItem", false, json!({ "RequestItems": { "Box": { "Keys": [key("b")] } } })),
        ("TransactWriteItems", true, json!({ "TransactItems": [{ "Put": put(item("c", 10)) }] })),
        (
            "TransactGetItems",
            false,
            json!({
                "TransactItems": [{ "Get": { "TableName": "Box", "Key": key("c") } }],
            }),
        ),
        (
            "ExecuteStatement",
            false,
            json!({
                "Statement": "SELECT * FROM Box WHERE pk = 'a' AND sk = 1",
            }),
        ),
        (
            "ExecuteStatement",
            true,
            json!({
                "Statement": "DELETE FROM Box WHERE pk = 'a' AND sk = 1",
            }),
        ),
    ]
}

#[test]
fn what_is_counted_is_what_is_reported() {
    let (embedded, mut client) = quiet();
    let mut sum = Units::default();
    for (operation, writes, body) in consuming() {
        let mut asking = body.clone();
        asking["ReturnConsumedCapacity"] = json!("TOTAL");
        let answer = client.ok(operation, &asking);
        let capacity = &answer["ConsumedCapacity"];
        let table = capacity.get(0).unwrap_or(capacity);
        let reported = table["CapacityUnits"].as_f64().unwrap();
        assert!(reported > 0.0, "{operation}");
        sum.requests += 1;
        *(if writes { &mut sum.write_units } else { &mut sum.read_units }) += reported;
        assert_eq!(embedded.consumed().tables["Box"], sum, "{operation}");
    }
}

#[test]
fn who_did_not_ask_is_counted_all_the_same_and_not_told() {
    let (asked, mut asking) = quiet();
    let (silent, mut client) = quiet();
    for (operation, _, mut body) in consuming() {
        let answer = client.ok(operation, &body);
        assert_eq!(answer["ConsumedCapacity"], Value::Null, "{operation}");
        body["ReturnConsumedCapacity"] = json!("INDEXES");
        let detailed = asking.ok(operation, &body)["ConsumedCapacity"].to_string();
        assert!(detailed.contains("CapacityUnits"), "{operation}");
    }
    assert_eq!(silent.consumed(), asked.consumed());
}

#[test]
fn a_refused_write_costs_what_it_looked_at() {
    let (embedded, mut client) = quiet();
    client.ok("PutItem", &json!({ "TableName": "Box", "Item": item("big", 2500) }));
    let before = embedded.consumed().tables["Box"];
    let refused = [
        ("PutItem", "attribute_not_exists(pk)", "big", 3.0),
        ("PutItem", "attribute_exists(pk)", "absent", 1.0),
        ("DeleteItem", "attribute_exists(pk)", "absent", 1.0),
        ("UpdateItem", "attribute_not_exists(pk)", "big", 3.0),
    ];
    let mut failed = 0.0;
    for (operation, condition, name, units) in refused {
        let mut body = json!({ "TableName": "Box", "ConditionExpression": condition });
        match operation {
            "PutItem" => body["Item"] = item(name, 10),
            _ => body["Key"] = key(name),
        }
        let answer = client.ask(operation, &body).unwrap();
        assert_eq!(answer.error(), "ConditionalCheckFailedException", "{}", answer.body);
        assert_eq!(answer.json()["Item"], Value::Null, "told without having asked");
        failed += units;
        assert_eq!(embedded.consumed().tables["Box"].failed_write_units, failed, "{operation}");
    }
    let after = embedded.consumed().tables["Box"];
    assert_eq!(after.write_units, before.write_units);
    assert_eq!(after.requests, before.requests + 4);
}

#[test]
fn a_cancelled_transaction_costs_its_preparation() {
    let (embedded, mut client) = quiet();
    client.ok("PutItem", &json!({ "TableName": "Box", "Item": item("big", 2500) }));
    let part = |name: &str, old: &str| {
        json!({ "Put": {
            "TableName": "Box", "Item": item(name, 1500),
            "ConditionExpression": "attribute_not_exists(pk)",
            "ReturnValuesOnConditionCheckFailure": old,
        } })
    };
    let mut cancel = |old| {
        let body = json!({ "TransactItems": [part("new", "NONE"), part("big", old)] });
        let answer = client.ask("TransactWriteItems", &body).unwrap();
        assert_eq!(answer.error(), "TransactionCanceledException");
        answer.json()["CancellationReasons"][1].clone()
    };
    assert_eq!(cancel("NONE")["Item"], Value::Null);
    assert_eq!(cancel("ALL_OLD")["Item"]["pk"], json!({ "S": "big" }));
    let consumed = embedded.consumed().tables["Box"];
    assert_eq!(consumed.failed_write_units, 2.0 * (2.0 + 3.0));
    assert_eq!(consumed.requests, 3);
}

#[test]
fn a_repeated_transaction_is_billed_as_a_read() {
    let (embedded, mut client) = quiet();
    let body = json!({
        "ClientRequestToken": "once",
        "TransactItems": [{ "Put": { "TableName": "Box", "Item": item("a", 10) } }],
    });
    client.ok("TransactWriteItems", &body);
    let first = embedded.consumed().tables["Box"];
    client.ok("TransactWriteItems", &body);
    let second = embedded.consumed().tables["Box"];
    assert_eq!((first.write_units, first.read_units), (2.0, 0.0));
    assert_eq!((second.write_units, second.read_units), (2.0, 2.0));
}

#[test]
fn callers_are_told_apart() {
    let (embedded, mut ada) = quiet();
    let mut bob = Client::new(&embedded.endpoint(), "BobFunction");
    ada.ok("PutItem", &json!({ "TableName": "Box", "Item": item("a", 10) }));
    for _ in 0..2 {
        bob.ok("GetItem", &json!({ "TableName": "Box", "Key": key("a") }));
    }
    let consumed = embedded.consumed();
    let of = |caller: &str| consumed.callers[caller]["Box"];
    let units = Units::default();
    assert_eq!(of("AdaFunction"), Units { write_units: 1.0, requests: 1, ..units });
    assert_eq!(of("BobFunction"), Units { read_units: 1.0, requests: 2, ..units });
    let all = Units { read_units: 1.0, write_units: 1.0, requests: 3, ..units };
    assert_eq!(consumed.tables["Box"], all);
}

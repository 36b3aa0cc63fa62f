//! What is answered is what dynoxide's own server answers.

use dynoxide::Database;
use serde_json::{Value, json};

use crate::client::{Answer, Client};
use crate::{quiet, table};

/// Puts that meet every kind of answer, in an order in which each has something to meet.
fn puts() -> Vec<(&'static str, Value)> {
    let absent = "attribute_not_exists(pk)";
    let put = |rest: Value| merge(&json!({ "TableName": "Box", "Item": item() }), &rest);
    vec![
        ("PutItem", put(json!({ "ConditionExpression": absent }))),
        ("PutItem", put(json!({ "ConditionExpression": absent }))),
        (
            "PutItem",
            put(json!({
                "ConditionExpression": absent, "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
            })),
        ),
        ("PutItem", put(json!({ "ConditionExpression": "pk = :missing" }))),
        ("PutItem", put(json!({ "ReturnConsumedCapacity": "TOTAL" }))),
        ("PutItem", put(json!({ "ReturnConsumedCapacity": "INDEXES" }))),
        ("PutItem", put(json!({ "ReturnConsumedCapacity": "EVERYTHING" }))),
        (
            "PutItem",
            json!({ "TableName": "Box", "Item": { "pk": { "S": "" }, "sk": { "N": "1" } } }),
        ),
        ("PutItem", json!({ "TableName": "Box", "Item": { "pk": { "S": "b" } } })),
        ("PutItem", json!({ "TableName": "Box", "Item": { "pk": "b" } })),
        ("PutItem", json!({ "TableName": "Box", "Item": { "pk": { "N": "1e999" } } })),
        ("PutItem", json!({ "TableName": "Nowhere", "Item": item() })),
        ("PutItem", json!({ "TableName": "a b", "Item": item() })),
        ("PutItem", json!({ "Item": item() })),
        ("PutItem", json!([])),
    ]
}

/// What is asked of one item, or of some.
fn singles() -> Vec<(&'static str, Value)> {
    let key = key();
    let five = json!({ ":x": { "N": "5" } });
    vec![
        ("GetItem", json!({ "TableName": "Box", "Key": key })),
        ("GetItem", json!({ "TableName": "Box", "Key": key, "ReturnConsumedCapacity": "TOTAL" })),
        ("GetItem", json!({ "TableName": "Box", "Key": { "pk": { "S": "a" } } })),
        (
            "UpdateItem",
            json!({
                "TableName": "Box", "Key": key, "UpdateExpression": "ADD n :one",
                "ExpressionAttributeValues": { ":one": { "N": "1" } }, "ReturnValues": "ALL_NEW",
            }),
        ),
        (
            "UpdateItem",
            json!({
                "TableName": "Box", "Key": key, "UpdateExpression": "SET n = :x",
                "ConditionExpression": "n > :x", "ExpressionAttributeValues": five,
            }),
        ),
        (
            "Query",
            json!({
                "TableName": "Box", "KeyConditionExpression": "pk = :a",
                "ExpressionAttributeValues": { ":a": { "S": "a" } },
            }),
        ),
        ("Query", json!({ "TableName": "Box" })),
    ]
}

/// What is asked of several at once, and of the store.
fn several() -> Vec<(&'static str, Value)> {
    let (key, item) = (key(), item());
    let failing = json!({ "Put": {
        "TableName": "Box", "Item": item, "ConditionExpression": "attribute_not_exists(pk)",
    } });
    let other = json!({ "pk": { "S": "z" }, "sk": { "N": "1" } });
    let fresh = json!({ "Put": { "TableName": "Box", "Item": other } });
    vec![
        (
            "BatchWriteItem",
            json!({ "RequestItems": { "Box": [{ "PutRequest": { "Item": item } }] } }),
        ),
        ("BatchWriteItem", json!({ "RequestItems": {} })),
        ("BatchGetItem", json!({ "RequestItems": { "Box": { "Keys": [key] } } })),
        ("TransactWriteItems", json!({ "TransactItems": [fresh, failing] })),
        ("TransactWriteItems", json!({ "TransactItems": [fresh, fresh] })),
        (
            "TransactWriteItems",
            json!({
                "TransactItems": [fresh], "ReturnConsumedCapacity": "TOTAL",
            }),
        ),
        (
            "TransactGetItems",
            json!({ "TransactItems": [{ "Get": { "TableName": "Box", "Key": key } }] }),
        ),
        (
            "ExecuteStatement",
            json!({ "Statement": "SELECT pk FROM Box WHERE pk = 'a' AND sk = 1" }),
        ),
        ("ExecuteStatement", json!({ "Statement": "SELECT" })),
        ("DeleteItem", json!({ "TableName": "Box", "Key": key, "ReturnValues": "ALL_OLD" })),
        (
            "DeleteItem",
            json!({
                "TableName": "Box", "Key": key, "ConditionExpression": "attribute_exists(pk)",
            }),
        ),
        ("Scan", json!({ "TableName": "Box", "Limit": 0 })),
        ("DescribeTimeToLive", json!({ "TableName": "Box" })),
        ("ListTables", json!({})),
        ("GetRecords", json!({ "ShardIterator": "nonsense" })),
        ("DescribeLimits", json!({})),
    ]
}

fn key() -> Value {
    json!({ "pk": { "S": "a" }, "sk": { "N": "1" } })
}

fn item() -> Value {
    json!({ "pk": { "S": "a" }, "sk": { "N": "1" }, "v": { "NS": ["3", "1", "2"] } })
}

#[test]
fn answers_are_those_of_dynoxide() {
    let (_embedded, mut ours) = quiet();
    let mut theirs = Client::new(&dynoxide_alone(), "AdaFunction");
    for (operation, body) in [puts(), singles(), several()].concat() {
        let expected = shown(&theirs.ask(operation, &body).unwrap());
        assert_eq!(shown(&ours.ask(operation, &body).unwrap()), expected, "{operation} {body}");
    }
}

#[test]
fn odd_requests_are_answered_as_dynoxide_does() {
    let (_embedded, ours) = quiet();
    let endpoints = [ours, Client::new(&dynoxide_alone(), "")];
    let json = "Content-Type: application/x-amz-json-1.0\r\n";
    let target = "X-Amz-Target: DynamoDB_20120810.PutItem\r\n";
    let requests = [
        ("GET", String::new(), ""),
        ("DELETE", String::new(), ""),
        ("POST", json.to_owned(), "{}"),
        ("POST", format!("{json}X-Amz-Target: DynamoDB_20120810.Fly\r\n"), "{}"),
        ("POST", format!("{json}{target}"), "{}"),
        ("POST", format!("{json}{target}"), "{"),
        ("POST", format!("Content-Type: text/plain\r\n{target}"), "{}"),
        ("OPTIONS", "Origin: http://localhost\r\n".to_owned(), ""),
    ];
    let [ours, theirs] = endpoints.map(|mut client| {
        let asked = requests.iter();
        let answers = asked.map(|(method, head, body)| client.raw(method, head, body).unwrap());
        answers.map(|answer| shown(&answer)).collect::<Vec<_>>()
    });
    assert_eq!(ours, theirs);
}

#[test]
fn an_answer_carries_its_number_and_checksum() {
    let (_embedded, mut client) = quiet();
    let answer = client.ask("GetItem", &json!({ "TableName": "Box", "Key": {} })).unwrap();
    let checksum = crc32fast::hash(answer.body.as_bytes());
    assert!(answer.head.contains(&format!("x-amz-crc32: {checksum}\r\n")), "{}", answer.head);
    let id = answer.head.lines().find_map(|line| line.strip_prefix("x-amzn-requestid: "));
    assert_eq!(id.map(str::len), Some(52));
}

#[test]
fn a_body_beyond_16_mb_is_refused() {
    let (embedded, mut client) = quiet();
    let body = json!({ "TableName": "Box", "Item": { "pk": { "S": "x".repeat(17 << 20) } } });
    // The server may close before the client has written all of it, answer or not.
    if let Some(answer) = client.ask("PutItem", &body) {
        assert_eq!(answer.status, 413);
    }
    let consumed = embedded.consumed();
    assert!(consumed.tables.is_empty(), "{consumed:?}");
}

/// A server of dynoxide's own with the same table, for as long as the test runs.
fn dynoxide_alone() -> String {
    let database = Database::memory().unwrap();
    let create = serde_json::from_value(table().create).unwrap();
    database.create_table(create).unwrap();
    let ttl = json!({
        "TableName": "Box", "TimeToLiveSpecification": { "AttributeName": "exp", "Enabled": true },
    });
    database.update_time_to_live(serde_json::from_value(ttl).unwrap()).unwrap();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let listener = tokio::net::TcpListener::from_std(listener).unwrap();
            dynoxide::server::serve_on(listener, database).await;
        });
    });
    endpoint
}

/// What must be the same: the status and the content, in whichever order.
fn shown(answer: &Answer) -> String {
    let json = answer.json();
    let body = if json.is_null() { answer.body.clone() } else { json.to_string() };
    format!("{} {body}", answer.status)
}

fn merge(under: &Value, over: &Value) -> Value {
    let (under, over) = (under.as_object().unwrap(), over.as_object().unwrap());
    under.iter().chain(over).map(|(key, value)| (key.clone(), value.clone())).collect()
}

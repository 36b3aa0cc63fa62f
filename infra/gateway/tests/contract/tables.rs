//! The tables of the template: that functions reach them, what is metered, and what can go wrong.

use serde_json::{Value, json};

use crate::faults::fault;
use crate::http::Request;
use crate::local::{Local, within};

const NOTE: &str = r#"{"action":"note","text":"remember"}"#;

/// What the table has under the connection `id`; null if nothing.
async fn note(local: &Local, id: &str) -> Value {
    let endpoint = local.running.dynamodb_endpoint();
    let request = json!({"TableName": "Notes", "Key": {"connection": {"S": id}}});
    let answer = Request::new("POST", "/")
        .header("x-amz-target", "DynamoDB_20120810.GetItem")
        .header("content-type", "application/x-amz-json-1.0")
        .signed()
        .body(request.to_string().as_bytes())
        .send(endpoint.strip_prefix("http://").unwrap().trim_end_matches('/'))
        .await;
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.json()["Item"]["text"]["S"].take()
}

#[tokio::test]
async fn a_function_writes_to_the_table_by_its_logical_id() {
    let mut local = Local::start().await;
    let (mut socket, id) = local.join("ada").await;
    assert_eq!(note(&local, &id).await, Value::Null);
    socket.say(NOTE).await;
    assert_eq!(socket.text().await, "noted");
    assert_eq!(note(&local, &id).await, "remember");
}

#[tokio::test]
async fn the_units_of_a_write_are_on_the_bill_of_its_table() {
    let mut local = Local::start().await;
    let (mut socket, _) = local.join("ada").await;
    for _ in 0..3 {
        socket.say(NOTE).await;
        assert_eq!(socket.text().await, "noted");
    }
    let bill = local.running.stop().await;
    assert!((bill.tables["Notes"].write_units - 3.0).abs() < 1e-9, "{:?}", bill.tables);
    assert_eq!(bill.tables["Notes"].requests, 3);
}

/// Says `NOTE` with a kill armed, which makes it fail; what the table has afterwards.
async fn noted_with_kill(armed: &str) -> Value {
    let mut local = Local::start().await;
    let (mut socket, id) = local.join("ada").await;
    local.running.faults().arm(fault(armed));
    socket.say(NOTE).await;
    within(local.running.faults().fired_at_least(1)).await;
    assert_eq!(socket.json().await["message"], "Internal server error");
    let kept = note(&local, &id).await;
    // It happens once: another process serves the next message.
    let killed = local.journal.next("note").await.process();
    socket.say(NOTE).await;
    assert_eq!(socket.text().await, "noted");
    assert_ne!(local.journal.next("note").await.process(), killed);
    kept
}

#[tokio::test]
async fn a_kill_before_a_write_leaves_it_undone() {
    assert_eq!(noted_with_kill("kill:Room:before:PutItem:Notes:1").await, Value::Null);
}

#[tokio::test]
async fn a_kill_after_a_write_leaves_it_done() {
    assert_eq!(noted_with_kill("kill:Room:after:PutItem:Notes:1").await, "remember");
}

/// Says `NOTE` with a fault armed, which makes it fail; what the table has afterwards.
async fn noted_with(armed: &str) -> Value {
    let mut local = Local::start().await;
    let (mut socket, id) = local.join("ada").await;
    local.running.faults().arm(fault(armed));
    socket.say(NOTE).await;
    assert_eq!(socket.json().await["message"], "Internal server error");
    local.running.faults().disarm(&fault(armed));
    let kept = note(&local, &id).await;
    socket.say(NOTE).await;
    assert_eq!(socket.text().await, "noted");
    kept
}

#[tokio::test]
async fn a_throttled_write_fails_and_leaves_nothing() {
    assert_eq!(noted_with("throttle:Notes:1").await, Value::Null);
}

#[tokio::test]
async fn a_write_that_is_answered_500_leaves_nothing() {
    assert_eq!(noted_with("fail:Notes:1").await, Value::Null);
}

#[tokio::test]
async fn a_write_whose_answer_is_lost_is_kept() {
    assert_eq!(noted_with("lose-answers:Notes:1").await, "remember");
}

#[tokio::test]
async fn a_table_in_a_file_is_found_again() {
    let folder = tempfile::tempdir().unwrap();
    let store = gateway::Store::File(folder.path().join("tables.db"));
    let mut local = Local::with(|settings| settings.store = store.clone()).await;
    let (mut socket, id) = local.join("ada").await;
    socket.say(NOTE).await;
    assert_eq!(socket.text().await, "noted");
    local.running.stop().await;
    let again = Local::with(|settings| settings.store = store).await;
    assert_eq!(note(&again, &id).await, "remember");
}

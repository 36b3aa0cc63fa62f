//! The frames that the gateway itself sends when a message cannot be answered.

use std::time::Duration;

use serde_json::{Value, json};

use crate::journal::Entry;
use crate::local::{Local, asking};
use crate::socket::Socket;

const INTERNAL: &str = "Internal server error";
const FORBIDDEN: &str = "Forbidden";
const TIMED_OUT: &str = "Endpoint request timed out";

/// Asserts that `frame` is the gateway's own, to the byte, about the invocation of `entry`.
fn check(frame: &str, message: &str, entry: &Entry) {
    let connection = entry.connection();
    let request = entry.context()["requestId"].as_str().unwrap();
    check_ids(frame, message, &connection, request);
}

fn check_ids(frame: &str, message: &str, connection: &str, request: &str) {
    let expected = format!(
        r#"{{"message": "{message}", "connectionId":"{connection}", "requestId":"{request}"}}"#
    );
    assert_eq!(frame, expected);
}

/// Asserts that the connection still works.
async fn check_open(socket: &mut Socket) {
    socket.say(r#"{"action":"shout","text":"still here"}"#).await;
    assert_eq!(socket.text().await, "STILL HERE");
}

#[tokio::test]
async fn no_route_and_no_default_is_forbidden_and_the_connection_stays_open() {
    let mut local = Local::with_api(|api| {
        api.routes.remove("$default");
    })
    .await;
    let (mut socket, id) = local.join("ada").await;
    for message in ["hello", r#"{"action":"nowhere"}"#, r#"{"action":"$connect"}"#] {
        socket.say(message).await;
        let frame = socket.text().await;
        let parsed: Value = serde_json::from_str(&frame).unwrap();
        let request = parsed["requestId"].as_str().unwrap();
        assert!(crate::addresses::is_identifier(request), "{frame}");
        check_ids(&frame, FORBIDDEN, &id, request);
    }
    check_open(&mut socket).await;
}

#[tokio::test]
async fn a_function_that_fails_or_crashes_is_an_internal_error() {
    let mut local = Local::start().await;
    let (mut socket, _) = local.join("ada").await;
    for script in [json!({"error": "no"}), json!({"end": "panic"}), json!({"exit": 0})] {
        // One-way routes are told too.
        for route in ["shout", "tell"] {
            socket.say(&asking(route, &script)).await;
            let entry = local.journal.next(route).await;
            check(&socket.text().await, INTERNAL, &entry);
        }
    }
    check_open(&mut socket).await;
}

#[tokio::test]
async fn a_function_that_never_starts_is_an_internal_error() {
    let mut local = Local::start().await;
    let (mut socket, id) = local.join("ada").await;
    for _ in ["the first time", "and again"] {
        socket.say(r#"{"action":"broken"}"#).await;
        let frame = socket.text().await;
        let parsed: Value = serde_json::from_str(&frame).unwrap();
        check_ids(&frame, INTERNAL, &id, parsed["requestId"].as_str().unwrap());
    }
    check_open(&mut socket).await;
}

#[tokio::test]
async fn a_function_that_takes_longer_than_it_may_is_an_internal_error() {
    let mut local = Local::with(|settings| {
        let hasty = settings.deployment.functions.get_mut("Hasty").unwrap();
        assert_eq!(hasty.timeout, Duration::from_secs(1));
        hasty.timeout = Duration::from_millis(300);
    })
    .await;
    let (mut socket, entry) = local.say("hasty", &asking("hasty", &json!({"end": "hang"}))).await;
    check(&socket.text().await, INTERNAL, &entry);
    check_open(&mut socket).await;
}

#[tokio::test]
async fn an_integration_that_takes_too_long_is_a_time_out_and_its_result_is_dropped() {
    let mut local = Local::with(|settings| settings.processes_max = 1).await;
    let script = json!({"hold": true, "answer": {"statusCode": 200, "body": "too late"}});
    let (mut socket, held) = local.say("brief", &asking("brief", &script)).await;
    check(&socket.text().await, TIMED_OUT, &held);
    let process = held.process();
    held.release().await;
    // The one process takes the next message when it is done with the late one.
    check_open(&mut socket).await;
    assert_eq!(local.journal.next("shout").await.process(), process);
    assert_eq!(socket.leave().await, [""; 0]);
}

#[tokio::test]
async fn a_malformed_response_is_an_internal_error() {
    let mut local = Local::start().await;
    let (mut socket, _) = local.join("ada").await;
    for answer in [
        json!("hello"),
        json!(200),
        json!([200]),
        json!({}),
        json!({"body": "hello"}),
        json!({"statusCode": "fine", "body": "hello"}),
        json!({"statusCode": 200, "body": {"text": "hello"}}),
        json!({"statusCode": 200, "body": "hello", "headers": "none"}),
        json!({"statusCode": 200, "body": "hello", "isBase64Encoded": "no"}),
    ] {
        for route in ["shout", "tell"] {
            socket.say(&asking(route, &json!({"answer": answer}))).await;
            let entry = local.journal.next(route).await;
            check(&socket.text().await, INTERNAL, &entry);
        }
    }
    check_open(&mut socket).await;
}

#[tokio::test]
async fn an_unknown_member_of_the_response_is_an_internal_error() {
    let mut local = Local::start().await;
    let (mut socket, _) = local.join("ada").await;
    for name in ["extra", "StatusCode", "cookies"] {
        let answer = json!({"statusCode": 200, "body": "hello", name: "x"});
        socket.say(&asking("shout", &json!({"answer": answer}))).await;
        let entry = local.journal.next("shout").await;
        check(&socket.text().await, INTERNAL, &entry);
    }
}

#[tokio::test]
async fn every_known_member_of_the_response_is_accepted() {
    let mut local = Local::start().await;
    let (mut socket, _) = local.join("ada").await;
    let answer = json!({
        "statusCode": 200,
        "headers": {"X-Mine": "yes"},
        "multiValueHeaders": {"X-Mine": ["yes"]},
        "body": "hello",
        "isBase64Encoded": false,
    });
    socket.say(&asking("shout", &json!({"answer": answer}))).await;
    assert_eq!(socket.text().await, "hello");
}

/// An assumption: other emulators differ, and nobody has published what AWS does.
#[tokio::test]
async fn a_status_of_a_one_way_route_is_not_told() {
    let mut local = Local::with(|settings| settings.processes_max = 1).await;
    let (mut socket, _) = local.join("ada").await;
    for status in [400, 500] {
        let answer = json!({"statusCode": status, "body": "no"});
        socket.say(&asking("tell", &json!({"answer": answer}))).await;
        // The one process takes the next message when it is done with this one.
        check_open(&mut socket).await;
    }
    assert_eq!(socket.leave().await, [""; 0]);
}

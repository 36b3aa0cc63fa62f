//! Lambda: what a function finds in its environment, and how its processes come and go.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::http::{Answer, Request};
use crate::journal::Entry;
use crate::local::{Local, asking};

/// The environment of the function that was invoked.
fn environment(entry: &Entry) -> &serde_json::Map<String, Value> {
    entry.told["environment"].as_object().unwrap()
}

#[tokio::test]
async fn the_environment_has_what_lambda_sets() {
    let mut local = Local::start().await;
    let (_socket, entry) = local.say("$default", "hello").await;
    for (name, value) in [
        ("AWS_LAMBDA_FUNCTION_NAME", "Room"),
        ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "256"),
        ("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST"),
        ("AWS_REGION", "us-east-1"),
        ("AWS_DEFAULT_REGION", "us-east-1"),
        ("TZ", ":UTC"),
    ] {
        assert_eq!(environment(&entry).get(name), Some(&json!(value)), "{name}");
    }
    for name in [
        "AWS_LAMBDA_RUNTIME_API",
        "AWS_LAMBDA_LOG_GROUP_NAME",
        "AWS_LAMBDA_LOG_STREAM_NAME",
        "AWS_ACCESS_KEY_ID",
        "AWS_SECRET_ACCESS_KEY",
        "LAMBDA_TASK_ROOT",
        "_HANDLER",
    ] {
        assert!(environment(&entry).contains_key(name), "{name}");
    }
}

#[tokio::test]
async fn the_environment_has_what_the_template_declares_and_three_endpoints() {
    let mut local = Local::start().await;
    let (_socket, entry) = local.say("$default", "hello").await;
    let environment = environment(&entry);
    assert_eq!(environment["JOURNAL"], local.journal.address.to_string());
    let endpoint = &environment["AWS_ENDPOINT_URL_APIGATEWAYMANAGEMENTAPI"];
    assert_eq!(*endpoint, local.running.management_endpoint());
    assert_eq!(environment["AWS_ENDPOINT_URL_DYNAMODB"], local.running.dynamodb_endpoint());
    assert_eq!(environment["AWS_ENDPOINT_URL_SNS"], local.running.sns_endpoint());
}

#[tokio::test]
async fn the_environment_has_nothing_of_the_shell() {
    let mut local = Local::start().await;
    let (_socket, entry) = local.say("$default", "hello").await;
    for name in ["HOME", "USER", "CARGO", "CARGO_MANIFEST_DIR", "PWD", "SHELL"] {
        assert!(!environment(&entry).contains_key(name), "{name}");
    }
}

#[tokio::test]
async fn an_invocation_has_an_id_a_deadline_and_an_arn() {
    let mut local = Local::start().await;
    let (mut socket, first) = local.say("$default", "one").await;
    socket.say("two").await;
    let second = local.journal.next("$default").await;
    assert_ne!(first.told["request"], second.told["request"]);
    let arn = "arn:aws:lambda:us-east-1:123456789012:function:Room";
    assert_eq!(first.told["arn"], arn);
    // The fixture's functions may take 30 s.
    let requested = first.context()["requestTimeEpoch"].as_i64().unwrap();
    let allowed = first.told["deadline"].as_i64().unwrap() - requested;
    assert!(allowed >= 30_000, "{allowed}");
}

#[tokio::test]
async fn a_process_is_kept_for_the_next_invocation() {
    let mut local = Local::with(|settings| settings.processes_max = 1).await;
    let (mut socket, _) = local.join("ada").await;
    let mut processes = BTreeSet::new();
    for message in ["one", "two", "three"] {
        socket.say(message).await;
        socket.text().await;
        processes.insert(local.journal.next("$default").await.process());
    }
    assert_eq!(processes.len(), 1);
}

#[tokio::test]
async fn a_process_is_given_one_invocation_at_a_time() {
    const MESSAGES: usize = 4;
    let mut local = Local::start().await;
    let (mut socket, _) = local.join("ada").await;
    let mut held = Vec::new();
    for _ in 0..MESSAGES {
        socket.say(&asking("shout", &json!({"hold": true}))).await;
        held.push(local.journal.next("shout").await);
    }
    let processes: BTreeSet<u64> = held.iter().map(Entry::process).collect();
    assert_eq!(processes.len(), MESSAGES);
    for entry in held {
        entry.release().await;
        socket.text().await;
    }
}

#[tokio::test]
async fn more_invocations_than_processes_wait_and_none_is_lost() {
    const MESSAGES: usize = 10;
    let mut local = Local::with(|settings| settings.processes_max = 2).await;
    let (mut socket, _) = local.join("ada").await;
    for _ in 0..MESSAGES {
        socket.say(&asking("shout", &json!({"hold": true}))).await;
    }
    let mut processes = BTreeSet::new();
    for _ in 0..MESSAGES {
        let entry = local.journal.next("shout").await;
        processes.insert(entry.process());
        entry.release().await;
    }
    for _ in 0..MESSAGES {
        socket.text().await;
    }
    assert!(processes.len() <= 2, "{processes:?}");
}

#[tokio::test]
async fn a_crash_takes_down_its_own_invocation_and_is_made_good() {
    let mut local = Local::start().await;
    let (mut socket, held) = local.say("shout", &asking("shout", &json!({"hold": true}))).await;
    socket.say(&asking("shout", &json!({"exit": 1}))).await;
    assert_eq!(socket.json().await["message"], "Internal server error");
    let crashed = local.journal.next("shout").await.process();
    assert_ne!(crashed, held.process());
    held.release().await;
    socket.text().await;
    socket.say("next").await;
    assert_eq!(socket.text().await, "next");
    assert_ne!(local.journal.next("$default").await.process(), crashed);
}

#[tokio::test]
async fn an_error_does_not_end_the_process() {
    let mut local = Local::with(|settings| settings.processes_max = 1).await;
    let (mut socket, _) = local.join("ada").await;
    let mut processes = BTreeSet::new();
    for script in [json!({"error": "no"}), json!({"end": "panic"}), json!({})] {
        socket.say(&asking("shout", &script)).await;
        socket.text().await;
        processes.insert(local.journal.next("shout").await.process());
    }
    assert_eq!(processes.len(), 1);
}

#[tokio::test]
async fn a_process_that_took_too_long_is_replaced() {
    let mut local = Local::with(|settings| {
        settings.processes_max = 1;
        let room = settings.deployment.functions.get_mut("Room").unwrap();
        room.timeout = std::time::Duration::from_millis(500);
    })
    .await;
    let (mut socket, hung) = local.say("shout", &asking("shout", &json!({"end": "hang"}))).await;
    assert_eq!(socket.json().await["message"], "Internal server error");
    socket.say("next").await;
    assert_eq!(socket.text().await, "next");
    assert_ne!(local.journal.next("$default").await.process(), hung.process());
}

#[tokio::test]
async fn functions_do_not_share_a_process() {
    let mut local = Local::start().await;
    let (mut socket, _) = local.join("ada").await;
    let guard = local.journal.next("authorizer").await;
    socket.say("hello").await;
    let room = local.journal.next("$default").await;
    assert_eq!(guard.told["function"], "Guard");
    assert_eq!(room.told["function"], "Room");
    assert_ne!(guard.process(), room.process());
    let key = |entry: &Entry| environment(entry)["AWS_ACCESS_KEY_ID"].clone();
    assert_ne!(key(&guard), key(&room));
}

/// Answers the invocation of `entry` in place of its function.
async fn answer_for(entry: &Entry, kind: &str, body: &[u8]) -> Answer {
    let address = environment(entry)["AWS_LAMBDA_RUNTIME_API"].as_str().unwrap();
    let request = entry.told["request"].as_str().unwrap();
    let path = format!("/2018-06-01/runtime/invocation/{request}/{kind}");
    Request::new("POST", &path).body(body).send(address).await
}

#[tokio::test]
async fn an_invocation_is_answered_once() {
    let mut local = Local::with(|settings| settings.processes_max = 1).await;
    let (mut socket, held) = local.say("shout", &asking("shout", &json!({"hold": true}))).await;
    let answer = answer_for(&held, "response", br#"{"statusCode":200,"body":"mine"}"#).await;
    assert_eq!(answer.status, 202);
    assert_eq!(socket.text().await, "mine");
    let again = answer_for(&held, "response", br#"{"statusCode":200,"body":"again"}"#).await;
    assert_eq!(again.status, 410);
    // The function is refused as well, thinks nothing of it, and serves the next.
    held.release().await;
    socket.say("next").await;
    assert_eq!(socket.text().await, "next");
    assert_eq!(socket.leave().await, [""; 0]);
}

#[tokio::test]
async fn an_error_is_accepted_and_fails_the_invocation() {
    let mut local = Local::start().await;
    let (mut socket, held) = local.say("shout", &asking("shout", &json!({"hold": true}))).await;
    let error = br#"{"errorType":"Refused","errorMessage":"no"}"#;
    assert_eq!(answer_for(&held, "error", error).await.status, 202);
    assert_eq!(socket.json().await["message"], "Internal server error");
}

#[tokio::test]
async fn a_response_of_more_than_6_megabytes_is_too_large_and_fails_the_invocation() {
    let mut local = Local::start().await;
    let (mut socket, held) = local.say("shout", &asking("shout", &json!({"hold": true}))).await;
    let large = vec![b' '; 6 * 1024 * 1024 + 1];
    assert_eq!(answer_for(&held, "response", &large).await.status, 413);
    assert_eq!(socket.json().await["message"], "Internal server error");
}

#[tokio::test]
async fn an_invocation_that_nobody_made_cannot_be_answered() {
    let mut local = Local::start().await;
    let (_socket, held) = local.say("shout", &asking("shout", &json!({"hold": true}))).await;
    let address = environment(&held)["AWS_LAMBDA_RUNTIME_API"].as_str().unwrap();
    let path = "/2018-06-01/runtime/invocation/6ba7b810-9dad-11d1-80b4-00c04fd430c8/response";
    assert_eq!(Request::new("POST", path).body(b"{}").send(address).await.status, 410);
}

#[tokio::test]
async fn a_function_that_takes_one_at_a_time_may_be_offered_more() {
    let mut local = Local::with(|settings| settings.concurrency = 8).await;
    let (mut socket, _) = local.join("ada").await;
    socket.say(&asking("shout", &json!({"hold": true}))).await;
    let first = local.journal.next("shout").await;
    assert_eq!(environment(&first)["AWS_LAMBDA_MAX_CONCURRENCY"], "8");
    socket.say(&asking("shout", &json!({"hold": true}))).await;
    let second = local.journal.next("shout").await;
    assert_ne!(first.process(), second.process());
    for entry in [first, second] {
        entry.release().await;
        socket.text().await;
    }
}

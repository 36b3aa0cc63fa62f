//! In which order, and how often, the messages of a connection are handed to functions.

use std::collections::BTreeSet;

use gateway::Dispatch;
use serde_json::json;

use crate::local::{Local, asking};

/// A message that holds until it is released and is then answered by `name`.
fn held(name: &str) -> String {
    asking("shout", &json!({"hold": true, "answer": {"statusCode": 200, "body": name}}))
}

#[tokio::test]
async fn messages_of_one_connection_overlap_and_may_end_in_any_order() {
    let mut local = Local::start().await;
    let (mut socket, _) = local.join("ada").await;
    socket.say(&held("first")).await;
    let first = local.journal.next("shout").await;
    socket.say(&held("second")).await;
    let second = local.journal.next("shout").await;
    assert_ne!(first.process(), second.process());
    second.release().await;
    assert_eq!(socket.text().await, "second");
    first.release().await;
    assert_eq!(socket.text().await, "first");
}

#[tokio::test]
async fn a_serial_gateway_hands_out_one_after_the_other() {
    let mut local = Local::with(|settings| settings.dispatch = Dispatch::Serial).await;
    let (mut socket, _) = local.join("ada").await;
    let (mut other, _) = local.join("bob").await;
    socket.say(&held("first")).await;
    socket.say(r#"{"action":"shout","text":"second"}"#).await;
    let first = local.journal.next("shout").await;
    // Another connection is not held up, and by then the second message would have been told.
    other.say(r#"{"action":"shout","text":"other"}"#).await;
    let next = local.journal.next("shout").await;
    assert_ne!(next.connection(), first.connection());
    assert_eq!(other.text().await, "OTHER");
    first.release().await;
    assert_eq!(socket.text().await, "first");
    assert_eq!(socket.text().await, "SECOND");
}

#[tokio::test]
async fn a_shuffling_gateway_loses_and_repeats_nothing() {
    const MESSAGES: usize = 40;
    let mut local = Local::with(|settings| {
        settings.dispatch = Dispatch::Shuffle;
        settings.processes_max = 2;
        settings.seed = 7;
    })
    .await;
    let (mut socket, _) = local.join("ada").await;
    let expected: BTreeSet<String> = (0..MESSAGES).map(|index| index.to_string()).collect();
    for message in &expected {
        socket.say(message).await;
    }
    let mut answers = Vec::new();
    for _ in 0..MESSAGES {
        answers.push(socket.text().await);
    }
    assert_eq!(answers.iter().cloned().collect::<BTreeSet<_>>(), expected);
    assert_eq!(socket.leave().await, [""; 0]);
}

#[tokio::test]
async fn a_message_that_fails_is_never_tried_again() {
    let mut local = Local::start().await;
    let (mut socket, _) = local.join("ada").await;
    for script in [json!({"error": "no"}), json!({"exit": 1})] {
        socket.say(&asking("shout", &script)).await;
        assert_eq!(socket.json().await["message"], "Internal server error");
        local.journal.next("shout").await;
        socket.say(r#"{"action":"shout","text":"next"}"#).await;
        assert_eq!(socket.text().await, "NEXT");
        let next = local.journal.next("shout").await;
        assert_eq!(next.event()["body"], r#"{"action":"shout","text":"next"}"#);
    }
}

#[tokio::test]
async fn two_frames_in_one_packet_are_two_messages() {
    let mut local = Local::with(|settings| settings.dispatch = Dispatch::Serial).await;
    let (mut socket, _) = local.join("ada").await;
    // Two empty masked text frames around one of two letters, in one write.
    let payload = [b'h' ^ 0x12, b'i' ^ 0x34];
    let mask = [0x12, 0x34, 0x56, 0x78];
    let mut bytes = vec![0x81, 0x80];
    bytes.extend(mask);
    bytes.extend([0x81, 0x82]);
    bytes.extend(mask);
    bytes.extend(payload);
    socket.write(&bytes).await;
    assert_eq!(socket.text().await, "");
    assert_eq!(socket.text().await, "hi");
}

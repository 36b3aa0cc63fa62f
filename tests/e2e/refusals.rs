//! What is not a request is refused clearly, and changes nothing.

use serde_json::{Value, json};
use tests::{Town, frame, id};
use tokio_tungstenite::tungstenite::Message;

use crate::exchange::{inbox, text, told};

#[tokio::test]
async fn frames_that_break_a_rule_are_refused_by_name() {
    let town = Town::start().await;
    let mut alice = town.client("alice", "desk").await;
    let good = || text("bob", "hello", 0);
    let with = |name: &str, value: Value| {
        let mut frame = good();
        frame[name] = value;
        frame
    };
    let long = "x".repeat(8_192);
    let cases = [
        (with("surplus", json!(1)), (400, "malformed")),
        (with("cid", json!(7)), (400, "malformed")),
        (with("cid", json!("seven")), (422, "invalid")),
        (with("to", json!("b~b")), (422, "invalid")),
        (with("to", json!("alice")), (422, "invalid")),
        (with("conversation", json!("d~alice~bob")), (422, "invalid")),
        (with("base", json!(u64::MAX)), (422, "invalid")),
        (with("base", json!(-1)), (400, "malformed")),
        (with("kind", json!("join")), (422, "invalid")),
        (with("body", json!("hello")), (422, "invalid")),
        (with("body", json!({ "words": "hello" })), (422, "invalid")),
        (with("body", json!({ "text": long })), (413, "too_large")),
        (with("base", json!(5)), (409, "base_ahead")),
        (frame("sync", json!({ "limit": 0 })), (422, "invalid")),
        (frame("sync", json!({ "cursor": 0, "user": "bob" })), (400, "malformed")),
        (frame("history", json!({ "conversation": "nowhere" })), (422, "invalid")),
        (frame("history", json!({})), (400, "malformed")),
        (frame("nowhere", json!({})), (404, "not_found")),
    ];
    for (frame, (code, name)) in cases {
        assert_eq!(alice.refused(&frame).await, (code, name.to_owned()), "{frame}");
    }
    let mut bob = town.client("bob", "phone").await;
    assert_eq!(inbox(&mut bob, 0, 100).await, [] as [Value; 0]);
    town.stop().await;
}

#[tokio::test]
async fn a_frame_without_a_readable_id_is_answered_to_null() {
    let town = Town::start().await;
    let mut alice = town.client("alice", "desk").await;
    for (text, code) in [
        ("", 400),
        ("nonsense", 400),
        ("[1]", 400),
        (r#"{"action":"sync"}"#, 400),
        (r#"{"action":"sync","id":7}"#, 400),
        (r#"{"action":"send","id":""}"#, 400),
        (r#"{"action":"nowhere"}"#, 404),
    ] {
        alice.raw(Message::text(text)).await;
        let answer = alice.wait_for(|frame| frame.get("re").is_some()).await;
        assert_eq!(answer["re"], Value::Null, "{text}");
        assert_eq!(answer["error"]["code"], code, "{text}: {answer}");
    }
    town.stop().await;
}

#[tokio::test]
async fn a_binary_frame_ends_the_connection() {
    let town = Town::start().await;
    let mut alice = town.client("alice", "desk").await;
    alice.raw(Message::binary(text("bob", "hello", 0).to_string())).await;
    assert_eq!(alice.closed().await, Some(1_003));
    town.stop().await;
}

#[tokio::test]
async fn an_oversized_frame_ends_the_connection_and_keeps_nothing() {
    let town = Town::start().await;
    let mut alice = town.client("alice", "desk").await;
    alice.raw(Message::text(text("bob", &"x".repeat(33 * 1_024), 0).to_string())).await;
    assert_eq!(alice.closed().await, Some(1_009));
    let mut bob = town.client("bob", "phone").await;
    assert_eq!(inbox(&mut bob, 0, 100).await, [] as [Value; 0]);
    town.stop().await;
}

#[tokio::test]
async fn the_same_id_with_another_text_is_a_conflict() {
    let town = Town::start().await;
    let mut alice = town.client("alice", "desk").await;
    let first = text("bob", "first", 0);
    alice.ok(&first).await;
    let mut second = first.clone();
    second["id"] = json!(id());
    second["body"]["text"] = json!("second");
    assert_eq!(alice.refused(&second).await, (409, "conflict".to_owned()));
    town.stop().await;
}

#[tokio::test]
async fn a_throttled_table_asks_the_client_to_wait_and_loses_nothing() {
    let town = Town::start().await;
    let mut alice = town.client("alice", "desk").await;
    let sent = text("bob", "patience", 0);
    town.arm("throttle:TimelineTable:1");
    let answer = alice.ask(&sent).await;
    assert_eq!(answer["error"]["name"], "slow_mode", "{answer}");
    assert!(answer["error"]["retry_after_ms"].as_u64().unwrap() > 0);
    town.gateway().faults().disarm_all();
    assert_eq!(alice.ok(&sent).await["duplicate"], false);
    let mut bob = town.client("bob", "phone").await;
    told(&mut bob, 1).await;
    town.stop().await;
}

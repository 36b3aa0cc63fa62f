//! `send` dies at every point of its work; its client repeats the message.

use serde_json::{Value, json};
use tests::{Client, Town, id};

use crate::exchange::{text, texts, told};

/// A conversation that exists, a kill at this point of the next message, and what bob has after
/// alice repeated it until it was acknowledged.
async fn check(fault: &str) {
    let town = Town::start().await;
    let mut alice = town.client("alice", "desk").await;
    let mut phone = town.client("alice", "phone").await;
    alice.ok(&text("bob", "before", 0)).await;
    // The last thing that a fan-out does.
    phone.pushed().await;

    let sent = text("bob", "survivor", 1);
    town.arm(fault);
    alice.send(&sent).await;
    town.struck(1).await;
    let acknowledged = persist(&mut alice, sent).await;
    assert_eq!(acknowledged["seq"], 2, "{fault}");

    alice.ok(&text("bob", "after", 2)).await;
    let mut bob = town.client("bob", "phone").await;
    for device in [&mut bob, &mut phone] {
        let entries = told(device, 3).await;
        assert_eq!(texts(&entries), ["before", "survivor", "after"], "{fault}");
    }
    let asked = tests::frame("history", json!({ "conversation": "d~alice~bob" }));
    let page = alice.ok(&asked).await;
    assert_eq!(page["last"], 3, "{fault}");
    town.stop().await;
}

/// Repeats a message under new request ids until it is acknowledged. API Gateway's own error frame
/// names no request: whatever is under way may have died, so it is repeated.
async fn persist(alice: &mut Client, mut sent: Value) -> Value {
    loop {
        sent["id"] = json!(id());
        alice.send(&sent).await;
        let is_outcome =
            |frame: &Value| frame["re"] == sent["id"] || frame.get("connectionId").is_some();
        let mut outcome = alice.wait_for(is_outcome).await;
        if outcome.get("ok").is_some() {
            return outcome["ok"].take();
        }
    }
}

#[tokio::test]
async fn before_the_append() {
    check("kill:SendFunction:before:PutItem:TimelineTable:1").await;
}

#[tokio::test]
async fn after_the_append() {
    check("kill:SendFunction:after:PutItem:TimelineTable:1").await;
}

#[tokio::test]
async fn before_the_acknowledgement() {
    check("kill:SendFunction:before:post:1").await;
}

#[tokio::test]
async fn after_the_acknowledgement() {
    check("kill:SendFunction:after:post:1").await;
}

#[tokio::test]
async fn before_the_recipients_inbox() {
    check("kill:SendFunction:before:PutItem:InboxTable:1").await;
}

#[tokio::test]
async fn after_the_recipients_inbox() {
    check("kill:SendFunction:after:PutItem:InboxTable:1").await;
}

#[tokio::test]
async fn before_the_marker() {
    check("kill:SendFunction:before:PutItem:InboxTable:2").await;
}

#[tokio::test]
async fn after_the_marker() {
    check("kill:SendFunction:after:PutItem:InboxTable:2").await;
}

/// The first message of a conversation dies while the conversation is made.
#[tokio::test]
async fn while_the_conversation_is_made() {
    for fault in [
        "kill:SendFunction:after:UpdateItem:DirectoryTable:1",
        "kill:SendFunction:before:PutItem:DirectoryTable:1",
        "kill:SendFunction:after:PutItem:DirectoryTable:1",
    ] {
        let town = Town::start().await;
        let mut alice = town.client("alice", "desk").await;
        let sent = text("bob", "first", 0);
        town.arm(fault);
        alice.send(&sent).await;
        town.struck(1).await;
        assert_eq!(persist(&mut alice, sent).await["seq"], 1, "{fault}");
        let mut bob = town.client("bob", "phone").await;
        assert_eq!(texts(&told(&mut bob, 1).await), ["first"], "{fault}");
        bob.ok(&text("alice", "second", 1)).await;
        town.stop().await;
    }
}

#[tokio::test]
async fn a_killed_function_tells_its_client_and_comes_back() {
    let town = Town::start().await;
    let mut alice = town.client("alice", "desk").await;
    town.arm("kill:SendFunction:before:PutItem:TimelineTable:1");
    alice.send(&text("bob", "hello", 0)).await;
    let error = alice.wait_for(|frame| frame.get("connectionId").is_some()).await;
    assert_eq!(error["message"], "Internal server error");
    assert_eq!(alice.ok(&text("bob", "hello", 0)).await["seq"], 1);
    town.stop().await;
}

//! `send` and `group` die at every point of their work, and nobody repeats it: the stream's
//! consumer finishes what they left.

use aws_sdk_dynamodb::types::AttributeValue;
use serde_json::{Value, json};
use tests::{Client, Town, frame};

use crate::exchange::{text, told};
use crate::groups::{found, group, say};

/// Alice, bob and cy in a group, alice's second message dying at `fault`: what everyone's inbox
/// holds in the end, on another device too.
async fn check(fault: &str) {
    let town = Town::start().await;
    let mut alice = town.client("alice", "desk").await;
    let mut phone = town.client("alice", "phone").await;
    let mut bob = town.client("bob", "phone").await;
    let club = found(&mut alice, &["bob", "cy"]).await;
    alice.ok(&say(&club, "before", 1)).await;
    // The last thing that a fan-out does.
    phone.wait_for(|frame| frame["body"]["text"] == "before").await;

    town.arm(fault);
    alice.send(&say(&club, "survivor", 2)).await;
    town.struck(1).await;
    let mut cy = town.client("cy", "phone").await;
    for device in [&mut bob, &mut cy, &mut phone, &mut alice] {
        let entries = told(device, 3).await;
        let seqs: Vec<_> = entries.iter().map(|entry| &entry["seq"]).collect();
        assert_eq!(seqs, [1, 2, 3], "{fault}");
        assert_eq!(entries[2]["body"]["text"], "survivor", "{fault}");
    }
    town.stop().await;
}

#[tokio::test]
async fn after_the_append() {
    check("kill:SendFunction:after:PutItem:TimelineTable:1").await;
}

#[tokio::test]
async fn after_the_acknowledgement() {
    check("kill:SendFunction:after:post:1").await;
}

#[tokio::test]
async fn before_the_first_recipients_inbox() {
    check("kill:SendFunction:before:PutItem:InboxTable:1").await;
}

#[tokio::test]
async fn after_the_first_recipients_inbox() {
    check("kill:SendFunction:after:PutItem:InboxTable:1").await;
}

#[tokio::test]
async fn after_the_last_recipients_inbox() {
    check("kill:SendFunction:after:PutItem:InboxTable:2").await;
}

#[tokio::test]
async fn before_a_recipient_is_pushed_to() {
    check("kill:SendFunction:before:post:2").await;
}

#[tokio::test]
async fn before_the_marker() {
    check("kill:SendFunction:before:PutItem:InboxTable:3").await;
}

/// The consumer dies as well, in the middle of finishing.
#[tokio::test]
async fn while_the_consumer_dies_too() {
    let town = Town::start().await;
    let mut alice = town.client("alice", "desk").await;
    let mut bob = town.client("bob", "phone").await;
    let club = found(&mut alice, &["bob", "cy"]).await;
    town.arm("kill:FanoutFunction:after:PutItem:InboxTable:1");
    town.arm("kill:SendFunction:after:PutItem:TimelineTable:1");
    alice.send(&say(&club, "survivor", 1)).await;
    town.struck(2).await;
    let mut cy = town.client("cy", "phone").await;
    for device in [&mut bob, &mut cy, &mut alice] {
        assert_eq!(told(device, 2).await[1]["body"]["text"], "survivor");
    }
    town.stop().await;
}

/// The first message between two, of whom nobody writes again.
#[tokio::test]
async fn a_first_message_that_nobody_repeats() {
    let town = Town::start().await;
    let mut alice = town.client("alice", "desk").await;
    town.arm("kill:SendFunction:after:PutItem:TimelineTable:1");
    alice.send(&text("bob", "hello?", 0)).await;
    town.struck(1).await;
    let mut bob = town.client("bob", "phone").await;
    assert_eq!(told(&mut bob, 1).await[0]["body"]["text"], "hello?");
    town.stop().await;
}

/// A change of a group that dies is made and told by its repeat, once.
#[tokio::test]
async fn a_change_of_a_group_that_is_repeated() {
    for fault in [
        "kill:GroupFunction:before:PutItem:DirectoryTable:1",
        "kill:GroupFunction:after:PutItem:DirectoryTable:1",
        "kill:GroupFunction:after:UpdateItem:DirectoryTable:1",
        "kill:GroupFunction:after:PutItem:TimelineTable:1",
        "kill:GroupFunction:after:PutItem:InboxTable:1",
        "kill:GroupFunction:before:UpdateItem:DirectoryTable:2",
    ] {
        let town = Town::start().await;
        let mut alice = town.client("alice", "desk").await;
        let club = found(&mut alice, &["bob"]).await;
        town.arm(fault);
        let add = || group("add", json!({ "conversation": club, "user": "cy" }));
        alice.send(&add()).await;
        town.struck(1).await;
        repeat(&mut alice, add).await;
        let mut cy = town.client("cy", "phone").await;
        let mut bob = town.client("bob", "phone").await;
        assert_eq!(told(&mut cy, 1).await[0]["kind"], "join", "{fault}");
        assert_eq!(told(&mut bob, 2).await[1]["kind"], "join", "{fault}");
        cy.ok(&say(&club, "here", 2)).await;
        let asked = frame("history", json!({ "conversation": club }));
        assert_eq!(alice.ok(&asked).await["last"], 3, "{fault}");
        town.stop().await;
    }
}

/// Asks until it is answered. API Gateway's own error frame names no request: whatever is under way
/// may have died, so it is repeated.
async fn repeat(client: &mut Client, asked: impl Fn() -> Value) -> Value {
    loop {
        let asked = asked();
        client.send(&asked).await;
        let is_outcome =
            |frame: &Value| frame["re"] == asked["id"] || frame.get("connectionId").is_some();
        let mut outcome = client.wait_for(is_outcome).await;
        if outcome.get("ok").is_some() {
            return outcome["ok"].take();
        }
    }
}

/// A record that can never be done is parked, and does not keep the others from being done.
#[tokio::test]
async fn what_can_never_be_finished_is_parked_and_holds_up_nobody() {
    let folder = tempfile::tempdir().unwrap();
    let town = Town::with(|settings| settings.destinations = Some(folder.path().to_owned())).await;
    let mut alice = town.client("alice", "desk").await;
    let mut bob = town.client("bob", "phone").await;
    alice.ok(&text("bob", "hello", 0)).await;
    bob.pushed().await;
    // No message at all, and yet on the stream.
    let put = town.dynamodb().put_item().table_name("TimelineTable");
    let put = put.item("c", AttributeValue::S("d~alice~bob~".into()));
    put.item("s", AttributeValue::N("1".into())).send().await.unwrap();
    town.arm("kill:SendFunction:after:PutItem:TimelineTable:1");
    alice.send(&text("bob", "survivor", 1)).await;
    town.struck(1).await;
    assert_eq!(told(&mut bob, 2).await[1]["body"]["text"], "survivor");
    let queue = folder.path().join("FanoutRepairQueue.jsonl");
    let parking = async {
        loop {
            bob.ok(&frame("sync", json!({ "cursor": 2 }))).await;
            if let Ok(parked) = std::fs::read_to_string(&queue) {
                return parked;
            }
        }
    };
    let parked = tests::within(parking).await;
    let parked: Value = serde_json::from_str(&parked).unwrap();
    assert_eq!(parked["requestContext"]["condition"], "RetryAttemptsExhausted");
    assert_eq!(parked["DDBStreamBatchInfo"]["batchSize"], 1);
    town.stop().await;
}

//! Who has no live device is notified: of each message once, however often its fan-out is done.

use serde_json::{Value, json};
use tests::{Town, within};

use crate::exchange::{text, told};
use crate::groups::{found, group, say};

const TOPIC: &str = "OfflineTopic";

/// Waits for so many notifications in all; whom each is for, and of which sequence.
async fn notified(town: &Town, count: usize) -> Vec<(String, u64)> {
    let lines = within(town.gateway().topic_lines_at_least(TOPIC, count)).await;
    assert_eq!(lines.len(), count, "{lines:?}");
    let whom = |line: &Value| {
        let message: Value = serde_json::from_str(line["Message"].as_str().unwrap()).unwrap();
        (message["user"].as_str().unwrap().to_owned(), message["seq"].as_u64().unwrap())
    };
    lines.iter().map(whom).collect()
}

fn named(users: &[(&str, u64)]) -> Vec<(String, u64)> {
    users.iter().map(|(user, seq)| ((*user).to_owned(), *seq)).collect()
}

#[tokio::test]
async fn a_member_without_a_live_device_is_notified_once_of_each_message_and_of_nothing_else() {
    let town = Town::start().await;
    let mut alice = town.client("alice", "desk").await;
    let mut bob = town.client("bob", "phone").await;
    let club = found(&mut alice, &["bob", "cy", "dan"]).await;
    alice.ok(&say(&club, "one", 1)).await;
    let mut all = notified(&town, 2).await;
    all.sort();
    assert_eq!(all, named(&[("cy", 2), ("dan", 2)]));

    // Not of one's own messages, of events, of what is pushed, and not who wants to be left alone.
    let mut cy = town.client("cy", "phone").await;
    cy.ok(&group("mute", json!({ "conversation": club, "muted": true }))).await;
    alice.ok(&group("rename", json!({ "conversation": club, "title": "tea" }))).await;
    cy.close().await;
    bob.ok(&say(&club, "two", 3)).await;
    assert_eq!(notified(&town, 3).await[2], ("dan".to_owned(), 4));
    alice.wait_for(|frame| frame["body"]["text"] == "two").await;

    let lines = town.gateway().topic_lines(TOPIC);
    let message: Value = serde_json::from_str(lines[2]["Message"].as_str().unwrap()).unwrap();
    assert_eq!((&message["conversation"], &message["from"]), (&club, &json!("bob")));
    assert_eq!((&message["kind"], &message["body"]["text"]), (&json!("text"), &json!("two")));
    town.stop().await;
}

#[tokio::test]
async fn a_fan_out_that_is_done_twice_notifies_once() {
    for fault in [
        "kill:SendFunction:before:Publish:1",
        "kill:SendFunction:after:Publish:1",
        "kill:SendFunction:before:PutItem:InboxTable:2",
    ] {
        let town = Town::start().await;
        let mut alice = town.client("alice", "desk").await;
        town.arm(fault);
        alice.send(&text("bob", "are you there?", 0)).await;
        town.struck(1).await;
        // The marker tells that the stream's consumer is through.
        let mut phone = town.client("alice", "phone").await;
        told(&mut phone, 1).await;
        assert_eq!(notified(&town, 1).await, named(&[("bob", 1)]), "{fault}");
        town.stop().await;
    }
}

#[tokio::test]
async fn where_there_is_no_topic_nobody_is_notified_and_nothing_fails() {
    let town = Town::with_parameters(&[("OfflineNotifications", "off")]).await;
    let mut alice = town.client("alice", "desk").await;
    let mut phone = town.client("alice", "phone").await;
    alice.ok(&text("bob", "are you there?", 0)).await;
    phone.pushed().await;
    let bill = town.stop().await;
    assert!(bill.topics.is_empty(), "{bill}");
}

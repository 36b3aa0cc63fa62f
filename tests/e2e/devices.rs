//! Several devices of one person.

use serde_json::{Value, json};
use tests::Town;

use crate::exchange::{inbox, text, texts, told};

#[tokio::test]
async fn the_senders_other_device_gets_the_message_too() {
    let town = Town::start().await;
    let mut desk = town.client("alice", "desk").await;
    let mut phone = town.client("alice", "phone").await;
    let ack = desk.ok(&text("bob", "from the desk", 0)).await;
    let pushed = phone.pushed().await;
    assert_eq!((&pushed["seq"], &pushed["from"]), (&ack["seq"], &json!("alice")));
    assert_eq!(pushed["q"], 1);
    assert_eq!(texts(&inbox(&mut phone, 0, 100).await), ["from the desk"]);
    // The device that sent it was answered, and is not told a second time.
    assert_eq!(texts(&inbox(&mut desk, 0, 100).await), ["from the desk"]);
    assert_eq!(desk.left(), [] as [&Value; 0]);
    town.stop().await;
}

#[tokio::test]
async fn an_answer_tells_where_own_messages_stand() {
    let town = Town::start().await;
    let mut alice = town.client("alice", "desk").await;
    let mut phone = town.client("alice", "phone").await;
    let mut bob = town.client("bob", "phone").await;
    alice.ok(&text("bob", "one", 0)).await;
    // The marker stands once the sender's other device is told.
    phone.pushed().await;
    let marker = json!([{ "q": 1, "conversation": "d~alice~bob", "seq": 1 }]);
    bob.ok(&text("alice", "two", 1)).await;
    let pushed = alice.pushed().await;
    assert_eq!((&pushed["q"], &pushed["own"]), (&json!(2), &marker));
    phone.pushed().await;
    let ack = alice.ok(&text("bob", "three", 2)).await;
    assert!(ack.get("own").is_none(), "the newest entry is not alice's: {ack}");
    phone.pushed().await;
    let ack = alice.ok(&text("bob", "four", 3)).await;
    assert_eq!(ack["own"], json!([{ "q": 3, "conversation": "d~alice~bob", "seq": 3 }]));
    town.stop().await;
}

#[tokio::test]
async fn a_device_that_connects_again_takes_over() {
    let town = Town::start().await;
    let mut first = town.client("alice", "desk").await;
    let mut second = town.client("alice", "desk").await;
    assert_eq!(first.closed().await, Some(1_000));
    let mut bob = town.client("bob", "phone").await;
    bob.ok(&text("alice", "still there?", 0)).await;
    assert_eq!(second.pushed().await["body"]["text"], "still there?");
    town.stop().await;
}

#[tokio::test]
async fn a_lost_disconnect_costs_nothing_but_one_post() {
    let town = Town::start().await;
    town.arm("lose-disconnects:1");
    let bob = town.client("bob", "phone").await;
    bob.close().await;
    let mut alice = town.client("alice", "desk").await;
    alice.ok(&text("bob", "anyone?", 0)).await;
    let mut bob = town.client("bob", "phone").await;
    assert_eq!(texts(&told(&mut bob, 1).await), ["anyone?"]);
    alice.ok(&text("bob", "there you are", 1)).await;
    bob.wait_for(|frame| frame["body"]["text"] == "there you are").await;
    town.stop().await;
}

#[tokio::test]
async fn with_every_push_lost_sync_alone_is_complete() {
    let town = Town::start().await;
    let mut bob = town.client("bob", "phone").await;
    let mut alice = town.client("alice", "desk").await;
    // The ack is a post as well, so what alice can see is the timeline.
    town.arm("lose-posts:1");
    for number in 0..5 {
        alice.send(&text("bob", &format!("number {number}"), 0)).await;
        town.struck(2 * (number + 1)).await;
    }
    let expected: Vec<_> = (0..5).map(|number| format!("number {number}")).collect();
    assert_eq!(texts(&told(&mut bob, 5).await), expected);
    assert_eq!(bob.left(), [] as [&Value; 0]);
    town.stop().await;
}

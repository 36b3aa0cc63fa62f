//! What an inbox forgets, and a device that was away for longer than that.

use serde_json::{Value, json};
use tests::{Client, Town, frame, within};

use crate::exchange::{inbox, text, texts};

/// Waits until the inbox has forgotten what follows the cursor, and gives the answer that says so.
async fn forgotten(client: &mut Client, cursor: u64) -> Value {
    let waiting = async {
        loop {
            let answer = client.ok(&frame("sync", json!({ "cursor": cursor }))).await;
            if answer["reset"] == true {
                return answer;
            }
            assert_eq!(answer["cursor"], 5, "until then it has everything: {answer}");
        }
    };
    within(waiting).await
}

#[tokio::test]
async fn a_device_that_was_away_for_too_long_ends_with_the_whole_history() {
    let town = Town::with_parameters(&[("InboxSeconds", "3")]).await;
    let mut alice = town.client("alice", "desk").await;
    let mut bob = town.client("bob", "phone").await;
    for base in 0..5 {
        alice.ok(&text("bob", &format!("number {}", base + 1), base)).await;
        bob.pushed().await;
    }
    // It had come as far as the second.
    let reset = forgotten(&mut bob, 2).await;
    assert_eq!(
        (&reset["entries"], &reset["tail"], &reset["cursor"]),
        (&json!([]), &json!(5), &json!(5))
    );
    assert_eq!(reset["conversations"], json!([{ "conversation": "d~alice~bob", "tail": 5 }]));
    let asked = frame("history", json!({ "conversation": "d~alice~bob", "after": 2 }));
    let history = bob.ok(&asked).await;
    assert_eq!(
        texts(history["messages"].as_array().unwrap()),
        ["number 3", "number 4", "number 5"]
    );

    // The numbers of the inbox go on, although nothing of what they counted is left.
    alice.ok(&text("bob", "number 6", 5)).await;
    assert_eq!(bob.pushed().await["q"], 6);
    assert_eq!(texts(&inbox(&mut bob, 5, 100).await), ["number 6"]);
    town.stop().await;
}

#[tokio::test]
async fn two_devices_that_sync_at_once_see_the_same() {
    let town = Town::start().await;
    let mut alice = town.client("alice", "desk").await;
    let mut phone = town.client("bob", "phone").await;
    let mut tablet = town.client("bob", "tablet").await;
    for base in 0..40 {
        alice.ok(&text("bob", &format!("number {base}"), base)).await;
        tablet.pushed().await;
    }
    let (one, other) = tokio::join!(inbox(&mut phone, 0, 7), inbox(&mut tablet, 0, 11));
    let expected: Vec<_> = (0..40).map(|base| format!("number {base}")).collect();
    assert_eq!(texts(&one), expected);
    assert_eq!(one, other);
    town.stop().await;
}

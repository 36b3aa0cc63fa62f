//! Parts of one conversation.

use serde_json::{Value, json};
use tests::{Client, Town, frame, id};

use crate::exchange::text;
use crate::groups::{group, say};

/// A conversation of 12 messages, and bob to read it.
async fn conversation() -> (Town, Client) {
    let town = Town::start().await;
    let mut alice = town.client("alice", "desk").await;
    for base in 0..12 {
        alice.ok(&text("bob", &format!("number {}", base + 1), base)).await;
    }
    let bob = town.client("bob", "phone").await;
    (town, bob)
}

async fn page(bob: &mut Client, mut part: Value) -> (Vec<u64>, Value) {
    part["conversation"] = json!("d~alice~bob");
    let page = bob.ok(&frame("history", part)).await;
    let seqs = page["messages"].as_array().unwrap().iter().map(|m| m["seq"].as_u64().unwrap());
    (seqs.collect(), page)
}

#[tokio::test]
async fn a_new_device_pages_back_to_the_first_message() {
    let (town, mut bob) = conversation().await;
    let (newest, first_page) = page(&mut bob, json!({ "limit": 5 })).await;
    assert_eq!(newest, [8, 9, 10, 11, 12]);
    assert_eq!((&first_page["first"], &first_page["last"]), (&json!(1), &json!(12)));
    assert_eq!(first_page["more"], true);
    assert_eq!(first_page["messages"][0]["body"]["text"], "number 8");
    let (older, _) = page(&mut bob, json!({ "before": 8, "limit": 5 })).await;
    assert_eq!(older, [3, 4, 5, 6, 7]);
    let (oldest, last_page) = page(&mut bob, json!({ "before": 3, "limit": 5 })).await;
    assert_eq!((oldest, &last_page["more"]), (vec![1, 2], &json!(false)));
    town.stop().await;
}

#[tokio::test]
async fn max_and_min_seq_query_of_a_conversation_and_of_an_inbox() {
    let (town, mut bob) = conversation().await;
    let (_, newest) = page(&mut bob, json!({ "limit": 1 })).await;
    assert_eq!((&newest["first"], &newest["last"]), (&json!(1), &json!(12)));
    let inbox = bob.ok(&frame("sync", json!({ "cursor": 0 }))).await;
    assert_eq!((&inbox["entries"][0]["q"], &inbox["tail"]), (&json!(1), &json!(12)));
    // Whoever comes into a group that hides what was before begins at that point.
    let mut alice = town.client("alice", "desk").await;
    let asked = json!({ "title": "open", "open": true, "history": "join", "cid": id() });
    let club = alice.ok(&group("create", asked)).await["conversation"].take();
    alice.ok(&say(&club, "before", 1)).await;
    bob.ok(&group("join", json!({ "conversation": club }))).await;
    let page = bob.ok(&frame("history", json!({ "conversation": club }))).await;
    assert_eq!((&page["first"], &page["last"]), (&json!(3), &json!(3)));
    town.stop().await;
}

#[tokio::test]
async fn random_access_and_forward_scan() {
    let (town, mut bob) = conversation().await;
    let (one, _) = page(&mut bob, json!({ "seqs": [7] })).await;
    let (none, missing) = page(&mut bob, json!({ "seqs": [13] })).await;
    assert_eq!((one, none, &missing["missing"]), (vec![7], vec![], &json!([13])));
    let (mut scanned, mut after) = (Vec::new(), 0);
    loop {
        let (seqs, part) = page(&mut bob, json!({ "after": after, "limit": 5 })).await;
        after = *seqs.last().unwrap();
        scanned.extend(seqs);
        if part["more"] == false {
            break;
        }
    }
    assert_eq!(scanned, (1..=12).collect::<Vec<_>>());
    town.stop().await;
}

#[tokio::test]
async fn a_hole_is_filled_by_range_or_by_list() {
    let (town, mut bob) = conversation().await;
    let (seqs, _) = page(&mut bob, json!({ "range": [4, 6] })).await;
    assert_eq!(seqs, [4, 5, 6]);
    let (seqs, page_of_list) = page(&mut bob, json!({ "seqs": [11, 2, 99, 2] })).await;
    assert_eq!(seqs, [2, 11]);
    assert_eq!(page_of_list["missing"], json!([99]));
    let (seqs, _) = page(&mut bob, json!({ "after": 10 })).await;
    assert_eq!(seqs, [11, 12]);
    let (seqs, beyond) = page(&mut bob, json!({ "range": [10, 400] })).await;
    assert_eq!((seqs, &beyond["missing"]), (vec![10, 11, 12], &json!([])));
    town.stop().await;
}

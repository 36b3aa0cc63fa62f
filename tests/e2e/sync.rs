//! What a device does with its cursor.

use serde_json::{Value, json};
use tests::{Town, frame};

use crate::exchange::{inbox, text, texts, told};

#[tokio::test]
async fn a_device_without_a_cursor_starts_from_a_reset() {
    let town = Town::start().await;
    let mut alice = town.client("alice", "desk").await;
    alice.ok(&text("bob", "one", 0)).await;
    alice.ok(&text("carol", "two", 0)).await;
    let mut phone = town.client("alice", "phone").await;
    told(&mut phone, 2).await;
    let page = phone.ok(&frame("sync", json!({}))).await;
    assert_eq!(page["reset"], true);
    assert_eq!(page["entries"], json!([]));
    assert_eq!(page["cursor"], page["tail"]);
    assert_eq!(
        page["conversations"],
        json!([
            { "conversation": "d~alice~bob", "tail": 1 },
            { "conversation": "d~alice~carol", "tail": 1 },
        ])
    );
    town.stop().await;
}

#[tokio::test]
async fn a_cursor_beyond_the_end_is_reset() {
    let town = Town::start().await;
    let mut bob = town.client("bob", "phone").await;
    let mut alice = town.client("alice", "desk").await;
    alice.ok(&text("bob", "one", 0)).await;
    bob.pushed().await;
    let page = bob.ok(&frame("sync", json!({ "cursor": 9 }))).await;
    assert_eq!((&page["reset"], &page["cursor"]), (&json!(true), &json!(1)));
    town.stop().await;
}

#[tokio::test]
async fn a_page_ends_before_the_frame_is_too_large() {
    let town = Town::start().await;
    let mut alice = town.client("alice", "desk").await;
    let long = "x".repeat(8_000);
    for base in 0..9 {
        alice.ok(&text("bob", &long, base)).await;
    }
    told(&mut town.client("bob", "desk").await, 9).await;
    let mut bob = town.client("bob", "phone").await;
    let asked = frame("sync", json!({ "cursor": 0 }));
    let page = bob.ask_text(&asked).await;
    assert!(page.len() <= 30_000, "{}", page.len());
    let page: Value = serde_json::from_str(&page).unwrap();
    assert_eq!(page["ok"]["more"], true);
    assert!(!page["ok"]["entries"].as_array().unwrap().is_empty());
    assert_eq!(texts(&inbox(&mut bob, 0, 100).await), vec![long.as_str(); 9]);
    town.stop().await;
}

#[tokio::test]
async fn two_devices_sync_on_their_own() {
    let town = Town::start().await;
    let mut alice = town.client("alice", "desk").await;
    for base in 0..6 {
        alice.ok(&text("bob", &base.to_string(), base)).await;
    }
    let mut phone = town.client("bob", "phone").await;
    told(&mut phone, 6).await;
    let mut desk = town.client("bob", "desk").await;
    let (one, other) = tokio::join!(inbox(&mut phone, 0, 2), inbox(&mut desk, 0, 5));
    assert_eq!(one, other);
    assert_eq!(inbox(&mut desk, 4, 5).await, one[4..]);
    town.stop().await;
}

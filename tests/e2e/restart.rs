//! The gateway ends and comes back.

use serde_json::json;
use tests::{Town, frame};

use crate::exchange::{text, texts, told};

#[tokio::test]
async fn the_file_store_keeps_everything() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("tables.sqlite");
    let town = Town::in_file(&file).await;
    let mut alice = town.client("alice", "desk").await;
    for base in 0..5 {
        alice.ok(&text("bob", &base.to_string(), base)).await;
    }
    told(&mut town.client("bob", "desk").await, 5).await;
    town.stop().await;

    let town = Town::in_file(&file).await;
    let mut alice = town.client("alice", "desk").await;
    assert_eq!(alice.ok(&text("bob", "5", 5)).await["seq"], 6);
    let mut bob = town.client("bob", "phone").await;
    assert_eq!(texts(&told(&mut bob, 6).await), ["0", "1", "2", "3", "4", "5"]);
    let asked = frame("history", json!({ "conversation": "d~alice~bob" }));
    assert_eq!(bob.ok(&asked).await["last"], 6);
    town.stop().await;
}

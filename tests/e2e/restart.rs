//! The gateway ends and comes back.

use serde_json::json;
use tests::{Program, Town, frame};

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

/// An acknowledged message survives SIGKILL of the whole stack, right after its acknowledgement.
#[tokio::test]
async fn an_acknowledged_message_survives_a_kill_of_the_gateway() {
    let folder = tempfile::tempdir().unwrap();
    for round in 0..3 {
        let program = Program::start(folder.path(), &["--port", "0"]).await;
        let mut alice = program.client("alice").await;
        let ack = alice.ok(&text("bob", &round.to_string(), round)).await;
        assert_eq!(ack["seq"], round + 1);
        program.kill().await;
    }
    let program = Program::start(folder.path(), &["--port", "0"]).await;
    let mut bob = program.client("bob").await;
    let asked = frame("history", json!({ "conversation": "d~alice~bob" }));
    let page = bob.ok(&asked).await;
    assert_eq!(texts(page["messages"].as_array().unwrap()), ["0", "1", "2"]);
    program.kill().await;
}

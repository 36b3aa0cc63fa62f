//! What the functions' logs must not hold.

use serde_json::{Value, json};
use tests::{Token, Town, frame, id};

use crate::exchange::text;

const CANARY: &str = "canary-4f1d9c";

#[tokio::test]
async fn no_log_holds_a_body_or_a_token() {
    let folder = tempfile::tempdir().unwrap();
    let town = Town::logging(folder.path().to_owned()).await;
    let token = town.token(&Token { user: "alice".to_owned(), seconds: 600 });
    let mut alice = town.client("alice", "desk").await;
    let mut bob = town.client("bob", "phone").await;
    alice.ok(&text("bob", CANARY, 0)).await;
    bob.pushed().await;
    // Frames that are refused, so that something is logged at all.
    alice.ask(&frame("send", json!({ "to": CANARY, "surplus": CANARY }))).await;
    alice.ask(&frame("nowhere", json!({ "text": CANARY }))).await;
    let refused = frame(
        "send",
        json!({ "conversation": "d~bob~carol", "cid": id(), "body": { "text": CANARY } }),
    );
    alice.ask(&refused).await;
    alice.ok(&frame("search", json!({ "query": CANARY }))).await;
    alice.ask(&frame("search", json!({ "query": CANARY, "page": CANARY }))).await;
    let forged = town.handshake("bob", "x").bearer(&format!("{token}{CANARY}"));
    assert_eq!(forged.connect().await.unwrap_err(), 401);
    town.stop().await;

    let mut logged = String::new();
    for file in std::fs::read_dir(folder.path()).unwrap() {
        logged.push_str(&std::fs::read_to_string(file.unwrap().path()).unwrap());
    }
    assert!(logged.contains("refused"), "nothing was logged");
    assert!(!logged.contains(CANARY), "{logged}");
    assert!(!logged.contains(&token), "{logged}");
    assert!(!logged.contains("eyJ"), "{logged}");
}

#[tokio::test]
async fn what_is_rare_is_counted_by_a_line_in_the_log() {
    let folder = tempfile::tempdir().unwrap();
    let town = Town::logging(folder.path().to_owned()).await;
    let mut alice = town.client("alice", "desk").await;
    let mut bob = town.client("bob", "phone").await;
    town.arm("kill:SendFunction:after:PutItem:TimelineTable:1");
    alice.send(&text("bob", "survivor", 0)).await;
    bob.pushed().await;
    let typing = || frame("signal", json!({ "conversation": "d~alice~bob", "kind": "typing" }));
    alice.ok(&typing()).await;
    assert_eq!(alice.refused(&typing()).await.0, 429);
    town.stop().await;

    for (function, metric) in
        [("FanoutFunction", "FanOutsFinished"), ("SignalFunction", "SlowMode")]
    {
        let log = std::fs::read_to_string(folder.path().join(format!("{function}.log"))).unwrap();
        let lines = log.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        let counted: Vec<Value> = lines.filter(|line| line.get("_aws").is_some()).collect();
        assert_eq!(counted.len(), 1, "{function}: {log}");
        assert_eq!(
            (&counted[0][metric], &counted[0]["FunctionName"]),
            (&json!(1), &json!(function))
        );
    }
}

//! Every route against those who may not: a table that fails on a route that is not in it.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use tests::{Client, Town, frame, id};

use crate::exchange::{text, told};

/// What a stranger tries, and with what it must be refused.
struct Attempt {
    route: &'static str,
    what: &'static str,
    frame: Value,
    refused: Option<(u64, &'static str)>,
}

/// Conversations and ids of other people, in every field that takes one. `None`: the route answers,
/// and what it answers is the caller's own.
fn attempts() -> Vec<Attempt> {
    let theirs = json!("d~alice~bob");
    let group = json!("g~01935b2e-7c1a-7def-8123-456789abcdef");
    let body = json!({ "text": "let me in" });
    let send = |conversation: &Value| {
        frame("send", json!({ "conversation": conversation, "cid": id(), "body": body }))
    };
    let attempt = |route, what, frame, refused| Attempt { route, what, frame, refused };
    let forbidden = Some((403, "forbidden"));
    let malformed = Some((400, "malformed"));
    vec![
        attempt("send", "another's conversation", send(&theirs), forbidden),
        attempt("send", "a group that is not there", send(&group), forbidden),
        attempt(
            "send",
            "in another's name",
            frame("send", json!({ "to": "bob", "from": "alice", "cid": id(), "body": body })),
            malformed,
        ),
        attempt(
            "history",
            "another's conversation",
            frame("history", json!({ "conversation": theirs })),
            forbidden,
        ),
        attempt(
            "history",
            "another conversation's sequence",
            frame("history", json!({ "conversation": theirs, "seqs": [1] })),
            forbidden,
        ),
        attempt(
            "history",
            "a conversation that is not there",
            frame("history", json!({ "conversation": group })),
            forbidden,
        ),
        attempt(
            "history",
            "as another user",
            frame("history", json!({ "conversation": theirs, "user": "alice" })),
            malformed,
        ),
        attempt(
            "sync",
            "another's inbox",
            frame("sync", json!({ "cursor": 0, "user": "alice" })),
            malformed,
        ),
        attempt(
            "sync",
            "another's conversation among the tails",
            frame("sync", json!({ "cursor": 0, "tails": { "d~alice~bob": 0 } })),
            None,
        ),
        attempt(
            "$default",
            "a route that is not there",
            frame("steal", json!({})),
            Some((404, "not_found")),
        ),
    ]
}

async fn town() -> (Town, Client) {
    let town = Town::start().await;
    let mut alice = town.client("alice", "desk").await;
    alice.ok(&text("bob", "between us", 0)).await;
    let eve = town.client("eve", "phone").await;
    (town, eve)
}

#[tokio::test]
async fn nobody_reads_or_writes_what_is_not_theirs() {
    let (town, mut eve) = town().await;
    for Attempt { route, what, frame, refused } in attempts() {
        let answer = eve.ask(&frame).await;
        assert!(!answer.to_string().contains("between us"), "{route}, {what}: {answer}");
        match refused {
            Some((code, name)) => {
                assert_eq!(answer["error"]["code"], code, "{route}, {what}: {answer}");
                assert_eq!(answer["error"]["name"], name, "{route}, {what}: {answer}");
            }
            None => {
                assert_eq!(answer["ok"]["entries"], json!([]), "{route}, {what}: {answer}");
                assert_eq!(answer["ok"]["conversations"], json!([]), "{route}, {what}: {answer}");
            }
        }
    }
    // Nothing of all that reached anyone.
    let mut bob = town.client("bob", "phone").await;
    told(&mut bob, 1).await;
    town.stop().await;
}

/// What is not there and what is not yours cannot be told apart.
#[tokio::test]
async fn a_conversation_of_others_looks_like_none() {
    let (town, mut eve) = town().await;
    for action in ["history", "send"] {
        let mut answers = Vec::new();
        for conversation in ["d~alice~bob", "d~alice~carol"] {
            let mut asked = frame(action, json!({ "conversation": conversation }));
            if action == "send" {
                asked["cid"] = json!(id());
                asked["body"] = json!({ "text": "hello" });
            }
            let mut answer = eve.ask(&asked).await;
            answer["re"].take();
            answers.push(answer);
        }
        assert_eq!(answers[0], answers[1], "{action}");
    }
    town.stop().await;
}

#[test]
fn every_route_is_in_the_table() {
    let handshake = ["$connect", "$disconnect"].map(str::to_owned);
    let deployment = tests::deployment();
    let routes = deployment.apis.values().flat_map(|api| api.routes.keys().cloned());
    let routes: BTreeSet<_> = routes.filter(|route| !handshake.contains(route)).collect();
    let tried: BTreeSet<_> = attempts().iter().map(|attempt| attempt.route.to_owned()).collect();
    assert_eq!(tried, routes);
}

//! Every route against those who may not: a table that fails on a route that is not in it.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use tests::{Client, Town, frame, id};

use crate::exchange::{text, told};
use crate::groups::{found, group, say};

/// What a stranger tries, and with what it must be refused.
struct Attempt {
    route: &'static str,
    what: &'static str,
    frame: Value,
    refused: Option<(u64, &'static str)>,
}

/// What is tried on a conversation that is not the caller's, on every route that takes one.
fn attempts_at(theirs: &Value) -> Vec<Attempt> {
    let forbidden = Some((403, "forbidden"));
    let on = |route: &'static str, what: &'static str, mut fields: Value| {
        fields["conversation"] = theirs.clone();
        Attempt { route, what, frame: frame(route, fields), refused: forbidden }
    };
    let text = json!({ "text": "let me in" });
    let tails = json!({ theirs.as_str().unwrap(): 0 });
    let mut attempts = vec![
        on("send", "a message", json!({ "cid": id(), "body": text })),
        on("send", "a message, by a base", json!({ "cid": id(), "base": 0, "body": text })),
        on("history", "its newest messages", json!({})),
        on("history", "one of its messages", json!({ "seqs": [1] })),
        on("signal", "a focus", json!({ "kind": "focus" })),
        on("read", "a position", json!({ "seq": 1 })),
        on("receipts", "who has read", json!({ "seq": 1 })),
        on("receipts", "how far all have read", json!({})),
        on("search", "its messages", json!({ "query": "between" })),
        on("recall", "a message taken back", json!({ "seq": 2, "cid": id() })),
        on("recall", "a message changed", json!({ "seq": 2, "cid": id(), "body": text })),
        Attempt {
            route: "sync",
            what: "among the tails",
            frame: frame("sync", json!({ "cursor": 0, "tails": tails })),
            refused: None,
        },
    ];
    for (op, fields) in [
        ("join", json!({})),
        ("leave", json!({})),
        ("members", json!({})),
        ("add", json!({ "user": "eve" })),
        ("remove", json!({ "user": "alice" })),
        ("role", json!({ "user": "eve", "role": "owner" })),
        ("rename", json!({ "title": "mine" })),
        ("mute", json!({ "muted": true })),
        ("pin", json!({ "pinned": true })),
    ] {
        let mut attempt = on("group", op, fields);
        attempt.frame["op"] = json!(op);
        attempts.push(attempt);
    }
    attempts
}

/// Conversations and ids of other people, in every field that takes one. `None`: the route answers,
/// and what it answers is the caller's own.
fn attempts() -> Vec<Attempt> {
    let theirs = json!("d~alice~bob");
    let group = json!("g~01935b2e-7c1a-7def-8123-456789abcdef");
    let body = json!({ "text": "let me in" });
    let attempt = |route, what, frame, refused| Attempt { route, what, frame, refused };
    let malformed = Some((400, "malformed"));
    let mut attempts = attempts_at(&theirs);
    attempts.extend(attempts_at(&group));
    attempts.extend([
        attempt(
            "send",
            "in another's name",
            frame("send", json!({ "to": "bob", "from": "alice", "cid": id(), "body": body })),
            malformed,
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
            "conversations",
            "another's list",
            frame("conversations", json!({ "user": "alice" })),
            malformed,
        ),
        attempt(
            "conversations",
            "the own list, of which nothing is another's",
            frame("conversations", json!({})),
            None,
        ),
        attempt(
            "search",
            "as another user",
            frame("search", json!({ "query": "between", "user": "alice" })),
            malformed,
        ),
        attempt(
            "search",
            "in all own conversations, of which none is another's",
            frame("search", json!({ "query": "between", "from": "alice" })),
            None,
        ),
        attempt(
            "$default",
            "a route that is not there",
            frame("steal", json!({})),
            Some((404, "not_found")),
        ),
    ]);
    attempts
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
    require_refused(&mut eve, attempts()).await;
    // Nothing of all that reached anyone.
    let mut bob = town.client("bob", "phone").await;
    told(&mut bob, 1).await;
    town.stop().await;
}

/// Who was removed from a group, or left it, may no more than who was never in it: of a small group
/// and of a large one.
#[tokio::test]
async fn who_is_no_member_any_more_is_a_stranger() {
    for inboxes in ["100", "2"] {
        let town = Town::with_parameters(&[("InboxMembersMax", inboxes)]).await;
        let mut alice = town.client("alice", "desk").await;
        let mut eve = town.client("eve", "phone").await;
        let mut dan = town.client("dan", "phone").await;
        let club = found(&mut alice, &["eve", "dan"]).await;
        eve.ok(&say(&club, "among friends", 1)).await;
        alice.ok(&say(&club, "between us", 2)).await;
        alice.ok(&group("remove", json!({ "conversation": club, "user": "eve" }))).await;
        dan.ok(&group("leave", json!({ "conversation": club }))).await;
        for gone in [&mut eve, &mut dan] {
            require_refused(gone, attempts_at(&club)).await;
        }
        let asked = frame("history", json!({ "conversation": club }));
        assert_eq!(alice.ok(&asked).await["last"], 5, "nothing of all that is kept");
        town.stop().await;
    }
}

async fn require_refused(eve: &mut Client, attempts: Vec<Attempt>) {
    for Attempt { route, what, frame, refused } in attempts {
        let answer = eve.ask(&frame).await;
        let is_inbox = route == "sync" && what == "among the tails";
        let leaks = answer.to_string().contains("between us") && !is_inbox;
        assert!(!leaks, "{route}, {what}: {answer}");
        match refused {
            Some((code, name)) => {
                assert_eq!(answer["error"]["code"], code, "{route}, {what}: {answer}");
                assert_eq!(answer["error"]["name"], name, "{route}, {what}: {answer}");
            }
            None => {
                let own = if route == "search" { "hits" } else { "conversations" };
                assert_eq!(answer["ok"][own], json!([]), "{route}, {what}: {answer}");
            }
        }
    }
}

/// What is not there and what is not yours cannot be told apart.
#[tokio::test]
async fn a_conversation_of_others_looks_like_none() {
    let (town, mut eve) = town().await;
    for action in ["history", "search", "send"] {
        let mut answers = Vec::new();
        for conversation in ["d~alice~bob", "d~alice~carol"] {
            let mut asked = frame(action, json!({ "conversation": conversation }));
            if action == "search" {
                asked["query"] = json!("between");
            }
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

//! Groups over real sockets, with the functions' own binaries.

use serde_json::{Value, json};
use tests::{Client, Town, frame, id};

use crate::exchange::{texts, told};

/// A `group` request.
pub(crate) fn group(op: &str, fields: Value) -> Value {
    let mut asked = frame("group", fields);
    asked["op"] = json!(op);
    asked
}

/// The group of a client and these members: its id.
pub(crate) async fn found(client: &mut Client, members: &[&str]) -> Value {
    let asked = group("create", json!({ "title": "club", "members": members, "cid": id() }));
    client.ok(&asked).await["conversation"].take()
}

/// The frame of a text to a conversation from a client that knows of `base` messages.
pub(crate) fn say(conversation: &Value, text: &str, base: u64) -> Value {
    let body = json!({ "text": text });
    frame("send", json!({ "conversation": conversation, "cid": id(), "base": base, "body": body }))
}

#[tokio::test]
async fn a_group_is_made_talks_changes_and_is_left() {
    let town = Town::start().await;
    let mut alice = town.client("alice", "desk").await;
    let mut bob = town.client("bob", "phone").await;
    let mut cy = town.client("cy", "phone").await;

    let cid = id();
    let asked = group("create", json!({ "title": "周末", "members": ["bob"], "cid": cid }));
    let made = alice.ok(&asked).await;
    let club = made["conversation"].clone();
    assert_eq!(club, format!("g~{cid}"));
    assert_eq!(
        (&made["title"], &made["version"], &made["count"]),
        (&json!("周末"), &json!(1), &json!(2))
    );
    let members =
        json!([{ "user": "alice", "role": "owner" }, { "user": "bob", "role": "member" }]);
    assert_eq!(made["members"], members);
    let joined = bob.pushed().await;
    assert_eq!(
        (&joined["kind"], &joined["from"], &joined["q"]),
        (&json!("join"), &json!("alice"), &json!(1))
    );
    assert_eq!(joined["body"], json!({ "users": ["bob"], "title": "周末" }));
    // Made once, however often it is asked for.
    let mut again = asked.clone();
    again["id"] = json!(id());
    assert_eq!(alice.ok(&again).await, made);

    // The answer does not say where the event stands, so who asked is told as all are.
    assert_eq!(alice.pushed().await["kind"], "join");
    bob.ok(&say(&club, "hello", 1)).await;
    assert_eq!(alice.pushed().await["body"]["text"], "hello");
    alice.ok(&group("add", json!({ "conversation": club, "user": "cy" }))).await;
    assert_eq!(cy.pushed().await["body"], json!({ "users": ["cy"] }));
    for other in [&mut alice, &mut bob] {
        assert_eq!(other.pushed().await["kind"], "join");
    }
    cy.ok(&say(&club, "hi all", 3)).await;
    for other in [&mut alice, &mut bob] {
        assert_eq!(other.pushed().await["body"]["text"], "hi all");
    }
    // All of it is visible from the start.
    let history = cy.ok(&frame("history", json!({ "conversation": club, "after": 0 }))).await;
    let kinds: Vec<_> =
        history["messages"].as_array().unwrap().iter().map(|m| &m["kind"]).collect();
    assert_eq!(kinds, ["join", "text", "join", "text"]);

    let refused =
        bob.refused(&group("rename", json!({ "conversation": club, "title": "x" }))).await;
    assert_eq!(refused, (403, "forbidden".to_owned()));
    alice.ok(&group("role", json!({ "conversation": club, "user": "bob", "role": "admin" }))).await;
    bob.ok(&group("rename", json!({ "conversation": club, "title": "tea" }))).await;
    bob.ok(&group("remove", json!({ "conversation": club, "user": "cy" }))).await;
    let refused = cy.refused(&say(&club, "still here", 7)).await;
    assert_eq!(refused, (403, "forbidden".to_owned()));
    bob.ok(&group("leave", json!({ "conversation": club }))).await;
    alice.ok(&say(&club, "alone", 8)).await;

    let kinds = |entries: &[Value]| -> Vec<String> {
        entries.iter().map(|entry| entry["kind"].as_str().unwrap().to_owned()).collect()
    };
    let all = ["join", "text", "join", "text", "role", "rename", "leave", "leave", "text"];
    assert_eq!(kinds(&told(&mut alice, 9).await), all);
    assert_eq!(kinds(&told(&mut bob, 8).await), all[..8]);
    assert_eq!(kinds(&told(&mut cy, 5).await), all[2..7]);
    town.stop().await;
}

#[tokio::test]
async fn whoever_knows_an_open_group_joins_it_and_sees_what_follows() {
    let town = Town::start().await;
    let mut alice = town.client("alice", "desk").await;
    let mut bob = town.client("bob", "phone").await;
    let asked = json!({ "title": "open", "open": true, "history": "join", "cid": id() });
    let club = alice.ok(&group("create", asked)).await["conversation"].take();
    alice.ok(&say(&club, "before", 1)).await;
    let joined = bob.ok(&group("join", json!({ "conversation": club }))).await;
    assert_eq!((&joined["history"], &joined["open"]), (&json!("join"), &json!(true)));
    alice.ok(&say(&club, "after", 3)).await;
    let pushed = bob.wait_for(|frame| frame["body"]["text"] == "after").await;
    assert_eq!(pushed["seq"], 4);
    let history = bob.ok(&frame("history", json!({ "conversation": club, "after": 0 }))).await;
    assert_eq!(history["first"], 3);
    assert_eq!(texts(&history["messages"].as_array().unwrap()[1..]), ["after"]);
    town.stop().await;
}

#[tokio::test]
async fn a_group_that_grows_is_found_by_its_tail_and_pushed_to_who_shows_it() {
    let town = Town::with_parameters(&[("InboxMembersMax", "2")]).await;
    let mut alice = town.client("alice", "desk").await;
    let mut bob = town.client("bob", "phone").await;
    let mut cy = town.client("cy", "phone").await;
    let club = found(&mut alice, &["bob"]).await;
    bob.ok(&say(&club, "small", 1)).await;
    let grown = alice.ok(&group("add", json!({ "conversation": club, "user": "cy" }))).await;
    assert_eq!((&grown["large"], &grown["count"]), (&json!(true), &json!(3)));
    // In order, by the inbox: the last thing that it tells of the group's messages.
    let entries = told(&mut bob, 3).await;
    assert_eq!(entries[2]["kind"], "mode");
    // Who is added learns by their inbox of what they cannot know otherwise.
    let entries = told(&mut cy, 1).await;
    assert_eq!((&entries[0]["kind"], &entries[0]["large"]), (&json!("join"), &json!(true)));

    let focus = |kind: &str| frame("signal", json!({ "conversation": club, "kind": kind }));
    assert!(cy.ok(&focus("focus")).await["until"].as_u64().is_some());
    alice.ok(&say(&club, "large", 4)).await;
    let pushed = cy.wait_for(|frame| frame["body"]["text"] == "large").await;
    assert_eq!(
        (&pushed["seq"], &pushed["large"], pushed.get("q")),
        (&json!(5), &json!(true), None)
    );
    cy.ok(&focus("blur")).await;

    let tails = |known: u64| {
        let club = club.as_str().unwrap();
        frame("sync", json!({ "cursor": 3, "tails": { club: known } }))
    };
    let moved = json!([{ "conversation": club, "tail": 5, "large": true }]);
    assert_eq!(bob.ok(&tails(3)).await["conversations"], moved);
    assert_eq!(bob.ok(&tails(5)).await["conversations"], json!([]));
    let history = bob.ok(&frame("history", json!({ "conversation": club, "after": 3 }))).await;
    assert_eq!(history["messages"][1]["body"]["text"], "large");
    // A new device finds it among its conversations.
    let mut tablet = town.client("bob", "tablet").await;
    let reset = tablet.ok(&frame("sync", json!({}))).await;
    assert_eq!((&reset["reset"], &reset["conversations"]), (&json!(true), &moved));
    town.stop().await;
}

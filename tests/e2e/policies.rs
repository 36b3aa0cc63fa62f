//! Every function may do what it does, and nothing else: its policy in the template is compared
//! with all that it did in scenes that make it do everything.
//!
//! What a policy lacks fails wherever it is needed, here and in every other test, since the local
//! gateway denies it as AWS would. What a policy has too much is found here alone.

use std::collections::{BTreeMap, BTreeSet};

use search_index::{ANALYZER, Level};
use serde_json::{Value, json};
use store::{BlockKey, Blocks, Focuses};
use template::model::{Deployment, Permissions};
use tests::{Client, Token, Town, frame, id, within};
use timeline::ConversationId;

use crate::exchange::{inbox, text, told};
use crate::groups::{found, group, say};

/// What functions do, by function: action and resource.
type Done = BTreeMap<String, BTreeSet<(String, String)>>;

/// What Lambda itself does in the name of a function that a stream feeds.
///
/// Source: "Using AWS Lambda with Amazon DynamoDB", execution role permissions.
const OF_A_STREAM: [&str; 4] = [
    "dynamodb:DescribeStream",
    "dynamodb:GetRecords",
    "dynamodb:GetShardIterator",
    "dynamodb:ListStreams",
];

/// The same, where what is given up goes to a queue.
const OF_WHAT_IS_GIVEN_UP: &str = "sqs:SendMessage";

/// What the template allows, without what Lambda itself does.
fn allowed(deployment: &Deployment) -> Done {
    let mut allowed = Done::new();
    for (name, function) in &deployment.functions {
        let Permissions::Known(statements) = &function.permissions else {
            panic!("{name} may do what the template does not say");
        };
        let mut by_lambda = BTreeSet::new();
        for statement in statements {
            assert!(statement.allows, "{name} denies");
            for action in &statement.actions {
                for resource in &statement.resources {
                    let is_whole = !action.contains('*') && !resource.starts_with('*');
                    assert!(is_whole, "{name}: {action} on {resource} is too wide");
                    if OF_A_STREAM.contains(&action.as_str()) || action == OF_WHAT_IS_GIVEN_UP {
                        by_lambda.insert(action.as_str());
                        continue;
                    }
                    let one = (action.clone(), resource.clone());
                    let is_new = allowed.entry(name.clone()).or_default().insert(one);
                    assert!(is_new, "{name}: {action} on {resource} is said twice");
                }
            }
        }
        let mapping = deployment.streams.iter().find(|mapping| mapping.function == *name);
        let mut expected = BTreeSet::new();
        if let Some(mapping) = mapping {
            expected.extend(OF_A_STREAM);
            expected.extend(mapping.on_failure.as_ref().map(|_| OF_WHAT_IS_GIVEN_UP));
        }
        assert_eq!(by_lambda, expected, "{name}: what Lambda does for a stream");
    }
    allowed
}

/// Takes what was done in a scene, and ends it.
async fn end(town: Town, done: &mut Done) {
    let permissions = town.gateway().permissions();
    town.stop().await;
    for (function, permissions) in permissions {
        let made = permissions.into_iter().map(|made| (made.action, made.resource));
        done.entry(function).or_default().extend(made);
    }
}

#[tokio::test]
async fn every_function_may_do_what_it_does_and_nothing_else() {
    let mut done = Done::new();
    talk(&mut done).await;
    crowd(&mut done).await;
    expire(&mut done).await;
    die(&mut done).await;
    age(&mut done).await;
    look(&mut done).await;
    let allowed = allowed(&tests::deployment());
    let nothing = BTreeSet::new();
    let mut problems = Vec::new();
    for name in allowed.keys().chain(done.keys()).collect::<BTreeSet<_>>() {
        let may = allowed.get(name).unwrap_or(&nothing);
        let does = done.get(name).unwrap_or(&nothing);
        problems.extend(may.difference(does).map(|one| format!("{name} never needs {one:?}")));
        problems.extend(does.difference(may).map(|one| format!("{name} lacks {one:?}")));
    }
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}

/// Everything between people and in a small group.
async fn talk(done: &mut Done) {
    let town = Town::with_parameters(&[("DevicesMax", "2")]).await;
    let mut alice = town.client("alice", "desk").await;
    let mut bob = town.client("bob", "phone").await;
    let direct = json!("d~alice~bob");
    alice.ok(&text("bob", "hello", 0)).await;
    bob.pushed().await;
    let club = found(&mut alice, &["bob", "cy"]).await;
    alice.ok(&say(&club, "who is here?", 1)).await;
    bob.wait_for(|frame| frame["body"]["text"] == "who is here?").await;
    for conversation in [&direct, &club] {
        let seq = if *conversation == direct { 1 } else { 2 };
        let on = |mut fields: Value| {
            fields["conversation"] = (*conversation).clone();
            fields
        };
        bob.ok(&frame("read", on(json!({ "seq": seq })))).await;
        alice.ok(&frame("receipts", on(json!({ "seq": seq })))).await;
        alice.ok(&frame("receipts", on(json!({})))).await;
        alice.ok(&frame("history", on(json!({})))).await;
        alice.ok(&frame("history", on(json!({ "seqs": [1] })))).await;
        alice.ok(&frame("signal", on(json!({ "kind": "presence" })))).await;
        // One a second, in whatever conversation.
        bob.ask(&frame("signal", on(json!({ "kind": "typing" })))).await;
        alice.ok(&group("mute", on(json!({ "muted": true })))).await;
        alice.ok(&group("pin", on(json!({ "pinned": true })))).await;
        let edit = json!({ "seq": seq, "cid": id(), "body": { "text": "hm" } });
        alice.ok(&frame("recall", on(edit))).await;
        alice.ok(&frame("recall", on(json!({ "seq": seq, "cid": id() })))).await;
    }
    alice.ok(&frame("conversations", json!({}))).await;
    for (op, fields) in [
        ("add", json!({ "user": "dan" })),
        ("role", json!({ "user": "bob", "role": "admin" })),
        ("rename", json!({ "title": "tea" })),
        ("members", json!({})),
        ("remove", json!({ "user": "dan" })),
    ] {
        let mut fields = fields;
        fields["conversation"] = club.clone();
        alice.ok(&group(op, fields)).await;
    }
    bob.ok(&frame("sync", json!({ "cursor": 0 }))).await;
    // A new device that asks where it stands.
    alice.ok(&frame("sync", json!({}))).await;
    // One device too many is told, and its connection closed.
    let _second = town.client("alice", "laptop").await;
    let _third = town.client("alice", "tablet").await;
    alice.closed().await;
    end(town, done).await;
}

/// Everything in a large group; whoever looks at it is gone without having said so.
async fn crowd(done: &mut Done) {
    let town = Town::with_parameters(&[("InboxMembersMax", "2")]).await;
    let mut alice = town.client("alice", "desk").await;
    let mut bob = town.client("bob", "phone").await;
    let club = found(&mut alice, &["bob"]).await;
    alice.ok(&group("add", json!({ "conversation": club, "user": "cy" }))).await;
    let signal = |kind: &str| frame("signal", json!({ "conversation": club, "kind": kind }));
    bob.ok(&signal("focus")).await;
    alice.ok(&say(&club, "to whoever looks", 1)).await;
    bob.wait_for(|frame| frame["body"]["text"] == "to whoever looks").await;
    let tails = json!({ club.as_str().unwrap(): 0 });
    bob.ok(&frame("sync", json!({ "cursor": 0, "tails": tails }))).await;
    bob.ok(&signal("blur")).await;

    town.arm("gone-posts:1");
    for asked in [
        say(&club, "to nobody", 1),
        frame("recall", json!({ "conversation": club, "seq": 4, "cid": id() })),
        group("add", json!({ "conversation": club, "user": "dan" })),
    ] {
        bob.ok(&signal("focus")).await;
        alice.send(&asked).await;
        let looked_away = async { while is_looked_at(&town, &club).await {} };
        within(looked_away).await;
    }
    // And what the stream's consumer finishes of it.
    bob.ok(&signal("focus")).await;
    town.arm("kill:GroupFunction:after:PutItem:TimelineTable:1");
    alice.send(&group("add", json!({ "conversation": club, "user": "eve" }))).await;
    // The last thing that a fan-out does is to write to its author's own inbox.
    let told_of = async { while !is_told_of(&mut alice, "eve").await {} };
    within(told_of).await;
    end(town, done).await;
}

/// Whether a device is known to look at a group.
async fn is_looked_at(town: &Town, group: &Value) -> bool {
    let group = ConversationId::parse(group.as_str().unwrap()).unwrap();
    !town.store().focused(&group, None, 1).await.unwrap().is_empty()
}

/// Whether a client's inbox tells that a user came.
async fn is_told_of(client: &mut Client, user: &str) -> bool {
    let entries = inbox(client, 0, 100).await;
    entries.iter().any(|entry| entry["body"]["users"] == json!([user]))
}

/// Every route with a token that has expired: its connection is told, and closed.
async fn expire(done: &mut Done) {
    let town = Town::start().await;
    let routes: Vec<String> = tests::deployment()
        .apis
        .values()
        .flat_map(|api| api.routes.keys().cloned())
        .filter(|route| !route.starts_with('$'))
        .chain(["nowhere".to_owned()])
        .collect();
    let mut clients = Vec::new();
    for route in routes {
        let token = town.token(&Token { user: route.clone(), seconds: 2 });
        let at = tests::Handshake::new(&town.gateway().url()).bearer(&token);
        clients.push((at.device("desk").connect().await.unwrap(), route));
    }
    for (mut client, route) in clients {
        let probe = || frame(&route, json!({ "probe": 1 }));
        let expired = async { while client.ask(&probe()).await["error"]["code"] != 401 {} };
        within(expired).await;
        client.closed().await;
    }
    end(town, done).await;
}

/// What the stream's consumer does for those who died in the middle.
async fn die(done: &mut Done) {
    let town = Town::start().await;
    let mut alice = town.client("alice", "desk").await;
    let mut phone = town.client("alice", "phone").await;
    let mut bob = town.client("bob", "phone").await;
    let club = found(&mut alice, &["bob", "cy"]).await;
    town.arm("kill:SendFunction:after:PutItem:TimelineTable:1");
    alice.send(&say(&club, "survivor", 1)).await;
    bob.wait_for(|frame| frame["body"]["text"] == "survivor").await;
    town.arm("kill:RecallFunction:after:PutItem:TimelineTable:1");
    alice.send(&frame("recall", json!({ "conversation": club, "seq": 2, "cid": id() }))).await;
    bob.wait_for(|frame| frame["kind"] == "recall").await;
    town.arm("gone-posts:1");
    town.arm("kill:SendFunction:after:PutItem:TimelineTable:1");
    alice.send(&say(&club, "to nobody", 3)).await;
    told(&mut phone, 4).await;
    alice.send(&say(&club, "to nobody", 3)).await;
    alice.ok(&frame("recall", json!({ "conversation": club, "seq": 4, "cid": id() }))).await;
    alice.ok(&group("rename", json!({ "conversation": club, "title": "tea" }))).await;
    told(&mut phone, 7).await;
    end(town, done).await;
}

/// An inbox that grows old.
async fn age(done: &mut Done) {
    let town = Town::with_parameters(&[("InboxSeconds", "2")]).await;
    let mut alice = town.client("alice", "desk").await;
    let mut bob = town.client("bob", "phone").await;
    alice.ok(&text("bob", "hello", 0)).await;
    bob.pushed().await;
    let sync = || frame("sync", json!({ "cursor": 0 }));
    let forgotten = async { while bob.ok(&sync()).await["reset"] != true {} };
    within(forgotten).await;
    end(town, done).await;
}

/// What is looked for, and what makes that quick: blocks that the stream builds, that an operator
/// has built, and that a search misses.
async fn look(done: &mut Done) {
    let town = Town::start().await;
    let mut alice = town.client("alice", "desk").await;
    for number in 0..512 {
        alice.ok(&text("bob", &format!("number n{number}"), number)).await;
    }
    let direct = json!("d~alice~bob");
    // The stream builds eight blocks of 64, and of them one of 512.
    let long = BlockKey {
        conversation: ConversationId::parse("d~alice~bob").unwrap(),
        analyzer: ANALYZER,
        level: Level::L1.number(),
        bucket: 0,
        number: 0,
    };
    let (store, keys) = (town.store(), [long]);
    let built = async { while store.read_blocks(&keys).await.unwrap()[0].is_none() {} };
    within(built).await;
    let search = |fields: Value| frame("search", fields);
    let one = || search(json!({ "query": "n41 ", "conversation": direct }));
    let hits = alice.ok(&one()).await;
    assert_eq!(hits["hits"][0]["seq"], 42);
    let asked = json!({ "rebuild": { "user": "bob" } });
    town.invoke("IndexFunction", &asked).await.unwrap();
    end(town, done).await;

    let town = Town::with_parameters(&[("SearchIndex", "lazy")]).await;
    let mut alice = town.client("alice", "desk").await;
    let club = found(&mut alice, &["bob"]).await;
    for number in 1..130 {
        alice.ok(&say(&club, &format!("number n{number}"), number)).await;
    }
    for asked in [json!({ "query": "n41 " }), json!({ "query": "n41 ", "conversation": club })] {
        assert_eq!(alice.ok(&search(asked)).await["hits"][0]["seq"], 42);
    }
    end(town, done).await;
}

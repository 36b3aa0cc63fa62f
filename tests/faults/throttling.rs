//! A store that asks us to slow down has the client told to wait, whichever route and whichever
//! request of it; and when it has waited, nothing is lost or doubled.

use std::time::Duration;

use serde_json::{Value, json};
use timeline::exchange::Caller;
use timeline::{Seq, limits};

use crate::plan::{Fault, Plan, Rule};
use crate::seen::Service;
use crate::world::{World, caller, text};

/// How DynamoDB says it.
const CODES: [&str; 3] =
    ["ProvisionedThroughputExceededException", "RequestLimitExceeded", "ThrottlingException"];

/// What a device waits before it asks again: longer than it is asked to, for two signals lie a
/// second apart.
const PATIENCE: Duration = Duration::from_millis(limits::SIGNAL_GAP_MS);

/// A direct conversation and a group, and a frame of every sort, each of which goes well once those
/// before it did.
pub(crate) fn frames(world: &World) -> (String, Vec<(Caller, Value)>) {
    let (ada, bob) = (world.device("ada", "desk"), world.device("bob", "phone"));
    world.ok(&ada, &text("bob", "first", 0));
    let cid = tests::id();
    let made =
        json!({ "op": "create", "title": "tea", "members": ["bob"], "open": true, "cid": cid });
    let made = tests::frame("group", made);
    let (direct, club) = ("d~ada~bob".to_owned(), format!("g~{cid}"));
    let group = |mut fields: Value| {
        fields["conversation"] = json!(club);
        tests::frame("group", fields)
    };
    let on = |action: &str, conversation: &str, mut fields: Value| {
        fields["conversation"] = json!(conversation);
        tests::frame(action, fields)
    };
    let mut claimed = text("bob", "third", 0);
    claimed.as_object_mut().unwrap().remove("base");
    let edit = json!({ "seq": 2, "cid": tests::id(), "base": 3, "body": { "text": "2nd" } });
    let recall = json!({ "seq": 1, "cid": tests::id(), "base": 4 });
    let frames = [
        (&ada, text("bob", "second", 1)),
        (&ada, claimed),
        (&ada, text("cleo", "hello", 0)),
        (&ada, on("recall", &direct, edit)),
        (&ada, on("recall", &direct, recall)),
        (&bob, on("read", &direct, json!({ "seq": 3 }))),
        (&ada, on("receipts", &direct, json!({ "seq": 2 }))),
        (&ada, tests::frame("conversations", json!({}))),
        (&bob, tests::frame("sync", json!({ "cursor": 0 }))),
        (&bob, tests::frame("sync", json!({}))),
        (&bob, on("history", &direct, json!({}))),
        (&bob, tests::frame("search", json!({ "query": "third" }))),
        (&bob, on("signal", &direct, json!({ "kind": "typing" }))),
        (&bob, on("signal", &direct, json!({ "kind": "presence" }))),
        (&ada, made),
        (&ada, group(json!({ "op": "add", "user": "cleo" }))),
        (&ada, group(json!({ "op": "role", "user": "cleo", "role": "admin" }))),
        (&ada, group(json!({ "op": "rename", "title": "tee" }))),
        (&bob, group(json!({ "op": "mute", "muted": true }))),
        (&bob, group(json!({ "op": "pin", "pinned": true }))),
        (&ada, group(json!({ "op": "members" }))),
        (&bob, group(json!({ "op": "leave" }))),
        (&bob, group(json!({ "op": "join" }))),
        (&ada, group(json!({ "op": "remove", "user": "cleo" }))),
    ];
    let frames = frames.map(|(asking, frame)| (asking.clone(), frame));
    (club, frames.into())
}

/// Every message stands once, in order.
fn check(world: &World, club: &str) {
    world.calm_down();
    let kinds = |conversation: &str| -> Vec<_> {
        let entries = world.timeline(conversation, Seq::ZERO);
        (1..).zip(&entries).for_each(|(seq, entry)| assert_eq!(entry.seq.number(), seq));
        entries.into_iter().map(|entry| entry.kind.as_str().to_owned()).collect()
    };
    assert_eq!(kinds("d~ada~bob"), ["text", "text", "text", "edit", "recall"]);
    assert_eq!(kinds("d~ada~cleo"), ["text"]);
    let events = ["join", "join", "role", "rename", "leave", "join", "leave"];
    assert_eq!(kinds(club), events);
}

fn require_patience(problem: &Value, frame: &Value) {
    assert_eq!((&problem["code"], &problem["name"]), (&json!(429), &json!("slow_mode")), "{frame}");
    assert_eq!(problem["retry_after_ms"], limits::RETRY_AFTER_MS, "{frame}");
}

#[test]
fn every_route_asks_to_wait_while_the_store_throttles() {
    let world = World::new();
    let (club, frames) = frames(&world);
    for (asking, frame) in frames {
        for code in CODES {
            world.go(Plan::of([Rule::every(Fault::Refused(code)).to(Service::DynamoDb)]));
            require_patience(&world.refused(&asking, &frame), &frame);
        }
        world.go(Plan::default());
        world.clock.run(world.clock.after(PATIENCE));
        world.ok(&asking, &frame);
    }
    check(&world, &club);
}

/// The first attempt is throttled at its first request, the next at its second, and so on.
#[test]
fn whichever_request_is_throttled_the_client_is_asked_to_wait() {
    let world = World::new();
    let (club, frames) = frames(&world);
    for (asking, frame) in frames {
        for operation in 1.. {
            let rule = Rule::every(Fault::Refused(CODES[0])).to(Service::DynamoDb);
            world.go(Plan::of([rule.nth(operation..=operation)]));
            world.clock.run(world.clock.after(PATIENCE));
            let answers = world.ask(&asking, &frame);
            assert_eq!(answers.len(), 1, "{frame}: {answers:?}");
            if answers[0]["ok"].is_object() {
                break;
            }
            require_patience(&answers[0]["error"], &frame);
        }
    }
    check(&world, &club);
}

#[test]
fn a_handshake_is_refused_as_too_many() {
    let world = World::new();
    let ada = caller("ada", "desk");
    world.go(Plan::of([Rule::every(Fault::Refused(CODES[0]))]));
    for refused in [world.connect(&ada), world.disconnect(&ada)] {
        let problem = edge::Failure::from(refused.unwrap_err()).problem();
        assert_eq!((problem.code, problem.retry_after_ms), (429, Some(limits::RETRY_AFTER_MS)));
    }
    world.go(Plan::default());
    world.connect(&ada).unwrap();
}

#[test]
fn what_is_no_throttling_is_told_apart() {
    for (fault, name) in [
        (Fault::Status(500), "unavailable"),
        (Fault::Status(503), "unavailable"),
        (Fault::Dropped, "unavailable"),
        (Fault::Hung, "unavailable"),
        (Fault::Untyped(500), "unavailable"),
        (Fault::Refused("AccessDeniedException"), "internal"),
    ] {
        let world = World::new();
        let (_, frames) = frames(&world);
        world.go(Plan::of([Rule::every(fault).to(Service::DynamoDb)]));
        let (asking, frame) = &frames[0];
        let problem = world.refused(asking, frame);
        assert_eq!(problem["name"], name, "{fault:?}");
        assert_eq!(problem["retry_after_ms"].is_u64(), name == "unavailable", "{fault:?}");
    }
}

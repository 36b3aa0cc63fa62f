//! A request that is repeated does not stand in its own way, and one that arrives late, when nobody
//! waits for it any more, undoes nothing.

use std::time::Duration;

use serde_json::{Value, json};
use store::{Connections, Directory};
use timeline::exchange::Caller;
use timeline::{ConnectionId, ConversationId, Seq, UserId};

use crate::plan::{Fault, Plan, Rule};
use crate::world::{World, caller, text};

/// An answer that is lost, told and untold.
const AMBIGUOUS: [Fault; 2] = [Fault::Lost, Fault::Mute];
/// Longer than anybody waits.
const LATE: Fault = Fault::Late(Duration::from_secs(60));

/// A connection of Ada's desk that was made so many milliseconds after the others.
fn again(connection: &str, later: u64) -> Caller {
    let first = caller("ada", "desk");
    let connection = ConnectionId::parse(connection).unwrap();
    Caller { connection, connected: first.connected.plus(later), ..first }
}

/// The connection that Ada's desk is registered by.
fn registered(world: &World) -> Vec<String> {
    let ada = [UserId::parse("ada").unwrap()];
    let found = world.calm(async |store| store.of(&ada).await).unwrap();
    let devices = found.into_iter().flat_map(|(_, devices)| devices);
    devices.map(|device| device.connection.as_str().to_owned()).collect()
}

fn position(world: &World, user: &str, conversation: &str) -> u64 {
    let (user, id) = (UserId::parse(user).unwrap(), ConversationId::parse(conversation).unwrap());
    let listing = world.calm(async |store| store.listing(&user, &id).await).unwrap();
    listing.map_or(0, |listing| listing.read.seq.number())
}

fn read(conversation: &str, seq: u64) -> Value {
    tests::frame("read", json!({ "conversation": conversation, "seq": seq }))
}

#[test]
fn a_repeated_registration_does_not_refuse_itself() {
    for fault in AMBIGUOUS {
        let world = World::new();
        world.go(Plan::of([Rule::every(fault).on("UpdateItem", "connections").tries(1..=2)]));
        world.connect(&again("first", 0)).unwrap();
        assert_eq!(world.seen_of("UpdateItem", "connections").len(), 3, "{fault:?}");
        assert_eq!(registered(&world), ["first"], "{fault:?}");
    }
}

#[test]
fn a_registration_that_comes_late_leaves_the_newer_one() {
    let world = World::new();
    world.go(Plan::of([Rule::every(LATE).on("UpdateItem", "connections")]));
    let refused = edge::Failure::from(world.connect(&again("first", 0)).unwrap_err()).problem();
    assert_eq!((refused.code, refused.retry_after_ms.is_some()), (503, true));
    world.go(Plan::default());
    world.connect(&again("second", 10)).unwrap();
    world.calm_down();
    assert_eq!(registered(&world), ["second"]);
}

#[test]
fn a_departure_that_comes_late_leaves_the_newer_connection() {
    let world = World::new();
    world.connect(&again("first", 0)).unwrap();
    world.go(Plan::of([Rule::every(LATE).on("UpdateItem", "connections").nth(1..=1)]));
    world.disconnect(&again("first", 0)).unwrap_err();
    world.connect(&again("second", 10)).unwrap();
    world.calm_down();
    assert_eq!(registered(&world), ["second"]);
}

#[test]
fn a_repeated_signal_does_not_refuse_itself() {
    for fault in AMBIGUOUS {
        let world = World::new();
        let (ada, bob) = (world.device("ada", "desk"), world.device("bob", "phone"));
        world.ok(&ada, &text("bob", "hello", 0));
        world.go(Plan::of([Rule::every(fault).on("UpdateItem", "connections").tries(1..=1)]));
        let typing = json!({ "conversation": "d~ada~bob", "kind": "typing" });
        world.ok(&bob, &tests::frame("signal", typing));
        assert_eq!(world.seen_of("Post", "").len(), 1, "{fault:?}");
    }
}

/// The device that has to go is told so once, whatever became of the answer to its eviction.
#[test]
fn a_repeated_eviction_kicks_once() {
    for fault in AMBIGUOUS {
        let world = World::new();
        for (number, device) in (0..).zip(["a", "b", "c", "d", "e"]) {
            let mut old = caller("ada", device);
            old.connected = old.connected.plus(number);
            world.open(&old);
            world.connect(&old).unwrap();
        }
        let rule = Rule::every(fault).on("UpdateItem", "connections").nth(2..=2).tries(1..=2);
        world.go(Plan::of([rule]));
        world.connect(&again("new", 10)).unwrap();
        let frames = world.connector.outside(|outside| outside.frames.clone());
        let frames: Vec<_> =
            frames.iter().map(|(to, frame)| (to.as_str(), &frame["event"])).collect();
        assert_eq!(frames, [("ada-a", &json!("kicked"))], "{fault:?}");
        assert_eq!(world.connector.outside(|outside| outside.closed.clone()), ["ada-a"]);
        assert_eq!(registered(&world).len(), 5);
    }
}

#[test]
fn a_read_position_that_comes_late_does_not_go_back() {
    let world = World::new();
    let (ada, bob) = (world.device("ada", "desk"), world.device("bob", "phone"));
    for base in 0..2 {
        world.ok(&ada, &text("bob", "hello", base));
    }
    let rules = [("UpdateItem", "directory"), ("PutItem", "inbox")];
    world.go(Plan::of(rules.map(|(operation, table)| Rule::every(LATE).on(operation, table))));
    assert_eq!(world.refused(&bob, &read("d~ada~bob", 1))["name"], "unavailable");
    world.go(Plan::default());
    world.ok(&bob, &read("d~ada~bob", 2));
    world.calm_down();
    assert_eq!(position(&world, "bob", "d~ada~bob"), 2);
}

/// Who joins has read what was before. That is written once: what they read since stays read.
#[test]
fn a_listing_that_comes_late_does_not_set_back_what_was_read() {
    let world = World::new();
    let (ada, bob) = (world.device("ada", "desk"), world.device("bob", "phone"));
    let made = json!({ "op": "create", "title": "tea", "members": ["cleo"], "open": true });
    let made = world.ok(&ada, &tests::frame("group", made));
    let id = made["conversation"].as_str().unwrap();
    let join = tests::frame("group", json!({ "op": "join", "conversation": id }));
    world.go(Plan::of([Rule::every(LATE).on("UpdateItem", "directory").tries(1..=1)]));
    world.ok(&bob, &join);
    assert_eq!(position(&world, "bob", id), 1);
    world.go(Plan::default());
    world.ok(&bob, &read(id, 2));
    world.calm_down();
    assert_eq!(position(&world, "bob", id), 2);
}

/// A claim counts as of the first time that it arrives; the message stands once either way.
#[test]
fn a_claim_that_comes_late_does_not_double_a_message() {
    let world = World::new();
    let (ada, bob) = (world.device("ada", "desk"), world.device("bob", "phone"));
    world.ok(&bob, &text("ada", "before", 0));
    let mut message = text("bob", "survivor", 1);
    message.as_object_mut().unwrap().remove("base");
    let claims = Rule::every(LATE).on("PutItem", "directory").nth(1..=3);
    let mute = Rule::every(Fault::Mute).on("PutItem", "timeline");
    world.go(Plan::of([claims]));
    assert_eq!(world.refused(&ada, &message)["name"], "unavailable");
    world.ok(&bob, &text("ada", "between", 1));
    world.go(Plan::of([mute]));
    assert_eq!(world.refused(&ada, &message)["name"], "unavailable");
    world.go(Plan::default());
    world.ok(&bob, &text("ada", "after", 3));
    world.calm_down();
    let (ok, _) = world.persist(&ada, &message);
    assert_eq!((&ok["seq"], &ok["duplicate"]), (&json!(3), &json!(true)));
    assert_eq!(world.timeline("d~ada~bob", Seq::ZERO).len(), 4);
}

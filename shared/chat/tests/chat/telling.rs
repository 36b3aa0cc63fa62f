//! Who is told of a message, and what a failure to tell does.

use async_trait::async_trait;
use chat::{SendPorts, TellPorts};
use push::{Notice, Posted, Push};
use store::faulty::{Fault, Faulty};
use timeline::exchange::Caller;
use timeline::{ConnectionId, limits};

use crate::town::{START, Town, again, caller, direct, request, run, text};

/// A gateway that answers nothing.
pub(crate) struct Silent;

#[async_trait]
impl Push for Silent {
    async fn post(&self, _: &ConnectionId, _: &Notice) -> Result<Posted, push::Error> {
        Err(push::Error::Unavailable { source: "silent".into() })
    }

    async fn close(&self, _: &ConnectionId) -> Result<(), push::Error> {
        Err(push::Error::Unavailable { source: "silent".into() })
    }
}

#[test]
fn every_device_but_the_sending_connection_is_told_its_place() {
    let town = Town::new();
    let desk = town.online("alice", "desk");
    for (user, device) in [("alice", "phone"), ("bob", "phone"), ("bob", "tablet")] {
        town.online(user, device);
    }
    town.online("eve", "phone");
    let told = town.send(&desk, text("bob", 1, Some(0)));
    assert_eq!(
        told,
        [
            "alice/desk: kept 1",
            "bob/phone: 1=1 by alice",
            "bob/tablet: 1=1 by alice",
            "alice/phone: 1=1 by alice"
        ]
    );
}

#[test]
fn positions_are_of_each_inbox_and_sequences_of_the_conversation() {
    let town = Town::new();
    let (desk, phone) = (town.online("alice", "desk"), town.online("bob", "phone"));
    town.fill(&desk, "bob", 2);
    town.send(&phone, text("carol", 1, Some(0)));
    let told = town.send(&desk, text("bob", 3, Some(2)));
    assert_eq!(told, ["alice/desk: kept 3 own 1=1 own 2=2", "bob/phone: 4=3 by alice own 3=1"]);
}

#[test]
fn own_places_end_where_another_wrote() {
    let town = Town::new();
    let (desk, phone) = (town.online("alice", "desk"), town.online("bob", "phone"));
    town.fill(&desk, "bob", 2);
    town.send(&phone, text("alice", 3, Some(2)));
    assert_eq!(town.send(&desk, text("bob", 4, Some(3)))[0], "alice/desk: kept 4");
    assert_eq!(town.send(&desk, text("bob", 5, Some(4)))[0], "alice/desk: kept 5 own 4=4");
}

#[test]
fn an_expired_token_is_told_nothing() {
    let town = Town::new();
    for (device, expires) in [("old", START), ("new", START.plus(1))] {
        town.connect(&Caller { expires, ..caller("bob", device) }).unwrap();
    }
    let told = town.send(&caller("alice", "desk"), text("bob", 1, Some(0)));
    assert_eq!(told, ["alice/desk: kept 1", "bob/new: 1=1 by alice"]);
}

#[test]
fn a_gone_connection_is_forgotten_unless_it_is_young() {
    for (age, listening) in [
        (limits::YOUNG_CONNECTION_MS, vec!["bob/phone"]),
        (limits::YOUNG_CONNECTION_MS + 1, Vec::new()),
    ] {
        let town = Town::new();
        let phone = town.online("bob", "phone");
        town.tape.lose(&phone.connection);
        town.wait(age);
        let told = town.send(&caller("alice", "desk"), text("bob", 1, Some(0)));
        assert_eq!(told, ["alice/desk: kept 1"]);
        assert_eq!(town.listening("bob"), listening, "after {age} ms");
        assert_eq!(town.places("bob"), ["1=1"]);
    }
}

#[test]
fn a_gone_connection_does_not_take_its_successor_along() {
    let town = Town::new();
    let phone = town.online("bob", "phone");
    town.wait(limits::YOUNG_CONNECTION_MS + 1);
    town.connect(&again(&phone, "bob/phone/2", limits::YOUNG_CONNECTION_MS + 1)).unwrap();
    town.told();
    let told = town.send(&caller("alice", "desk"), text("bob", 1, Some(0)));
    assert_eq!(told, ["alice/desk: kept 1", "bob/phone/2: 1=1 by alice"]);
    assert_eq!(town.listening("bob"), ["bob/phone/2"]);
}

#[test]
fn a_silent_gateway_fails_nothing() {
    let town = Town::new();
    let desk = town.online("alice", "desk");
    town.online("bob", "phone");
    let ports =
        SendPorts { tell: TellPorts { push: &Silent, ..town.tell_ports() }, ..town.send_ports() };
    run(chat::send(ports, &desk, &request(), text("bob", 1, Some(0)))).unwrap();
    assert_eq!(town.listening("bob"), ["bob/phone"]);
    for user in ["alice", "bob"] {
        assert_eq!(town.places(user), ["1=1"], "{user}");
    }
}

#[test]
fn an_inbox_that_is_not_reached_leaves_the_marker_out_for_a_repeat_to_finish() {
    let town = Town::new();
    let (desk, _phone) = (town.online("alice", "desk"), town.online("bob", "phone"));
    let inboxes = Faulty::new(&town.store, [Fault::Throttled]);
    let ports = SendPorts {
        tell: TellPorts { inboxes: &inboxes, ..town.tell_ports() },
        ..town.send_ports()
    };
    run(chat::send(ports, &desk, &request(), text("bob", 1, Some(0)))).unwrap();
    assert_eq!(town.told(), ["alice/desk: kept 1"]);
    assert_eq!((town.places("bob"), town.places("alice")), (vec![], vec![]));

    let told = town.send(&desk, text("bob", 1, Some(0)));
    assert_eq!(told, ["alice/desk: kept 1 again", "bob/phone: 1=1 by alice"]);
    for user in ["alice", "bob"] {
        assert_eq!(town.places(user), ["1=1"], "{user}");
    }
}

#[test]
fn puts_that_are_lost_are_made_once() {
    let faults = [Fault::None, Fault::LostBefore, Fault::LostAfter];
    for bob in faults {
        for alice in faults {
            let town = Town::new();
            let inboxes = Faulty::new(&town.store, [bob, alice]);
            let ports = SendPorts {
                tell: TellPorts { inboxes: &inboxes, ..town.tell_ports() },
                ..town.send_ports()
            };
            let desk = caller("alice", "desk");
            run(chat::send(ports, &desk, &request(), text("bob", 1, Some(0)))).unwrap();
            for user in ["alice", "bob"] {
                assert_eq!(town.places(user), ["1=1"], "{user} after {bob:?}, {alice:?}");
            }
        }
    }
}

#[test]
fn a_timeline_that_loses_answers_keeps_a_message_once() {
    for fault in [Fault::LostBefore, Fault::LostAfter] {
        let town = Town::new();
        let timelines = Faulty::new(&town.store, [fault; 2]);
        let ports = SendPorts {
            tell: TellPorts { timelines: &timelines, ..town.tell_ports() },
            ..town.send_ports()
        };
        let desk = caller("alice", "desk");
        run(chat::send(ports, &desk, &request(), text("bob", 1, Some(0)))).unwrap();
        assert_eq!(town.entries(&direct("alice", "bob")).len(), 1, "{fault:?}");
        assert_eq!(town.places("bob"), ["1=1"], "{fault:?}");
    }
}

#[test]
fn a_throttled_timeline_is_told_and_keeps_nothing() {
    let town = Town::new();
    let timelines = Faulty::new(&town.store, [Fault::Throttled]);
    let ports = SendPorts {
        tell: TellPorts { timelines: &timelines, ..town.tell_ports() },
        ..town.send_ports()
    };
    let desk = caller("alice", "desk");
    let error = run(chat::send(ports, &desk, &request(), text("bob", 1, Some(0)))).unwrap_err();
    let chat::Error::Store { source, .. } = &error else { panic!("{error:?}") };
    assert!(source.is_retryable());
    assert!(town.entries(&direct("alice", "bob")).is_empty());
    assert_eq!(town.told(), [""; 0]);
}

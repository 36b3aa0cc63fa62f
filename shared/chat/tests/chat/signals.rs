//! What is told and never kept: who types, and who is there.

use chat::Error;
use timeline::exchange::SignalKind::{Presence, Typing};
use timeline::limits;

use crate::club::{add, desk, remove};
use crate::large::signaling;
use crate::town::{Town, caller, run};

/// The club of alice, bob and cy, all online but cy.
fn town() -> Town {
    let town = Town::new();
    for (user, device) in [("alice", "desk"), ("bob", "desk"), ("bob", "phone")] {
        town.online(user, device);
    }
    town.found(&["bob", "cy"]);
    town.told();
    town
}

#[test]
fn typing_reaches_the_others_who_are_online_and_is_kept_nowhere() {
    let town = town();
    let before = (town.log(), town.places("bob"), town.places("alice"));
    run(signaling(&town, &desk("alice"), Typing)).unwrap();
    let mut told = town.told();
    told.sort();
    assert_eq!(told, ["bob/desk: alice is typing", "bob/phone: alice is typing"]);
    assert_eq!((town.log(), town.places("bob"), town.places("alice")), before);
    assert!(town.tape.alerts().is_empty(), "nobody is notified");
    assert_eq!(town.unread("bob"), 0);
}

#[test]
fn a_device_signals_no_oftener_than_once_a_second() {
    let town = town();
    let alice = desk("alice");
    run(signaling(&town, &alice, Typing)).unwrap();
    town.wait(limits::SIGNAL_GAP_MS - 1);
    let soon = run(signaling(&town, &alice, Typing));
    assert!(matches!(soon, Err(Error::TooSoon)), "{soon:?}");
    town.wait(1);
    run(signaling(&town, &alice, Typing)).unwrap();
    // Another device is another's pace; one that is not registered has none.
    run(signaling(&town, &caller("bob", "phone"), Typing)).unwrap();
    let unknown = run(signaling(&town, &caller("cy", "desk"), Typing));
    assert!(matches!(unknown, Err(Error::TooSoon)), "{unknown:?}");
}

#[test]
fn who_is_online_is_told_to_members_alone() {
    let town = town();
    let online = |user: &str| {
        let told = run(signaling(&town, &desk(user), Presence)).map(|done| done.online);
        told.map(|users| users.unwrap().iter().map(ToString::to_string).collect::<Vec<_>>())
    };
    assert_eq!(online("cy").unwrap(), ["alice", "bob"]);
    assert_eq!(online("alice").unwrap(), ["bob"]);
    assert!(matches!(online("eve"), Err(Error::NotMember)));
    town.disconnect(&caller("bob", "desk"));
    assert_eq!(online("alice").unwrap(), ["bob"], "on another device");
    town.disconnect(&caller("bob", "phone"));
    assert_eq!(online("alice").unwrap(), [""; 0]);
    town.group("alice", remove("cy")).unwrap();
    assert!(matches!(online("cy"), Err(Error::NotMember)));
    assert!(matches!(run(signaling(&town, &desk("cy"), Typing)), Err(Error::NotMember)));
    // A connection that is older than one can be is no device.
    town.wait(limits::CONNECTION_MS_MAX + 1);
    assert_eq!(online("bob").unwrap(), [""; 0]);
}

#[test]
fn typing_in_a_large_group_is_told_to_nobody() {
    let town = Town::with_inboxes(2);
    for user in ["alice", "bob", "cy"] {
        town.online(user, "desk");
    }
    town.found(&["bob"]);
    town.group("alice", add(&["cy"])).unwrap();
    town.told();
    run(signaling(&town, &desk("alice"), Typing)).unwrap();
    assert_eq!(town.told(), [""; 0]);
    let asked = run(signaling(&town, &desk("alice"), Presence)).unwrap();
    assert_eq!(asked.online, Some(vec![]));
}

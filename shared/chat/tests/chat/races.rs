//! A change of a group and a message to it, interleaved at every await, and changes that die at
//! every await.

use std::pin::pin;
use std::task::{Context, Poll, Waker};

use chat::{Error, SendPorts, TellPorts};
use timeline::group::Change;
use timeline::{Muted, Role};

use crate::club::{
    CLUB, Request, add, ask, club, create, desk, give, leave, overtake, remove, rename, to_club,
};
use crate::tardy::Tardy;
use crate::town::{Town, message, poll, request, run};

/// Of these towns the club is a small group, and a large one.
fn towns() -> [Town; 2] {
    [Town::new(), Town::with_inboxes(2)]
}

fn position(log: &[String], line: &str) -> Option<usize> {
    log.iter().position(|other| other == line)
}

/// How often something is polled at most before it is overtaken.
const POLLS: usize = 60;

#[test]
fn a_removed_member_never_writes_after_their_removal() {
    for large in [0, 1] {
        let mut orders = [0, 0];
        for polls in 0..POLLS {
            let [small, big] = towns();
            let town = if large == 1 { big } else { small };
            town.found(&["bob", "cy"]);
            assert_eq!(town.is_large(), large == 1);
            let sending = async { town.attempt(&desk("bob"), to_club(1)).await };
            let (sent, removed, _) =
                overtake(polls, sending, || town.group("alice", remove("bob")));
            removed.unwrap();
            let log = town.log();
            let gone = position(&log, "leave bob by alice").unwrap();
            match position(&log, "1 by bob") {
                Some(kept) => {
                    assert!(kept < gone, "after {polls} polls: {log:?}");
                    sent.unwrap();
                    orders[0] += 1;
                }
                None => {
                    assert!(matches!(sent, Err(Error::NotMember)), "after {polls} polls: {sent:?}");
                    orders[1] += 1;
                }
            }
            assert!(town.say("bob", 2).is_err());
        }
        assert!(orders.iter().all(|count| *count > 0), "both orders happen: {orders:?}");
    }
}

/// The removal is under way when the member's message looks at the group, and ends before the
/// message is kept.
#[test]
fn a_removal_that_is_under_way_is_seen_at_the_latest_in_its_event() {
    for large in [0, 1] {
        for (removing, sending) in (0..25).flat_map(|one| (0..12).map(move |other| (one, other))) {
            let town = towns().into_iter().nth(large).unwrap();
            town.found(&["bob", "cy"]);
            let (alice, bob) = (desk("alice"), desk("bob"));
            let removal = town.grouping(&alice, remove("bob"));
            let mut removal = pin!(removal);
            let mut context = Context::from_waker(Waker::noop());
            let done = (0..removing).find_map(|_| match removal.as_mut().poll(&mut context) {
                Poll::Ready(done) => Some(done),
                Poll::Pending => None,
            });
            let message = town.attempt(&bob, to_club(1));
            let (sent, removed, _) =
                overtake(sending, message, || done.unwrap_or_else(|| run(removal)));
            removed.unwrap();
            let log = town.log();
            let gone = position(&log, "leave bob by alice").unwrap();
            let case = format!("{removing} and {sending} polls, large: {large}: {log:?}");
            match position(&log, "1 by bob") {
                Some(kept) => assert!(kept < gone && sent.is_ok(), "{case}"),
                None => assert!(matches!(sent, Err(Error::NotMember)), "{case}"),
            }
        }
    }
}

#[test]
fn a_removed_member_is_told_nothing_after_their_removal() {
    for polls in 0..POLLS {
        let town = Town::new();
        town.found(&["bob", "cy"]);
        let sending = async { town.attempt(&desk("cy"), to_club(1)).await };
        let (sent, removed, _) = overtake(polls, sending, || town.group("alice", remove("bob")));
        sent.unwrap();
        removed.unwrap();
        town.say("cy", 2).unwrap();
        let log = town.log();
        let gone = position(&log, "leave bob by alice").unwrap() as u64 + 1;
        let heard = town.heard("bob");
        assert!(heard.contains(&gone), "after {polls} polls: {heard:?}");
        assert!(heard.iter().all(|seq| *seq <= gone), "after {polls} polls: {heard:?} of {log:?}");
        for user in ["alice", "cy"] {
            let mut heard = town.heard(user);
            heard.sort_unstable();
            assert_eq!(heard, [1, 2, 3, 4], "{user} after {polls} polls");
        }
    }
}

#[test]
fn an_added_member_misses_nothing() {
    for polls in 0..POLLS {
        let town = Town::new();
        town.found(&["cy"]);
        let sending = async { town.attempt(&desk("cy"), to_club(1)).await };
        let (sent, added, _) = overtake(polls, sending, || town.group("alice", add(&["bob"])));
        sent.unwrap();
        added.unwrap();
        town.say("cy", 2).unwrap();
        let log = town.log();
        let joined = position(&log, "join bob by alice").unwrap() as u64 + 1;
        let heard = town.heard("bob");
        // What stands before their joining they read from the timeline; all after it is told.
        for seq in joined..=log.len() as u64 {
            assert!(heard.contains(&seq), "{seq} after {polls} polls: {heard:?} of {log:?}");
        }
    }
}

#[test]
fn a_member_who_comes_back_is_told_what_follows() {
    let town = Town::new();
    town.found(&["bob"]);
    town.group("bob", leave()).unwrap();
    town.say("alice", 1).unwrap();
    town.group("alice", add(&["bob"])).unwrap();
    town.say("alice", 2).unwrap();
    assert_eq!(town.heard("bob"), [1, 2, 4, 5]);
    assert_eq!(town.conversations("bob"), [club()]);
    // What was said meanwhile is not told late.
    town.wait(10_000);
    town.stream();
    assert_eq!(town.heard("bob"), [1, 2, 4, 5]);
}

/// Every change, and the line by which it is told.
fn changes() -> Vec<(&'static str, Request, &'static str)> {
    vec![
        ("alice", || add(&["dan", "eve"]), "join dan eve by alice"),
        ("alice", || remove("bob"), "leave bob by alice"),
        ("alice", || give("bob", Role::Admin), "role bob by alice"),
        ("alice", || rename("tea"), "rename by alice"),
        ("bob", leave, "leave bob by bob"),
    ]
}

#[test]
fn a_change_that_ends_at_any_await_is_finished_by_its_repeat() {
    for large in [0, 1] {
        for (user, request, line) in changes() {
            for polls in 0.. {
                let town = towns().into_iter().nth(large).unwrap();
                town.found(&["bob", "cy"]);
                let done = poll(town.grouping(&desk(user), request()), polls).is_some();
                let repeated = town.group(user, request());
                let has_left =
                    matches!(repeated, Err(Error::NotMember)) && line.starts_with("leave");
                assert!(repeated.is_ok() || has_left, "{line} after {polls}: {repeated:?}");
                // Whoever asks about the group next finishes what was left, if nobody did.
                town.group("alice", give("cy", Role::Admin)).unwrap();
                let told = format!("{line} after {polls} polls, large: {large}");
                require_told_once(&town, line, &told);
                if done {
                    break;
                }
            }
        }
    }
}

/// The event stands once, and everyone it names or who is a member has been told of it.
fn require_told_once(town: &Town, line: &str, case: &str) {
    let log = town.log();
    let places: Vec<_> = (1..).zip(&log).filter(|(_, other)| *other == line).collect();
    assert_eq!(places.len(), 1, "{case}: {log:?}");
    let seq: u64 = places[0].0;
    let named = ["bob", "dan", "eve"].into_iter().filter(|user| line.contains(user));
    let members = if town.is_large() { vec![] } else { vec!["alice", "cy"] };
    for user in named.chain(members) {
        let heard = town.heard(user).iter().filter(|heard| **heard == seq).count();
        assert_eq!(heard, 1, "{user}, {case}");
    }
    assert_eq!(town.club().pending, None, "{case}");
}

#[test]
fn a_group_whose_making_ends_at_any_await_is_made_by_its_repeat() {
    for large in [0, 1] {
        for polls in 0.. {
            let town = towns().into_iter().nth(large).unwrap();
            let request = || create(message(CLUB), &["bob", "cy"]);
            let done = poll(town.grouping(&desk("alice"), request()), polls).is_some();
            town.group("alice", request()).unwrap();
            let case = format!("after {polls} polls, large: {large}");
            assert_eq!(town.log(), ["join bob cy by alice"], "{case}");
            for user in ["alice", "bob", "cy"] {
                assert_eq!(town.heard(user), [1], "{user} {case}");
                assert_eq!(town.conversations(user), [club()], "{user} {case}");
            }
            for user in ["alice", "bob", "cy"] {
                town.say(user, 5).unwrap_or_else(|error| panic!("{user} {case}: {error:?}"));
            }
            if done {
                break;
            }
        }
    }
}

#[test]
fn of_two_changes_at_once_both_are_made() {
    for large in [0, 1] {
        for polls in 0..POLLS {
            let town = towns().into_iter().nth(large).unwrap();
            town.found(&["bob", "cy"]);
            let alice = desk("alice");
            let slow = town.grouping(&alice, add(&["dan"]));
            let (added, renamed, _) = overtake(polls, slow, || town.group("bob", leave()));
            added.unwrap();
            renamed.unwrap();
            let mut log = town.log();
            log.sort();
            let expected = ["join bob cy by alice", "join dan by alice", "leave bob by bob"];
            assert_eq!(log, expected, "after {polls} polls");
            assert_eq!(town.club().members.count(), 3, "after {polls} polls");
            assert!(town.say("dan", 1).is_ok() && town.say("bob", 2).is_err());
        }
    }
}

#[test]
fn a_repeat_of_a_kept_message_outranks_a_removal() {
    let town = Town::new();
    town.online("bob", "desk");
    town.found(&["bob"]);
    town.say("bob", 1).unwrap();
    town.group("alice", remove("bob")).unwrap();
    town.told();
    town.say("bob", 1).unwrap();
    assert!(town.told()[0].starts_with("bob/desk: kept 2 again"));
    let ask = ask(Change::Mute(Muted::Yes));
    assert!(matches!(town.group("bob", ask), Err(Error::NotMember)));
    assert_eq!(town.log().len(), 3);
}

/// Two attempts at one message: the first has read who is in the group, and somebody joins before
/// it looks at the timeline; the other keeps the message and dies. Whoever finishes tells them.
#[test]
fn an_attempt_that_began_before_somebody_joined_tells_them() {
    for kept in 1..POLLS / 2 {
        let town = Town::new();
        town.found(&["cy"]);
        let sender = desk("cy");
        let timelines = Tardy { store: &town.store, waits: 10 };
        let tell = TellPorts { timelines: &timelines, ..town.tell_ports() };
        let ports = SendPorts { tell, claims: &town.store };
        let re = request();
        let slow = chat::send(ports, &sender, &re, to_club(1));
        let (sent, ..) = overtake(5, slow, || {
            town.group("alice", add(&["bob"])).unwrap();
            drop(poll(town.attempt(&sender, to_club(1)), kept));
        });
        sent.unwrap();
        let log = town.log();
        let said = position(&log, "1 by cy").unwrap() as u64 + 1;
        let heard = town.heard("bob");
        assert!(heard.contains(&said), "{kept} polls: {heard:?} of {log:?}");
    }
}

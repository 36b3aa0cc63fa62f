//! What the stream's consumer does about a fan-out that was interrupted, and who is notified while
//! offline.

use async_trait::async_trait;
use chat::{Error, SendPorts, TellPorts};
use push::{Alert, Alerts};
use store::Timelines;
use timeline::exchange::Caller;
use timeline::{Muted, limits};

use crate::club::{add, club, desk, mute, remove, to_club};
use crate::town::{Town, direct, poll, request, run, seq, text};

/// A small group of three in which bob's message ends after so many polls; whether it had ended
/// before.
fn interrupted(polls: usize) -> (Town, bool) {
    let town = Town::new();
    town.found(&["bob", "cy"]);
    let done = poll(town.attempt(&desk("bob"), to_club(1)), polls).is_some();
    (town, done)
}

#[test]
fn a_fan_out_that_ends_at_any_await_is_finished_without_its_sender() {
    for polls in 0.. {
        let (town, done) = interrupted(polls);
        if town.log().len() == 2 {
            for _ in 0..2 {
                town.stream();
                for user in ["alice", "bob", "cy"] {
                    assert_eq!(town.heard(user), [1, 2], "{user} after {polls} polls");
                }
            }
        }
        if done {
            break;
        }
    }
}

#[test]
fn a_fan_out_of_a_direct_message_is_finished_too() {
    for polls in 0.. {
        let town = Town::new();
        town.fill(&desk("alice"), "bob", 1);
        let done = poll(town.attempt(&desk("alice"), text("bob", 2, Some(1))), polls).is_some();
        let timeline = direct("alice", "bob").timeline();
        for entry in town.entries(&direct("alice", "bob")) {
            run(chat::complete(town.tell_ports(), &timeline, &entry)).unwrap();
            let place = format!("{}={}", entry.seq, entry.seq);
            for user in ["alice", "bob"] {
                assert!(town.places(user).contains(&place), "{user} after {polls} polls");
            }
        }
        if done {
            break;
        }
    }
}

#[test]
fn a_fan_out_that_is_finished_is_left_alone_and_a_young_one_waited_for() {
    let (town, _) = interrupted(1_000);
    let (before, kept) = (town.dial_now(), town.kept());
    town.stream();
    assert_eq!((town.dial_now(), town.kept()), (before, kept));

    // The append is kept and the rest is not begun.
    let (polls, town) = (0..)
        .map(|polls| (polls, interrupted(polls).0))
        .find(|(_, town)| town.log().len() == 2)
        .unwrap();
    let now = town.dial_now();
    town.stream();
    assert_eq!(town.dial_now().since(now), limits::FAN_OUT_PATIENCE_MS, "after {polls} polls");
    // One that is old is not waited for.
    let town = interrupted(polls).0;
    town.wait(limits::FAN_OUT_PATIENCE_MS);
    let now = town.dial_now();
    town.stream();
    assert_eq!(town.dial_now(), now);
}

#[test]
fn a_late_fan_out_goes_to_who_was_a_member_then_and_still_is() {
    let polls = (0..).find(|polls| interrupted(*polls).0.log().len() == 2).unwrap();
    let town = interrupted(polls).0;
    town.group("alice", remove("cy")).unwrap();
    town.group("alice", add(&["dan"])).unwrap();
    town.stream();
    let log = ["join bob cy by alice", "1 by bob", "leave cy by alice", "join dan by alice"];
    assert_eq!(town.log(), log);
    let mut heard = town.heard("alice");
    heard.sort_unstable();
    assert_eq!(heard, [1, 2, 3, 4]);
    assert_eq!((town.heard("cy"), town.heard("dan")), (vec![1, 3], vec![4]));
}

#[test]
fn a_late_fan_out_tells_the_body_as_it_is_now() {
    let polls = (0..).find(|polls| interrupted(*polls).0.log().len() == 2).unwrap();
    let town = interrupted(polls).0;
    let told = town.entries(&club()).pop().unwrap();
    run(Timelines::delete(&town.store, &club().timeline(), seq(2))).unwrap();
    run(chat::complete(town.tell_ports(), &club().timeline(), &told)).unwrap();
    let inbox = town.inbox("cy");
    assert_eq!((inbox[1].seq, &inbox[1].body), (seq(2), &None));
}

#[test]
fn an_interrupted_event_of_a_large_group_reaches_whom_it_names() {
    for polls in 0.. {
        let town = Town::with_inboxes(1);
        town.found(&["bob", "cy"]);
        let done = poll(town.grouping(&desk("alice"), add(&["dan"])), polls).is_some();
        if town.log().len() == 2 {
            town.stream();
            assert_eq!((town.heard("dan"), town.heard("alice")), (vec![2], vec![1, 2]));
            assert_eq!(town.heard("cy"), [1]);
        }
        if done {
            break;
        }
    }
}

#[test]
fn a_timeline_that_is_no_conversation_has_nobody_to_tell() {
    let (town, _) = interrupted(1_000);
    let entry = town.entries(&club()).pop().unwrap();
    let other = timeline::TimelineId::parse("notes").unwrap();
    run(chat::complete(town.tell_ports(), &other, &entry)).unwrap();
}

/// Who was notified of which message since the last time.
fn alerted(town: &Town) -> Vec<String> {
    let alerts = town.tape.alerts().into_iter();
    alerts.map(|alert| format!("{} of {}", alert.user, alert.entry.seq)).collect()
}

#[test]
fn who_has_no_live_device_is_notified_of_each_message_once() {
    let town = Town::new();
    let phone = town.online("bob", "phone");
    town.found(&["bob", "cy", "dan"]);
    assert_eq!(alerted(&town), [""; 0], "of events nobody is");
    town.say("alice", 1).unwrap();
    assert_eq!(alerted(&town), ["cy of 2", "dan of 2"]);
    town.group("cy", mute(Muted::Yes)).unwrap();
    town.say("alice", 2).unwrap();
    assert_eq!(alerted(&town), ["dan of 3"]);
    town.group("cy", mute(Muted::No)).unwrap();
    // A device that is gone is none.
    town.tape.lose(&phone.connection);
    town.say("dan", 3).unwrap();
    assert_eq!(alerted(&town), ["alice of 4", "bob of 4", "cy of 4"]);
    town.stream();
    assert_eq!(alerted(&town), [""; 0], "the stream repeats none of it");
}

#[test]
fn a_muted_direct_conversation_notifies_nobody() {
    let town = Town::new();
    town.fill(&desk("alice"), "bob", 1);
    assert_eq!(alerted(&town), ["bob of 1"]);
    let conversation = direct("alice", "bob");
    let change = timeline::group::Change::Mute(Muted::Yes);
    let asked = timeline::group::GroupRequest::Change { conversation, change };
    town.group("bob", asked).unwrap();
    town.send(&desk("alice"), text("bob", 2, Some(1)));
    assert_eq!(alerted(&town), [""; 0]);
    town.send(&desk("bob"), text("alice", 3, Some(2)));
    assert_eq!(alerted(&town), ["alice of 3"]);
}

/// A topic that takes nothing.
struct Deaf;

#[async_trait]
impl Alerts for Deaf {
    async fn publish(&self, _: &[Alert]) -> Result<(), push::Error> {
        Err(push::Error::Unavailable { source: "deaf".into() })
    }
}

#[test]
fn a_notification_that_fails_is_left_to_the_stream() {
    let town = Town::new();
    town.found(&["bob"]);
    let tell = TellPorts { alerts: &Deaf, ..town.tell_ports() };
    let ports = SendPorts { tell, ..town.send_ports() };
    let alice: Caller = desk("alice");
    let sent: Result<(), Error> = run(chat::send(ports, &alice, &request(), to_club(1)));
    sent.unwrap();
    assert_eq!((town.heard("bob"), town.heard("alice")), (vec![1, 2], vec![1]));
    town.stream();
    assert_eq!(alerted(&town), ["bob of 2"]);
    assert_eq!((town.heard("bob"), town.heard("alice")), (vec![1, 2], vec![1, 2]));
}

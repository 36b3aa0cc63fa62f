//! What a device that knows where it stands is given.

use chat::Error;
use timeline::exchange::{Caller, Catchup, Caught};
use timeline::{Body, ConversationId, RequestId, Seq, UserId, limits};

use crate::town::{
    Town, again, body_of, caller, direct, from, group, message, person, run, said, seq, text,
};

/// The page as "position=sequence …", then where it leaves the device.
fn page(caught: &Caught) -> String {
    let places = caught.entries.iter().map(|entry| format!("{}={} ", entry.position, entry.seq));
    let more = if caught.more { ", more" } else { "" };
    let reset = if caught.reset { ", reset" } else { "" };
    let (cursor, tail) = (caught.cursor, caught.tail);
    format!("{}cursor {cursor} of {tail}{more}{reset}", places.collect::<String>())
}

#[test]
fn pages_follow_the_cursor_to_the_tail() {
    let (town, phone) = bob_with(5);
    let two = |cursor| Catchup { limit: 2, ..from(Some(cursor)) };
    assert_eq!(page(&town.sync(&phone, two(0))), "1=1 2=2 cursor 2 of 5, more");
    assert_eq!(page(&town.sync(&phone, two(2))), "3=3 4=4 cursor 4 of 5, more");
    assert_eq!(page(&town.sync(&phone, two(4))), "5=5 cursor 5 of 5");
    assert_eq!(page(&town.sync(&phone, two(5))), "cursor 5 of 5");
    assert_eq!(page(&town.sync(&phone, two(3))), "4=4 5=5 cursor 5 of 5");
}

#[test]
fn an_inbox_that_never_had_an_entry_is_no_reset_at_zero() {
    let (town, phone) = bob_with(0);
    assert_eq!(page(&town.sync(&phone, from(Some(0)))), "cursor 0 of 0");
}

#[test]
fn the_servers_time_is_told() {
    let (town, phone) = bob_with(0);
    town.wait(7);
    assert_eq!(town.sync(&phone, from(Some(0))).seen, crate::town::START.plus(7));
    assert_eq!(town.sync(&phone, from(None)).seen, crate::town::START.plus(7));
}

#[test]
fn an_entry_is_the_message() {
    let (town, phone) = bob_with(1);
    let caught = town.sync(&phone, from(Some(0)));
    let [entry] = caught.entries.as_slice() else { panic!("{caught:?}") };
    assert_eq!((entry.id, &entry.author), (message(1), &person("alice")));
    assert_eq!((&entry.conversation, entry.seq), (&direct("alice", "bob"), seq(1)));
    assert_eq!((entry.at, entry.kind.as_str()), (crate::town::START, "text"));
    assert_eq!(entry.body.as_ref().map(Body::as_str), Some(r#"{"text":"number 1"}"#));
}

#[test]
fn two_devices_at_different_places_see_the_same() {
    let (town, phone) = bob_with(6);
    let tablet = town.online("bob", "tablet");
    let whole = town.sync(&phone, from(Some(0))).entries;
    let mut seen = Vec::new();
    for _ in 0..3 {
        let cursor = seen.len() as u64;
        seen.extend(town.sync(&tablet, Catchup { limit: 2, ..from(Some(cursor)) }).entries);
    }
    assert_eq!(seen, whole);
    assert_eq!(whole.len(), 6);
}

#[test]
fn long_bodies_come_byte_for_byte() {
    let (town, phone) = bob_with(0);
    let desk = caller("alice", "desk");
    let lengths = [700, 701, 702, limits::BODY_BYTES_MAX];
    for (number, length) in (1..).zip(lengths) {
        town.send(&desk, said("bob", number, Some(number - 1), &body_of(length)));
    }
    let copied: Vec<_> = town.inbox("bob").iter().map(|entry| entry.body.is_some()).collect();
    assert_eq!(copied, [true, false, false, false]);
    let entries = town.sync(&phone, from(Some(0))).entries;
    assert_eq!(entries.len(), lengths.len());
    for (entry, length) in entries.iter().zip(lengths) {
        assert_eq!(entry.body.as_ref().unwrap().as_str(), body_of(length));
    }
}

#[test]
fn a_long_body_that_was_withdrawn_is_none() {
    let (town, phone) = bob_with(0);
    town.send(&caller("alice", "desk"), said("bob", 1, Some(0), &body_of(701)));
    let timeline = direct("alice", "bob").timeline();
    run(store::Timelines::delete(&town.store, &timeline, seq(1))).unwrap();
    let caught = town.sync(&phone, from(Some(0)));
    assert_eq!(page(&caught), "1=1 cursor 1 of 1");
    assert_eq!(caught.entries[0].body, None);
}

#[test]
fn a_page_fits_its_frame_whatever_the_bodies() {
    for (count, bytes, pages_min) in [(100, 700, 3), (100, 701, 3), (12, 8_192, 4), (100, 14, 1)] {
        let lengths = require_fitting(count, bytes);
        assert!(lengths.len() >= pages_min, "{bytes}: {lengths:?}");
        let full = lengths.split_last().unwrap().1;
        let waste = limits::BODY_BYTES_MAX + limits::ENVELOPE_BYTES_MAX;
        assert!(full.iter().all(|length| length + waste > 20_000), "{bytes}: {lengths:?}");
    }
}

/// Pages over messages whose ids are at their longest, and returns the lengths of their frames.
fn require_fitting(count: u64, bytes: usize) -> Vec<usize> {
    let town = Town::new();
    let (author, reader) = ("a".repeat(64), "b".repeat(64));
    let desk = caller(&author, "desk");
    for number in 1..=count {
        town.send(&desk, said(&reader, number, Some(number - 1), &body_of(bytes)));
    }
    let phone = town.online(&reader, "phone");
    let re = RequestId::parse(&"\u{1}".repeat(limits::REQUEST_ID_BYTES_MAX)).unwrap();
    let (mut lengths, mut cursor) = (Vec::new(), 0);
    while cursor < count {
        let caught = town.sync(&phone, from(Some(cursor)));
        assert_eq!(caught.more, caught.cursor < seq(count));
        let next = caught.cursor.number();
        assert!(next > cursor, "a page that goes nowhere");
        cursor = next;
        let frame = wire::Answer::ok(&re, wire::Synced::from(caught)).to_json();
        assert!(frame.len() <= limits::ANSWER_BYTES_MAX, "{} bytes", frame.len());
        lengths.push(frame.len());
    }
    lengths
}

#[test]
fn named_tails_are_told_where_they_moved_and_are_mine() {
    let (town, phone) = bob_with(3);
    let carol = caller("carol", "desk");
    town.fill(&carol, "bob", 2);
    town.send(&carol, text("alice", 1, Some(0)));
    let known = [
        (direct("alice", "bob"), 2),
        (direct("bob", "carol"), 2),
        (direct("alice", "carol"), 0),
        (direct("bob", "dave"), 0),
        (group(), 0),
    ];
    let tails = known.into_iter().map(|(id, tail)| (id, seq(tail))).collect();
    let caught = town.sync(&phone, Catchup { tails, ..from(Some(5)) });
    assert_eq!(page(&caught), "cursor 5 of 5");
    assert_eq!(listed_tails(&caught), [(direct("alice", "bob"), seq(3))]);
}

#[test]
fn a_connection_that_is_not_registered_is_told_nothing() {
    let town = Town::new();
    town.fill(&caller("alice", "desk"), "bob", 1);
    let phone = town.online("bob", "phone");
    town.online("bob", "tablet");
    let never = caller("bob", "laptop");
    town.connect(&again(&phone, "bob/phone/2", 1)).unwrap();
    let elsewhere = Caller { device: caller("bob", "tablet").device, ..phone.clone() };
    let kept = town.kept();
    for caller in [phone, never, elsewhere] {
        for cursor in [None, Some(0), Some(1), Some(9)] {
            let error = run(town.syncing(&caller, from(cursor))).unwrap_err();
            assert!(matches!(error, Error::Replaced), "{cursor:?}: {error:?}");
        }
    }
    assert_eq!(town.kept(), kept);
}

#[test]
fn a_quiet_sync_takes_one_round_trip() {
    let (town, phone) = bob_with(3);
    let syncing = async { drop(town.syncing(&phone, from(Some(1))).await.unwrap()) };
    assert_eq!(crate::town::trips(&town, syncing).1, 1);
}

/// Alice has written so many messages to Bob, whose phone is online.
pub(crate) fn bob_with(count: u64) -> (Town, Caller) {
    let town = Town::new();
    town.fill(&caller("alice", "desk"), "bob", count);
    let phone = town.online("bob", "phone");
    (town, phone)
}

/// The longest conversation ids of one user, in order.
/// The conversations that are named, with their tails.
pub(crate) fn listed_tails(caught: &Caught) -> Vec<(ConversationId, Seq)> {
    let listed = caught.conversations.iter();
    listed.map(|listed| (listed.conversation.clone(), listed.tail)).collect()
}

pub(crate) fn long_conversations(user: &UserId, count: usize) -> Vec<ConversationId> {
    let other = |number| format!("{number:0>width$}", width = limits::USER_ID_BYTES_MAX);
    (0..count).map(|number| direct(user.as_str(), &other(number))).collect()
}

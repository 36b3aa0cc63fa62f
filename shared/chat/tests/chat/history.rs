//! Parts of one conversation.

use std::collections::BTreeMap;

use chat::Error;
use store::{Conversation, Members, Membership};
use timeline::exchange::{Found, Part};
use timeline::{Admission, ConversationId, Muted, RequestId, Role, Seq, Visibility, limits};

use crate::town::{START, Town, body_of, caller, direct, group, lookup, run, said, seq, text};

/// The page as its sequences, what is missing, the conversation's ends, and whether it goes on.
fn page(found: &Found) -> String {
    let list = |seqs: Vec<Seq>| {
        let seqs: Vec<_> = seqs.iter().map(Seq::to_string).collect();
        seqs.join(" ")
    };
    let entries = list(found.entries.iter().map(|entry| entry.seq).collect());
    let missing = list(found.missing.clone());
    let more = if found.more { ", more" } else { "" };
    format!("[{entries}] without [{missing}] of {} to {}{more}", found.first, found.last)
}

#[test]
fn every_part_is_what_it_says() {
    let between = |first, last| Part::Between(seq(first), seq(last));
    let listed = |seqs: &[u64]| Part::Listed(seqs.iter().map(|number| seq(*number)).collect());
    let all = "[1 2 4 5 6 8 9 10] without [3 7] of 1 to 10";
    let none = "[] without [] of 1 to 10";
    let cases = [
        (Part::Newest, 100, all),
        (Part::Newest, 4, "[8 9 10] without [7] of 1 to 10, more"),
        (Part::Newest, 10, all),
        (Part::Before(seq(4)), 100, "[1 2] without [3] of 1 to 10"),
        (Part::Before(seq(4)), 2, "[2] without [3] of 1 to 10, more"),
        (Part::Before(seq(2)), 1, "[1] without [] of 1 to 10"),
        (Part::Before(seq(1)), 100, none),
        (Part::Before(Seq::ZERO), 100, none),
        (Part::Before(Seq::MAX), 1, "[10] without [] of 1 to 10, more"),
        (Part::After(Seq::ZERO), 100, all),
        (Part::After(Seq::ZERO), 2, "[1 2] without [] of 1 to 10, more"),
        (Part::After(seq(2)), 1, "[] without [3] of 1 to 10, more"),
        (Part::After(seq(8)), 2, "[9 10] without [] of 1 to 10"),
        (Part::After(seq(10)), 100, none),
        (Part::After(Seq::MAX), 100, none),
        (Part::After(Seq::MAX.previous()), 100, none),
        (between(2, 5), 100, "[2 4 5] without [3] of 1 to 10"),
        (between(2, 5), 2, "[2] without [3] of 1 to 10, more"),
        (between(7, 7), 100, "[] without [7] of 1 to 10"),
        (between(9, 20), 100, "[9 10] without [] of 1 to 10"),
        (between(11, 20), 100, none),
        (between(1, limits::SEQ_MAX), 100, all),
        (listed(&[2, 9]), 100, "[2 9] without [] of 1 to 10"),
        (listed(&[1, 3, 20]), 100, "[1] without [3 20] of 1 to 10"),
        (listed(&[3, 11]), 100, "[] without [3 11] of 1 to 10"),
        (listed(&[1, 3, 5, 8, 20]), 2, "[1] without [3] of 1 to 10, more"),
        (listed(&[1, 8, 20]), 2, "[1 8] without [20] of 1 to 10"),
    ];
    let town = ten_without_two();
    for (part, limit, expected) in cases {
        let asked = lookup(&direct("alice", "bob"), part.clone(), limit);
        let found = town.history(&caller("bob", "phone"), asked).unwrap();
        assert_eq!(page(&found), expected, "{part:?}, limit {limit}");
    }
}

#[test]
fn paging_either_way_meets_every_message_once() {
    let town = ten_without_two();
    for limit in 1..=11 {
        let (mut back, mut before) = (Vec::new(), Part::Newest);
        let (mut forth, mut after) = (Vec::new(), Part::After(Seq::ZERO));
        loop {
            let found = read(&town, before, limit);
            let places = places(&found);
            before = Part::Before(places[0]);
            back.splice(0..0, places);
            if !found.more {
                break;
            }
        }
        loop {
            let found = read(&town, after, limit);
            forth.extend(places(&found));
            after = Part::After(*forth.last().unwrap());
            if !found.more {
                break;
            }
        }
        assert_eq!(back, (1..=10).map(seq).collect::<Vec<_>>(), "limit {limit}");
        assert_eq!(forth, back, "limit {limit}");
    }
}

#[test]
fn a_conversation_without_messages_has_no_ends() {
    let town = Town::new();
    create(&town, &direct("alice", "bob"), 1);
    let listed = Part::Listed(vec![seq(2)]);
    for (part, expected) in [
        (Part::Newest, "[] without [] of 0 to 0"),
        (Part::After(Seq::ZERO), "[] without [] of 0 to 0"),
        (listed, "[] without [2] of 0 to 0"),
    ] {
        assert_eq!(page(&read(&town, part, 100)), expected);
    }
}

#[test]
fn what_was_purged_is_not_named_first() {
    let town = ten_without_two();
    run(town.store.purge(&direct("alice", "bob").timeline(), seq(5)));
    assert_eq!(page(&read(&town, Part::Before(seq(7)), 100)), "[5 6] without [] of 5 to 10");
    let listed = Part::Listed(vec![seq(4), seq(5)]);
    assert_eq!(page(&read(&town, listed, 100)), "[5] without [4] of 5 to 10");
}

#[test]
fn a_member_sees_nothing_from_before_they_joined() {
    let town = ten_without_two();
    // What a conversation is made as first is what it stays.
    let conversation = direct("bob", "carol");
    create(&town, &conversation, 4);
    let carol = caller("carol", "desk");
    town.fill(&carol, "bob", 6);
    for (part, expected) in [
        (Part::Newest, "[4 5 6] without [] of 4 to 6"),
        (Part::Before(seq(5)), "[4] without [] of 4 to 6"),
        (Part::Before(seq(4)), "[] without [] of 4 to 6"),
        (Part::Listed(vec![seq(3), seq(4)]), "[4] without [3] of 4 to 6"),
        // They are carol's own.
        (Part::Own(seq(2), seq(5)), "[2 3 4 5] without [] of 1 to 6"),
    ] {
        let asked = lookup(&conversation, part, 100);
        assert_eq!(page(&town.history(&carol, asked).unwrap()), expected);
    }
}

#[test]
fn who_is_no_member_learns_nothing() {
    let town = ten_without_two();
    let asked = [
        ("eve", direct("alice", "bob")),
        ("bob", group()),
        ("bob", direct("bob", "carol")),
        ("bob", direct("carol", "dave")),
    ];
    for (user, conversation) in asked {
        for part in [Part::Newest, Part::After(Seq::MAX), Part::Listed(vec![seq(1)])] {
            let asked = lookup(&conversation, part.clone(), 100);
            let error = town.history(&caller(user, "phone"), asked).unwrap_err();
            assert!(matches!(error, Error::NotMember), "{user}, {conversation}, {part:?}");
        }
    }
}

#[test]
fn a_page_fits_its_frame_and_holds_a_message() {
    let town = Town::new();
    let (author, reader) = ("a".repeat(64), "b".repeat(64));
    let desk = caller(&author, "desk");
    for number in 1..=30 {
        let bytes = [limits::BODY_BYTES_MAX, 700, 14][number as usize % 3];
        town.send(&desk, said(&reader, number, Some(number - 1), &body_of(bytes)));
    }
    let re = RequestId::parse(&"\u{1}".repeat(limits::REQUEST_ID_BYTES_MAX)).unwrap();
    let (mut seen, mut pages) = (Vec::new(), 0);
    loop {
        let after = Part::After(seen.last().copied().unwrap_or_default());
        let asked = lookup(&direct(&author, &reader), after, 100);
        let found = town.history(&desk, asked).unwrap();
        assert!(!found.entries.is_empty());
        seen.extend(places(&found));
        pages += 1;
        let more = found.more;
        let frame = wire::Answer::ok(&re, wire::Messages::from(found)).to_json();
        assert!(frame.len() <= limits::ANSWER_BYTES_MAX, "{} bytes", frame.len());
        if !more {
            break;
        }
    }
    assert_eq!(seen, (1..=30).map(seq).collect::<Vec<_>>());
    assert!(pages >= 4, "{pages} pages");
}

#[test]
fn everything_is_read_in_one_round_trip() {
    let town = ten_without_two();
    let ports = chat::HistoryPorts { directory: &town.store, timelines: &town.store };
    let bob = caller("bob", "phone");
    let asked = lookup(&direct("alice", "bob"), Part::Newest, 100);
    let reading = async { drop(chat::history(ports, &bob, asked).await.unwrap()) };
    assert_eq!(crate::town::trips(&town, reading).1, 1);
}

/// What Bob reads of his conversation with Alice.
fn read(town: &Town, part: Part, limit: usize) -> Found {
    town.history(&caller("bob", "phone"), lookup(&direct("alice", "bob"), part, limit)).unwrap()
}

/// All places that a page answers for, in order.
fn places(found: &Found) -> Vec<Seq> {
    let live = found.entries.iter().map(|entry| entry.seq);
    let mut places: Vec<_> = live.chain(found.missing.iter().copied()).collect();
    places.sort_unstable();
    places
}

/// A direct conversation whose people may see it from `joined` on.
fn create(town: &Town, id: &ConversationId, joined: u64) {
    let timeline::Party::Direct(one, other) = id.party() else { panic!("{id} is a group") };
    let member =
        |user| (user, Membership { joined: seq(joined), role: Role::Member, muted: Muted::No });
    town.create(&Conversation {
        id: id.clone(),
        version: 1,
        made: START,
        title: None,
        visibility: Visibility::FromJoin,
        admission: Admission::Closed,
        members: Members::Inline(BTreeMap::from([member(one), member(other)])),
        pending: None,
    });
}

/// Alice wrote ten messages to Bob, of which 3 and 7 were deleted.
fn ten_without_two() -> Town {
    let town = Town::new();
    let desk = caller("alice", "desk");
    for number in 1..=10 {
        town.send(&desk, text("bob", number, Some(number - 1)));
    }
    for deleted in [3, 7] {
        let timeline = direct("alice", "bob").timeline();
        run(store::Timelines::delete(&town.store, &timeline, seq(deleted))).unwrap();
    }
    town
}

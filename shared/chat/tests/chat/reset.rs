//! What a device whose cursor is worth nothing is given, and what keeps cursors worth something.

use timeline::exchange::{Catchup, Caught};
use timeline::{ConversationId, InboxEntry, InboxLife, Seq, Timestamp, limits};

use crate::sync::{bob_with, listed_tails, long_conversations};
use crate::town::{START, Town, caller, direct, from, person, request, run, seq, text, trips};

#[test]
fn a_device_without_a_cursor_is_told_the_tail_and_all_conversations() {
    let (town, phone) = bob_with(3);
    town.send(&caller("carol", "desk"), text("bob", 1, Some(0)));
    town.send(&caller("carol", "desk"), text("alice", 1, Some(0)));
    let caught = town.sync(&phone, from(None));
    require_reset(&caught, 4);
    let mine = [(direct("alice", "bob"), seq(3)), (direct("bob", "carol"), seq(1))];
    assert_eq!(listed_tails(&caught), mine);
    assert_eq!(caught.page, None);
}

#[test]
fn a_new_user_is_told_that_there_is_nothing() {
    let (town, phone) = bob_with(0);
    let caught = town.sync(&phone, from(None));
    require_reset(&caught, 0);
    assert!(caught.conversations.is_empty());
}

#[test]
fn a_cursor_beyond_the_end_is_worth_nothing() {
    let (town, phone) = bob_with(3);
    require_reset(&town.sync(&phone, from(Some(4))), 3);
    let (empty, phone) = bob_with(0);
    require_reset(&empty.sync(&phone, from(Some(1))), 0);
}

#[test]
fn a_cursor_before_expired_entries_is_worth_nothing() {
    let (town, phone) = bob_with(3);
    town.wait(InboxLife::default().milliseconds());
    assert_eq!(town.places("bob").len(), 3, "the database has not taken them away yet");
    require_reset(&town.sync(&phone, from(Some(1))), 3);
}

#[test]
fn a_cursor_before_entries_that_are_gone_is_worth_nothing() {
    let (town, phone) = bob_with(2);
    town.wait(limits::DAY_MS);
    town.send(&caller("alice", "desk"), text("bob", 3, Some(2)));
    town.wait(InboxLife::default().milliseconds() - limits::DAY_MS);
    run(town.store.expire(chat::Clock::now(&town.dial)));
    assert_eq!(town.places("bob"), ["3=3"]);
    require_reset(&town.sync(&phone, from(Some(1))), 3);
    let caught = town.sync(&phone, from(Some(2)));
    assert!(!caught.reset, "what follows 2 is still there");
    assert_eq!((caught.entries.len(), caught.cursor), (1, seq(3)));
}

#[test]
fn a_device_that_was_away_too_long_has_a_cursor_that_is_worth_nothing() {
    let (town, phone) = bob_with(3);
    town.wait(InboxLife::default().away_ms_max() + 1);
    let since = |seen| Catchup { seen: Some(seen), ..from(Some(3)) };
    require_reset(&town.sync(&phone, since(START)), 3);
    assert!(!town.sync(&phone, since(START.plus(1))).reset);
    assert!(!town.sync(&phone, since(Timestamp(u64::MAX))).reset, "a time to come is no absence");
}

#[test]
fn a_hole_after_the_cursor_is_a_reset_and_behind_a_prefix_a_later_page() {
    let (town, phone) = bob_with(2);
    let entry = town.inbox("bob").pop().unwrap();
    let beyond = InboxEntry { position: seq(4), seq: seq(4), ..entry };
    run(store::Inboxes::put(&town.store, &person("bob"), &beyond)).unwrap();

    let caught = town.sync(&phone, from(Some(0)));
    assert!(!caught.reset && caught.more);
    assert_eq!((caught.entries.len(), caught.cursor, caught.tail), (2, seq(2), seq(4)));
    require_reset(&town.sync(&phone, from(Some(2))), 4);
}

#[test]
fn an_anchor_tells_an_old_cursor_from_a_current_one_in_an_emptied_inbox() {
    let (town, phone) = bob_with(3);
    empty_behind_an_anchor(&town);
    require_reset(&town.sync(&phone, from(Some(2))), 3);
    require_reset(&town.sync(&phone, from(Some(0))), 3);
    require_reset(&town.sync(&phone, from(Some(4))), 3);
    let caught = town.sync(&phone, from(Some(3)));
    assert!(!caught.reset && !caught.more);
    assert_eq!((caught.cursor, caught.tail), (seq(3), seq(3)));
}

#[test]
fn an_emptied_inbox_goes_on_numbering() {
    let (town, phone) = bob_with(3);
    empty_behind_an_anchor(&town);
    town.send(&caller("alice", "desk"), text("bob", 4, Some(3)));
    assert_eq!(town.places("bob"), ["4=4"]);
    let caught = town.sync(&phone, from(Some(3)));
    assert!(!caught.reset);
    assert_eq!((caught.entries.len(), caught.cursor), (1, seq(4)));
    require_reset(&town.sync(&phone, from(Some(2))), 4);
}

#[test]
fn the_anchor_is_raised_once_the_tail_is_a_week_old() {
    let (town, phone) = bob_with(3);
    town.wait(InboxLife::default().anchor_age_ms() - 1_000);
    town.sync(&phone, from(Some(3)));
    assert_eq!(town.anchor("bob"), 0, "a second too early");
    town.wait(1_000);
    let sync = |cursor| {
        let syncing = async { drop(town.syncing(&phone, from(Some(cursor))).await.unwrap()) };
        trips(&town, syncing).1
    };
    let inbox = town.inbox("bob");
    assert_eq!(sync(2), 2, "a page of its end raises it, by one more round trip");
    assert_eq!(town.anchor("bob"), 3);
    assert_eq!(sync(2), 1, "and only once");
    assert_eq!(town.inbox("bob"), inbox, "the entries stay as they were");
}

#[test]
fn whatever_gives_a_cursor_raises_the_anchor_of_an_old_tail() {
    for catchup in [from(None), Catchup { limit: 2, ..from(Some(0)) }] {
        let (town, phone) = bob_with(3);
        town.wait(InboxLife::default().anchor_age_ms());
        town.sync(&phone, catchup);
        assert_eq!(town.anchor("bob"), 3);
    }
}

#[test]
fn a_resets_conversations_are_paged() {
    let town = Town::new();
    let bob = person("bob");
    let ids = long_conversations(&bob, limits::RESET_CONVERSATIONS_MAX + 10);
    let phone = town.online("bob", "phone");
    for (base, id) in (0..).zip(&ids) {
        town.send(&phone, crate::town::within(id, base + 1, Some(0)));
    }
    let (mut listed, mut page, mut cursor) = (Vec::new(), None, None);
    for expected in [limits::RESET_CONVERSATIONS_MAX, 10] {
        let caught = town.sync(&phone, Catchup { page, ..from(cursor) });
        // A page goes on whatever the cursor.
        cursor = Some(3);
        require_reset(&caught, ids.len() as u64);
        assert_eq!(caught.conversations.len(), expected);
        listed.extend(listed_tails(&caught));
        page = caught.page.clone();
        let frame = wire::Answer::ok(&request(), wire::Synced::from(caught)).to_json();
        assert!(frame.len() <= limits::ANSWER_BYTES_MAX, "{} bytes", frame.len());
    }
    assert_eq!(page, None);
    let expected: Vec<(ConversationId, Seq)> = ids.into_iter().map(|id| (id, seq(1))).collect();
    assert_eq!(listed, expected);
}

/// Everything in Bob's inbox has expired and is gone; his sync had raised the anchor before.
fn empty_behind_an_anchor(town: &Town) {
    town.wait(InboxLife::default().anchor_age_ms());
    town.sync(&caller("bob", "phone"), from(Some(2)));
    town.wait(InboxLife::default().milliseconds());
    run(town.store.expire(chat::Clock::now(&town.dial)));
    assert!(town.inbox("bob").is_empty());
}

/// The answer is a reset to an inbox that ends at `tail`.
fn require_reset(caught: &Caught, tail: u64) {
    assert!(caught.reset && !caught.more, "{caught:?}");
    assert!(caught.entries.is_empty(), "{caught:?}");
    assert_eq!((caught.cursor, caught.tail), (seq(tail), seq(tail)));
}

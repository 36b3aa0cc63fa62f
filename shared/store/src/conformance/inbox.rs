//! What inboxes promise.

use futures_util::future::join_all;
use timeline::{Body, InboxEntry, Seq, UserId, limits};

use super::{NOW, Store, draft, seq, tea, user};
use crate::error::Error;
use crate::faulty::{Fault, Faulty};
use crate::inbox::{InboxEnd, InboxPage, Inboxes, deliver};
use crate::pace::Immediately;

/// What bob's inbox keeps of entry `number` at `position`.
fn told(number: u64, position: Seq) -> InboxEntry {
    InboxEntry::of(&draft("ada", number).at(seq(number)), &tea(), position, NOW.whole_seconds())
}

/// Delivers entry `number` to bob, as often as it takes.
async fn delivered(store: &dyn Inboxes, number: u64) -> u64 {
    for _ in 0..1_000 {
        let tail = store.tail(&user("bob")).await.expect("the tail");
        let entry = |position| told(number, position);
        match deliver(store, &Immediately, &user("bob"), &tail, entry).await {
            Err(Error::Contended) => {}
            position => return position.expect("a delivery").number(),
        }
    }
    panic!("1,000 attempts were not enough");
}

fn end(page: &InboxPage) -> Option<u64> {
    page.end.map(|end| end.position.number())
}

async fn positions(store: &dyn Inboxes, user: &UserId, cursor: u64, count: usize) -> Vec<u64> {
    let page = store.after(user, seq(cursor), count).await.expect("a page");
    page.entries.iter().map(|entry| entry.position.number()).collect()
}

/// 1, 2, 3.
pub async fn positions_begin_at_one_and_are_dense(store: &impl Store) {
    for number in 1..=5 {
        assert_eq!(delivered(store, number).await, number);
    }
    assert_eq!(positions(store, &user("bob"), 0, 100).await, [1, 2, 3, 4, 5]);
    assert_eq!(positions(store, &user("ada"), 0, 100).await, [0; 0]);
}

/// Many fan-outs into one inbox at the same moment.
pub async fn deliveries_at_once_leave_no_hole(store: &impl Store) {
    let mut places = join_all((1..=40).map(|number| delivered(store, number))).await;
    places.sort_unstable();
    assert_eq!(places, (1..=40).collect::<Vec<_>>());
    assert_eq!(positions(store, &user("bob"), 0, 100).await, (1..=40).collect::<Vec<_>>());
}

/// A fan-out that is done again finds what it did.
pub async fn a_delivery_repeated_is_one_entry(store: &impl Store) {
    let last = limits::INBOX_LOOK_BACK as u64;
    for number in 1..=last {
        delivered(store, number).await;
    }
    for number in 1..=last {
        assert_eq!(delivered(store, number).await, number);
    }
    assert_eq!(positions(store, &user("bob"), 0, 100).await.len() as u64, last);
}

/// A put that was applied though its answer was lost is found.
pub async fn a_delivery_whose_answer_is_lost_is_one_entry(store: &impl Store) {
    for (number, fault) in (1..).zip([Fault::LostAfter, Fault::LostBefore, Fault::LostAfter]) {
        let faulty = Faulty::new(store, [fault]);
        assert_eq!(delivered(&faulty, number).await, number);
    }
    assert_eq!(positions(store, &user("bob"), 0, 100).await, [1, 2, 3]);
}

/// A page holds what follows the cursor, and knows how far the numbers went if it is the last.
pub async fn pages_follow_the_cursor_and_know_the_end(store: &impl Store) {
    let empty = store.after(&user("bob"), Seq::ZERO, 10).await.expect("a page");
    assert_eq!((empty.entries.len(), end(&empty)), (0, Some(0)));
    for number in 1..=7 {
        delivered(store, number).await;
    }
    store.raise_anchor(&user("bob"), seq(2)).await.expect("an anchor");
    assert_eq!(positions(store, &user("bob"), 2, 3).await, [3, 4, 5]);
    let first = store.after(&user("bob"), seq(2), 3).await.expect("a page");
    assert_eq!(first.end, None, "a page that does not reach the end cannot know it");
    let last = store.after(&user("bob"), seq(5), 3).await.expect("a page");
    assert_eq!((last.entries.len(), end(&last)), (2, Some(7)));
    let known = last.end.expect("the end");
    assert_eq!(known.anchor, seq(2));
    assert_eq!(known.expires, Some(NOW.whole_seconds()));
    let at_end = store.after(&user("bob"), seq(7), 3).await.expect("a page");
    assert_eq!((at_end.entries.len(), end(&at_end)), (0, Some(7)));
    assert_eq!(at_end.end, last.end);
    let beyond = store.after(&user("bob"), seq(9), 3).await.expect("a page");
    assert_eq!(beyond.entries, []);
    assert!(end(&beyond).is_some_and(|end| end < 9), "{beyond:?}");
}

/// A writer sees the newest entries, newest first.
pub async fn the_tail_shows_the_newest(store: &impl Store) {
    for number in 1..=12 {
        delivered(store, number).await;
    }
    let tail = store.tail(&user("bob")).await.expect("the tail");
    let newest: Vec<_> = tail.newest.iter().map(|entry| entry.position.number()).collect();
    assert_eq!(newest, (5..=12).rev().collect::<Vec<_>>());
    assert_eq!(tail.position(), seq(12));
    assert_eq!(tail.find(&tea(), seq(9)), Some(seq(9)));
    assert_eq!(tail.newest[0], told(12, seq(12)));
    assert_eq!(tail.own(&user("ada")).len(), 8);
    assert_eq!(tail.own(&user("bob")).len(), 0);
}

/// When every entry has expired, the numbers still do not begin again.
pub async fn an_emptied_inbox_goes_on_from_its_anchor(store: &impl Store) {
    store.raise_anchor(&user("bob"), seq(40)).await.expect("an anchor");
    let page = store.after(&user("bob"), seq(12), 10).await.expect("a page");
    assert_eq!((page.entries.len(), end(&page)), (0, Some(40)));
    assert_eq!(delivered(store, 1).await, 41);
    assert_eq!(positions(store, &user("bob"), 0, 10).await, [41]);
}

/// Raising the anchor to less than it is changes nothing.
pub async fn the_anchor_never_goes_back(store: &impl Store) {
    for position in [30, 40, 35, 40] {
        store.raise_anchor(&user("bob"), seq(position)).await.expect("an anchor");
    }
    assert_eq!(store.tail(&user("bob")).await.expect("the tail").position(), seq(40));
}

/// Bodies above the inbox's bound are kept once, on the timeline.
pub async fn a_long_body_is_left_to_the_timeline(store: &impl Store) {
    for (position, length) in [(1, limits::INBOX_BODY_BYTES_MAX), (2, limits::BODY_BYTES_MAX)] {
        let mut entry = draft("ada", position).at(seq(position));
        entry.body = Some(Body::parse(&"b".repeat(length)).expect("a body"));
        let entry = InboxEntry::of(&entry, &tea(), seq(position), NOW.whole_seconds());
        Inboxes::put(store, &user("bob"), &entry).await.expect("a put");
    }
    let page = store.after(&user("bob"), Seq::ZERO, 10).await.expect("a page");
    let kept: Vec<_> = page.entries.iter().map(|entry| entry.body.is_some()).collect();
    assert_eq!(kept, [true, false]);
}

/// A reader whose cursor lies beyond the end sees that nothing is there, and nothing before it.
pub async fn a_cursor_beyond_the_end_sees_nothing_before_it(store: &impl Store) {
    for number in 1..=3 {
        delivered(store, number).await;
    }
    store.raise_anchor(&user("bob"), seq(2)).await.expect("an anchor");
    for cursor in [seq(4), Seq::MAX] {
        let page = store.after(&user("bob"), cursor, 10).await.expect("a page");
        let end = InboxEnd { position: seq(2), anchor: seq(2), expires: None };
        assert_eq!(page, InboxPage { entries: Vec::new(), end: Some(end) });
    }
    let at_end = store.after(&user("bob"), seq(3), 10).await.expect("a page");
    assert_eq!((at_end.entries.len(), end(&at_end)), (0, Some(3)));
}

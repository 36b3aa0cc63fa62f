//! What the library's queue promises.

use std::sync::LazyLock;

use timeline::{Body, Seq, TimelineId};

use super::{Store, draft, numbers, seq, tea};
use crate::error::Error;
use crate::pace::Immediately;
use crate::queue::{Mode, Queue};
use crate::timelines::{Direction, Put, Scan, Timelines};

/// The timeline of `tea` in a store of this mode.
fn queue(store: &impl Store, mode: Mode) -> Queue<'_> {
    static TEA: LazyLock<TimelineId> = LazyLock::new(|| tea().timeline());
    Queue::new(store, &Immediately, mode, &TEA)
}

/// Appends messages 1..=`count` of ada.
async fn filled(queue: &Queue<'_>, count: u64) {
    for number in 1..=count {
        queue.append(&draft("ada", number), seq(number - 1)).await.expect("an append");
    }
}

/// A put where something is answers with that and writes nothing.
pub async fn a_put_never_overwrites(store: &impl Store) {
    let timeline = tea().timeline();
    let (first, second) = (draft("ada", 1).at(seq(1)), draft("bob", 2).at(seq(1)));
    let put = Timelines::put(store, &timeline, &first).await.expect("a put");
    assert_eq!(put, Put::Stored);
    let put = Timelines::put(store, &timeline, &second).await.expect("a put");
    assert_eq!(put, Put::Occupied(first.clone()));
    assert_eq!(store.get(&timeline, seq(1)).await.expect("a get"), Some(first));
}

/// Whatever JSON a body is, it is returned as it was given.
pub async fn a_body_comes_back_byte_for_byte(store: &impl Store) {
    let timeline = tea().timeline();
    let texts = [
        "{}",
        "{ \"b\" : 1.0e3 ,\t\"a\":\"\\u00e9é\\n\" }",
        "{\"text\":\"南京市长江大桥 👍🏽\"}",
        "{\"n\":12345678901234567890.10}",
    ];
    for (number, text) in (1..).zip(texts) {
        let mut entry = draft("ada", number).at(seq(number));
        entry.body = Some(Body::parse(text).expect("a short body"));
        Timelines::put(store, &timeline, &entry).await.expect("a put");
        let kept = store.get(&timeline, seq(number)).await.expect("a get").expect("an entry");
        assert_eq!(kept.body.expect("a body").as_str(), text);
    }
}

/// Nothing is where nothing was put.
pub async fn a_place_that_is_free_is_empty(store: &impl Store) {
    let id = tea().timeline();
    let queue = queue(store, Mode::Automatic);
    assert_eq!(queue.get(seq(1)).await.expect("a get"), None);
    assert_eq!(queue.id(), &id);
    let scan = Scan::forward(seq(1), Seq::MAX, 10).expect("a valid scan");
    assert_eq!(queue.scan(scan).await.expect("a scan"), []);
}

/// `[from, to)`, ascending.
pub async fn a_forward_scan_includes_its_start_and_excludes_its_end(store: &impl Store) {
    let queue = queue(store, Mode::Automatic);
    filled(&queue, 9).await;
    let scan = Scan::forward(seq(3), seq(7), 100).expect("a valid scan");
    assert_eq!(numbers(&queue.scan(scan).await.expect("a scan")), [3, 4, 5, 6]);
    let scan = Scan::forward(seq(3), seq(7), 2).expect("a valid scan");
    assert_eq!(numbers(&queue.scan(scan).await.expect("a scan")), [3, 4]);
}

/// `(to, from]`, descending.
pub async fn a_backward_scan_includes_its_start_and_excludes_its_end(store: &impl Store) {
    let queue = queue(store, Mode::Automatic);
    filled(&queue, 9).await;
    let scan = Scan::backward(seq(7), seq(3), 100).expect("a valid scan");
    assert_eq!(numbers(&queue.scan(scan).await.expect("a scan")), [7, 6, 5, 4]);
    let scan = Scan::backward(Seq::MAX, seq(0), 2).expect("a valid scan");
    assert_eq!(numbers(&queue.scan(scan).await.expect("a scan")), [9, 8]);
}

/// A scan of more than a database's page (1 MB) keeps its order and never exceeds its count.
pub async fn a_scan_keeps_order_and_count_across_pages(store: &impl Store) {
    let timeline = tea().timeline();
    let long = Body::parse(&format!(r#"{{"text":"{}"}}"#, "x".repeat(8_000))).expect("a body");
    for number in 1..=300 {
        let mut entry = draft("ada", number).at(seq(number));
        entry.body = Some(long.clone());
        Timelines::put(store, &timeline, &entry).await.expect("a put");
    }
    let scan = Scan::forward(seq(1), Seq::MAX, 290).expect("a valid scan");
    let found = store.scan(&timeline, scan).await.expect("a scan");
    assert_eq!(numbers(&found), (1..=290).collect::<Vec<_>>());
    let scan = Scan::backward(Seq::MAX, Seq::ZERO, 1_000).expect("a valid scan");
    let found = store.scan(&timeline, scan).await.expect("a scan");
    assert_eq!(numbers(&found), (1..=300).rev().collect::<Vec<_>>());
}

/// A scan without a direction or a count is refused before the store is asked.
pub async fn a_scan_that_goes_nowhere_is_invalid(_store: &impl Store) {
    for scan in [
        Scan::forward(seq(3), seq(3), 1),
        Scan::forward(seq(4), seq(3), 1),
        Scan::forward(seq(1), seq(3), 0),
        Scan::backward(seq(3), seq(3), 1),
        Scan::backward(seq(3), seq(4), 1),
        Scan::backward(seq(3), seq(1), 0),
    ] {
        assert!(matches!(scan, Err(Error::Invalid { .. })), "{scan:?}");
    }
}

/// The newest entry is the one with the largest sequence.
pub async fn latest_is_the_newest_and_nothing_at_first(store: &impl Store) {
    let queue = queue(store, Mode::Automatic);
    assert_eq!(queue.latest().await.expect("latest"), None);
    filled(&queue, 3).await;
    assert_eq!(queue.latest().await.expect("latest").expect("an entry").seq, seq(3));
}

/// An update changes nothing but the body and tells what is kept then.
pub async fn an_update_replaces_the_body_alone(store: &impl Store) {
    let queue = queue(store, Mode::Automatic);
    filled(&queue, 2).await;
    let before = queue.get(seq(1)).await.expect("a get").expect("an entry");
    let body = Body::parse(r#"{"text":"better"}"#).expect("a body");
    let updated = queue.update(seq(1), &body).await.expect("an update");
    let expected = timeline::Entry { revision: Some(Seq::ZERO), body: Some(body), ..before };
    assert_eq!(updated, expected);
    assert_eq!(queue.get(seq(1)).await.expect("a get"), Some(expected));
}

/// An update creates nothing and brings nothing back.
pub async fn an_update_of_nothing_is_not_found(store: &impl Store) {
    let queue = queue(store, Mode::Automatic);
    let body = Body::parse("{}").expect("a body");
    let updated = queue.update(seq(1), &body).await;
    assert!(matches!(updated, Err(Error::NotFound { .. })), "{updated:?}");
    filled(&queue, 1).await;
    queue.delete(seq(1)).await.expect("a delete");
    let updated = queue.update(seq(1), &body).await;
    assert!(matches!(updated, Err(Error::NotFound { .. })), "{updated:?}");
    assert_eq!(queue.get(seq(1)).await.expect("a get").expect("a tombstone").body, None);
    assert_eq!(queue.get(seq(2)).await.expect("a get"), None);
}

/// Deleting takes the body; the place stays taken, even the newest, and deleting again is no error.
pub async fn a_delete_leaves_a_tombstone_whose_place_is_never_used_again(store: &impl Store) {
    let queue = queue(store, Mode::Automatic);
    filled(&queue, 2).await;
    let before = queue.get(seq(2)).await.expect("a get").expect("an entry");
    for _ in 0..2 {
        queue.delete(seq(2)).await.expect("a delete");
    }
    queue.delete(seq(9)).await.expect("a delete of nothing");
    let tombstone = queue.latest().await.expect("latest").expect("a tombstone");
    assert_eq!(tombstone, timeline::Entry { body: None, ..before });
    let appended = queue.append(&draft("ada", 3), seq(2)).await.expect("an append");
    assert_eq!(appended.entry().seq, seq(3));
    let again = queue.append(&draft("ada", 2), seq(1)).await.expect("a repeat");
    assert_eq!(again.entry().seq, seq(2));
}

/// In manual mode a sequence is stored as given; another entry at it is a conflict, the same again
/// is not.
pub async fn manual_sequences_are_the_callers(store: &impl Store) {
    let queue = queue(store, Mode::Manual);
    let kept = queue.store(seq(70), &draft("ada", 1)).await.expect("a store");
    assert_eq!(kept.seq, seq(70));
    assert_eq!(queue.store(seq(70), &draft("ada", 1)).await.expect("a repeat"), kept);
    queue.store(seq(7), &draft("ada", 2)).await.expect("a smaller sequence");
    let other = queue.store(seq(70), &draft("ada", 3)).await;
    assert!(matches!(other, Err(Error::Conflict { .. })), "{other:?}");
    assert_eq!(queue.latest().await.expect("latest"), Some(kept));
    let zero = queue.store(Seq::ZERO, &draft("ada", 4)).await;
    assert!(matches!(zero, Err(Error::Invalid { .. })), "{zero:?}");
}

/// A store's mode is one; the other's operation is refused.
pub async fn each_mode_refuses_the_others_operation(store: &impl Store) {
    let manual = queue(store, Mode::Manual).append(&draft("ada", 1), Seq::ZERO).await;
    assert!(matches!(manual, Err(Error::Invalid { .. })), "{manual:?}");
    let automatic = queue(store, Mode::Automatic).store(seq(1), &draft("ada", 1)).await;
    assert!(matches!(automatic, Err(Error::Invalid { .. })), "{automatic:?}");
    assert_eq!(queue(store, Mode::Manual).latest().await.expect("latest"), None);
}

/// A batch has one result per entry, in order; one that fails does not spoil the others.
pub async fn a_batch_answers_for_each_in_order(store: &impl Store) {
    let automatic = queue(store, Mode::Automatic);
    let drafts: Vec<_> = (1..=20).map(|number| draft("ada", number)).collect();
    let results = automatic.append_batch(&drafts, Seq::ZERO).await;
    let entries = results.iter().map(|result| result.as_ref().expect("an append").entry());
    assert_eq!(numbers(entries), (1..=20).collect::<Vec<_>>());

    let manual = queue(store, Mode::Manual);
    let batch = [(seq(21), draft("bob", 1)), (seq(5), draft("bob", 2)), (seq(22), draft("bob", 3))];
    let results = manual.store_batch(&batch).await;
    assert_eq!(results.len(), 3);
    assert!(results[0].is_ok() && results[2].is_ok(), "{results:?}");
    assert!(matches!(results[1], Err(Error::Conflict { .. })), "{results:?}");
}

/// Entries of several timelines are read by their places; what is not there is left out.
pub async fn many_are_read_at_once(store: &impl Store) {
    let queue = queue(store, Mode::Automatic);
    filled(&queue, 60).await;
    let other = TimelineId::parse("other").expect("a timeline id");
    Timelines::put(store, &other, &draft("eve", 1).at(seq(1))).await.expect("a put");
    let mut places: Vec<_> = (2..=98).map(|number| (tea().timeline(), seq(number))).collect();
    places.push((other.clone(), seq(1)));
    let mut found = store.get_many(&places).await.expect("a read of many");
    found.sort_by_key(|(id, entry)| (id.clone(), entry.seq));
    let of_tea = found.iter().filter(|(id, _)| *id == tea().timeline()).map(|(_, entry)| entry);
    assert_eq!(numbers(of_tea), (2..=60).collect::<Vec<_>>());
    assert!(found.iter().any(|(id, entry)| *id == other && entry.author.as_str() == "eve"));
    assert_eq!(store.get_many(&[]).await.expect("a read of none"), []);
}

/// However often a place is named, what stands there is read once.
pub async fn a_place_that_is_named_twice_is_read_once(store: &impl Store) {
    let queue = queue(store, Mode::Automatic);
    filled(&queue, 2).await;
    let places = [2, 1, 2, 2].map(|number| (tea().timeline(), seq(number)));
    let mut found = store.get_many(&places).await.expect("a read of many");
    found.sort_by_key(|(_, entry)| entry.seq);
    assert_eq!(numbers(found.iter().map(|(_, entry)| entry)), [1, 2]);
}

/// A part that ends before it begins has no entry, and none are at most no entries; neither is an
/// error.
pub async fn an_empty_part_has_no_entries(store: &impl Store) {
    let queue = queue(store, Mode::Automatic);
    filled(&queue, 3).await;
    for direction in [Direction::Forward, Direction::Backward] {
        let scan = Scan { direction, ..Scan::since(Seq::FIRST, 9) };
        let backwards = Scan { first: seq(3), last: seq(2), ..scan };
        for empty in [backwards, Scan { max_count: 0, ..scan }] {
            assert_eq!(queue.scan(empty).await.expect("a scan"), []);
        }
    }
}

//! What the verified tail promises.

use futures_util::future::{join, join_all};
use timeline::{Body, Draft, Entry, Kind, Seq, TimelineId, limits};

use super::{Store, draft, numbers, seq, tea, user};
use crate::append::{Appended, Outcome, append, append_freely, observe, tail};
use crate::error::Error;
use crate::faulty::{Fault, Faulty};
use crate::pace::Immediately;
use crate::timelines::{Put, Scan, Timelines};

/// How often a test repeats an append that may be repeated.
const ATTEMPTS_MAX: usize = 1_000;

/// One attempt at an append.
async fn attempt(store: &dyn Timelines, draft: &Draft, base: Seq) -> Result<Appended, Error> {
    let timeline = tea().timeline();
    let observed = observe(store, &timeline, base, &draft.author, &draft.id).await?;
    append_freely(store, &Immediately, &timeline, observed, draft).await
}

/// As many attempts as it takes, all with the same base, as a client makes them.
async fn persistent(store: &dyn Timelines, draft: &Draft, base: Seq) -> Appended {
    for _ in 0..ATTEMPTS_MAX {
        match attempt(store, draft, base).await {
            Err(error) if error.is_retryable() => {}
            outcome => return outcome.expect("an append that only retries"),
        }
    }
    panic!("{ATTEMPTS_MAX} attempts were not enough");
}

/// The whole timeline.
async fn all(store: &dyn Timelines) -> Vec<Entry> {
    let scan = Scan::since(Seq::FIRST, 10_000);
    store.scan(&tea().timeline(), scan).await.expect("a scan")
}

fn dense(count: u64) -> Vec<u64> {
    (1..=count).collect()
}

/// Puts entries `from..=to` as they are, past the protocol.
async fn put_all(store: &dyn Timelines, timeline: &TimelineId, from: u64, to: u64) {
    let entries: Vec<_> = (from..=to).map(|number| draft("eve", number).at(seq(number))).collect();
    for chunk in entries.chunks(64) {
        let puts = join_all(chunk.iter().map(|entry| store.put(timeline, entry))).await;
        assert!(puts.into_iter().all(|put| put.expect("a put") == Put::Stored));
    }
}

/// 1, 2, 3.
pub async fn numbers_begin_at_one_and_are_dense(store: &impl Store) {
    for number in 1..=3 {
        let appended = attempt(store, &draft("ada", number), seq(number - 1)).await;
        let Ok(Appended::New(entry)) = appended else { panic!("{appended:?}") };
        assert_eq!(entry.seq, seq(number));
    }
    assert_eq!(numbers(&all(store).await), dense(3));
}

/// A hundred writers at the same moment get 1 to 100.
pub async fn a_hundred_at_once_leave_no_hole(store: &impl Store) {
    let drafts: Vec<_> = (1..=100).map(|number| draft("ada", number)).collect();
    let writers = drafts.iter().map(|draft| persistent(store, draft, Seq::ZERO));
    let appended = join_all(writers).await;
    let mut places = numbers(appended.iter().map(Appended::entry));
    places.sort_unstable();
    assert_eq!(places, dense(100));
    assert_eq!(numbers(&all(store).await), dense(100));
}

/// A reader that goes on from the last it has seen sees all, whoever writes meanwhile.
pub async fn a_reader_during_a_thousand_appends_skips_none(store: &impl Store) {
    let writers = (0..20).map(|writer| async move {
        for number in 1..=50 {
            let draft = draft(&format!("writer-{writer}"), number);
            persistent(store, &draft, Seq::ZERO).await;
        }
    });
    let reader = async {
        let mut seen = Vec::new();
        while seen.len() < 1_000 {
            let cursor = seen.last().map_or(Seq::ZERO, |entry: &Entry| entry.seq);
            let scan = Scan::since(cursor.next(), 100);
            seen.extend(store.scan(&tea().timeline(), scan).await.expect("a scan"));
        }
        seen
    };
    let (_, seen) = join(join_all(writers), reader).await;
    assert_eq!(numbers(&seen), dense(1_000));
    let mut ids: Vec<_> = seen.iter().map(|entry| (&entry.author, entry.id)).collect();
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), 1_000, "a message stands twice");
}

/// Eight attempts at one message in the same moment keep it once and all say where.
pub async fn the_same_message_by_eight_at_once_is_one_entry(store: &impl Store) {
    persistent(store, &draft("bob", 1), Seq::ZERO).await;
    let draft = draft("ada", 7);
    let attempts = (0..8).map(|_| persistent(store, &draft, seq(1)));
    let places = numbers(join_all(attempts).await.iter().map(Appended::entry));
    assert_eq!(places, [2; 8]);
    assert_eq!(numbers(&all(store).await), dense(2));
}

/// A put that was applied though its answer was lost is found, not repeated elsewhere.
pub async fn a_put_whose_answer_is_lost_is_one_entry(store: &impl Store) {
    for fault in [Fault::LostAfter, Fault::LostBefore] {
        let before = tail(store, &tea().timeline()).await.expect("the tail");
        let faulty = Faulty::new(store, [fault]);
        let draft = draft("ada", before.number() + 1);
        let appended = attempt(&faulty, &draft, before).await.expect("an append");
        assert_eq!(appended.entry().seq, before.next());
    }
    assert_eq!(numbers(&all(store).await), dense(2));
}

/// An attempt that gives up leaves nothing that the next one could double.
pub async fn a_put_that_is_lost_again_and_again_is_one_entry_once_repeated(store: &impl Store) {
    for fault in [Fault::LostAfter, Fault::LostBefore] {
        let before = tail(store, &tea().timeline()).await.expect("the tail");
        let faulty = Faulty::new(store, [fault; limits::AMBIGUOUS_PUTS_MAX]);
        let draft = draft("ada", before.number() + 1);
        let given_up = attempt(&faulty, &draft, before).await;
        assert!(matches!(given_up, Err(Error::Unavailable { .. })), "{given_up:?}");
        // Another message comes between the attempts.
        persistent(store, &super::draft("bob", before.number() + 1), Seq::ZERO).await;
        persistent(&faulty, &draft, before).await;
        persistent(&faulty, &draft, before).await;
    }
    let entries = all(store).await;
    assert_eq!(numbers(&entries), dense(4));
    assert_eq!(entries.iter().filter(|entry| entry.author == user("ada")).count(), 2);
}

/// A store that asks to slow down is not asked again in the same breath.
pub async fn a_throttled_put_is_told_and_nothing_is_kept(store: &impl Store) {
    let faulty = Faulty::new(store, [Fault::Throttled]);
    let throttled = attempt(&faulty, &draft("ada", 1), Seq::ZERO).await;
    assert!(matches!(throttled, Err(Error::Throttled { .. })), "{throttled:?}");
    assert_eq!(all(store).await, []);
    let appended = attempt(&faulty, &draft("ada", 1), Seq::ZERO).await.expect("an append");
    assert_eq!(appended.entry().seq, Seq::FIRST);
}

/// "I knew of no message" is a base like any other.
pub async fn a_repeat_from_base_zero_is_the_same_entry(store: &impl Store) {
    let first = persistent(store, &draft("ada", 1), Seq::ZERO).await;
    for number in 1..=5 {
        persistent(store, &draft("bob", number), Seq::ZERO).await;
    }
    let again = attempt(store, &draft("ada", 1), Seq::ZERO).await.expect("a repeat");
    assert_eq!(again, Appended::Duplicate(first.entry().clone()));
    assert_eq!(numbers(&all(store).await), dense(6));
}

/// A message that is found is answered, whatever its base is worth.
pub async fn a_repeat_outranks_a_stale_base(store: &impl Store) {
    put_all(store, &tea().timeline(), 4, 9).await;
    let again = attempt(store, &draft("eve", 7), seq(2)).await.expect("a repeat");
    assert_eq!(again.entry().seq, seq(7));
}

/// What was purged may have held the message: the client must look itself.
pub async fn a_base_below_a_purged_prefix_is_stale(store: &impl Store) {
    put_all(store, &tea().timeline(), 5, 9).await;
    for base in [0, 1, 4] {
        let stale = attempt(store, &draft("ada", 1), seq(base)).await;
        assert!(
            matches!(stale, Err(Error::StaleBase { tail }) if tail == seq(9)),
            "{base}: {stale:?}"
        );
    }
    let appended = attempt(store, &draft("ada", 1), seq(5)).await.expect("an append");
    assert_eq!(appended.entry().seq, seq(10));
}

/// More than 5,000 entries are not looked through for one message.
pub async fn a_base_too_far_below_the_tail_is_stale(store: &impl Store) {
    let count = u64::try_from(limits::VERIFY_ENTRIES_MAX).expect("a small bound") + 1;
    put_all(store, &tea().timeline(), 1, count).await;
    let stale = attempt(store, &draft("ada", 1), Seq::ZERO).await;
    assert!(matches!(stale, Err(Error::StaleBase { tail }) if tail == seq(count)), "{stale:?}");
    let appended = attempt(store, &draft("ada", 1), seq(1)).await.expect("an append");
    assert_eq!(appended.entry().seq, seq(count + 1));
}

/// A log that is shorter than the client remembers has gone back.
pub async fn a_base_beyond_the_tail_is_told(store: &impl Store) {
    for (count, base) in [(0, 1), (0, 900), (3, 4)] {
        for number in 1..=count {
            persistent(store, &draft("bob", number), Seq::ZERO).await;
        }
        let ahead = attempt(store, &draft("ada", 1), seq(base)).await;
        assert!(
            matches!(ahead, Err(Error::BaseAhead { tail }) if tail == seq(count)),
            "{base}: {ahead:?}"
        );
    }
}

/// Whatever base a client makes up, the log stays dense; only its own message can suffer.
pub async fn a_lying_base_never_makes_a_hole(store: &impl Store) {
    for number in 1..=6 {
        persistent(store, &draft("bob", number), Seq::ZERO).await;
    }
    for base in (0..=12).rev() {
        match attempt(store, &draft("ada", base), seq(base)).await {
            Ok(_) | Err(Error::BaseAhead { .. }) => {}
            Err(other) => panic!("base {base}: {other:?}"),
        }
    }
    let entries = all(store).await;
    assert_eq!(numbers(&entries), dense(entries.len() as u64));
    assert!(entries.len() > 6);
}

/// A client without a base is exactly-once through its claim, however its attempts interleave with
/// others.
pub async fn without_a_base_a_claim_keeps_it_exactly_once(store: &impl Store) {
    let draft = draft("ada", 1);
    for round in 1..=3 {
        let now = tail(store, &tea().timeline()).await.expect("the tail");
        let base = store.claim(&tea(), &draft.author, &draft.id, now).await.expect("a claim");
        assert_eq!(base, Seq::ZERO, "round {round}");
        let attempts = (0..4).map(|_| persistent(store, &draft, base));
        let places = numbers(join_all(attempts).await.iter().map(Appended::entry));
        assert_eq!(places, [1; 4]);
        persistent(store, &super::draft("bob", round), Seq::ZERO).await;
    }
    assert_eq!(numbers(&all(store).await), dense(4));
}

/// The same id is the same message; another content under it is refused and nothing changes.
pub async fn the_same_id_with_another_content_is_a_conflict(store: &impl Store) {
    let draft = draft("ada", 1);
    persistent(store, &draft, Seq::ZERO).await;
    let body = Body::parse(r#"{"text":"other"}"#).expect("a body");
    let other = attempt(store, &Draft { body, ..draft.clone() }, Seq::ZERO).await;
    assert!(matches!(other, Err(Error::Conflict { .. })), "{other:?}");
    let kind = Kind::parse("image").expect("a kind");
    let other = attempt(store, &Draft { kind, ..draft.clone() }, Seq::ZERO).await;
    assert!(matches!(other, Err(Error::Conflict { .. })), "{other:?}");
    assert_eq!(numbers(&all(store).await), dense(1));
}

/// Ids are their author's own: nobody can take another's away.
pub async fn the_same_id_of_another_author_is_another_message(store: &impl Store) {
    persistent(store, &draft("ada", 1), Seq::ZERO).await;
    let appended = persistent(store, &draft("bob", 1), Seq::ZERO).await;
    assert!(matches!(appended, Appended::New(_)), "{appended:?}");
    assert_eq!(numbers(&all(store).await), dense(2));
}

/// The counts of messages and recalls are exact at every place; events count as neither message.
pub async fn prefix_counts_follow_from_the_predecessor(store: &impl Store) {
    let kinds = ["text", "join", "image", "recall", "recall", "text"];
    for (number, kind) in (1..).zip(kinds) {
        let kind = Kind::stored(kind).expect("a kind");
        persistent(store, &Draft { kind, ..draft("ada", number) }, Seq::ZERO).await;
    }
    let counts: Vec<_> =
        all(store).await.iter().map(|entry| (entry.countable, entry.recalls)).collect();
    assert_eq!(counts, [(1, 0), (1, 0), (2, 0), (2, 1), (2, 2), (3, 2)]);
}

/// An author who was removed meanwhile must not write after the event that says so.
pub async fn an_append_stops_at_an_entry_of_a_later_version(store: &impl Store) {
    let timeline = tea().timeline();
    let leave = Draft { version: 2, ..draft("bob", 1) };
    attempt(store, &leave, Seq::ZERO).await.expect("an append");

    // Seen by the look at what came after the base.
    let late = draft("ada", 2);
    let observed = observe(store, &timeline, Seq::ZERO, &late.author, &late.id).await;
    let observed = observed.expect("a look");
    let outcome = append(store, &Immediately, &timeline, observed, &late, 1).await;
    let Ok(Outcome::Superseded(observed)) = outcome else { panic!("{outcome:?}") };
    assert_eq!(tail(store, &timeline).await.expect("the tail"), seq(1), "nothing is written");

    // Seen by the place that it took.
    attempt(store, &Draft { version: 3, ..draft("bob", 3) }, seq(1)).await.expect("an append");
    let outcome = append(store, &Immediately, &timeline, observed, &late, 2).await;
    let Ok(Outcome::Superseded(observed)) = outcome else { panic!("{outcome:?}") };
    assert_eq!(tail(store, &timeline).await.expect("the tail"), seq(2), "nothing is written");

    let outcome = append(store, &Immediately, &timeline, observed, &late, 3).await;
    let Ok(Outcome::Appended(Appended::New(entry))) = outcome else { panic!("{outcome:?}") };
    assert_eq!(entry.seq, seq(3), "who may still write goes on from there");
}

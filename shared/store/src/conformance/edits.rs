//! Promises of edits and recalls: of the bodies of what is kept.

use timeline::{Body, Entry, Seq};

use super::{Store, draft, seq, tea};
use crate::timelines::{Revised, Timelines};

fn body(text: &str) -> Body {
    Body::parse(text).expect("a short body")
}

async fn kept(store: &impl Store) -> Entry {
    let entry = store.get(&tea().timeline(), seq(1)).await.expect("a read");
    entry.expect("an entry")
}

async fn put(store: &impl Store) -> Entry {
    let entry = draft("ada", 1).at(seq(1));
    Timelines::put(store, &tea().timeline(), &entry).await.expect("a put");
    entry
}

/// The newest edit stands, in whatever order and however often they are applied.
pub async fn the_newest_edit_stands(store: &impl Store) {
    let timeline = tea().timeline();
    let before = put(store).await;
    let edit = async |by, text: &str| {
        store.revise(&timeline, seq(1), &body(text), seq(by)).await.expect("an answer")
    };
    assert_eq!(edit(4, "four").await, Revised::Done { before: None });
    assert_eq!(edit(4, "four").await, Revised::Done { before: None }, "again");
    assert_eq!(edit(7, "seven").await, Revised::Done { before: Some(seq(4)) });
    assert_eq!(edit(5, "five").await, Revised::Superseded);
    let expected = Entry { body: Some(body("seven")), revision: Some(seq(7)), ..before };
    assert_eq!(kept(store).await, expected);
    let nothing = store.revise(&timeline, seq(2), &body("x"), seq(8)).await.expect("an answer");
    assert_eq!(nothing, Revised::Superseded);
    assert_eq!(store.get(&timeline, seq(2)).await.expect("a read"), None);
}

/// What was taken back stays so, whatever edits come, and the first recall is the one that counts.
pub async fn a_recall_is_final(store: &impl Store) {
    let timeline = tea().timeline();
    let before = put(store).await;
    store.revise(&timeline, seq(1), &body("four"), seq(4)).await.expect("an answer");
    for by in [5, 9] {
        let edited = store.recall(&timeline, seq(1), seq(by)).await.expect("an answer");
        assert_eq!(edited, Some(seq(4)), "the edit whose body is to go as well");
    }
    let late = store.revise(&timeline, seq(1), &body("six"), seq(6)).await.expect("an answer");
    assert_eq!(late, Revised::Superseded);
    let expected = Entry { body: None, revision: Some(seq(4)), recalled: Some(seq(5)), ..before };
    assert_eq!(kept(store).await, expected);
    let nothing = store.recall(&timeline, seq(2), seq(8)).await.expect("an answer");
    assert_eq!(nothing, None::<Seq>);
    assert_eq!(store.get(&timeline, seq(2)).await.expect("a read"), None);
}

/// The event that recalls or edits comes back with what it is about.
pub async fn an_event_keeps_its_target(store: &impl Store) {
    let entry = Entry { target: Some(seq(1)), ..draft("ada", 2).at(seq(2)) };
    Timelines::put(store, &tea().timeline(), &entry).await.expect("a put");
    let kept = store.get(&tea().timeline(), seq(2)).await.expect("a read");
    assert_eq!(kept, Some(entry));
}

//! *Verified tail*: how an entry gets its place exactly once, for one read and one write.
//!
//! The caller says the highest sequence it knew *before its first attempt*, the base. Its message
//! can only stand after that. So: look at everything after the base; if the message is there, it is
//! a duplicate; if not, put it right after the last entry looked at, on condition that the place is
//! free. Who loses the place looks at the winner (the store returns it) and goes on.
//!
//! # Why nothing is doubled
//!
//! Suppose copies of a message at p < q. The attempt that wrote q had looked at every place in
//! (base, q − 1] and found another message in each. p > base, for it was filled after the base was
//! known. So it had looked at p, which never changes its message. Contradiction. This holds for any
//! number of attempts at once and needs no clock.
//!
//! # Why there are no holes
//!
//! A put at p is only made after p − 1 was seen filled, so the filled places are 1..k at any time.
//!
//! # Invariants
//!
//! * A put whose answer was lost is repeated at the same place, never at the next.
//! * A base is never replaced by the server. Place 0 is before every log; a base above it must be
//!   an entry that is still kept.

use std::time::Duration;

use timeline::{Draft, Entry, MessageId, Seq, TimelineId, UserId, limits};

use crate::error::Error;
use crate::pace::Pace;
use crate::timelines::{Put, Scan, Timelines};

/// What looking through a timeline after a base found.
#[derive(Clone, Debug)]
pub enum Observed {
    /// The message is not there.
    Tail {
        /// The last entry looked at.
        last: Option<Box<Entry>>,
        /// The latest version of the membership under which any of them was written.
        version: u64,
    },
    /// The message is there.
    Found(Box<Entry>),
}

/// Where a message stands now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Appended {
    /// This call put it there.
    New(Entry),
    /// It stood there already, or an attempt whose answer was lost had put it there.
    Duplicate(Entry),
}

impl Appended {
    /// The entry, whoever put it there.
    pub fn entry(&self) -> &Entry {
        match self {
            Self::New(entry) | Self::Duplicate(entry) => entry,
        }
    }
}

/// What became of an append.
#[derive(Clone, Debug)]
#[expect(clippy::large_enum_variant, reason = "there is one of an append, and nobody keeps it")]
pub enum Outcome {
    /// The message stands.
    Appended(Appended),
    /// It stands nowhere yet: an entry before it was written under a later version of the
    /// membership than its author was authorized by. They are authorized again, and the append
    /// goes on from here.
    Superseded(Observed),
}

/// Looks for the message that `author` calls `id` in everything after `base`. One read, unless the
/// base is stale.
///
/// # Errors
///
/// [`Error::StaleBase`] when the entry at `base` is not kept any more or more than
/// [`limits::VERIFY_ENTRIES_MAX`] follow it; [`Error::BaseAhead`] when the timeline ends before it.
pub async fn observe(
    timelines: &dyn Timelines,
    timeline: &TimelineId,
    base: Seq,
    author: &UserId,
    id: &MessageId,
) -> Result<Observed, Error> {
    let first = base.max(Seq::FIRST);
    let scan = Scan::since(first, limits::VERIFY_ENTRIES_MAX + 2);
    let entries = timelines.scan(timeline, scan).await?;

    // A repeated message outranks every complaint about its base.
    if let Some(entry) = entries.iter().find(|entry| entry.is(author, id)) {
        return Ok(Observed::Found(Box::new(entry.clone())));
    }
    let Some(oldest) = entries.first() else {
        return empty_after(timelines, timeline, base).await;
    };
    let at_base = usize::from(base > Seq::ZERO);
    if oldest.seq != first || entries.len() - at_base > limits::VERIFY_ENTRIES_MAX {
        let tail = tail(timelines, timeline).await?;
        return Err(Error::StaleBase { tail });
    }
    let (last, version) = contiguous(None, 0, entries);
    Ok(Observed::Tail { last: last.map(Box::new), version })
}

/// Puts `draft` after what was `observed`, as soon as a place is free, and looks at everything that
/// takes a place before it does. One write, unless others are writing.
///
/// `known` is the latest version of the membership as of which the author may write. The append
/// stops, before it writes, at an entry of a later one: a removed author must not write after the
/// event of their removal.
///
/// # Errors
///
/// [`Error::Contended`] after [`limits::APPEND_CONFLICTS_MAX`] lost places,
/// [`Error::Conflict`] when the author used the same id for another content before, and the
/// store's own. The same call with the same base may be made again after any but a conflict.
pub async fn append(
    timelines: &dyn Timelines,
    pace: &dyn Pace,
    timeline: &TimelineId,
    observed: Observed,
    draft: &Draft,
    known: u64,
) -> Result<Outcome, Error> {
    let (mut previous, mut version) = match observed {
        Observed::Found(entry) => return duplicate(*entry, draft).map(Outcome::Appended),
        Observed::Tail { last, version } => (last.map(|entry| *entry), version),
    };
    for conflict in 0..limits::APPEND_CONFLICTS_MAX {
        if version > known {
            let last = previous.map(Box::new);
            return Ok(Outcome::Superseded(Observed::Tail { last, version }));
        }
        let entry = draft.clone().after(previous.as_ref());
        match put(timelines, timeline, &entry).await? {
            Put::Stored => return Ok(Outcome::Appended(Appended::New(entry))),
            Put::Occupied(other) if other.is(&draft.author, &draft.id) => {
                return duplicate(other, draft).map(Outcome::Appended);
            }
            Put::Occupied(other) => {
                version = version.max(other.version);
                previous = Some(other);
            }
        }
        if conflict + 1 >= limits::APPEND_GALLOPS_MAX {
            pace.pause(Duration::from_millis(limits::JITTER_MS_MAX)).await;
            let last = previous.as_ref().map_or(Seq::ZERO, |entry| entry.seq);
            let scan = Scan::since(last.next(), limits::VERIFY_ENTRIES_MAX);
            let newer = timelines.scan(timeline, scan).await?;
            if let Some(own) = newer.iter().find(|entry| entry.is(&draft.author, &draft.id)) {
                return duplicate(own.clone(), draft).map(Outcome::Appended);
            }
            (previous, version) = contiguous(previous, version, newer);
        }
    }
    Err(Error::Contended)
}

/// As [`append`], for an author whose right to write does not hang on a membership.
///
/// # Errors
///
/// As [`append`]'s.
pub async fn append_freely(
    timelines: &dyn Timelines,
    pace: &dyn Pace,
    timeline: &TimelineId,
    observed: Observed,
    draft: &Draft,
) -> Result<Appended, Error> {
    match append(timelines, pace, timeline, observed, draft, u64::MAX).await? {
        Outcome::Appended(appended) => Ok(appended),
        // No version is later than the last there can be.
        Outcome::Superseded(_) => Err(Error::Contended),
    }
}

/// The newest sequence; zero on an empty timeline.
///
/// # Errors
///
/// As the store's.
pub async fn tail(timelines: &dyn Timelines, timeline: &TimelineId) -> Result<Seq, Error> {
    Ok(newest(timelines, timeline).await?.map_or(Seq::ZERO, |entry| entry.seq))
}

/// The newest entry; `None` on an empty timeline.
///
/// # Errors
///
/// As the store's.
pub async fn newest(
    timelines: &dyn Timelines,
    timeline: &TimelineId,
) -> Result<Option<Entry>, Error> {
    Ok(timelines.scan(timeline, Scan::newest()).await?.pop())
}

/// Makes one put and finds out whether it happened when its answer is lost: the same put at the
/// same place meets its own entry then.
async fn put(
    timelines: &dyn Timelines,
    timeline: &TimelineId,
    entry: &Entry,
) -> Result<Put<Entry>, Error> {
    for _ in 1..limits::AMBIGUOUS_PUTS_MAX {
        match timelines.put(timeline, entry).await {
            Err(error) if error.is_ambiguous() => {}
            outcome => return outcome,
        }
    }
    timelines.put(timeline, entry).await
}

/// Nothing stands at `base` or after it: a fresh timeline, or one that lost what the caller knew.
async fn empty_after(
    timelines: &dyn Timelines,
    timeline: &TimelineId,
    base: Seq,
) -> Result<Observed, Error> {
    if base == Seq::ZERO {
        return Ok(Observed::Tail { last: None, version: 0 });
    }
    Err(Error::BaseAhead { tail: tail(timelines, timeline).await? })
}

/// The last of `entries` that follows `previous` without a hole, and the latest version up to it. A
/// hole in a read means "not yet", so what lies behind it was not looked at.
fn contiguous(
    mut previous: Option<Entry>,
    mut version: u64,
    entries: Vec<Entry>,
) -> (Option<Entry>, u64) {
    for entry in entries {
        if previous.as_ref().is_some_and(|last| last.seq.next() != entry.seq) {
            break;
        }
        version = version.max(entry.version);
        previous = Some(entry);
    }
    (previous, version)
}

fn duplicate(entry: Entry, draft: &Draft) -> Result<Appended, Error> {
    if entry.repeats(draft) {
        Ok(Appended::Duplicate(entry))
    } else {
        Err(Error::Conflict { item: "message id" })
    }
}

//! A timeline as a library: what Tablestore's `TimelineQueue` does, exactly once.
//!
//! Where it differs from the original: numbers are dense; the same number twice is a
//! [`Error::Conflict`], not silently the later one; an entry appended twice is one entry; deleting
//! the newest entry does not free its number; calling the other mode's operation is an
//! [`Error::Invalid`].

use futures_util::future::join_all;
use timeline::{Body, Draft, Entry, Seq, TimelineId};

use crate::append::{self, Appended};
use crate::error::Error;
use crate::pace::Pace;
use crate::timelines::{Put, Scan, Timelines};

/// Who chooses the numbers on a store's timelines. A store has one mode.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// The store does: 1, 2, 3, …
    Automatic,
    /// The caller does.
    Manual,
}

/// A handle to one timeline of a store.
#[derive(Clone, Copy)]
#[expect(missing_debug_implementations, reason = "a port has nothing to show")]
pub struct Queue<'a> {
    timelines: &'a dyn Timelines,
    pace: &'a dyn Pace,
    mode: Mode,
    id: &'a TimelineId,
}

impl<'a> Queue<'a> {
    /// The timeline `id` of a store in `mode`. Costs nothing.
    pub fn new(
        timelines: &'a dyn Timelines,
        pace: &'a dyn Pace,
        mode: Mode,
        id: &'a TimelineId,
    ) -> Self {
        Self { timelines, pace, mode, id }
    }

    /// Whose timeline it is.
    pub fn id(&self) -> &TimelineId {
        self.id
    }

    /// Appends `draft`, once, however often it is tried with the same base: the newest sequence
    /// that was known before the first attempt.
    ///
    /// # Errors
    ///
    /// [`Error::Invalid`] in manual mode; otherwise as [`append::observe`] and
    /// [`append::append_freely`].
    pub async fn append(&self, draft: &Draft, base: Seq) -> Result<Appended, Error> {
        self.require(Mode::Automatic)?;
        let (timelines, id) = (self.timelines, self.id);
        let observed = append::observe(timelines, id, base, &draft.author, &draft.id).await?;
        append::append_freely(timelines, self.pace, id, observed, draft).await
    }

    /// Stores `draft` at `seq`. Repeating it is no error, another entry at its place is.
    ///
    /// # Errors
    ///
    /// [`Error::Invalid`] in automatic mode or at sequence 0, [`Error::Conflict`] when another
    /// entry is there.
    pub async fn store(&self, seq: Seq, draft: &Draft) -> Result<Entry, Error> {
        self.require(Mode::Manual)?;
        if seq == Seq::ZERO {
            return Err(Error::Invalid { reason: "sequences begin at 1" });
        }
        let entry = draft.clone().at(seq);
        match self.timelines.put(self.id, &entry).await? {
            Put::Stored => Ok(entry),
            Put::Occupied(other) if other.repeats(draft) => Ok(other),
            Put::Occupied(_) => Err(Error::Conflict { item: "sequence" }),
        }
    }

    /// Appends several, in order, each after the one before it; one result for each. After one that
    /// failed the rest is not tried, so that the order holds.
    pub async fn append_batch(&self, drafts: &[Draft], base: Seq) -> Vec<Result<Appended, Error>> {
        let mut results = Vec::with_capacity(drafts.len());
        for draft in drafts {
            let failed = matches!(results.last(), Some(Err(_)));
            let result = if failed {
                Err(Error::Invalid { reason: "an earlier entry of the batch was not stored" })
            } else {
                self.append(draft, base).await
            };
            results.push(result);
        }
        results
    }

    /// Stores several at their sequences, all at once; one result for each, in order.
    pub async fn store_batch(&self, drafts: &[(Seq, Draft)]) -> Vec<Result<Entry, Error>> {
        join_all(drafts.iter().map(|(seq, draft)| self.store(*seq, draft))).await
    }

    /// The entry at `seq`; a deleted one has no body.
    ///
    /// # Errors
    ///
    /// As the store's.
    pub async fn get(&self, seq: Seq) -> Result<Option<Entry>, Error> {
        self.timelines.get(self.id, seq).await
    }

    /// A part of the timeline; deleted entries keep their places and have no body.
    ///
    /// # Errors
    ///
    /// As the store's.
    pub async fn scan(&self, scan: Scan) -> Result<Vec<Entry>, Error> {
        self.timelines.scan(self.id, scan).await
    }

    /// The newest entry, deleted or not.
    ///
    /// # Errors
    ///
    /// As the store's.
    pub async fn latest(&self) -> Result<Option<Entry>, Error> {
        Ok(self.timelines.scan(self.id, Scan::newest()).await?.pop())
    }

    /// Replaces the body at `seq`.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`] when nothing is there or it was deleted.
    pub async fn update(&self, seq: Seq, body: &Body) -> Result<Entry, Error> {
        self.timelines.update(self.id, seq, body).await
    }

    /// Deletes the body at `seq`; the number is never used again.
    ///
    /// # Errors
    ///
    /// As the store's.
    pub async fn delete(&self, seq: Seq) -> Result<(), Error> {
        self.timelines.delete(self.id, seq).await
    }

    fn require(&self, mode: Mode) -> Result<(), Error> {
        match (self.mode == mode, mode) {
            (true, _) => Ok(()),
            (false, Mode::Automatic) => {
                Err(Error::Invalid { reason: "in manual mode the caller names the sequence" })
            }
            (false, Mode::Manual) => {
                Err(Error::Invalid { reason: "in automatic mode the store chooses the sequence" })
            }
        }
    }
}

//! The port to the storage library: a list of entries per timeline, one conditional put at a time.

use async_trait::async_trait;
use timeline::{Body, Entry, Seq, TimelineId};

use crate::error::Error;

/// What became of a conditional put.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Put<T> {
    /// The place was free and is ours now.
    Stored,
    /// The place was taken, by this; nothing was written.
    Occupied(T),
}

/// What became of a replacement of a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Revised {
    /// It stands, and did before if it is the same event's.
    Done {
        /// The event that had replaced the body before.
        before: Option<Seq>,
    },
    /// The message was taken back, or a later event has replaced its body.
    Superseded,
}

/// In which direction a scan goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// From small to large sequences.
    Forward,
    /// From large to small sequences.
    Backward,
}

/// How fresh a read is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Freshness {
    /// It sees all writes that ended before it began.
    #[default]
    Strong,
    /// It may miss what was written in the last moments, and costs half.
    Eventual,
}

/// A part of a timeline, and at most how many entries of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scan {
    /// In which direction.
    pub direction: Direction,
    /// The smallest sequence of the part.
    pub first: Seq,
    /// The largest sequence of the part.
    pub last: Seq,
    /// The most entries to return in all, over however many pages.
    pub max_count: usize,
    /// How fresh it is.
    pub freshness: Freshness,
}

impl Scan {
    /// `[from, to)`, ascending.
    ///
    /// # Errors
    ///
    /// [`Error::Invalid`] unless `from < to` and `max_count` is above zero.
    pub fn forward(from: Seq, to: Seq, max_count: usize) -> Result<Self, Error> {
        if from >= to {
            return Err(Error::Invalid { reason: "a forward scan goes from small to large" });
        }
        Self { last: to.previous(), ..Self::since(from, max_count) }.valid()
    }

    /// `(to, from]`, descending.
    ///
    /// # Errors
    ///
    /// [`Error::Invalid`] unless `to < from` and `max_count` is above zero.
    pub fn backward(from: Seq, to: Seq, max_count: usize) -> Result<Self, Error> {
        if to >= from {
            return Err(Error::Invalid { reason: "a backward scan goes from large to small" });
        }
        let backward = Self { first: to.next(), last: from, max_count, ..Self::newest() };
        backward.valid()
    }

    /// Everything from `first` on, ascending.
    pub fn since(first: Seq, max_count: usize) -> Self {
        let (direction, freshness) = (Direction::Forward, Freshness::Strong);
        Self { direction, first, last: Seq::MAX, max_count, freshness }
    }

    /// The newest entry alone.
    pub fn newest() -> Self {
        let (direction, freshness) = (Direction::Backward, Freshness::Strong);
        Self { direction, first: Seq::ZERO, last: Seq::MAX, max_count: 1, freshness }
    }

    /// The same part, read at half the price.
    #[must_use]
    pub fn eventually(self) -> Self {
        Self { freshness: Freshness::Eventual, ..self }
    }

    /// Whether no entry can be in it: it ends before it begins, or is to return none.
    pub fn is_empty(self) -> bool {
        self.first > self.last || self.max_count == 0
    }

    fn valid(self) -> Result<Self, Error> {
        if self.max_count == 0 {
            return Err(Error::Invalid { reason: "a scan of at most no entries" });
        }
        Ok(self)
    }
}

/// The storage library. Every read is strongly consistent, it sees all writes that ended before it
/// began, but for a scan that asks for less.
#[async_trait]
pub trait Timelines: Send + Sync {
    /// Puts `entry` at its sequence if nothing is there.
    ///
    /// # Errors
    ///
    /// [`Error::Unavailable`] leaves open whether it was put; repeating the same put at the same
    /// place finds out.
    async fn put(&self, timeline: &TimelineId, entry: &Entry) -> Result<Put<Entry>, Error>;

    /// The entry at a sequence, deleted ones (without a body) included.
    ///
    /// # Errors
    ///
    /// As the store's.
    async fn get(&self, timeline: &TimelineId, seq: Seq) -> Result<Option<Entry>, Error>;

    /// The entries at these sequences, in no order, each once however often it is named; at most
    /// [`timeline::limits::SEQS_MAX`].
    ///
    /// # Errors
    ///
    /// As the store's.
    async fn get_many(
        &self,
        places: &[(TimelineId, Seq)],
    ) -> Result<Vec<(TimelineId, Entry)>, Error>;

    /// The entries of a part of a timeline, in the scan's direction, deleted ones included; none
    /// of an empty part, see [`Scan::is_empty`].
    ///
    /// # Errors
    ///
    /// As the store's.
    async fn scan(&self, timeline: &TimelineId, scan: Scan) -> Result<Vec<Entry>, Error>;

    /// Replaces the body of the entry at `seq` and returns the entry as it is then.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`] when nothing is there or it was deleted.
    async fn update(&self, timeline: &TimelineId, seq: Seq, body: &Body) -> Result<Entry, Error>;

    /// Replaces the body of the entry at `seq` for the event at `by`, unless it was taken back or a
    /// later event replaced it. Doing it again changes nothing.
    ///
    /// # Errors
    ///
    /// As the store's; that nothing is there is none.
    async fn revise(
        &self,
        timeline: &TimelineId,
        seq: Seq,
        body: &Body,
        by: Seq,
    ) -> Result<Revised, Error>;

    /// Takes the body away from the entry at `seq` for the event at `by`, and which event had
    /// replaced it last. Doing it again changes nothing.
    ///
    /// # Errors
    ///
    /// As the store's; that nothing is there is none.
    async fn recall(&self, timeline: &TimelineId, seq: Seq, by: Seq) -> Result<Option<Seq>, Error>;

    /// Takes the body away from the entry at `seq`; its place stays taken. Deleting twice, or where
    /// nothing is, is no error.
    ///
    /// # Errors
    ///
    /// As the store's.
    async fn delete(&self, timeline: &TimelineId, seq: Seq) -> Result<(), Error>;
}

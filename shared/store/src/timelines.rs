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

/// In which direction a scan goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// From small to large sequences.
    Forward,
    /// From large to small sequences.
    Backward,
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
        Self { direction: Direction::Forward, first: from, last: to.previous(), max_count }.valid()
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
        Self { direction: Direction::Backward, first: to.next(), last: from, max_count }.valid()
    }

    /// Everything from `first` on, ascending.
    pub fn since(first: Seq, max_count: usize) -> Self {
        Self { direction: Direction::Forward, first, last: Seq::MAX, max_count }
    }

    /// The newest entry alone.
    pub fn newest() -> Self {
        Self { direction: Direction::Backward, first: Seq::ZERO, last: Seq::MAX, max_count: 1 }
    }

    fn valid(self) -> Result<Self, Error> {
        if self.max_count == 0 {
            return Err(Error::Invalid { reason: "a scan of at most no entries" });
        }
        Ok(self)
    }
}

/// The storage library. Every read is strongly consistent: it sees all writes that ended before it
/// began.
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

    /// The entries at these sequences, in no order; at most [`timeline::limits::SEQS_MAX`].
    ///
    /// # Errors
    ///
    /// As the store's.
    async fn get_many(
        &self,
        places: &[(TimelineId, Seq)],
    ) -> Result<Vec<(TimelineId, Entry)>, Error>;

    /// The entries of a part of a timeline, in the scan's direction, deleted ones included.
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

    /// Takes the body away from the entry at `seq`; its place stays taken. Deleting twice, or where
    /// nothing is, is no error.
    ///
    /// # Errors
    ///
    /// As the store's.
    async fn delete(&self, timeline: &TimelineId, seq: Seq) -> Result<(), Error>;
}

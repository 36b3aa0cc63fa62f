//! A store whose puts fail on demand: for tests of what protocols do then.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;
use timeline::{Body, Entry, InboxEntry, Seq, TimelineId, UserId};

use crate::error::Error;
use crate::inbox::{InboxPage, InboxTail, Inboxes};
use crate::timelines::{Put, Revised, Scan, Timelines};

/// What happens to one put.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Nothing: it goes through.
    None,
    /// It never arrives.
    LostBefore,
    /// It is applied, and the answer never arrives.
    LostAfter,
    /// The store refuses it for now.
    Throttled,
}

/// A store in front of another, that lets puts fail as its script says; after the script's end all
/// go through.
#[derive(Debug)]
pub struct Faulty<'a, S> {
    store: &'a S,
    script: Mutex<VecDeque<Fault>>,
}

impl<'a, S> Faulty<'a, S> {
    /// The store whose next puts meet `script`.
    pub fn new(store: &'a S, script: impl IntoIterator<Item = Fault>) -> Self {
        Self { store, script: Mutex::new(script.into_iter().collect()) }
    }

    fn next(&self) -> Fault {
        let mut script = self.script.lock().unwrap_or_else(PoisonError::into_inner);
        script.pop_front().unwrap_or(Fault::None)
    }
}

fn lost() -> Error {
    Error::Unavailable { operation: "a put that a test lets fail", source: "lost".into() }
}

async fn meet<T>(
    fault: Fault,
    put: impl Future<Output = Result<Put<T>, Error>> + Send,
) -> Result<Put<T>, Error> {
    match fault {
        Fault::None => put.await,
        Fault::LostBefore => Err(lost()),
        Fault::LostAfter => put.await.and_then(|_| Err(lost())),
        Fault::Throttled => Err(Error::Throttled {
            operation: "a put that a test lets fail",
            source: "throttled".into(),
        }),
    }
}

#[async_trait]
impl<S: Timelines> Timelines for Faulty<'_, S> {
    async fn put(&self, timeline: &TimelineId, entry: &Entry) -> Result<Put<Entry>, Error> {
        meet(self.next(), self.store.put(timeline, entry)).await
    }

    async fn get(&self, timeline: &TimelineId, seq: Seq) -> Result<Option<Entry>, Error> {
        self.store.get(timeline, seq).await
    }

    async fn get_many(
        &self,
        places: &[(TimelineId, Seq)],
    ) -> Result<Vec<(TimelineId, Entry)>, Error> {
        self.store.get_many(places).await
    }

    async fn scan(&self, timeline: &TimelineId, scan: Scan) -> Result<Vec<Entry>, Error> {
        self.store.scan(timeline, scan).await
    }

    async fn update(&self, timeline: &TimelineId, seq: Seq, body: &Body) -> Result<Entry, Error> {
        self.store.update(timeline, seq, body).await
    }

    async fn revise(
        &self,
        timeline: &TimelineId,
        seq: Seq,
        body: &Body,
        by: Seq,
    ) -> Result<Revised, Error> {
        self.store.revise(timeline, seq, body, by).await
    }

    async fn recall(&self, timeline: &TimelineId, seq: Seq, by: Seq) -> Result<Option<Seq>, Error> {
        self.store.recall(timeline, seq, by).await
    }

    async fn delete(&self, timeline: &TimelineId, seq: Seq) -> Result<(), Error> {
        self.store.delete(timeline, seq).await
    }
}

#[async_trait]
impl<S: Inboxes> Inboxes for Faulty<'_, S> {
    async fn tail(&self, user: &UserId) -> Result<InboxTail, Error> {
        self.store.tail(user).await
    }

    async fn after(
        &self,
        user: &UserId,
        cursor: Seq,
        max_count: usize,
    ) -> Result<InboxPage, Error> {
        self.store.after(user, cursor, max_count).await
    }

    async fn put(&self, user: &UserId, entry: &InboxEntry) -> Result<Put<InboxEntry>, Error> {
        meet(self.next(), self.store.put(user, entry)).await
    }

    async fn raise_anchor(&self, user: &UserId, position: Seq) -> Result<(), Error> {
        self.store.raise_anchor(user, position).await
    }
}

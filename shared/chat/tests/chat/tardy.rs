//! Timelines whose scans take longer than every other request.

use std::future::poll_fn;
use std::task::Poll;

use async_trait::async_trait;
use store::{Error, Memory, Put, Revised, Scan, Timelines};
use timeline::{Body, Entry, Seq, TimelineId};

/// A store whose scans wait for so many polls first.
#[derive(Debug)]
pub(crate) struct Tardy<'a> {
    pub(crate) store: &'a Memory,
    pub(crate) waits: usize,
}

#[async_trait]
impl Timelines for Tardy<'_> {
    async fn scan(&self, timeline: &TimelineId, scan: Scan) -> Result<Vec<Entry>, Error> {
        let mut left = self.waits;
        poll_fn(|context| {
            if left == 0 {
                return Poll::Ready(());
            }
            left -= 1;
            context.waker().wake_by_ref();
            Poll::Pending
        })
        .await;
        self.store.scan(timeline, scan).await
    }

    async fn put(&self, timeline: &TimelineId, entry: &Entry) -> Result<Put<Entry>, Error> {
        Timelines::put(self.store, timeline, entry).await
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

    async fn update(&self, timeline: &TimelineId, seq: Seq, body: &Body) -> Result<Entry, Error> {
        Timelines::update(self.store, timeline, seq, body).await
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

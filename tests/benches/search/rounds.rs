//! A store in memory whose calls are answered round by round: what is asked at once is answered at
//! once, and nothing before its round. So rounds are the round trips that have to wait for one
//! another.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Wake, Waker};

use async_trait::async_trait;
use store::{BlockKey, Blocks, Error, Memory, Put, Revised, Scan, Timelines};
use timeline::{Body, Entry, Seq, TimelineId};

/// More rounds than any search takes.
const ROUNDS_MAX: usize = 100_000;

/// The timelines and blocks of a store in memory, round by round. Its directory is asked once.
pub(crate) struct Rounds<'a> {
    store: &'a Memory,
    clock: Mutex<Clock>,
}

#[derive(Default)]
struct Clock {
    round: usize,
    waiting: Vec<Waker>,
}

/// Whether anything can go on.
struct Flag(AtomicBool);

impl Wake for Flag {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::Relaxed);
    }
}

impl<'a> Rounds<'a> {
    pub(crate) fn new(store: &'a Memory) -> Self {
        Self { store, clock: Mutex::default() }
    }

    /// What a future comes to, and in how many rounds.
    pub(crate) fn run<T>(&self, future: impl Future<Output = T>) -> (T, usize) {
        let mut future = pin!(future);
        let flag = Arc::new(Flag(AtomicBool::new(false)));
        let waker = Waker::from(Arc::clone(&flag));
        let mut context = Context::from_waker(&waker);
        let begun = self.clock().round;
        loop {
            flag.0.store(false, Ordering::Relaxed);
            if let Poll::Ready(output) = future.as_mut().poll(&mut context) {
                return (output, self.clock().round - begun);
            }
            if !flag.0.load(Ordering::Relaxed) {
                // Nothing goes on by itself any more: the round is over.
                let mut clock = self.clock();
                clock.round += 1;
                assert!(clock.round - begun < ROUNDS_MAX, "a store in memory always answers");
                let waiting = std::mem::take(&mut clock.waiting);
                drop(clock);
                waiting.into_iter().for_each(Waker::wake);
            }
        }
    }

    fn clock(&self) -> MutexGuard<'_, Clock> {
        self.clock.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for the next round.
    async fn turn(&self) {
        let asked = self.clock().round;
        poll_fn(|context| {
            let mut clock = self.clock();
            if clock.round > asked {
                return Poll::Ready(());
            }
            clock.waiting.push(context.waker().clone());
            Poll::Pending
        })
        .await;
    }
}

#[async_trait]
impl Timelines for Rounds<'_> {
    async fn put(&self, timeline: &TimelineId, entry: &Entry) -> Result<Put<Entry>, Error> {
        self.turn().await;
        self.store.put(timeline, entry).await
    }

    async fn get(&self, timeline: &TimelineId, seq: Seq) -> Result<Option<Entry>, Error> {
        self.turn().await;
        self.store.get(timeline, seq).await
    }

    async fn get_many(
        &self,
        places: &[(TimelineId, Seq)],
    ) -> Result<Vec<(TimelineId, Entry)>, Error> {
        self.turn().await;
        self.store.get_many(places).await
    }

    async fn scan(&self, timeline: &TimelineId, scan: Scan) -> Result<Vec<Entry>, Error> {
        self.turn().await;
        self.store.scan(timeline, scan).await
    }

    async fn update(&self, timeline: &TimelineId, seq: Seq, body: &Body) -> Result<Entry, Error> {
        self.turn().await;
        self.store.update(timeline, seq, body).await
    }

    async fn revise(
        &self,
        timeline: &TimelineId,
        seq: Seq,
        body: &Body,
        by: Seq,
    ) -> Result<Revised, Error> {
        self.turn().await;
        self.store.revise(timeline, seq, body, by).await
    }

    async fn recall(&self, timeline: &TimelineId, seq: Seq, by: Seq) -> Result<Option<Seq>, Error> {
        self.turn().await;
        self.store.recall(timeline, seq, by).await
    }

    async fn delete(&self, timeline: &TimelineId, seq: Seq) -> Result<(), Error> {
        self.turn().await;
        self.store.delete(timeline, seq).await
    }
}

#[async_trait]
impl Blocks for Rounds<'_> {
    async fn read_blocks(&self, keys: &[BlockKey]) -> Result<Vec<Option<Vec<u8>>>, Error> {
        self.turn().await;
        self.store.read_blocks(keys).await
    }

    async fn write_blocks(&self, blocks: &[(BlockKey, Vec<u8>)]) -> Result<(), Error> {
        self.turn().await;
        self.store.write_blocks(blocks).await
    }
}

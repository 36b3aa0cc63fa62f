//! The connections that are open, and how something is sent on one.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Instant;

use tokio::sync::{mpsc, watch};
use tokio_tungstenite::tungstenite::Utf8Bytes;

use crate::event::{Ending, Facts};
use crate::meter::Meter;
use crate::stage::Stage;
use crate::timestamp::Timestamp;

/// Messages that wait for a client which reads slowly; beyond it, posts are answered 429.
///
/// Ours: the documentation says that there is a buffer, and not how large it is.
const OUTBOX_MAX: usize = 512;

/// An open connection.
#[derive(Debug)]
pub(crate) struct Connection {
    pub(crate) facts: Facts,
    pub(crate) stage: Arc<Stage>,
    pub(crate) opened: Instant,
    outbox: mpsc::Sender<Utf8Bytes>,
    /// In milliseconds since the epoch.
    last_active: AtomicU64,
    ending: watch::Sender<Option<Ending>>,
    meter: Arc<Meter>,
}

/// Why a post was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PostError {
    Gone,
    Full,
}

impl Connection {
    /// Makes a connection, and the end that its messages come out of.
    pub(crate) fn new(
        facts: Facts,
        stage: Arc<Stage>,
        meter: Arc<Meter>,
    ) -> (Arc<Self>, mpsc::Receiver<Utf8Bytes>) {
        let (outbox, messages) = mpsc::channel(OUTBOX_MAX);
        let connection = Self {
            facts,
            stage,
            opened: Instant::now(),
            outbox,
            last_active: AtomicU64::new(Timestamp::now().0),
            ending: watch::Sender::new(None),
            meter,
        };
        (Arc::new(connection), messages)
    }

    pub(crate) fn id(&self) -> &str {
        &self.facts.connection_id
    }

    /// Queues a message, or says at once why it cannot.
    pub(crate) fn post(&self, text: Utf8Bytes) -> Result<(), PostError> {
        let bytes = text.len();
        self.outbox.try_send(text).map_err(|error| match error {
            mpsc::error::TrySendError::Full(_) => PostError::Full,
            mpsc::error::TrySendError::Closed(_) => PostError::Gone,
        })?;
        self.sent(bytes);
        Ok(())
    }

    /// Queues a message, and waits while the queue is full; to a client that is gone it is lost.
    pub(crate) async fn send(&self, text: Utf8Bytes) {
        let bytes = text.len();
        if self.outbox.send(text).await.is_ok() {
            self.sent(bytes);
        }
    }

    /// Takes note that a message passes.
    pub(crate) fn touch(&self) {
        self.last_active.store(Timestamp::now().0, Ordering::Relaxed);
    }

    pub(crate) fn last_active(&self) -> Timestamp {
        Timestamp(self.last_active.load(Ordering::Relaxed))
    }

    /// Asks for the connection's end; the first ending given is the one that counts.
    pub(crate) fn close(&self, ending: Ending) {
        self.ending.send_if_modified(|current| {
            let is_first = current.is_none();
            if is_first {
                *current = Some(ending);
            }
            is_first
        });
    }

    /// Waits until someone asks for the connection's end.
    pub(crate) async fn asked_to_close(&self) -> Ending {
        let mut ending = self.ending.subscribe();
        match ending.wait_for(Option::is_some).await.ok().and_then(|ending| ending.clone()) {
            Some(ending) => ending,
            // The sender is `self`'s, so the wait cannot fail.
            None => std::future::pending().await,
        }
    }

    fn sent(&self, bytes: usize) {
        self.touch();
        self.meter.sent(bytes);
    }
}

/// The connections that are open.
#[derive(Debug)]
pub(crate) struct Registry {
    open: RwLock<HashMap<String, Arc<Connection>>>,
    /// Those whose `$disconnect` has not ended yet included.
    alive: watch::Sender<usize>,
}

impl Registry {
    pub(crate) fn new() -> Self {
        Self { open: RwLock::default(), alive: watch::Sender::new(0) }
    }

    pub(crate) fn insert(&self, connection: Arc<Connection>) {
        self.alive.send_modify(|alive| *alive += 1);
        let mut open = self.open.write().unwrap_or_else(PoisonError::into_inner);
        open.insert(connection.id().to_owned(), connection);
    }

    /// Takes a connection off the list: posts to it are answered 410 from now on.
    pub(crate) fn remove(&self, id: &str) -> Option<Arc<Connection>> {
        self.open.write().unwrap_or_else(PoisonError::into_inner).remove(id)
    }

    /// Takes note that a connection is over, its `$disconnect` included.
    pub(crate) fn over(&self) {
        self.alive.send_modify(|alive| *alive = alive.saturating_sub(1));
    }

    pub(crate) fn find(&self, id: &str) -> Option<Arc<Connection>> {
        self.open.read().unwrap_or_else(PoisonError::into_inner).get(id).cloned()
    }

    pub(crate) fn all(&self) -> Vec<Arc<Connection>> {
        self.open.read().unwrap_or_else(PoisonError::into_inner).values().cloned().collect()
    }

    /// Waits until every connection is over.
    pub(crate) async fn empty(&self) {
        // The sender is `self`'s, so the wait cannot fail.
        let _ = self.alive.subscribe().wait_for(|alive| *alive == 0).await;
    }
}

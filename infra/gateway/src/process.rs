//! One process of a function: what it has in hand, and its end.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::{mpsc, oneshot, watch};

use crate::pool::Outcome;

/// How long a thread waits for a process to end after it was killed.
///
/// A killed process ends within milliseconds; the bound only keeps a stuck runtime from spreading.
const KILL_TIMEOUT: Duration = Duration::from_secs(10);

/// One process of a function.
#[derive(Debug)]
pub(crate) struct Process {
    pub(crate) number: u64,
    flights: Mutex<HashMap<String, Flight>>,
    kill: mpsc::UnboundedSender<()>,
    has_polled: watch::Sender<bool>,
    /// Gets no more work, and ends with the last of what it has.
    is_doomed: AtomicBool,
    is_gone: watch::Sender<bool>,
    /// The same for threads, which cannot await.
    gone: (Mutex<bool>, Condvar),
}

/// An invocation in a process's hand.
#[derive(Debug)]
pub(crate) struct Flight {
    pub(crate) reply: oneshot::Sender<Outcome>,
    pub(crate) since: Instant,
}

impl Process {
    /// Makes a process that is yet to be started, and the end that hears when to kill it.
    pub(crate) fn new(number: u64) -> (Arc<Self>, mpsc::UnboundedReceiver<()>) {
        let (kill, killed) = mpsc::unbounded_channel();
        let process = Self {
            number,
            flights: Mutex::default(),
            kill,
            has_polled: watch::Sender::new(false),
            is_doomed: AtomicBool::new(false),
            is_gone: watch::Sender::new(false),
            gone: (Mutex::new(false), Condvar::new()),
        };
        (Arc::new(process), killed)
    }

    /// Takes note that it asks for work.
    pub(crate) fn polled(&self) {
        self.has_polled.send_if_modified(|polled| !std::mem::replace(polled, true));
    }

    pub(crate) fn has_polled(&self) -> bool {
        *self.has_polled.borrow()
    }

    /// Waits until it asks for work for the first time.
    pub(crate) async fn came_up(&self) {
        // The sender is `self`'s, so the wait cannot fail.
        let _ = self.has_polled.subscribe().wait_for(|polled| *polled).await;
    }

    pub(crate) fn begin(&self, id: String, reply: oneshot::Sender<Outcome>) {
        self.flights().insert(id, Flight { reply, since: Instant::now() });
    }

    /// Takes an invocation out of its hand; `None` where it does not have it (any more).
    pub(crate) fn take(&self, id: &str) -> Option<Flight> {
        self.flights().remove(id)
    }

    /// Takes everything out of its hand.
    pub(crate) fn drain(&self) -> Vec<Flight> {
        self.flights().drain().map(|(_, flight)| flight).collect()
    }

    /// Gives it no more work, and ends it as soon as nothing is in its hand.
    pub(crate) fn doom(&self) {
        self.is_doomed.store(true, Ordering::Release);
        self.end_if_doomed();
    }

    pub(crate) fn is_doomed(&self) -> bool {
        self.is_doomed.load(Ordering::Acquire)
    }

    pub(crate) fn end_if_doomed(&self) {
        if self.is_doomed() && self.flights().is_empty() {
            self.kill();
        }
    }

    /// Asks for its end; it is only over once it is gone.
    pub(crate) fn kill(&self) {
        self.is_doomed.store(true, Ordering::Release);
        // No receiver means that it is gone already.
        let _ = self.kill.send(());
    }

    /// Waits until it has ended and nothing of it runs.
    pub(crate) async fn gone(&self) {
        // The sender is `self`'s, so the wait cannot fail.
        let _ = self.is_gone.subscribe().wait_for(|gone| *gone).await;
    }

    /// Kills it, and blocks the thread until it has ended and nothing of it runs.
    ///
    /// For threads outside the gateway's runtime: that runtime has to reap the process meanwhile.
    pub(crate) fn kill_and_wait(&self) {
        self.kill();
        let (is_gone, condition) = &self.gone;
        let guard = is_gone.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = condition.wait_timeout_while(guard, KILL_TIMEOUT, |gone| !*gone);
        let (guard, timeout) = waited.unwrap_or_else(PoisonError::into_inner);
        drop(guard);
        if timeout.timed_out() {
            tracing::warn!("process {} did not end within {KILL_TIMEOUT:?}", self.number);
        }
    }

    /// Tells everyone who waits that it has ended.
    pub(crate) fn set_gone(&self) {
        self.is_gone.send_replace(true);
        let (is_gone, condition) = &self.gone;
        *is_gone.lock().unwrap_or_else(PoisonError::into_inner) = true;
        condition.notify_all();
    }

    fn flights(&self) -> MutexGuard<'_, HashMap<String, Flight>> {
        // Nothing under the lock panics.
        self.flights.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

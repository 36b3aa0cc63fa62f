//! Time that passes when everything waits, and at no other time.
//!
//! Whoever is to wait is given this clock: the SDK for its time-outs and back-offs, the core for
//! its pauses, the connector for answers that come late. So a time-out of three seconds takes no
//! time at all, happens at the same instant in every run, and what it cost can be asserted.
//!
//! # Invariants
//!
//! * [`Clock::run`] is the whole executor: nothing else is polled, and a real request is made and
//!   answered within one poll. The same plan gives the same run.

use std::collections::BTreeMap;
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::{Context, Poll, Wake, Waker};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use async_trait::async_trait;
use aws_smithy_async::rt::sleep::{AsyncSleep, Sleep};
use aws_smithy_async::time::TimeSource;
use timeline::Timestamp;

/// When every clock starts: the year 2100, for the embedded database expires rows by its own clock.
pub(crate) const START: Timestamp = Timestamp(4_102_444_800_000);

/// A clock of its own; clones are the same clock.
#[derive(Clone, Default)]
pub(crate) struct Clock {
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    now: Duration,
    next: u64,
    due: BTreeMap<(Duration, u64), Due>,
}

/// What happens at an instant.
enum Due {
    Wake(Waker),
    Do(Box<dyn FnOnce() + Send>),
}

impl Clock {
    /// How long it has run.
    pub(crate) fn elapsed(&self) -> Duration {
        self.state().now
    }

    /// Runs `future` to its end. Time passes as it waits.
    pub(crate) fn run<T>(&self, future: impl Future<Output = T>) -> T {
        let mut future = pin!(future);
        let woken = Arc::new(Woken::default());
        let waker = Waker::from(Arc::clone(&woken));
        loop {
            if let Poll::Ready(output) = future.as_mut().poll(&mut Context::from_waker(&waker)) {
                return output;
            }
            while !woken.0.swap(false, Ordering::Relaxed) {
                assert!(self.step(), "what is waited for never comes");
            }
        }
    }

    /// Lets everything happen that is still to happen.
    pub(crate) fn settle(&self) {
        while self.step() {}
    }

    /// Waits for so long.
    pub(crate) fn after(&self, time: Duration) -> After {
        After { clock: self.clone(), end: self.elapsed() + time, number: None }
    }

    /// Has `action` done in so long, whoever still waits for it.
    pub(crate) fn then(&self, time: Duration, action: impl FnOnce() + Send + 'static) {
        let mut state = self.state();
        let place = (state.now + time, state.number());
        state.due.insert(place, Due::Do(Box::new(action)));
    }

    /// Goes on to the next instant at which something happens, if there is one.
    fn step(&self) -> bool {
        let due = {
            let mut state = self.state();
            let Some(((at, _), due)) = state.due.pop_first() else { return false };
            state.now = state.now.max(at);
            due
        };
        match due {
            Due::Wake(waker) => waker.wake(),
            Due::Do(action) => action(),
        }
        true
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }
}

impl State {
    fn number(&mut self) -> u64 {
        self.next += 1;
        self.next
    }
}

impl std::fmt::Debug for Clock {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Clock").field("elapsed", &self.elapsed()).finish()
    }
}

#[derive(Default)]
struct Woken(AtomicBool);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Waits for an instant of a clock.
pub(crate) struct After {
    clock: Clock,
    end: Duration,
    number: Option<u64>,
}

impl Future for After {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let (clock, end) = (self.clock.clone(), self.end);
        let mut state = clock.state();
        if state.now >= end {
            return Poll::Ready(());
        }
        let number = *self.number.get_or_insert_with(|| state.number());
        state.due.insert((end, number), Due::Wake(context.waker().clone()));
        Poll::Pending
    }
}

impl Drop for After {
    fn drop(&mut self) {
        if let Some(number) = self.number {
            self.clock.state().due.remove(&(self.end, number));
        }
    }
}

impl AsyncSleep for Clock {
    fn sleep(&self, duration: Duration) -> Sleep {
        Sleep::new(self.after(duration))
    }
}

impl TimeSource for Clock {
    fn now(&self) -> SystemTime {
        UNIX_EPOCH + Duration::from_millis(START.0) + self.elapsed()
    }
}

impl chat::Clock for Clock {
    fn now(&self) -> Timestamp {
        START.plus(u64::try_from(self.elapsed().as_millis()).unwrap())
    }
}

#[async_trait]
impl store::Pace for Clock {
    async fn pause(&self, at_most: Duration) {
        self.after(at_most / 2).await;
    }

    async fn wait(&self, exactly: Duration) {
        self.after(exactly).await;
    }
}

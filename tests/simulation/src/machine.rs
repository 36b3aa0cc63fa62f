//! Virtual time, the only dice, and everything that is due.
//!
//! # Invariants
//!
//! * What is due at the same time is done in the order in which it was planned.
//! * Everything follows from the seed: no thread, no clock, no order of a hash table.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use async_trait::async_trait;
use chat::{Clock, Ids};
use fastrand::Rng;
use store::Pace;
use timeline::{MessageId, Seq, Timestamp, UserId};

use crate::event::Event;
use crate::trace::Trace;

/// When every run begins.
pub(crate) const START: Timestamp = Timestamp(1_763_917_045_000);

/// A function's invocation.
pub(crate) type TaskId = u64;

/// Something to be done at its time.
pub(crate) enum Due {
    /// Something happens in the world.
    Happen(Event),
    /// Something under way arrives.
    Arrive(Box<dyn FnOnce() + Send>),
}

/// Time, dice, and what is due. Its clones are the same machine.
#[derive(Clone)]
pub(crate) struct Machine(Arc<Mutex<Core>>);

struct Core {
    now: u64,
    order: u64,
    named: u64,
    random: Rng,
    agenda: BTreeMap<(u64, u64), Due>,
    /// The task that is polled just now.
    task: TaskId,
    ready: BTreeSet<TaskId>,
    trace: Trace,
    violations: Vec<String>,
    /// Who was let into the group, and from which place on, in this order.
    joined: Vec<(UserId, Seq)>,
}

impl Machine {
    pub(crate) fn new(seed: u64, trace: Trace) -> Self {
        Self(Arc::new(Mutex::new(Core {
            now: START.0,
            order: 0,
            named: 0,
            random: Rng::with_seed(seed),
            agenda: BTreeMap::new(),
            task: 0,
            ready: BTreeSet::new(),
            trace,
            violations: Vec::new(),
            joined: Vec::new(),
        })))
    }

    fn core(&self) -> MutexGuard<'_, Core> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Milliseconds since the run began.
    pub(crate) fn elapsed(&self) -> u64 {
        self.core().now - START.0
    }

    /// A number in a range.
    pub(crate) fn number(&self, range: Range<u64>) -> u64 {
        self.core().random.u64(range)
    }

    /// Whether something happens that does so often in a thousand times.
    pub(crate) fn happens(&self, per_mille: u64) -> bool {
        // Nothing is rolled for what cannot happen, so that a fault that is off leaves no trace.
        per_mille > 0 && self.number(0..1_000) < per_mille
    }

    /// One of several.
    pub(crate) fn pick<'a, T>(&self, several: &'a [T]) -> &'a T {
        &several[self.core().random.usize(0..several.len())]
    }

    /// Plans something.
    pub(crate) fn plan(&self, wait: u64, event: Event) {
        self.due(wait, Due::Happen(event));
    }

    /// Plans that something arrives.
    pub(crate) fn arrive(&self, wait: u64, deed: impl FnOnce() + Send + 'static) {
        self.due(wait, Due::Arrive(Box::new(deed)));
    }

    fn due(&self, wait: u64, due: Due) {
        let mut core = self.core();
        core.order += 1;
        let place = (core.now + wait, core.order);
        core.agenda.insert(place, due);
    }

    /// The next that is due, unless that is after `end`, in milliseconds of the run.
    pub(crate) fn next(&self, end: u64) -> Option<Due> {
        let mut core = self.core();
        let (&place, _) = core.agenda.first_key_value()?;
        if place.0 > START.0 + end {
            core.now = START.0 + end;
            return None;
        }
        core.now = place.0;
        core.agenda.remove(&place)
    }

    /// A task that can go on.
    pub(crate) fn ready(&self) -> Option<TaskId> {
        self.core().ready.pop_first()
    }

    /// Says which task is polled from here on.
    pub(crate) fn enter(&self, task: TaskId) {
        self.core().task = task;
    }

    /// A place for something that the task which is polled waits for.
    pub(crate) fn slot<T>(&self) -> Slot<T> {
        let task = self.core().task;
        Slot { machine: self.clone(), task, shared: Arc::new(Mutex::new((None, None))) }
    }

    /// Waits.
    pub(crate) async fn sleep(&self, milliseconds: u64) {
        let slot = self.slot();
        let alarm = slot.clone();
        self.arrive(milliseconds, move || alarm.fill(()));
        slot.await;
    }

    /// Notes a line of what happens.
    pub(crate) fn note(&self, line: impl FnOnce() -> String) {
        let mut core = self.core();
        let now = core.now - START.0;
        core.trace.note(now, &line());
    }

    /// What the notes come to.
    pub(crate) fn digest(&self) -> u64 {
        self.core().trace.digest()
    }

    /// Notes that something is not as it must be.
    pub(crate) fn violated(&self, law: String) {
        self.core().violations.push(law);
    }

    /// Notes that somebody was let into the group.
    pub(crate) fn joined(&self, user: &UserId, from: Seq) {
        let joined = &mut self.core().joined;
        let is_known = joined.iter().any(|known| *known == (user.clone(), from));
        if !is_known {
            joined.push((user.clone(), from));
        }
    }

    /// From which places on somebody was let into the group.
    pub(crate) fn joined_from(&self, user: &str) -> Vec<u64> {
        let core = self.core();
        let mine = core.joined.iter().filter(|(other, _)| other.as_str() == user);
        let mut mine: Vec<u64> = mine.map(|(_, from)| from.number()).collect();
        mine.sort_unstable();
        mine
    }

    /// What was not as it must be.
    pub(crate) fn violations(&self) -> Vec<String> {
        self.core().violations.clone()
    }
}

impl Clock for Machine {
    fn now(&self) -> Timestamp {
        Timestamp(self.core().now)
    }
}

impl Ids for Machine {
    fn next(&self) -> MessageId {
        let mut core = self.core();
        core.named += 1;
        MessageId::from_bytes((u128::from(u64::MAX - core.named) << 8).to_be_bytes())
    }
}

#[async_trait]
impl Pace for Machine {
    async fn pause(&self, at_most: Duration) {
        let at_most = milliseconds(at_most);
        let wait = self.number(0..at_most + 1);
        self.sleep(wait).await;
    }

    async fn wait(&self, exactly: Duration) {
        self.sleep(milliseconds(exactly)).await;
    }
}

fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// What one task waits for and something else gives it, if it ever does.
pub(crate) struct Slot<T> {
    machine: Machine,
    task: TaskId,
    shared: Arc<Mutex<(Option<T>, Option<Waker>)>>,
}

impl<T> Clone for Slot<T> {
    fn clone(&self) -> Self {
        let Self { machine, task, shared } = self;
        Self { machine: machine.clone(), task: *task, shared: Arc::clone(shared) }
    }
}

impl<T> Slot<T> {
    /// Gives it; its task goes on, if it still lives. The first gift stays.
    pub(crate) fn fill(&self, value: T) {
        let mut shared = self.shared.lock().unwrap_or_else(PoisonError::into_inner);
        shared.0.get_or_insert(value);
        if let Some(waker) = shared.1.take() {
            waker.wake();
        }
        self.machine.core().ready.insert(self.task);
    }
}

impl<T> Future for Slot<T> {
    type Output = T;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<T> {
        let mut shared = self.shared.lock().unwrap_or_else(PoisonError::into_inner);
        match shared.0.take() {
            Some(value) => Poll::Ready(value),
            None => {
                shared.1 = Some(context.waker().clone());
                Poll::Pending
            }
        }
    }
}

/// Polls a future that only waits for memory until it is done.
pub(crate) fn run<T>(future: impl Future<Output = T>) -> T {
    let mut future = std::pin::pin!(future);
    let mut context = Context::from_waker(Waker::noop());
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut context) {
            return output;
        }
    }
}

//! The store at the other end of a network: every call of a port is a request that takes its time
//! and may be lost, answered in vain, late or refused; beneath it is the memory store.
//!
//! A request is tried again as the SDK does, so a put may meet itself.
//!
//! # Invariants
//!
//! * A request that is under way is carried out, or not, whatever becomes of its caller.
//! * What must hold after every single write is looked at right after it.

mod directory;
mod laws;

use std::sync::Arc;

use async_trait::async_trait;
use store::{
    BlockKey, Blocks, Connections, Error, Eviction, InboxPage, InboxTail, Inboxes, Memory, Put,
    Registered, Registration, Revised, Scan, Timelines,
};
use timeline::{
    Body, ConnectionId, DeviceId, Entry, InboxEntry, Seq, TimelineId, Timestamp, UserId,
};

use crate::event::Event;
use crate::machine::{Machine, run};
use crate::weather::Weather;

/// How often a request is tried, as functions configure the SDK.
const ATTEMPTS: u64 = 3;
/// After what time a try is given up, in milliseconds, as functions configure it.
const ATTEMPT_MS: u64 = 800;
/// The first back-off at most, in milliseconds, as functions configure it.
const BACKOFF_MS: u64 = 25;
/// How long a request takes at most that nothing happens to, there or back, in milliseconds.
const LEG_MS: u64 = 5;
/// How late a request is at most whose caller gave it up, in milliseconds.
const LATE_MS: u64 = 3_000;
/// How late the stream is at most, in milliseconds.
const STREAM_MS: u64 = 500;

/// The store, as a function sees it. Its clones are the same store.
#[derive(Clone)]
pub(crate) struct Distant {
    pub(crate) memory: Arc<Memory>,
    pub(crate) machine: Machine,
    pub(crate) weather: Weather,
}

/// What becomes of one try.
enum Fate {
    /// It is carried out after so long, and answered after so long again.
    Answered(u64, u64),
    /// It is carried out after so long, if at all; the caller learns nothing for so long.
    Lost(Option<u64>, u64),
    /// It is refused for now.
    Throttled,
}

/// What a try came to.
enum Tried<T> {
    Answered(T),
    Lost,
    Throttled,
}

impl Distant {
    fn fate(&self) -> Fate {
        let (machine, weather) = (&self.machine, &self.weather);
        let (there, back) = (machine.number(1..LEG_MS), machine.number(1..LEG_MS));
        if machine.elapsed() >= weather.peace {
            return Fate::Answered(there, back);
        }
        // Either the connection breaks, or nothing more is heard.
        let silence = *machine.pick(&[there + back, ATTEMPT_MS]);
        if machine.happens(weather.lost_before) {
            Fate::Lost(None, silence)
        } else if machine.happens(weather.lost_after) {
            Fate::Lost(Some(there), silence.max(there + 1))
        } else if machine.happens(weather.delayed) {
            Fate::Lost(Some(machine.number(ATTEMPT_MS..LATE_MS)), ATTEMPT_MS)
        } else if machine.happens(weather.throttled) {
            Fate::Throttled
        } else {
            Fate::Answered(there, back)
        }
    }

    /// Makes a request; it is carried out by `work`, once for each try that arrives.
    pub(crate) async fn ask<T, W, F>(&self, operation: &'static str, work: W) -> Result<T, Error>
    where
        T: Send + 'static,
        W: Fn(Arc<Memory>) -> F + Clone + Send + 'static,
        F: Future<Output = Result<T, Error>> + Send + 'static,
    {
        let mut throttled = false;
        for attempt in 0..ATTEMPTS {
            if attempt > 0 {
                let wait = self.machine.number(0..BACKOFF_MS << attempt);
                self.machine.sleep(wait).await;
            }
            match self.attempt(operation, work.clone()).await {
                Tried::Answered(outcome) => return outcome,
                Tried::Lost => throttled = false,
                Tried::Throttled => throttled = true,
            }
        }
        let source = "the simulated network".into();
        Err(if throttled {
            Error::Throttled { operation, source }
        } else {
            Error::Unavailable { operation, source }
        })
    }

    async fn attempt<T, W, F>(&self, operation: &'static str, work: W) -> Tried<Result<T, Error>>
    where
        T: Send + 'static,
        W: Fn(Arc<Memory>) -> F + Send + 'static,
        F: Future<Output = Result<T, Error>> + Send + 'static,
    {
        let slot = self.machine.slot();
        let (machine, memory) = (self.machine.clone(), Arc::clone(&self.memory));
        let answer = slot.clone();
        let work = move || {
            machine.note(|| format!("store: {operation}"));
            run(work(memory))
        };
        match self.fate() {
            Fate::Answered(there, back) => {
                let machine = self.machine.clone();
                self.machine.arrive(there, move || {
                    let outcome = work();
                    machine.arrive(back, move || answer.fill(Tried::Answered(outcome)));
                });
            }
            Fate::Lost(there, silence) => {
                if let Some(there) = there {
                    self.machine.arrive(there, move || drop(work()));
                }
                self.machine.arrive(silence, move || answer.fill(Tried::Lost));
            }
            Fate::Throttled => {
                self.machine.arrive(LEG_MS, move || answer.fill(Tried::Throttled));
            }
        }
        slot.await
    }
}

/// A request with these arguments, which are cloned for each try.
macro_rules! ask {
    ($distant:expr, $operation:literal, [$($argument:ident),*], |$memory:ident| $call:expr) => {{
        $(let $argument = $argument.to_owned();)*
        $distant
            .ask($operation, move |$memory| {
                $(let $argument = $argument.clone();)*
                async move { $call.await }
            })
            .await
    }};
}
pub(crate) use ask;

#[async_trait]
impl Timelines for Distant {
    async fn put(&self, timeline: &TimelineId, entry: &Entry) -> Result<Put<Entry>, Error> {
        let machine = self.machine.clone();
        let late = machine.number(50..STREAM_MS);
        ask!(self, "put an entry", [timeline, entry, machine], |memory| async move {
            let put = Timelines::put(&*memory, &timeline, &entry).await?;
            if put == Put::Stored {
                laws::after_entry(&machine, &memory, &timeline, &entry);
                machine.plan(late, Event::Recorded(timeline, Box::new(entry)));
            }
            Ok(put)
        })
    }

    async fn get(&self, timeline: &TimelineId, seq: Seq) -> Result<Option<Entry>, Error> {
        ask!(self, "get an entry", [timeline], |memory| async move {
            Timelines::get(&*memory, &timeline, seq).await
        })
    }

    async fn get_many(
        &self,
        places: &[(TimelineId, Seq)],
    ) -> Result<Vec<(TimelineId, Entry)>, Error> {
        ask!(self, "get entries", [places], |memory| async move { memory.get_many(&places).await })
    }

    async fn scan(&self, timeline: &TimelineId, scan: Scan) -> Result<Vec<Entry>, Error> {
        ask!(self, "scan entries", [timeline], |memory| async move {
            memory.scan(&timeline, scan).await
        })
    }

    async fn update(&self, timeline: &TimelineId, seq: Seq, body: &Body) -> Result<Entry, Error> {
        ask!(self, "update an entry", [timeline, body], |memory| async move {
            Timelines::update(&*memory, &timeline, seq, &body).await
        })
    }

    async fn revise(
        &self,
        timeline: &TimelineId,
        seq: Seq,
        body: &Body,
        by: Seq,
    ) -> Result<Revised, Error> {
        ask!(self, "revise an entry", [timeline, body], |memory| async move {
            memory.revise(&timeline, seq, &body, by).await
        })
    }

    async fn recall(&self, timeline: &TimelineId, seq: Seq, by: Seq) -> Result<Option<Seq>, Error> {
        ask!(self, "recall an entry", [timeline], |memory| async move {
            memory.recall(&timeline, seq, by).await
        })
    }

    async fn delete(&self, timeline: &TimelineId, seq: Seq) -> Result<(), Error> {
        ask!(self, "delete an entry", [timeline], |memory| async move {
            memory.delete(&timeline, seq).await
        })
    }
}

#[async_trait]
impl Inboxes for Distant {
    async fn tail(&self, user: &UserId) -> Result<InboxTail, Error> {
        ask!(self, "read an inbox's tail", [user], |memory| async move { memory.tail(&user).await })
    }

    async fn after(
        &self,
        user: &UserId,
        cursor: Seq,
        max_count: usize,
    ) -> Result<InboxPage, Error> {
        ask!(self, "read an inbox", [user], |memory| async move {
            memory.after(&user, cursor, max_count).await
        })
    }

    async fn put(&self, user: &UserId, entry: &InboxEntry) -> Result<Put<InboxEntry>, Error> {
        let machine = self.machine.clone();
        ask!(self, "put an inbox entry", [user, entry, machine], |memory| async move {
            let before = run(memory.tail(&user))?;
            let put = Inboxes::put(&*memory, &user, &entry).await?;
            if put == Put::Stored {
                laws::after_inbox(&machine, &user, &before, &entry);
            }
            Ok(put)
        })
    }

    async fn raise_anchor(&self, user: &UserId, position: Seq) -> Result<(), Error> {
        ask!(self, "raise an anchor", [user], |memory| async move {
            memory.raise_anchor(&user, position).await
        })
    }
}

#[async_trait]
impl Connections for Distant {
    async fn register(
        &self,
        user: &UserId,
        registration: &Registration,
    ) -> Result<Registered, Error> {
        ask!(self, "register", [user, registration], |memory| async move {
            memory.register(&user, &registration).await
        })
    }

    async fn evict(&self, user: &UserId, eviction: Eviction<'_>) -> Result<bool, Error> {
        let Eviction { evicted, newcomer, tombstones, now } = eviction;
        ask!(self, "evict", [user, evicted, newcomer, tombstones], |memory| async move {
            let (evicted, newcomer, tombstones) = (&evicted, &newcomer, &tombstones[..]);
            memory.evict(&user, Eviction { evicted, newcomer, tombstones, now }).await
        })
    }

    async fn unregister(
        &self,
        user: &UserId,
        device: &DeviceId,
        connection: &ConnectionId,
        made_before: Option<Timestamp>,
    ) -> Result<(), Error> {
        ask!(self, "unregister", [user, device, connection], |memory| async move {
            memory.unregister(&user, &device, &connection, made_before).await
        })
    }

    async fn signals(
        &self,
        user: &UserId,
        device: &DeviceId,
        connection: &ConnectionId,
        now: Timestamp,
        gap_ms: u64,
    ) -> Result<bool, Error> {
        ask!(self, "note a signal", [user, device, connection], |memory| async move {
            memory.signals(&user, &device, &connection, now, gap_ms).await
        })
    }

    async fn of(&self, users: &[UserId]) -> Result<Vec<(UserId, Vec<Registration>)>, Error> {
        ask!(self, "read registrations", [users], |memory| async move { memory.of(&users).await })
    }
}

#[async_trait]
impl Blocks for Distant {
    async fn read_blocks(&self, keys: &[BlockKey]) -> Result<Vec<Option<Vec<u8>>>, Error> {
        ask!(self, "read blocks", [keys], |memory| async move { memory.read_blocks(&keys).await })
    }

    async fn write_blocks(&self, blocks: &[(BlockKey, Vec<u8>)]) -> Result<(), Error> {
        ask!(
            self,
            "write blocks",
            [blocks],
            |memory| async move { memory.write_blocks(&blocks).await }
        )
    }
}

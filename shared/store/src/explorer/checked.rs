//! The ports of a store on a line: every call is a request.

use std::fmt;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use async_trait::async_trait;
use timeline::{
    Body, ConnectionId, ConversationId, DeviceId, Entry, InboxEntry, MessageId, Seq, TimelineId,
    Timestamp, UserId,
};

use super::line::{Effect, Line};
use crate::connections::{Connections, Eviction, Registered, Registration};
use crate::directory::Claims;
use crate::error::Error;
use crate::inbox::{InboxPage, InboxTail, Inboxes};
use crate::memory::Memory;
use crate::timelines::{Put, Revised, Scan, Timelines};

/// More polls than a call of a store in memory takes.
const POLLS_MAX: usize = 1_000_000;

/// A store whose calls an explorer decides about. Its world holds a store in memory.
#[derive(Debug)]
pub struct Checked<W> {
    line: Line<W>,
}

impl<W> Checked<W> {
    /// The store at the other end of a line.
    pub fn new(line: &Line<W>) -> Self {
        Self { line: line.clone() }
    }
}

/// Polls a future of a store in memory until it is done, which it is without waiting for anybody.
pub fn at_once<T>(future: impl Future<Output = T>) -> T {
    let mut future = pin!(future);
    let mut context = Context::from_waker(Waker::noop());
    let done = (0..POLLS_MAX).find_map(|_| match future.as_mut().poll(&mut context) {
        Poll::Ready(done) => Some(done),
        Poll::Pending => None,
    });
    done.expect("a store in memory answers")
}

impl<W: AsRef<Memory> + 'static> Checked<W> {
    /// Makes one request.
    async fn ask<T>(
        &self,
        effect: Effect,
        label: String,
        arguments: impl fmt::Debug + Send,
        apply: impl Fn(&Memory) -> Result<T, Error> + Send + Sync + 'static,
    ) -> Result<T, Error>
    where
        T: Clone + fmt::Debug + Send + Sync + 'static,
    {
        let answer = self.line.call(effect, label, arguments, move |world: &mut W| {
            apply(world.as_ref()).map_err(Arc::new)
        });
        match answer.await {
            Ok(answer) => answer.map_err(|error| again(&error)),
            Err(lost) => {
                let source = format!("{lost:?}").into();
                Err(Error::Unavailable { operation: "a call that an explorer lost", source })
            }
        }
    }
}

#[async_trait]
impl<W: AsRef<Memory> + 'static> Timelines for Checked<W> {
    async fn put(&self, timeline: &TimelineId, entry: &Entry) -> Result<Put<Entry>, Error> {
        let label = format!("puts {} of {} at {}", tag(&entry.id), entry.author, entry.seq);
        let call = (timeline.clone(), entry.clone());
        self.ask(Effect::Write, label, (timeline, entry), move |memory: &Memory| {
            at_once(Timelines::put(memory, &call.0, &call.1))
        })
        .await
    }

    async fn get(&self, timeline: &TimelineId, seq: Seq) -> Result<Option<Entry>, Error> {
        let call = timeline.clone();
        self.ask(Effect::Read, format!("reads {seq}"), timeline, move |memory: &Memory| {
            at_once(memory.get(&call, seq))
        })
        .await
    }

    async fn get_many(
        &self,
        places: &[(TimelineId, Seq)],
    ) -> Result<Vec<(TimelineId, Entry)>, Error> {
        let call = places.to_vec();
        self.ask(Effect::Read, "reads some".to_owned(), places, move |memory: &Memory| {
            at_once(memory.get_many(&call))
        })
        .await
    }

    async fn scan(&self, timeline: &TimelineId, scan: Scan) -> Result<Vec<Entry>, Error> {
        let label = match scan.direction {
            crate::Direction::Forward => format!("reads from {} on", scan.first),
            crate::Direction::Backward => format!("reads the newest {}", scan.max_count),
        };
        let call = timeline.clone();
        self.ask(Effect::Read, label, (timeline, scan), move |memory: &Memory| {
            at_once(memory.scan(&call, scan))
        })
        .await
    }

    async fn update(&self, timeline: &TimelineId, seq: Seq, body: &Body) -> Result<Entry, Error> {
        let call = (timeline.clone(), body.clone());
        let arguments = (timeline, body);
        self.ask(Effect::Write, format!("updates {seq}"), arguments, move |memory: &Memory| {
            at_once(Timelines::update(memory, &call.0, seq, &call.1))
        })
        .await
    }

    async fn revise(
        &self,
        timeline: &TimelineId,
        seq: Seq,
        body: &Body,
        by: Seq,
    ) -> Result<Revised, Error> {
        let (label, call) = (format!("revises {seq} by {by}"), (timeline.clone(), body.clone()));
        self.ask(Effect::Write, label, (timeline, body), move |memory: &Memory| {
            at_once(memory.revise(&call.0, seq, &call.1, by))
        })
        .await
    }

    async fn recall(&self, timeline: &TimelineId, seq: Seq, by: Seq) -> Result<Option<Seq>, Error> {
        let (label, call) = (format!("recalls {seq} by {by}"), timeline.clone());
        self.ask(Effect::Write, label, timeline, move |memory: &Memory| {
            at_once(memory.recall(&call, seq, by))
        })
        .await
    }

    async fn delete(&self, timeline: &TimelineId, seq: Seq) -> Result<(), Error> {
        let call = timeline.clone();
        self.ask(Effect::Write, format!("deletes {seq}"), timeline, move |memory: &Memory| {
            at_once(memory.delete(&call, seq))
        })
        .await
    }
}

#[async_trait]
impl<W: AsRef<Memory> + 'static> Claims for Checked<W> {
    async fn claim(
        &self,
        conversation: &ConversationId,
        author: &UserId,
        id: &MessageId,
        base: Seq,
    ) -> Result<Seq, Error> {
        let label = format!("claims that {} of {author} comes after {base}", tag(id));
        let (call, arguments) = ((conversation.clone(), author.clone(), *id), conversation);
        self.ask(Effect::Write, label, arguments, move |memory: &Memory| {
            at_once(memory.claim(&call.0, &call.1, &call.2, base))
        })
        .await
    }
}

#[async_trait]
impl<W: AsRef<Memory> + 'static> Inboxes for Checked<W> {
    async fn tail(&self, user: &UserId) -> Result<InboxTail, Error> {
        let (label, call) = (format!("reads the end of {user}'s inbox"), user.clone());
        self.ask(Effect::Read, label, (), move |memory: &Memory| at_once(memory.tail(&call))).await
    }

    async fn after(
        &self,
        user: &UserId,
        cursor: Seq,
        max_count: usize,
    ) -> Result<InboxPage, Error> {
        let (label, call) = (format!("reads {user}'s inbox after {cursor}"), user.clone());
        self.ask(Effect::Read, label, max_count, move |memory: &Memory| {
            at_once(memory.after(&call, cursor, max_count))
        })
        .await
    }

    async fn put(&self, user: &UserId, entry: &InboxEntry) -> Result<Put<InboxEntry>, Error> {
        let InboxEntry { seq, author, position, .. } = entry;
        let label = format!("tells {user}'s inbox at {position} of {seq} by {author}");
        let call = (user.clone(), entry.clone());
        self.ask(Effect::Write, label, entry, move |memory: &Memory| {
            at_once(Inboxes::put(memory, &call.0, &call.1))
        })
        .await
    }

    async fn raise_anchor(&self, user: &UserId, position: Seq) -> Result<(), Error> {
        let label = format!("raises the anchor of {user}'s inbox to {position}");
        let call = user.clone();
        self.ask(Effect::Write, label, (), move |memory: &Memory| {
            at_once(memory.raise_anchor(&call, position))
        })
        .await
    }
}

#[async_trait]
impl<W: AsRef<Memory> + 'static> Connections for Checked<W> {
    async fn register(
        &self,
        user: &UserId,
        registration: &Registration,
    ) -> Result<Registered, Error> {
        let label = format!("registers {} of {user}", registration.connection);
        let call = (user.clone(), registration.clone());
        self.ask(Effect::Write, label, registration, move |memory: &Memory| {
            at_once(memory.register(&call.0, &call.1))
        })
        .await
    }

    async fn evict(&self, user: &UserId, eviction: Eviction<'_>) -> Result<bool, Error> {
        let Eviction { evicted, newcomer, tombstones, now } = eviction;
        let label = format!("evicts {} of {user} for {}", evicted.connection, newcomer.connection);
        let arguments = (evicted, newcomer, tombstones, now);
        let call = (user.clone(), evicted.clone(), newcomer.clone(), tombstones.to_vec());
        self.ask(Effect::Write, label, arguments, move |memory: &Memory| {
            let (user, evicted, newcomer, tombstones) = (&call.0, &call.1, &call.2, &*call.3);
            at_once(memory.evict(user, Eviction { evicted, newcomer, tombstones, now }))
        })
        .await
    }

    async fn unregister(
        &self,
        user: &UserId,
        device: &DeviceId,
        connection: &ConnectionId,
        made_before: Option<Timestamp>,
    ) -> Result<(), Error> {
        let label = format!("unregisters {connection} of {user}'s {device}");
        let call = (user.clone(), device.clone(), connection.clone());
        self.ask(Effect::Write, label, made_before, move |memory: &Memory| {
            at_once(memory.unregister(&call.0, &call.1, &call.2, made_before))
        })
        .await
    }

    async fn signals(
        &self,
        user: &UserId,
        device: &DeviceId,
        connection: &ConnectionId,
        now: Timestamp,
        gap_ms: u64,
    ) -> Result<bool, Error> {
        let label = format!("notes that {connection} of {user}'s {device} signals");
        let call = (user.clone(), device.clone(), connection.clone());
        self.ask(Effect::Write, label, (now, gap_ms), move |memory: &Memory| {
            at_once(memory.signals(&call.0, &call.1, &call.2, now, gap_ms))
        })
        .await
    }

    async fn of(&self, users: &[UserId]) -> Result<Vec<(UserId, Vec<Registration>)>, Error> {
        let names: Vec<_> = users.iter().map(UserId::as_str).collect();
        let label = format!("reads where {} listens", names.join(", "));
        let call = users.to_vec();
        self.ask(Effect::Read, label, (), move |memory: &Memory| at_once(memory.of(&call))).await
    }
}

/// The end of a message's id, as tests count them.
fn tag(id: &MessageId) -> String {
    let text = id.to_string();
    let digits = text.trim_start_matches(['0', '-']);
    format!("message {digits}")
}

/// The same error once more.
fn again(error: &Error) -> Error {
    match error {
        Error::Conflict { item } => Error::Conflict { item },
        Error::StaleBase { tail } => Error::StaleBase { tail: *tail },
        Error::BaseAhead { tail } => Error::BaseAhead { tail: *tail },
        Error::Kicked => Error::Kicked,
        Error::Contended => Error::Contended,
        Error::Throttled { operation, source } => {
            Error::Throttled { operation, source: source.to_string().into() }
        }
        Error::Unavailable { operation, source } => {
            Error::Unavailable { operation, source: source.to_string().into() }
        }
        Error::Refused { operation, source } => {
            Error::Refused { operation, source: source.to_string().into() }
        }
        Error::Corrupt { item, reason } => Error::Corrupt { item, reason },
        Error::Invalid { reason } => Error::Invalid { reason },
        Error::NotFound { item } => Error::NotFound { item },
    }
}

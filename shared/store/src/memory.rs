//! All ports in memory: for tests and simulation.
//!
//! Every call yields once before it acts, so that calls joined into one future interleave request
//! by request, as they do against a database.

use std::collections::{BTreeMap, BTreeSet};
use std::future::poll_fn;
use std::ops::Bound;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::Poll;

use async_trait::async_trait;
use timeline::{
    Body, ConnectionId, ConversationId, DeviceId, Diffusion, Entry, InboxEntry, MessageId, Muted,
    Seq, TimelineId, Timestamp, UserId, limits,
};

use crate::blocks::BlockKey;
use crate::connections::{Connections, Eviction, Registered, Registration, Tombstone};
use crate::directory::{Conversation, Listing, MemberRow, ReadPosition, Reading};
use crate::error::Error;
use crate::focuses::Focus;
use crate::inbox::{InboxEnd, InboxPage, InboxTail, Inboxes};
use crate::meta::{Meta, Metas};
use crate::timelines::{Direction, Put, Revised, Scan, Timelines};

mod blocks;
mod directory;

/// A store in memory.
#[derive(Debug, Default)]
pub struct Memory {
    state: Mutex<State>,
}

#[derive(Clone, Debug, Default)]
struct State {
    timelines: BTreeMap<TimelineId, BTreeMap<Seq, Entry>>,
    inboxes: BTreeMap<UserId, BTreeMap<Seq, InboxEntry>>,
    anchors: BTreeMap<UserId, Seq>,
    connections: BTreeMap<UserId, BTreeMap<DeviceId, Registration>>,
    tombstones: BTreeMap<UserId, BTreeMap<DeviceId, Tombstone>>,
    signals: BTreeMap<(UserId, DeviceId), Timestamp>,
    conversations: BTreeMap<ConversationId, Conversation>,
    members: BTreeMap<ConversationId, BTreeMap<UserId, MemberRow>>,
    lists: BTreeMap<UserId, BTreeMap<ConversationId, Listed>>,
    readings: BTreeMap<ConversationId, BTreeMap<UserId, Reading>>,
    focuses: BTreeMap<ConversationId, BTreeMap<(UserId, DeviceId), Focus>>,
    claims: BTreeMap<(ConversationId, UserId, MessageId), Seq>,
    metas: BTreeMap<TimelineId, Meta>,
    blocks: BTreeMap<BlockKey, Vec<u8>>,
}

/// A conversation on a user's list, or that it went from there.
#[derive(Clone, Debug, Default)]
struct Listed {
    version: u64,
    place: Option<(Seq, Diffusion)>,
    personal: Personal,
}

/// What is a user's own about a conversation.
#[derive(Clone, Copy, Debug, Default)]
struct Personal {
    read: ReadPosition,
    muted: Muted,
    pinned: Option<Timestamp>,
}

impl Listed {
    fn shown(&self, conversation: &ConversationId) -> Option<Listing> {
        let (joined, diffusion) = self.place?;
        let Personal { read, muted, pinned } = self.personal;
        let (conversation, version) = (conversation.clone(), self.version);
        Some(Listing { conversation, version, joined, diffusion, read, muted, pinned })
    }
}

/// A copy goes its own way.
impl Clone for Memory {
    fn clone(&self) -> Self {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner).clone();
        Self { state: Mutex::new(state) }
    }
}

impl AsRef<Self> for Memory {
    fn as_ref(&self) -> &Self {
        self
    }
}

impl Memory {
    /// Takes away the entries of a timeline below `first`, as retention does.
    pub async fn purge(&self, timeline: &TimelineId, first: Seq) {
        let mut state = self.turn().await;
        if let Some(entries) = state.timelines.get_mut(timeline) {
            *entries = entries.split_off(&first);
        }
    }

    /// Takes away an inbox's expired entries, as the database's time-to-live does some day.
    pub async fn expire(&self, now: Timestamp) {
        let mut state = self.turn().await;
        for inbox in state.inboxes.values_mut() {
            inbox.retain(|_, entry| entry.expires > now);
        }
    }

    async fn turn(&self) -> MutexGuard<'_, State> {
        let mut yielded = false;
        poll_fn(|context| {
            if yielded {
                return Poll::Ready(());
            }
            yielded = true;
            context.waker().wake_by_ref();
            Poll::Pending
        })
        .await;
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Timelines for Memory {
    async fn put(&self, timeline: &TimelineId, entry: &Entry) -> Result<Put<Entry>, Error> {
        let mut state = self.turn().await;
        let entries = state.timelines.entry(timeline.clone()).or_default();
        if let Some(other) = entries.get(&entry.seq) {
            return Ok(Put::Occupied(other.clone()));
        }
        entries.insert(entry.seq, entry.clone());
        Ok(Put::Stored)
    }

    async fn get(&self, timeline: &TimelineId, seq: Seq) -> Result<Option<Entry>, Error> {
        let state = self.turn().await;
        Ok(state.timelines.get(timeline).and_then(|entries| entries.get(&seq)).cloned())
    }

    async fn get_many(
        &self,
        places: &[(TimelineId, Seq)],
    ) -> Result<Vec<(TimelineId, Entry)>, Error> {
        if places.len() > limits::SEQS_MAX {
            return Err(Error::Invalid { reason: "too many sequences at once" });
        }
        let state = self.turn().await;
        let unique: BTreeSet<_> = places.iter().collect();
        let found = unique.into_iter().filter_map(|(timeline, seq)| {
            let entry = state.timelines.get(timeline)?.get(seq)?;
            Some((timeline.clone(), entry.clone()))
        });
        Ok(found.collect())
    }

    async fn scan(&self, timeline: &TimelineId, scan: Scan) -> Result<Vec<Entry>, Error> {
        let state = self.turn().await;
        let entries = state.timelines.get(timeline).filter(|_| !scan.is_empty());
        let Some(entries) = entries else { return Ok(Vec::new()) };
        let part = entries.range(scan.first..=scan.last).map(|(_, entry)| entry.clone());
        Ok(match scan.direction {
            Direction::Forward => part.take(scan.max_count).collect(),
            Direction::Backward => part.rev().take(scan.max_count).collect(),
        })
    }

    async fn update(&self, timeline: &TimelineId, seq: Seq, body: &Body) -> Result<Entry, Error> {
        let mut state = self.turn().await;
        let entry = state.timelines.get_mut(timeline).and_then(|entries| entries.get_mut(&seq));
        match entry {
            Some(entry) if entry.body.is_some() => {
                entry.body = Some(body.clone());
                entry.revision = Some(Seq::ZERO);
                Ok(entry.clone())
            }
            Some(_) | None => Err(Error::NotFound { item: "entry" }),
        }
    }

    async fn revise(
        &self,
        timeline: &TimelineId,
        seq: Seq,
        body: &Body,
        by: Seq,
    ) -> Result<Revised, Error> {
        let mut state = self.turn().await;
        let entry = state.timelines.get_mut(timeline).and_then(|entries| entries.get_mut(&seq));
        match entry {
            Some(entry) if entry.body.is_some() && entry.revision <= Some(by) => {
                let before = entry.revision.replace(by);
                entry.body = Some(body.clone());
                Ok(Revised::Done { before: before.filter(|before| *before != by) })
            }
            Some(_) | None => Ok(Revised::Superseded),
        }
    }

    async fn recall(&self, timeline: &TimelineId, seq: Seq, by: Seq) -> Result<Option<Seq>, Error> {
        let mut state = self.turn().await;
        let entry = state.timelines.get_mut(timeline).and_then(|entries| entries.get_mut(&seq));
        let Some(entry) = entry else { return Ok(None) };
        entry.recalled.get_or_insert(by);
        entry.body = None;
        Ok(entry.revision)
    }

    async fn delete(&self, timeline: &TimelineId, seq: Seq) -> Result<(), Error> {
        let mut state = self.turn().await;
        let entry = state.timelines.get_mut(timeline).and_then(|entries| entries.get_mut(&seq));
        if let Some(entry) = entry {
            entry.body = None;
        }
        Ok(())
    }
}

#[async_trait]
impl Inboxes for Memory {
    async fn tail(&self, user: &UserId) -> Result<InboxTail, Error> {
        let state = self.turn().await;
        let newest = state.inboxes.get(user).into_iter().flat_map(|inbox| inbox.values().rev());
        Ok(InboxTail {
            newest: newest.take(limits::INBOX_LOOK_BACK).cloned().collect(),
            anchor: state.anchors.get(user).copied().unwrap_or(Seq::ZERO),
        })
    }

    async fn after(
        &self,
        user: &UserId,
        cursor: Seq,
        max_count: usize,
    ) -> Result<InboxPage, Error> {
        let state = self.turn().await;
        let anchor = state.anchors.get(user).copied().unwrap_or(Seq::ZERO);
        let Some(inbox) = state.inboxes.get(user) else {
            let end = InboxEnd { position: anchor, anchor, expires: None };
            return Ok(InboxPage { entries: Vec::new(), end: Some(end) });
        };
        let after = (Bound::Excluded(cursor), Bound::Unbounded);
        let mut after = inbox.range(after).map(|(_, entry)| entry.clone());
        let entries: Vec<_> = after.by_ref().take(max_count).collect();
        // A reader sees the entry at its cursor and those after it.
        let newest = inbox.range(cursor..).next_back().map(|(_, entry)| entry);
        let position = newest.map_or(Seq::ZERO, |entry| entry.position).max(anchor);
        let expires = newest.map(|entry| entry.expires);
        let end = after.next().is_none().then_some(InboxEnd { position, anchor, expires });
        Ok(InboxPage { entries, end })
    }

    async fn put(&self, user: &UserId, entry: &InboxEntry) -> Result<Put<InboxEntry>, Error> {
        let mut state = self.turn().await;
        let inbox = state.inboxes.entry(user.clone()).or_default();
        if let Some(other) = inbox.get(&entry.position) {
            return Ok(Put::Occupied(other.clone()));
        }
        inbox.insert(entry.position, entry.clone());
        Ok(Put::Stored)
    }

    async fn raise_anchor(&self, user: &UserId, position: Seq) -> Result<(), Error> {
        let mut state = self.turn().await;
        let anchor = state.anchors.entry(user.clone()).or_default();
        *anchor = position.max(*anchor);
        Ok(())
    }
}

#[async_trait]
impl Connections for Memory {
    async fn register(
        &self,
        user: &UserId,
        registration: &Registration,
    ) -> Result<Registered, Error> {
        let mut state = self.turn().await;
        let State { connections, tombstones, signals, .. } = &mut *state;
        let tombstones = tombstones.entry(user.clone()).or_default();
        let kicked = tombstones.get(&registration.device);
        if kicked.is_some_and(|tombstone| tombstone.expires >= registration.expires) {
            return Err(Error::Kicked);
        }
        let devices = connections.entry(user.clone()).or_default();
        let before = devices.get(&registration.device);
        let same = before.is_some_and(|before| before.connection == registration.connection);
        if !same && before.is_some_and(|before| before.connected >= registration.connected) {
            return Err(Error::Conflict { item: "registration" });
        }
        let replaced = before.filter(|_| !same).map(|before| before.connection.clone());
        devices.insert(registration.device.clone(), registration.clone());
        signals.remove(&(user.clone(), registration.device.clone()));
        tombstones.remove(&registration.device);
        let others = devices.values().filter(|other| other.device != registration.device);
        Ok(Registered {
            replaced,
            others: others.cloned().collect(),
            tombstones: tombstones.values().cloned().collect(),
        })
    }

    async fn evict(&self, user: &UserId, eviction: Eviction<'_>) -> Result<bool, Error> {
        let mut state = self.turn().await;
        let State { connections, tombstones, .. } = &mut *state;
        let Registration { device, connection, expires, .. } = eviction.evicted;
        let tombstones = tombstones.entry(user.clone()).or_default();
        let devices = connections.entry(user.clone()).or_default();
        match devices.get(device) {
            Some(registration) if registration.connection == *connection => {}
            Some(_) => return Ok(false),
            None => return Ok(tombstones.get(device).is_some_and(|left| left.expires >= *expires)),
        }
        devices.remove(device);
        let standing: Vec<_> = tombstones.values().cloned().collect();
        for faded in Tombstone::faded(&standing, eviction.now) {
            tombstones.remove(&faded.device);
        }
        let tombstone = Tombstone { device: device.clone(), expires: *expires };
        tombstones.insert(device.clone(), tombstone);
        Ok(true)
    }

    async fn unregister(
        &self,
        user: &UserId,
        device: &DeviceId,
        connection: &ConnectionId,
        made_before: Option<Timestamp>,
    ) -> Result<(), Error> {
        let mut state = self.turn().await;
        let Some(devices) = state.connections.get_mut(user) else { return Ok(()) };
        let named = devices.get(device).is_some_and(|registration| {
            registration.connection == *connection
                && made_before.is_none_or(|before| registration.connected < before)
        });
        if named {
            devices.remove(device);
        }
        Ok(())
    }

    async fn signals(
        &self,
        user: &UserId,
        device: &DeviceId,
        connection: &ConnectionId,
        now: Timestamp,
        gap_ms: u64,
    ) -> Result<bool, Error> {
        let mut state = self.turn().await;
        let named = state.connections.get(user).and_then(|devices| devices.get(device));
        let is_named = named.is_some_and(|device| device.connection == *connection);
        let key = (user.clone(), device.clone());
        let last = state.signals.get(&key);
        let is_too_soon = |last: &Timestamp| last.plus(gap_ms) > now && *last != now;
        if !is_named || last.is_some_and(is_too_soon) {
            return Ok(false);
        }
        state.signals.insert(key, now);
        Ok(true)
    }

    async fn of(&self, users: &[UserId]) -> Result<Vec<(UserId, Vec<Registration>)>, Error> {
        let state = self.turn().await;
        let unique: BTreeSet<_> = users.iter().collect();
        let found = unique.into_iter().filter_map(|user| {
            let devices = state.connections.get(user).filter(|devices| !devices.is_empty())?;
            Some((user.clone(), devices.values().cloned().collect()))
        });
        Ok(found.collect())
    }
}

#[async_trait]
impl Metas for Memory {
    async fn insert(&self, timeline: &TimelineId, meta: &Meta) -> Result<(), Error> {
        let mut state = self.turn().await;
        if state.metas.contains_key(timeline) {
            return Err(Error::Conflict { item: "meta" });
        }
        state.metas.insert(timeline.clone(), meta.clone());
        Ok(())
    }

    async fn read(&self, timeline: &TimelineId) -> Result<Option<Meta>, Error> {
        Ok(self.turn().await.metas.get(timeline).cloned())
    }

    async fn update(&self, timeline: &TimelineId, fields: &Meta) -> Result<(), Error> {
        if fields.is_empty() {
            return Err(Error::Invalid { reason: "an update without a field" });
        }
        let mut state = self.turn().await;
        state.metas.entry(timeline.clone()).or_default().extend(fields.clone());
        Ok(())
    }

    async fn forget(&self, timeline: &TimelineId) -> Result<(), Error> {
        self.turn().await.metas.remove(timeline);
        Ok(())
    }
}

//! What is asked of a store: one variant per method of a port, and the protocols over them.

use store::conformance::Store;
use store::{
    BlockKey, Conversation, Enlisting, Eviction, Focus, Immediately, Inboxes, MemberRow, Meta,
    Metas, Mode, Queue, ReadPosition, Reading, Registration, Scan, Timelines, Wish, deliver,
};
use timeline::{
    Body, ConnectionId, ConversationId, DeviceId, Draft, Entry, InboxEntry, MessageId, Seq,
    TimelineId, Timestamp, UserId,
};

/// One call, or one protocol over several.
#[derive(Clone, Debug)]
pub(crate) enum Operation {
    Timelines(OnTimeline),
    Inboxes(OnInbox),
    Connections(OnRegistry),
    Conversations(OnConversation),
    Lists(OnList),
    Others(OnOther),
}

impl Operation {
    /// Asks a store for it. Answers are compared by the store, which is two: see
    /// [`super::both::Both`].
    pub(crate) async fn ask(&self, store: &impl Store) {
        match self {
            Self::Timelines(call) => call.ask(store).await,
            Self::Inboxes(call) => call.ask(store).await,
            Self::Connections(call) => call.ask(store).await,
            Self::Conversations(call) => call.ask(store).await,
            Self::Lists(call) => call.ask(store).await,
            Self::Others(call) => call.ask(store).await,
        }
    }
}

/// What is asked of a timeline, and of the queue over it.
#[derive(Clone, Debug)]
pub(crate) enum OnTimeline {
    Put(TimelineId, Entry),
    Get(TimelineId, Seq),
    GetMany(Vec<(TimelineId, Seq)>),
    Scan(TimelineId, Scan),
    Update(TimelineId, Seq, Body),
    Revise(TimelineId, Seq, Body, Seq),
    Recall(TimelineId, Seq, Seq),
    Delete(TimelineId, Seq),
    /// [`Queue::append`].
    Append(TimelineId, Draft, Seq),
}

impl OnTimeline {
    async fn ask(&self, store: &impl Store) {
        match self {
            Self::Put(timeline, entry) => drop(Timelines::put(store, timeline, entry).await),
            Self::Get(timeline, seq) => drop(store.get(timeline, *seq).await),
            Self::GetMany(places) => drop(store.get_many(places).await),
            Self::Scan(timeline, scan) => drop(store.scan(timeline, *scan).await),
            Self::Update(timeline, seq, body) => {
                drop(Timelines::update(store, timeline, *seq, body).await);
            }
            Self::Revise(timeline, seq, body, by) => {
                drop(store.revise(timeline, *seq, body, *by).await);
            }
            Self::Recall(timeline, seq, by) => drop(store.recall(timeline, *seq, *by).await),
            Self::Delete(timeline, seq) => drop(store.delete(timeline, *seq).await),
            Self::Append(timeline, draft, base) => {
                let queue = Queue::new(store, &Immediately, Mode::Automatic, timeline);
                drop(queue.append(draft, *base).await);
            }
        }
    }
}

/// What is asked of an inbox.
#[derive(Clone, Debug)]
pub(crate) enum OnInbox {
    Tail(UserId),
    After(UserId, Seq, usize),
    Tell(UserId, InboxEntry),
    /// [`deliver`].
    Deliver(UserId, InboxEntry),
    RaiseAnchor(UserId, Seq),
}

impl OnInbox {
    async fn ask(&self, store: &impl Store) {
        match self {
            Self::Tail(user) => drop(store.tail(user).await),
            Self::After(user, cursor, max_count) => {
                drop(store.after(user, *cursor, *max_count).await);
            }
            Self::Tell(user, entry) => drop(Inboxes::put(store, user, entry).await),
            Self::Deliver(user, entry) => {
                let Ok(tail) = store.tail(user).await else { return };
                let at = |position| InboxEntry { position, ..entry.clone() };
                drop(deliver(store, &Immediately, user, &tail, at).await);
            }
            Self::RaiseAnchor(user, position) => drop(store.raise_anchor(user, *position).await),
        }
    }
}

/// What is asked of the registry.
#[derive(Clone, Debug)]
pub(crate) enum OnRegistry {
    Register(UserId, Registration),
    /// A registration, and the eviction of one of the devices that it met.
    Relieve(UserId, Registration, usize, Timestamp),
    /// An eviction by somebody who knows of no tombstone, before any has expired.
    Evict(UserId, Registration, Registration, Timestamp),
    Unregister(UserId, DeviceId, ConnectionId, Option<Timestamp>),
    Signals(UserId, DeviceId, ConnectionId, Timestamp, u64),
    Of(Vec<UserId>),
}

impl OnRegistry {
    async fn ask(&self, store: &impl Store) {
        match self {
            Self::Register(user, registration) => drop(store.register(user, registration).await),
            Self::Relieve(user, newcomer, evicted, now) => {
                let Ok(met) = store.register(user, newcomer).await else { return };
                let Some(evicted) = met.others.get(*evicted) else { return };
                let tombstones = &met.tombstones;
                let eviction = Eviction { evicted, newcomer, tombstones, now: *now };
                drop(store.evict(user, eviction).await);
            }
            Self::Evict(user, evicted, newcomer, now) => {
                let eviction = Eviction { evicted, newcomer, tombstones: &[], now: *now };
                drop(store.evict(user, eviction).await);
            }
            Self::Unregister(user, device, connection, made_before) => {
                drop(store.unregister(user, device, connection, *made_before).await);
            }
            Self::Signals(user, device, connection, now, gap_ms) => {
                drop(store.signals(user, device, connection, *now, *gap_ms).await);
            }
            Self::Of(users) => drop(store.of(users).await),
        }
    }
}

/// What is asked of a conversation, its members and claims.
#[derive(Clone, Debug)]
pub(crate) enum OnConversation {
    Conversation(ConversationId),
    Create(Conversation),
    Replace(Conversation, u64),
    Settle(ConversationId, u64),
    Member(ConversationId, UserId),
    PutMember(ConversationId, UserId, MemberRow),
    Members(ConversationId, Option<UserId>, usize),
    Claim(ConversationId, UserId, MessageId, Seq),
}

impl OnConversation {
    async fn ask(&self, store: &impl Store) {
        match self {
            Self::Conversation(id) => drop(store.conversation(id).await),
            Self::Create(conversation) => drop(store.create(conversation).await),
            Self::Replace(conversation, before) => {
                drop(store.replace(conversation, *before).await);
            }
            Self::Settle(id, version) => drop(store.settle(id, *version).await),
            Self::Member(id, user) => drop(store.member(id, user).await),
            Self::PutMember(id, user, row) => drop(store.put_member(id, user, row).await),
            Self::Members(id, after, max_count) => {
                drop(store.members(id, after.as_ref(), *max_count).await);
            }
            Self::Claim(conversation, author, id, base) => {
                drop(store.claim(conversation, author, id, *base).await);
            }
        }
    }
}

/// What is asked of a user's list and of who has read what.
#[derive(Clone, Debug)]
pub(crate) enum OnList {
    List(UserId, Enlisting),
    Unlist(UserId, ConversationId, u64),
    Listing(UserId, ConversationId),
    MarkRead(UserId, ConversationId, ReadPosition),
    Wish(UserId, ConversationId, Wish),
    NoteRead(ConversationId, Reading),
    Readings(ConversationId, Option<UserId>, usize),
    Conversations(UserId, Option<ConversationId>, usize),
}

impl OnList {
    async fn ask(&self, store: &impl Store) {
        match self {
            Self::List(user, enlisting) => drop(store.list(user, enlisting).await),
            Self::Unlist(user, conversation, version) => {
                drop(store.unlist(user, conversation, *version).await);
            }
            Self::Listing(user, conversation) => drop(store.listing(user, conversation).await),
            Self::MarkRead(user, conversation, position) => {
                drop(store.mark_read(user, conversation, *position).await);
            }
            Self::Wish(user, conversation, wish) => {
                drop(store.wish(user, conversation, *wish).await);
            }
            Self::NoteRead(id, reading) => drop(store.note_read(id, reading).await),
            Self::Readings(id, after, max_count) => {
                drop(store.readings(id, after.as_ref(), *max_count).await);
            }
            Self::Conversations(user, after, max_count) => {
                drop(store.conversations(user, after.as_ref(), *max_count).await);
            }
        }
    }
}

/// What is asked of focuses, metas and blocks.
#[derive(Clone, Debug)]
pub(crate) enum OnOther {
    Focus(ConversationId, Focus),
    Blur(ConversationId, Focus),
    Focused(ConversationId, Option<UserId>, usize),
    Insert(TimelineId, Meta),
    Read(TimelineId),
    Merge(TimelineId, Meta),
    Forget(TimelineId),
    ReadBlocks(Vec<BlockKey>),
    WriteBlocks(Vec<(BlockKey, Vec<u8>)>),
}

impl OnOther {
    async fn ask(&self, store: &impl Store) {
        match self {
            Self::Focus(conversation, focus) => drop(store.focus(conversation, focus).await),
            Self::Blur(conversation, focus) => drop(store.blur(conversation, focus).await),
            Self::Focused(conversation, user, max_count) => {
                drop(store.focused(conversation, user.as_ref(), *max_count).await);
            }
            Self::Insert(timeline, meta) => drop(store.insert(timeline, meta).await),
            Self::Read(timeline) => drop(store.read(timeline).await),
            Self::Merge(timeline, fields) => drop(Metas::update(store, timeline, fields).await),
            Self::Forget(timeline) => drop(store.forget(timeline).await),
            Self::ReadBlocks(keys) => drop(store.read_blocks(keys).await),
            Self::WriteBlocks(blocks) => drop(store.write_blocks(blocks).await),
        }
    }
}

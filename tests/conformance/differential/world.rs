//! Random operations over few values, so that they meet: the same places, the same devices, the
//! same versions.

use std::collections::BTreeMap;

use fastrand::Rng;
use store::{
    BlockKey, Conversation, Direction, Enlisting, Focus, Freshness, MemberRow, Members, Membership,
    Meta, Pending, ReadPosition, Reading, Registration, Scan, Wish,
};
use timeline::{
    Admission, Body, ConnectionId, ConversationId, DeviceId, Diffusion, Draft, Entry, InboxEntry,
    Kind, MessageId, Muted, Platform, Role, Seq, TimelineId, Timestamp, Title, UserId, Visibility,
    limits,
};

use super::operation::{
    OnConversation, OnInbox, OnList, OnOther, OnRegistry, OnTimeline, Operation,
};

/// The year 2100: the embedded database expires rows by its own clock.
const NOW: Timestamp = Timestamp(4_102_444_800_000);

/// Names that begin alike, and one whose capital sorts first.
const USERS: [&str; 4] = ["ada", "ada.2", "Bob", "bob"];

const DEVICES: [&str; 4] = ["desk", "desk-2", "Phone", "phone"];

const CONNECTIONS: [&str; 4] = ["c1", "c2", "c3", "c4="];

const KINDS: [&str; 6] = ["text", "image", Kind::JOIN, Kind::RECALL, Kind::EDIT, Kind::READ];

/// Where random operations come from: what they are follows from the seed alone.
pub(crate) struct World {
    rng: Rng,
    sources: Vec<fn(&mut Self) -> Operation>,
}

impl World {
    /// A world that asks some ports and not others: the fewer, the oftener its operations meet.
    pub(crate) fn new(seed: u64) -> Self {
        let mut rng = Rng::with_seed(seed);
        let mut sources: Vec<fn(&mut Self) -> Operation> = vec![
            |world| Operation::Timelines(world.on_timeline()),
            |world| Operation::Inboxes(world.on_inbox()),
            |world| Operation::Connections(world.on_registry()),
            |world| Operation::Conversations(world.on_conversation()),
            |world| Operation::Lists(world.on_list()),
            |world| Operation::Others(world.on_other()),
        ];
        rng.shuffle(&mut sources);
        sources.truncate(rng.usize(1..=sources.len()));
        Self { rng, sources }
    }

    /// The next `count` operations.
    pub(crate) fn operations(mut self, count: usize) -> Vec<Operation> {
        let next = |_| self.sources[self.rng.usize(..self.sources.len())](&mut self);
        (0..count).map(next).collect()
    }

    fn on_timeline(&mut self) -> OnTimeline {
        let id = self.timeline();
        match self.rng.u8(..12) {
            0 | 1 => OnTimeline::Put(id, self.entry()),
            2 => OnTimeline::Get(id, self.any_seq()),
            3 => {
                // Once in a while one more than may be asked for at once.
                let many = self.rng.u8(..8) == 0;
                let count = if many { limits::SEQS_MAX + 1 } else { self.rng.usize(..8) };
                let places = (0..count).map(|_| (self.timeline(), self.any_seq()));
                OnTimeline::GetMany(places.collect())
            }
            4 | 5 => OnTimeline::Scan(id, self.scan()),
            6 => OnTimeline::Update(id, self.seq(), self.body()),
            7 | 8 => OnTimeline::Revise(id, self.seq(), self.body(), self.seq()),
            9 => OnTimeline::Recall(id, self.seq(), self.seq()),
            10 => OnTimeline::Delete(id, self.seq()),
            _ => OnTimeline::Append(id, self.draft(), self.seq()),
        }
    }

    fn on_inbox(&mut self) -> OnInbox {
        let user = self.user();
        match self.rng.u8(..6) {
            0 => OnInbox::Tail(user),
            1 => OnInbox::After(user, self.any_seq(), self.rng.usize(..4)),
            2 => OnInbox::Tell(user, self.told()),
            3 | 4 => OnInbox::Deliver(user, self.told()),
            _ => OnInbox::RaiseAnchor(user, self.seq()),
        }
    }

    fn on_registry(&mut self) -> OnRegistry {
        let user = self.user();
        match self.rng.u8(..10) {
            0..=2 => OnRegistry::Register(user, self.registration()),
            3 | 4 => {
                let now = NOW.plus(self.rng.u64(..4) * 60_000);
                OnRegistry::Relieve(user, self.registration(), self.rng.usize(..2), now)
            }
            5 => OnRegistry::Evict(user, self.registration(), self.registration(), NOW),
            6 => {
                let made_before = self.rng.bool().then(|| self.time());
                OnRegistry::Unregister(user, self.device(), self.connection(), made_before)
            }
            7 | 8 => {
                let gap_ms = self.rng.u64(..4) * 1_000;
                OnRegistry::Signals(user, self.device(), self.connection(), self.time(), gap_ms)
            }
            _ => OnRegistry::Of((0..self.rng.usize(..6)).map(|_| self.user()).collect()),
        }
    }

    fn on_conversation(&mut self) -> OnConversation {
        let id = self.conversation();
        match self.rng.u8(..10) {
            0 => OnConversation::Conversation(id),
            1 => OnConversation::Create(self.kept(id)),
            2 | 3 => OnConversation::Replace(self.kept(id), self.version()),
            4 => OnConversation::Settle(id, self.version()),
            5 => OnConversation::Member(id, self.user()),
            6 | 7 => {
                let membership = self.rng.bool().then(|| self.membership());
                let row = MemberRow { version: self.version(), membership };
                OnConversation::PutMember(id, self.user(), row)
            }
            8 => OnConversation::Members(id, self.after_user(), self.rng.usize(..4)),
            _ => OnConversation::Claim(id, self.user(), self.message(), self.any_seq()),
        }
    }

    fn on_list(&mut self) -> OnList {
        let (user, id) = (self.user(), self.conversation());
        match self.rng.u8(..10) {
            0 | 1 => OnList::List(user, self.enlisting(id)),
            2 => OnList::Unlist(user, id, self.version()),
            3 => OnList::Listing(user, id),
            4 | 5 => OnList::MarkRead(user, id, self.position()),
            6 => OnList::Wish(user, id, self.wish()),
            7 => {
                let (seq, at) = (self.any_seq(), self.time());
                OnList::NoteRead(id, Reading { user, seq, at })
            }
            8 => OnList::Readings(id, self.after_user(), self.rng.usize(..4)),
            _ => {
                let after = self.rng.bool().then(|| self.conversation());
                OnList::Conversations(user, after, self.rng.usize(..4))
            }
        }
    }

    fn on_other(&mut self) -> OnOther {
        let (timeline, conversation) = (self.timeline(), self.conversation());
        match self.rng.u8(..10) {
            0 | 1 => OnOther::Focus(conversation, self.focus()),
            2 => OnOther::Blur(conversation, self.focus()),
            3 => OnOther::Focused(conversation, self.after_user(), self.rng.usize(..4)),
            4 => OnOther::Insert(timeline, self.meta()),
            5 => OnOther::Read(timeline),
            6 => OnOther::Merge(timeline, self.meta()),
            7 => OnOther::Forget(timeline),
            8 => OnOther::ReadBlocks(self.block_keys(limits::BATCH_KEYS_MAX + 20)),
            _ => {
                let keys = self.block_keys(limits::BATCH_PUTS_MAX + 5);
                let block = |key| (key, vec![self.rng.u8(..); self.rng.usize(..3)]);
                OnOther::WriteBlocks(keys.into_iter().map(block).collect())
            }
        }
    }

    fn of<T: Copy>(&mut self, values: &[T]) -> T {
        values[self.rng.usize(..values.len())]
    }

    fn user(&mut self) -> UserId {
        UserId::parse(self.of(&USERS)).unwrap()
    }

    fn after_user(&mut self) -> Option<UserId> {
        self.rng.bool().then(|| self.user())
    }

    fn device(&mut self) -> DeviceId {
        DeviceId::parse(self.of(&DEVICES)).unwrap()
    }

    fn connection(&mut self) -> ConnectionId {
        ConnectionId::parse(self.of(&CONNECTIONS)).unwrap()
    }

    fn conversation(&mut self) -> ConversationId {
        let user = |name| UserId::parse(name).unwrap();
        match self.rng.u8(..4) {
            0 => ConversationId::direct(&user("ada"), &user("bob")).unwrap(),
            1 => ConversationId::direct(&user("ada"), &user("ada.2")).unwrap(),
            number => ConversationId::group(MessageId::from_bytes([number; 16])),
        }
    }

    fn timeline(&mut self) -> TimelineId {
        match self.rng.u8(..3) {
            0 => TimelineId::parse("tea").unwrap(),
            _ => self.conversation().timeline(),
        }
    }

    /// A place that something may be put at.
    fn seq(&mut self) -> Seq {
        let number = if self.rng.u8(..12) == 0 { 63 } else { self.rng.u64(..7) };
        Seq::new(number).unwrap()
    }

    /// A place, the last that can be among them.
    fn any_seq(&mut self) -> Seq {
        if self.rng.u8(..12) == 0 { Seq::MAX } else { self.seq() }
    }

    fn scan(&mut self) -> Scan {
        let directions = [Direction::Forward, Direction::Backward];
        let freshness = [Freshness::Strong, Freshness::Eventual];
        // Some go nowhere.
        Scan {
            direction: self.of(&directions),
            first: self.any_seq(),
            last: self.any_seq(),
            max_count: self.rng.usize(..4),
            freshness: self.of(&freshness),
        }
    }

    fn version(&mut self) -> u64 {
        self.rng.u64(..5)
    }

    fn time(&mut self) -> Timestamp {
        NOW.plus(self.rng.u64(..5) * 1_000)
    }

    fn message(&mut self) -> MessageId {
        MessageId::from_bytes([self.rng.u8(..4); 16])
    }

    fn body(&mut self) -> Body {
        let long = "b".repeat(limits::INBOX_BODY_BYTES_MAX + 1);
        let body = self.of(&["", "{}", r#"{"text":"周末"}"#, &long]);
        Body::parse(body).unwrap()
    }

    fn diffusion(&mut self) -> Diffusion {
        self.of(&[Diffusion::Write, Diffusion::Read])
    }

    fn draft(&mut self) -> Draft {
        Draft {
            id: self.message(),
            author: self.user(),
            device: self.device(),
            at: self.time(),
            kind: Kind::stored(self.of(&KINDS)).unwrap(),
            version: self.version(),
            inbox_before: self.any_seq(),
            diffusion: self.diffusion(),
            named: (0..self.rng.usize(..3)).map(|_| self.user()).collect(),
            target: self.rng.bool().then(|| self.any_seq()),
            body: self.body(),
        }
    }

    fn entry(&mut self) -> Entry {
        let entry = self.draft().at(self.seq());
        let (countable, recalls) = (self.rng.u64(..7), self.rng.u64(..7));
        Entry { countable, recalls, ..entry }
    }

    fn told(&mut self) -> InboxEntry {
        let (entry, conversation) = (self.entry(), self.conversation());
        InboxEntry::of(&entry, &conversation, self.seq(), self.time())
    }

    fn registration(&mut self) -> Registration {
        let platform = self.rng.bool().then(|| Platform::parse(self.of(&["ios", "web"])).unwrap());
        // Tokens of minutes expire before the row does, those of days after it.
        let lives = [60_000, 61_000, 120_000, 30 * limits::DAY_MS, 30 * limits::DAY_MS + 1];
        Registration {
            device: self.device(),
            platform,
            connection: self.connection(),
            connected: self.time(),
            expires: NOW.plus(self.of(&lives)),
        }
    }

    fn membership(&mut self) -> Membership {
        Membership {
            joined: self.any_seq(),
            role: self.of(&[Role::Member, Role::Admin, Role::Owner]),
            muted: self.of(&[Muted::Yes, Muted::No]),
        }
    }

    fn kept(&mut self, id: ConversationId) -> Conversation {
        let members = if self.rng.bool() {
            let members = (0..self.rng.usize(..4)).map(|_| (self.user(), self.membership()));
            Members::Inline(members.collect())
        } else {
            let (since, count) = (self.version(), self.rng.u64(..9));
            Members::Rows { switched: self.seq(), since, count }
        };
        let title = self.of(&["t", "周末 \"trip\""]);
        Conversation {
            id,
            version: self.version(),
            made: self.time(),
            title: self.rng.bool().then(|| Title::parse(title).unwrap()),
            visibility: self.of(&[Visibility::FromStart, Visibility::FromJoin]),
            admission: self.of(&[Admission::Closed, Admission::Open]),
            members,
            pending: self.rng.bool().then(|| self.pending()),
        }
    }

    fn pending(&mut self) -> Pending {
        let Draft { id, author, device, at, kind, version, named, body, .. } = self.draft();
        let member = |_| (self.user(), self.rng.bool().then(|| self.membership()));
        let members: BTreeMap<_, _> = (0..3).map(member).collect();
        let (base, countable) = (self.seq(), self.rng.u64(..9));
        let members = members.into_iter().collect();
        Pending { version, id, author, device, at, kind, named, body, base, countable, members }
    }

    fn position(&mut self) -> ReadPosition {
        let seq = self.any_seq();
        ReadPosition { seq, countable: self.rng.u64(..=seq.number()) }
    }

    fn enlisting(&mut self, conversation: ConversationId) -> Enlisting {
        Enlisting {
            conversation,
            version: self.version(),
            joined: self.any_seq(),
            diffusion: self.diffusion(),
            begins: self.rng.bool().then(|| self.position()),
        }
    }

    fn wish(&mut self) -> Wish {
        match self.rng.u8(..4) {
            0 => Wish::Mute(Muted::Yes),
            1 => Wish::Mute(Muted::No),
            2 => Wish::Pin(Some(self.time())),
            _ => Wish::Pin(None),
        }
    }

    fn focus(&mut self) -> Focus {
        Focus {
            user: self.user(),
            device: self.device(),
            connection: self.connection(),
            expires: self.time(),
        }
    }

    fn meta(&mut self) -> Meta {
        let names = ["a", "b", "#n0", "p", "ü.x"];
        let fields = (0..self.rng.usize(..3)).map(|_| {
            let (name, value) = (self.of(&names), self.of(&["", "1", "2"]));
            (name.to_owned(), value.to_owned())
        });
        fields.collect()
    }

    /// A few keys, or once in a while so many that they are several requests.
    fn block_keys(&mut self, many: usize) -> Vec<BlockKey> {
        let count = if self.rng.u8(..8) == 0 { many } else { self.rng.usize(..5) };
        let key = |_| BlockKey {
            conversation: self.conversation(),
            analyzer: self.rng.u8(..2),
            level: self.rng.u8(..2),
            bucket: self.of(&[0, 255]),
            number: self.of(&[0, 1, 2, 3, 4, 5, 6, 1 << 60]),
        };
        (0..count).map(key).collect()
    }
}

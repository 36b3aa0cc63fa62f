//! What is asked for, what was kept, and what an inbox says of it.

use std::fmt;

use crate::body::{Body, Kind};
use crate::id::{ConversationId, DeviceId, MessageId, UserId};
use crate::limits;

/// A position on a timeline or in an inbox; 0 stands before the first entry.
///
/// At most 2^53 − 2, so that every JSON reader holds it exactly and one number above stays free for
/// the inbox's anchor.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Seq(u64);

impl Seq {
    /// Before the first entry.
    pub const ZERO: Self = Self(0);
    /// The first entry.
    pub const FIRST: Self = Self(1);
    /// The last that can be.
    pub const MAX: Self = Self(limits::SEQ_MAX);

    /// The position with this number, if it is one.
    pub fn new(number: u64) -> Option<Self> {
        (number <= limits::SEQ_MAX).then_some(Self(number))
    }

    /// The number.
    pub fn number(self) -> u64 {
        self.0
    }

    /// The position after this one.
    pub fn next(self) -> Self {
        debug_assert!(self < Self::MAX, "a timeline of 2^53 entries");
        Self(self.0 + 1)
    }

    /// Whether a block of the search index ends here: [`limits::INDEX_BLOCK_ENTRIES`] places in a
    /// row, counted from zero.
    pub fn completes_block(self) -> bool {
        self.0 % limits::INDEX_BLOCK_ENTRIES == limits::INDEX_BLOCK_ENTRIES - 1
    }

    /// The position before this one; zero stays zero.
    pub fn previous(self) -> Self {
        Self(self.0.saturating_sub(1))
    }
}

impl fmt::Display for Seq {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

/// A point in time: milliseconds since 1970 UTC, by the server's clock.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(pub u64);

impl Timestamp {
    /// The full seconds since 1970, as TTL attributes and tokens count them.
    pub fn seconds(self) -> u64 {
        self.0 / 1_000
    }

    /// This time without its fraction of a second, as a TTL attribute keeps it.
    #[must_use]
    pub fn whole_seconds(self) -> Self {
        Self(self.seconds() * 1_000)
    }

    /// This time, so many milliseconds later.
    #[must_use]
    pub fn plus(self, milliseconds: u64) -> Self {
        Self(self.0.saturating_add(milliseconds))
    }

    /// The milliseconds from `earlier` to this time; none if it is later.
    pub fn since(self, earlier: Self) -> u64 {
        self.0.saturating_sub(earlier.0)
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

/// How a message reaches the members of its conversation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Diffusion {
    /// Each member's inbox tells of it.
    #[default]
    Write,
    /// It stands on the timeline alone, and members look there: the conversation is a large group.
    /// Of an event that names members, their inboxes tell as well.
    Read,
}

/// What is asked to be kept: an entry without its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Draft {
    /// The author's own id of the message.
    pub id: MessageId,
    /// Who writes.
    pub author: UserId,
    /// On which of their devices.
    pub device: DeviceId,
    /// When the server took it.
    pub at: Timestamp,
    /// What sort of entry it is.
    pub kind: Kind,
    /// The version of the conversation's membership under which the author may write.
    pub version: u64,
    /// The author's inbox tail, read before the append: their own inbox entry of this message, the
    /// mark of a finished fan-out, can only stand after it.
    pub inbox_before: Seq,
    /// How it reaches the members.
    pub diffusion: Diffusion,
    /// Of an event: whom it is about. They are told of it whether or not they are members.
    pub named: Vec<UserId>,
    /// Of a recall or an edit: the message that it takes back or changes.
    pub target: Option<Seq>,
    /// What it says.
    pub body: Body,
}

impl Draft {
    /// The entry that this draft becomes right after `previous`.
    ///
    /// The prefix counts follow from the predecessor, so they are exact as long as every entry is
    /// put right after one that was read.
    pub fn after(self, previous: Option<&Entry>) -> Entry {
        let (seq, countable, recalls) = match previous {
            Some(entry) => (entry.seq.next(), entry.countable, entry.recalls),
            None => (Seq::FIRST, 0, 0),
        };
        self.placed(seq, countable, recalls)
    }

    /// The entry that this draft becomes at a sequence its caller chose.
    pub fn at(self, seq: Seq) -> Entry {
        self.placed(seq, 0, 0)
    }

    fn placed(self, seq: Seq, countable: u64, recalls: u64) -> Entry {
        Entry {
            seq,
            countable: countable + u64::from(!self.kind.is_event()),
            recalls: recalls + u64::from(self.kind.as_str() == Kind::RECALL),
            id: self.id,
            author: self.author,
            device: self.device,
            at: self.at,
            kind: self.kind,
            version: self.version,
            inbox_before: self.inbox_before,
            diffusion: self.diffusion,
            named: self.named,
            target: self.target,
            revision: None,
            recalled: None,
            body: Some(self.body),
        }
    }
}

/// What was kept on a timeline.
///
/// Everything but the body is written once and never changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its place; dense, and for ever.
    pub seq: Seq,
    /// The author's own id of the message.
    pub id: MessageId,
    /// Who wrote it.
    pub author: UserId,
    /// On which of their devices.
    pub device: DeviceId,
    /// When the server took it.
    pub at: Timestamp,
    /// What sort of entry it is.
    pub kind: Kind,
    /// How many entries up to and including this one count as messages.
    pub countable: u64,
    /// How many entries up to and including this one recall another.
    pub recalls: u64,
    /// The version of the membership under which it was written.
    pub version: u64,
    /// The author's inbox tail before it was written; see [`Draft::inbox_before`].
    pub inbox_before: Seq,
    /// How it reaches the members.
    pub diffusion: Diffusion,
    /// Of an event: whom it is about.
    pub named: Vec<UserId>,
    /// Of a recall or an edit: the message that it takes back or changes.
    pub target: Option<Seq>,
    /// The event that replaced the body last; zero where it was replaced without one.
    pub revision: Option<Seq>,
    /// The event that took it back.
    pub recalled: Option<Seq>,
    /// What it says; `None` once it was deleted or taken back, which leaves the rest in place.
    pub body: Option<Body>,
}

impl Entry {
    /// Whether it is the message that `author` calls `id`.
    pub fn is(&self, author: &UserId, id: &MessageId) -> bool {
        self.author == *author && self.id == *id
    }

    /// Whether a fan-out of it writes inboxes, and ends with the marker in its author's.
    pub fn is_marked(&self) -> bool {
        self.diffusion == Diffusion::Write || !self.named.is_empty() || self.target.is_some()
    }

    /// Whether it counts as a message to those who did not write it: no event, and not taken back.
    pub fn is_countable(&self) -> bool {
        !self.kind.is_event() && self.body.is_some()
    }

    /// Whether a repeated `draft` asks for what this entry keeps.
    ///
    /// A body that was replaced or deleted since says nothing of what was asked for.
    pub fn repeats(&self, draft: &Draft) -> bool {
        self.is(&draft.author, &draft.id)
            && self.kind == draft.kind
            && self.target == draft.target
            && (self.revision.is_some()
                || self.body.as_ref().is_none_or(|body| *body == draft.body))
    }
}

/// What a member's inbox says of an entry: where to find it, and its body when that is short.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InboxEntry {
    /// Its place in the inbox; dense, and for ever.
    pub position: Seq,
    /// The conversation on whose timeline it is kept.
    pub conversation: ConversationId,
    /// Its place there.
    pub seq: Seq,
    /// The author's own id of the message.
    pub id: MessageId,
    /// Who wrote it.
    pub author: UserId,
    /// When the server took it.
    pub at: Timestamp,
    /// What sort of entry it is.
    pub kind: Kind,
    /// The prefix count of its timeline, see [`Entry::countable`].
    pub countable: u64,
    /// How the conversation's messages reach its members, see [`Entry::diffusion`].
    pub diffusion: Diffusion,
    /// Of a recall or an edit: the message that it takes back or changes.
    pub target: Option<Seq>,
    /// When the inbox forgets it; the timeline keeps it.
    pub expires: Timestamp,
    /// The body, unless it is above [`limits::INBOX_BODY_BYTES_MAX`]: then the timeline has it.
    pub body: Option<Body>,
}

impl InboxEntry {
    /// What an inbox keeps of `entry` at `position` until it `expires`, in whole seconds.
    pub fn of(
        entry: &Entry,
        conversation: &ConversationId,
        position: Seq,
        expires: Timestamp,
    ) -> Self {
        let body = entry.body.as_ref();
        let short = body.filter(|body| body.as_str().len() <= limits::INBOX_BODY_BYTES_MAX);
        Self {
            position,
            conversation: conversation.clone(),
            seq: entry.seq,
            id: entry.id,
            author: entry.author.clone(),
            at: entry.at,
            kind: entry.kind.clone(),
            countable: entry.countable,
            diffusion: entry.diffusion,
            target: entry.target,
            expires,
            body: short.cloned(),
        }
    }

    /// Whether it tells of the entry at `seq` of `conversation`; what tells of an own doing about
    /// it does not.
    pub fn tells_of(&self, conversation: &ConversationId, seq: Seq) -> bool {
        self.seq == seq && self.conversation == *conversation && !self.kind.is_control()
    }

    /// Whether it tells the same as another, wherever the two stand.
    pub fn tells_the_same(&self, other: &Self) -> bool {
        if !self.kind.is_control() {
            return other.tells_of(&self.conversation, self.seq);
        }
        (&self.kind, &self.conversation, self.seq) == (&other.kind, &other.conversation, other.seq)
            && self.body == other.body
    }
}

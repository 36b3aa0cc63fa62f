//! The port to the directory: who is in which conversation; and claims, for clients without a base.
//!
//! # Invariants
//!
//! * A conversation's *version* counts its changes; each is one conditional write of the
//!   conversation, so of two at once one is refused and looks again.
//! * What a change still has to do is written with it, as [`Pending`]: whoever comes next finishes
//!   what a crash left.
//! * Rows of members and listings carry the version that wrote them, and a later one is never
//!   overwritten by an earlier: a request that was long under way undoes nothing.

use std::collections::BTreeMap;

use async_trait::async_trait;
use timeline::{
    Admission, Body, ConversationId, DeviceId, Diffusion, Kind, MessageId, Muted, Role, Seq,
    Timestamp, Title, UserId, Visibility,
};

use crate::error::Error;
use crate::timelines::Put;

/// A member of a conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Membership {
    /// The first sequence that the member is sent: one after the tail that was read before they
    /// were written down.
    pub joined: Seq,
    /// What they may do.
    pub role: Role,
    /// Whether they are left alone while offline.
    pub muted: Muted,
}

/// Who is in a conversation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Members {
    /// These: each one's inbox is told of every message.
    Inline(BTreeMap<UserId, Membership>),
    /// Those who have a row of their own, see [`Directory::members`]: the group is large, and its
    /// messages are read from its timeline.
    Rows {
        /// The event after which it was so; up to there inboxes are told.
        switched: Seq,
        /// The version that wrote the rows; an older row says nothing.
        since: u64,
        /// How many members it has.
        count: u64,
    },
}

impl Members {
    /// How many members there are.
    pub fn count(&self) -> u64 {
        match self {
            Self::Inline(members) => members.len() as u64,
            Self::Rows { count, .. } => *count,
        }
    }

    /// How messages reach them.
    pub fn diffusion(&self) -> Diffusion {
        match self {
            Self::Inline(_) => Diffusion::Write,
            Self::Rows { .. } => Diffusion::Read,
        }
    }
}

/// What a change of a conversation still has to do: rows, listings, and the event that tells of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pending {
    /// The version that the change made.
    pub version: u64,
    /// The event's id.
    pub id: MessageId,
    /// Who made the change.
    pub author: UserId,
    /// On which of their devices.
    pub device: DeviceId,
    /// When.
    pub at: Timestamp,
    /// The event's kind.
    pub kind: Kind,
    /// Whom it is about.
    pub named: Vec<UserId>,
    /// What it says.
    pub body: Body,
    /// The tail that was read before the change: the event can only stand after it.
    pub base: Seq,
    /// How many entries up to there count as messages.
    pub countable: u64,
    /// Whose membership is what now; `None` of those who are out.
    pub members: Vec<(UserId, Option<Membership>)>,
}

/// What is known about a conversation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conversation {
    /// Which one.
    pub id: ConversationId,
    /// Counts the changes.
    pub version: u64,
    /// When it was made.
    pub made: Timestamp,
    /// What it is called; a direct conversation is called nothing.
    pub title: Option<Title>,
    /// How much of what was before they joined a member sees.
    pub visibility: Visibility,
    /// Who may join by themselves.
    pub admission: Admission,
    /// Who is in it.
    pub members: Members,
    /// What its last change still has to do.
    pub pending: Option<Pending>,
}

/// The row of a member of a large group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MemberRow {
    /// The version of the conversation that wrote it.
    pub version: u64,
    /// What they are; `None` once they are out.
    pub membership: Option<Membership>,
}

/// How far somebody has read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ReadPosition {
    /// The last sequence that they have read.
    pub seq: Seq,
    /// How many entries up to there count as messages.
    pub countable: u64,
}

/// A conversation that goes on a user's list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Enlisting {
    /// The conversation.
    pub conversation: ConversationId,
    /// The version of the conversation that writes it.
    pub version: u64,
    /// The first sequence that the user is sent.
    pub joined: Seq,
    /// How its messages reach them.
    pub diffusion: Diffusion,
    /// Where their reading begins, of who has just joined.
    pub begins: Option<ReadPosition>,
}

/// A conversation on a user's list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listing {
    /// The conversation.
    pub conversation: ConversationId,
    /// The version of the conversation that wrote it.
    pub version: u64,
    /// The first sequence that the user is sent.
    pub joined: Seq,
    /// How its messages reach them.
    pub diffusion: Diffusion,
    /// How far they have read.
    pub read: ReadPosition,
    /// Whether they are left alone while offline.
    pub muted: Muted,
    /// Since when they keep it at hand.
    pub pinned: Option<Timestamp>,
}

/// What a user wants of a conversation on their list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wish {
    /// To be left alone while offline, or not.
    Mute(Muted),
    /// To keep it at hand since then, or not.
    Pin(Option<Timestamp>),
}

/// How far a member has read, as others may know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reading {
    /// Who.
    pub user: UserId,
    /// The last sequence that they have read.
    pub seq: Seq,
    /// When they read it.
    pub at: Timestamp,
}

/// The directory. Every read is strongly consistent.
#[async_trait]
pub trait Directory: Send + Sync {
    /// What is known about a conversation; `None` when it does not exist.
    ///
    /// # Errors
    ///
    /// As the store's.
    async fn conversation(&self, id: &ConversationId) -> Result<Option<Conversation>, Error>;

    /// Creates a conversation, unless it exists. Its members' lists and rows come first (see
    /// [`Directory::list`]): a conversation that exists is on all of them.
    ///
    /// # Errors
    ///
    /// As the store's.
    async fn create(&self, conversation: &Conversation) -> Result<Put<Conversation>, Error>;

    /// Writes `conversation` in place of its version `before`.
    ///
    /// # Errors
    ///
    /// [`Error::Conflict`] when another version is kept, which may be this one: after
    /// [`Error::Unavailable`] and after a conflict its caller looks.
    async fn replace(&self, conversation: &Conversation, before: u64) -> Result<(), Error>;

    /// Forgets what the change that made `version` had to do, if it is the last one.
    ///
    /// # Errors
    ///
    /// As the store's; that there was another change is none.
    async fn settle(&self, id: &ConversationId, version: u64) -> Result<(), Error>;

    /// The row of a member of a large group, of those who are out as well.
    ///
    /// # Errors
    ///
    /// As the store's.
    async fn member(&self, id: &ConversationId, user: &UserId) -> Result<Option<MemberRow>, Error>;

    /// Writes a member's row, unless there is one of the same or a later version.
    ///
    /// # Errors
    ///
    /// As the store's.
    async fn put_member(
        &self,
        id: &ConversationId,
        user: &UserId,
        row: &MemberRow,
    ) -> Result<(), Error>;

    /// The members' rows after `after` in the order of ids, at most `max_count`.
    ///
    /// # Errors
    ///
    /// As the store's.
    async fn members(
        &self,
        id: &ConversationId,
        after: Option<&UserId>,
        max_count: usize,
    ) -> Result<Vec<(UserId, MemberRow)>, Error>;

    /// Lists a conversation as one of `user`'s, unless a later version was there. Where their
    /// reading begins is written by the first write of a version: the same again, however late,
    /// leaves them what they have read since.
    ///
    /// # Errors
    ///
    /// As the store's.
    async fn list(&self, user: &UserId, enlisting: &Enlisting) -> Result<(), Error>;

    /// Takes a conversation off `user`'s list, unless a later version was there.
    ///
    /// # Errors
    ///
    /// As the store's.
    async fn unlist(
        &self,
        user: &UserId,
        conversation: &ConversationId,
        version: u64,
    ) -> Result<(), Error>;

    /// A conversation on a user's list.
    ///
    /// # Errors
    ///
    /// As the store's.
    async fn listing(
        &self,
        user: &UserId,
        conversation: &ConversationId,
    ) -> Result<Option<Listing>, Error>;

    /// Writes down how far a user has read, unless they have read further; how far that is then.
    /// `None` where the conversation is not on their list.
    ///
    /// # Errors
    ///
    /// As the store's.
    async fn mark_read(
        &self,
        user: &UserId,
        conversation: &ConversationId,
        position: ReadPosition,
    ) -> Result<Option<ReadPosition>, Error>;

    /// Writes down what a user wants of a conversation on their list.
    ///
    /// # Errors
    ///
    /// As the store's; that it is not on their list is none.
    async fn wish(
        &self,
        user: &UserId,
        conversation: &ConversationId,
        wish: Wish,
    ) -> Result<(), Error>;

    /// Writes down for others how far a member has read, unless they have read further.
    ///
    /// # Errors
    ///
    /// As the store's.
    async fn note_read(&self, id: &ConversationId, reading: &Reading) -> Result<(), Error>;

    /// How far members have read, after `after` in the order of ids, at most `max_count`; who has
    /// read nothing is not among them.
    ///
    /// # Errors
    ///
    /// As the store's.
    async fn readings(
        &self,
        id: &ConversationId,
        after: Option<&UserId>,
        max_count: usize,
    ) -> Result<Vec<Reading>, Error>;

    /// A user's conversations after `after` in the order of ids, at most `max_count`.
    ///
    /// # Errors
    ///
    /// As the store's.
    async fn conversations(
        &self,
        user: &UserId,
        after: Option<&ConversationId>,
        max_count: usize,
    ) -> Result<Vec<Listing>, Error>;
}

/// Claims: what the server remembers in place of a client that cannot say its base.
#[async_trait]
pub trait Claims: Send + Sync {
    /// Writes down that `author` first tried to send `id` when the tail was `base`, and returns
    /// what was written the first time. A claim never expires: a later one would not know of
    /// attempts before it.
    ///
    /// # Errors
    ///
    /// As the store's; after [`Error::Unavailable`] it is made again.
    async fn claim(
        &self,
        conversation: &ConversationId,
        author: &UserId,
        id: &MessageId,
        base: Seq,
    ) -> Result<Seq, Error>;
}

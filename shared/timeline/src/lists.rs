//! What is asked about one's own conversations, and what is told: how far one has read, who has
//! read what, and what is new where.

use crate::body::Body;
use crate::entry::{Diffusion, Entry, Seq, Timestamp};
use crate::group::{Muted, Title};
use crate::id::{ConversationId, MessageId, UserId};

/// Somebody has read up to a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReadRequest {
    /// In which conversation.
    pub conversation: ConversationId,
    /// The message.
    pub seq: Seq,
}

/// How far somebody has read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Read {
    /// Up to which message, if they had not read further.
    pub seq: Seq,
    /// How many they have not read, at most [`limits::UNREAD_MAX`](crate::limits::UNREAD_MAX).
    pub unread: usize,
}

/// Who has read a message, or how far everyone has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReceiptsRequest {
    /// In which conversation.
    pub conversation: ConversationId,
    /// Which message; `None` for how far everyone has read.
    pub seq: Option<Seq>,
    /// The reader after whom the list goes on, in the order of ids.
    pub after: Option<UserId>,
    /// The most readers to return.
    pub limit: usize,
}

/// How far one member has read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// Who.
    pub user: UserId,
    /// Up to which message.
    pub seq: Seq,
    /// When.
    pub at: Timestamp,
}

/// Who has read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipts {
    /// How many.
    pub count: usize,
    /// A page of them, in the order of ids.
    pub readers: Vec<Receipt>,
    /// The reader after whom the list goes on.
    pub page: Option<UserId>,
}

/// A message is to be taken back, or changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecallRequest {
    /// In which conversation.
    pub conversation: ConversationId,
    /// Which message.
    pub seq: Seq,
    /// The event's own id, the same at every attempt.
    pub message: MessageId,
    /// The highest sequence the client knew before its first attempt; `None` if it cannot say.
    pub base: Option<Seq>,
    /// What it is to say; `None` to take it back.
    pub body: Option<Body>,
}

/// A page of one's conversations.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConversationsRequest {
    /// The most conversations to return.
    pub limit: usize,
    /// Where the list goes on.
    pub after: Option<Place>,
}

/// Where a conversation stands in a list that is ordered by activity.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// When its newest message was taken.
    pub at: Timestamp,
    /// The conversation.
    pub conversation: ConversationId,
}

/// A conversation of the list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// The conversation.
    pub conversation: ConversationId,
    /// What it is called; a direct one is called nothing.
    pub title: Option<Title>,
    /// How its messages reach its members.
    pub diffusion: Diffusion,
    /// Its newest sequence.
    pub tail: Seq,
    /// How far the caller has read.
    pub read: Seq,
    /// How many messages the caller has not read.
    pub unread: usize,
    /// Whether the caller is left alone while offline.
    pub muted: Muted,
    /// Since when the caller keeps it at hand.
    pub pinned: Option<Timestamp>,
    /// Its newest entry, as far as the caller may see it.
    pub last: Option<Box<Entry>>,
}

/// One's conversations, those that were active last first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conversations {
    /// A page of them.
    pub rows: Vec<Row>,
    /// How many messages are unread in all of them; each counts up to
    /// [`limits::UNREAD_MAX`](crate::limits::UNREAD_MAX).
    pub unread: usize,
    /// Where the list goes on.
    pub page: Option<Place>,
}

//! What the engine wants done, and what it has to show.

use std::fmt;

use timeline::exchange::KickReason;
use timeline::{ConversationId, MessageId, Seq, Timestamp};
use wire::{
    Grouped, Listed, Matches, Message, Messages, Problem, ReadBy, ReadUpTo, Readers, Sent, SignalBy,
};

use crate::record::Record;

/// Something to do, in this order: a record that comes before a frame is on disk before the frame
/// leaves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// Opens a connection and reports how that went.
    Connect {
        /// Whether the token at hand will do.
        token: Token,
    },
    /// Drops the connection, open or opening; nothing more is to be reported of it.
    Close,
    /// Sends a text frame.
    Transmit(String),
    /// Appends a record to what [`State::replay`](crate::State::replay) will read.
    Persist(Record),
    /// Shows a change.
    Changed(Change),
}

/// Which token opens a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Token {
    /// Any that has not expired.
    Current,
    /// A new one: the server called the last one expired.
    Fresh,
}

/// Something that a user can notice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// The connection's state changed.
    Link(Link),
    /// The next message of its conversation; each comes once, in order, after its record.
    Message(Message),
    /// A message of this device is kept.
    Acked(Acked),
    /// A message of this device was refused for good and has left the outbox.
    Failed {
        /// The message.
        cid: MessageId,
        /// Why.
        problem: Problem,
    },
    /// What a [`Command::Fetch`](crate::Command::Fetch) asked for.
    Fetched {
        /// The command's ticket.
        ticket: u64,
        /// The page, or why there is none.
        outcome: Result<Messages, Problem>,
    },
    /// What a [`Command::Group`](crate::Command::Group) came to.
    Grouped {
        /// The command's ticket.
        ticket: u64,
        /// The group, or why nothing was done.
        outcome: Result<Grouped, Problem>,
    },
    /// What a [`Command::Conversations`](crate::Command::Conversations) asked for.
    Conversations {
        /// The command's ticket.
        ticket: u64,
        /// The page, or why there is none.
        outcome: Result<Listed, Problem>,
    },
    /// What a [`Command::Receipts`](crate::Command::Receipts) asked for.
    Receipts {
        /// The command's ticket.
        ticket: u64,
        /// Who has read, or why nobody says.
        outcome: Result<Readers, Problem>,
    },
    /// What a [`Command::Search`](crate::Command::Search) asked for.
    Searched {
        /// The command's ticket.
        ticket: u64,
        /// The page, or why there is none.
        outcome: Result<Found, Problem>,
    },
    /// What a [`Command::Recall`](crate::Command::Recall) came to.
    Recalled {
        /// The command's ticket.
        ticket: u64,
        /// The place of the event that tells of it, or why there is none.
        outcome: Result<Sent, Problem>,
    },
    /// What telling the server of a [`Command::Read`](crate::Command::Read) came to.
    Told {
        /// The conversation.
        conversation: ConversationId,
        /// How far it is read, or why the server was told in vain; that is not tried again.
        outcome: Result<ReadUpTo, Problem>,
    },
    /// Another device of this user did something about a conversation: a message of kind `read`,
    /// `mute` or `pin`, which stands in no conversation. After a crash it may be told again.
    Control(Message),
    /// Somebody else has read so far. It is told to who is online, and to nobody later.
    Read(ReadBy),
    /// Somebody does something just now, for example types.
    Signal(SignalBy),
    /// The server's log went back: messages of the conversation after this one are void.
    Restarted {
        /// The conversation.
        conversation: ConversationId,
        /// Its newest message that still stands.
        seq: Seq,
    },
}

/// A page of what was found.
#[derive(Clone, PartialEq, Eq)]
pub struct Found(pub Matches);

/// Says how much it is, and nothing of what it says.
impl fmt::Debug for Found {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Matches { hits, conversations, page } = &self.0;
        let end = if page.is_some() { ", and more" } else { "" };
        write!(f, "Found({} hits, {} conversations{end})", hits.len(), conversations.len())
    }
}

/// The state of the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Link {
    /// It is being opened.
    Connecting,
    /// It is open.
    Open,
    /// It is lost and will be opened again.
    Lost {
        /// When.
        retry: Timestamp,
    },
    /// The server refused the token or the device; nothing is tried until
    /// [`Command::Open`](crate::Command).
    Refused {
        /// The HTTP status: 401 or 403.
        status: u16,
    },
    /// The server kicked the device, and its token is dead; nothing is tried until
    /// [`Command::Open`](crate::Command).
    Kicked {
        /// Why; `None` if this version does not know the reason.
        reason: Option<KickReason>,
    },
    /// It was closed by [`Command::Close`](crate::Command::Close).
    Closed,
}

/// Where a message of this device is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Acked {
    /// The message.
    pub cid: MessageId,
    /// The conversation.
    pub conversation: ConversationId,
    /// The message's place in it.
    pub seq: Seq,
    /// When the server took it.
    pub at: Timestamp,
    /// Whether an earlier attempt had kept it already.
    pub duplicate: bool,
}

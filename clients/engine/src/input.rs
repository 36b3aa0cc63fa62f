//! What the engine is told.

use serde_json::value::RawValue;
use timeline::exchange::{Destination, Part};
use timeline::search::{Filters, QueryText};
use timeline::{ConversationId, Kind, MessageId, Seq};

/// Something that happened, in the order in which it did.
#[derive(Clone, Debug)]
pub enum Input<'a> {
    /// The connection that [`Output::Connect`](crate::Output::Connect) asked for is open.
    Connected,
    /// The connection closed or could not be made. After [`Output::Close`](crate::Output::Close)
    /// nothing more is reported of the connection that it closed.
    Disconnected,
    /// The server refused the handshake with this HTTP status.
    Refused {
        /// The status, for example 401.
        status: u16,
    },
    /// A text frame arrived.
    Frame(&'a str),
    /// The user wants something.
    Command(Command),
    /// Time passed: what is due is done. Every other input does this too.
    Tick,
}

/// What a user can want.
#[derive(Clone, Debug)]
pub enum Command {
    /// Connects again, with a fresh token, after [`Link::Refused`](crate::Link::Refused),
    /// [`Link::Kicked`](crate::Link::Kicked) or [`Command::Close`].
    Open,
    /// Closes the connection and stays offline.
    Close,
    /// Sends a message; it is repeated until the server has kept or refused it for good.
    Send(Draft),
    /// Reads a page of a conversation without applying it, as a view that pages back does.
    Fetch {
        /// Comes back in [`Change::Fetched`](crate::Change::Fetched).
        ticket: u64,
        /// The conversation.
        conversation: ConversationId,
        /// Which part of it.
        part: Part,
        /// The most messages; 100 if absent, and at most.
        limit: Option<u64>,
    },
    /// Asks something about a group, again and again until the answer is final; the same request
    /// may arrive more than once. A `create` needs its `cid`.
    Group {
        /// Comes back in [`Change::Grouped`](crate::Change::Grouped).
        ticket: u64,
        /// The request; its id is filled in.
        request: Box<wire::Group>,
    },
    /// The user has read so far, which is never taken back. The server is told the furthest of
    /// these, again and again until it knows or refuses; a position beyond what was applied counts
    /// as that.
    Read {
        /// Which conversation.
        conversation: ConversationId,
        /// The last message that was read.
        seq: Seq,
    },
    /// Asks for a page of the user's conversations, those that were active last first.
    Conversations {
        /// Comes back in [`Change::Conversations`](crate::Change::Conversations).
        ticket: u64,
        /// The most conversations; 100 if absent, and at most.
        limit: Option<u64>,
        /// The page that the last answer named.
        page: Option<String>,
    },
    /// Asks who has read.
    Receipts {
        /// Comes back in [`Change::Receipts`](crate::Change::Receipts).
        ticket: u64,
        /// Which conversation.
        conversation: ConversationId,
        /// Which message; how far everyone has read if absent.
        seq: Option<Seq>,
        /// The page that the last answer named.
        page: Option<String>,
    },
    /// Asks for a page of messages that say something, again and again until the answer is final.
    Search {
        /// Comes back in [`Change::Searched`](crate::Change::Searched).
        ticket: u64,
        /// What is searched for.
        query: Box<Query>,
    },
    /// Takes a message back, or changes what it says, again and again until the answer is final.
    /// Not persisted: done again after a restart, with another `cid`, it comes to the same.
    Recall {
        /// Comes back in [`Change::Recalled`](crate::Change::Recalled).
        ticket: u64,
        /// Which conversation.
        conversation: ConversationId,
        /// Which message.
        seq: Seq,
        /// The event's own id: a UUIDv7 that no message has.
        cid: MessageId,
        /// What the message is to say, as in [`Draft::body`]; it is taken back if absent.
        body: Option<Box<RawValue>>,
    },
    /// The user looks at a conversation: of a large group, messages are then pushed to this device.
    /// Not persisted: after a restart the host says so again.
    Focus(ConversationId),
    /// The user looks at it no more.
    Blur(ConversationId),
}

/// A message to be sent.
#[derive(Clone, Debug)]
pub struct Draft {
    /// Where it goes.
    pub destination: Destination,
    /// Its own id: a UUIDv7 that no other message has.
    pub cid: MessageId,
    /// What sort of message it is.
    pub kind: Kind,
    /// What it says: a JSON object of at most [`timeline::limits::BODY_BYTES_MAX`] bytes.
    pub body: Box<RawValue>,
}

/// What is searched for, and which page of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Query {
    /// What messages have to say.
    pub text: QueryText,
    /// In which conversation; in all of the user's if absent.
    pub conversation: Option<ConversationId>,
    /// What else they have to be.
    pub filters: Filters,
    /// The most hits; [`SEARCH_HITS_DEFAULT`](timeline::limits::SEARCH_HITS_DEFAULT) if absent, and
    /// [`SEARCH_HITS_MAX`](timeline::limits::SEARCH_HITS_MAX) at most.
    pub limit: Option<u64>,
    /// The page that the last answer to the same query named.
    pub page: Option<String>,
}

impl Query {
    /// The first page of what messages have to say, in all of the user's conversations.
    pub fn new(text: String) -> Self {
        Self {
            text: QueryText::new(text),
            conversation: None,
            filters: Filters::default(),
            limit: None,
            page: None,
        }
    }
}

/// What is fixed for an engine's life.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// Where conversations begin that are older than this device's first sync.
    pub older: Older,
}

/// Where conversations begin that are older than this device's first sync.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Older {
    /// At their newest message; a view pages back on demand.
    #[default]
    OnDemand,
    /// At the first message that the user may see: everything is read.
    Backfill,
}

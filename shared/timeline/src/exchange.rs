//! What clients ask for and are given, in terms of the model: what `wire` reads and writes, and
//! what `chat` works with.

use std::collections::BTreeMap;

use crate::body::{Body, Kind};
use crate::entry::{Diffusion, Entry, InboxEntry, Seq, Timestamp};
use crate::id::{ConnectionId, ConversationId, DeviceId, MessageId, Platform, UserId};
use crate::limits;

/// Who asks: taken from the token that opened the connection, never from a frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// The user.
    pub user: UserId,
    /// On which of their devices.
    pub device: DeviceId,
    /// What the device runs on, if it says.
    pub platform: Option<Platform>,
    /// Over which connection.
    pub connection: ConnectionId,
    /// When the connection was made, by API Gateway's clock.
    pub connected: Timestamp,
    /// When the token expires.
    pub expires: Timestamp,
}

/// Why a device was kicked: another one came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KickReason {
    /// Of the same platform, of which the user may have one device online.
    Platform,
    /// Beyond the number of devices that the user may have online; this one was there longest.
    Limit,
}

/// Where a message goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Destination {
    /// A conversation that the sender knows.
    Conversation(ConversationId),
    /// A person: the direct conversation with them, made by its first message.
    Person(UserId),
}

/// A message that a client wants to send.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outgoing {
    /// Where it goes.
    pub destination: Destination,
    /// The message's own id, the same at every attempt.
    pub message: MessageId,
    /// The highest sequence the client knew before its first attempt; `None` if it cannot say.
    pub base: Option<Seq>,
    /// What sort of message it is.
    pub kind: Kind,
    /// Of a recall or an edit: the message that it takes back or changes.
    pub target: Option<Seq>,
    /// What it says.
    pub body: Body,
}

/// Where an own message, or what another own device did, stands in its author's inbox.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Marker {
    /// Its place in the inbox.
    pub position: Seq,
    /// The conversation.
    pub conversation: ConversationId,
    /// Its place on the conversation's timeline; of a control, what that is about.
    pub seq: Seq,
    /// Of a control its kind: one of [`Kind::CONTROLS`], and no message.
    pub control: Option<Kind>,
}

impl Marker {
    /// What `entry` marks.
    pub fn of(entry: &InboxEntry) -> Self {
        Self {
            position: entry.position,
            conversation: entry.conversation.clone(),
            seq: entry.seq,
            control: Some(&entry.kind).filter(|kind| kind.is_control()).cloned(),
        }
    }
}

/// Where a message was kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    /// The conversation.
    pub conversation: ConversationId,
    /// Its place there.
    pub seq: Seq,
    /// When the server took it.
    pub at: Timestamp,
    /// Whether an earlier attempt had kept it already.
    pub duplicate: bool,
    /// Own earlier messages in the sender's inbox.
    pub own: Vec<Marker>,
}

/// What a device wants to catch up from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Catchup {
    /// The last inbox position that the device has applied, if it has any.
    pub cursor: Option<Seq>,
    /// The most entries to return: 1 to [`limits::PAGE_ENTRIES_MAX`].
    pub limit: usize,
    /// The tails of large groups that the device knows.
    pub tails: BTreeMap<ConversationId, Seq>,
    /// When the device last synced, by the server's own clock.
    pub seen: Option<Timestamp>,
    /// The conversation after which a reset's list goes on.
    pub page: Option<ConversationId>,
}

/// A conversation, its newest sequence, and how its messages are found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// The conversation.
    pub conversation: ConversationId,
    /// Its newest sequence.
    pub tail: Seq,
    /// How its messages reach its members.
    pub diffusion: Diffusion,
}

/// What a device does just now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignalKind {
    /// It shows the conversation.
    Focus,
    /// It shows it no more.
    Blur,
    /// Somebody is typing on it.
    Typing,
    /// It asks who is online.
    Presence,
}

/// A device's signal about a conversation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signal {
    /// The conversation.
    pub conversation: ConversationId,
    /// What it does.
    pub kind: SignalKind,
}

/// What became of a signal.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Signaled {
    /// Until when a focus lasts.
    pub until: Option<Timestamp>,
    /// Who is online, where that was asked.
    pub online: Option<Vec<UserId>>,
}

/// What a device catches up with.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Caught {
    /// What came into the inbox, ascending; bodies are filled in.
    pub entries: Vec<InboxEntry>,
    /// The cursor to hold once they are applied.
    pub cursor: Seq,
    /// Whether there is more after this page.
    pub more: bool,
    /// Whether the device's cursor was worth nothing.
    pub reset: bool,
    /// Conversations and their newest sequences.
    pub conversations: Vec<Listed>,
    /// The inbox's newest position.
    pub tail: Seq,
    /// The server's time.
    pub seen: Timestamp,
    /// Where a reset's list of conversations goes on.
    pub page: Option<ConversationId>,
}

/// Which part of a conversation is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part {
    /// The newest page.
    Newest,
    /// The newest page below a sequence.
    Before(Seq),
    /// The page that follows a sequence.
    After(Seq),
    /// From one sequence to another, both included.
    Between(Seq, Seq),
    /// From one sequence to another, both included: the caller's own messages, withdrawn ones and
    /// those of an earlier membership too. All else counts as missing. By this an author finds out
    /// whether an attempt of theirs is kept.
    Own(Seq, Seq),
    /// Just these, ascending and without repeats.
    Listed(Vec<Seq>),
}

/// A part of one conversation that a client wants to read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lookup {
    /// The conversation.
    pub conversation: ConversationId,
    /// Which part of it.
    pub part: Part,
    /// The most messages to return: 1 to [`limits::PAGE_ENTRIES_MAX`].
    pub limit: usize,
}

/// A page of one conversation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// The conversation.
    pub conversation: ConversationId,
    /// The live messages, ascending.
    pub entries: Vec<Entry>,
    /// The first sequence that the caller may see; zero in an empty conversation.
    pub first: Seq,
    /// The newest sequence; zero in an empty conversation.
    pub last: Seq,
    /// Sequences of the page that have no live message.
    pub missing: Vec<Seq>,
    /// Whether the part goes on beyond the page.
    pub more: bool,
}

/// How many bytes a message takes at most in an answer: its ids and kinds need no escapes, its body
/// is carried as it is.
pub fn answer_bytes(
    conversation: &ConversationId,
    author: &UserId,
    kind: &Kind,
    body: Option<&Body>,
) -> usize {
    let ids = conversation.as_str().len() + author.as_str().len() + kind.as_str().len();
    limits::MESSAGE_FIELDS_BYTES + ids + body.map_or(0, |body| body.as_str().len())
}

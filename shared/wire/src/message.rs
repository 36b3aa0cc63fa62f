//! A message as pushes, `sync` and `history` carry it.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use timeline::{Body, ConversationId, Diffusion, Entry, InboxEntry, Seq};

use crate::group::is_false;

/// One message.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Message {
    /// Its place in the receiver's inbox; absent in `history`, and where no inbox tells of it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub q: Option<u64>,
    /// The conversation.
    pub conversation: String,
    /// Its place on the conversation's timeline.
    pub seq: u64,
    /// The author's own id of it.
    pub cid: String,
    /// Who wrote it.
    pub from: String,
    /// When the server took it: milliseconds since 1970 UTC.
    pub at: u64,
    /// What sort of message it is.
    pub kind: String,
    /// Whether its conversation is a large group: what follows it is found by the group's tail (in
    /// the `tails` of `sync`) and not in the inbox.
    #[serde(skip_serializing_if = "is_false", default)]
    pub large: bool,
    /// Of a `recall` or an `edit`: the message that it takes back or changes.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub target: Option<u64>,
    /// The event that changed what it says last, in `history`.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub edited: Option<u64>,
    /// What it says, byte for byte; `null` once it was withdrawn.
    pub body: Option<Box<RawValue>>,
}

impl Message {
    /// A message of `history`.
    pub fn of_entry(conversation: &ConversationId, entry: &Entry) -> Self {
        Self {
            q: None,
            conversation: conversation.as_str().to_owned(),
            seq: entry.seq.number(),
            cid: entry.id.to_string(),
            from: entry.author.as_str().to_owned(),
            at: entry.at.0,
            kind: entry.kind.as_str().to_owned(),
            large: entry.diffusion == Diffusion::Read,
            target: entry.target.map(Seq::number),
            edited: entry.revision.filter(|by| *by > Seq::ZERO).map(Seq::number),
            body: raw(entry.body.as_ref()),
        }
    }

    /// A message as its receiver's inbox places it, if it does: in a push.
    pub fn of_push(conversation: &ConversationId, entry: &Entry, position: Option<Seq>) -> Self {
        Self { q: position.map(Seq::number), ..Self::of_entry(conversation, entry) }
    }

    /// A message of `sync`.
    pub fn of_inbox(entry: &InboxEntry) -> Self {
        Self {
            q: Some(entry.position.number()),
            conversation: entry.conversation.as_str().to_owned(),
            seq: entry.seq.number(),
            cid: entry.id.to_string(),
            from: entry.author.as_str().to_owned(),
            at: entry.at.0,
            kind: entry.kind.as_str().to_owned(),
            large: entry.diffusion == Diffusion::Read,
            target: entry.target.map(Seq::number),
            edited: None,
            body: raw(entry.body.as_ref()),
        }
    }

    /// The text of a `text` message, if it is one.
    pub fn text(&self) -> Option<String> {
        let text: Text = serde_json::from_str(self.body.as_ref()?.get()).ok()?;
        (self.kind == timeline::Kind::TEXT).then_some(text.text)
    }
}

impl PartialEq for Message {
    fn eq(&self, other: &Self) -> bool {
        let body = |message: &Self| message.body.as_ref().map(|body| body.get().to_owned());
        (self.q, self.seq, self.at) == (other.q, other.seq, other.at)
            && (&self.conversation, &self.cid) == (&other.conversation, &other.cid)
            && (&self.from, &self.kind, self.large) == (&other.from, &other.kind, other.large)
            && (self.target, self.edited) == (other.target, other.edited)
            && body(self) == body(other)
    }
}

impl Eq for Message {}

/// The body of a `text` message.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Text {
    /// What it says.
    pub(crate) text: String,
}

/// The body of a `text` message that says this.
pub fn text_body(text: &str) -> Box<RawValue> {
    let body = Text { text: text.to_owned() };
    serde_json::value::to_raw_value(&body).expect("a text is JSON")
}

/// Where an own message stands in its author's inbox.
///
/// The device that sent it learns it this way and can move its cursor over it; without it each own
/// message would look like a gap.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Marker {
    /// Its place in the inbox.
    pub q: u64,
    /// The conversation.
    pub conversation: String,
    /// Its place on the conversation's timeline; of what another own device did, what it is about.
    pub seq: u64,
    /// What another own device did: `read`, `mute` or `pin`. Absent of a message.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub kind: Option<String>,
}

impl From<&timeline::exchange::Marker> for Marker {
    fn from(marker: &timeline::exchange::Marker) -> Self {
        Self {
            q: marker.position.number(),
            conversation: marker.conversation.as_str().to_owned(),
            seq: marker.seq.number(),
            kind: marker.control.as_ref().map(|kind| kind.as_str().to_owned()),
        }
    }
}

/// A kept body as JSON. What is kept was parsed on its way in, so it is JSON; were the store
/// corrupt, the message is shown as withdrawn rather than the whole answer lost.
fn raw(body: Option<&Body>) -> Option<Box<RawValue>> {
    body.and_then(|body| RawValue::from_string(body.as_str().to_owned()).ok())
}

//! `send`: a message for a conversation, or for a person.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use timeline::exchange::{Destination, Kept, Outgoing};
use timeline::{Body, ConversationId, Kind, MessageId, Seq, UserId};

use crate::code::{ErrorCode, Problem, Refusal};
use crate::frame::{self, Request, action};
use crate::message::{Marker, Text};

/// The frame as it travels.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Send {
    /// Always [`action::SEND`].
    pub action: String,
    /// The request's id.
    pub id: String,
    /// Where it goes; this or `to`.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub conversation: Option<String>,
    /// To whom it goes: the direct conversation with them, made by its first message.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub to: Option<String>,
    /// The message's own id: a UUIDv7, the same at every attempt.
    pub cid: String,
    /// The highest sequence of the conversation that the client knew before its first attempt.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub base: Option<u64>,
    /// What sort of message it is; `text` if absent.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub kind: Option<String>,
    /// What it says: a JSON object, `{"text":…}` for a text.
    pub body: Box<RawValue>,
}

impl Send {
    /// Reads a frame of this route.
    ///
    /// # Errors
    ///
    /// A [`Refusal`] that says which rule the frame breaks.
    pub fn parse(text: &str) -> Result<Request<Outgoing>, Refusal> {
        frame::parse(text, |send: Self| {
            let destination = match (&send.conversation, &send.to) {
                (Some(id), None) => Destination::Conversation(ConversationId::parse(id)?),
                (None, Some(user)) => Destination::Person(UserId::parse(user)?),
                (Some(_), Some(_)) | (None, None) => {
                    let message = "exactly one of conversation and to";
                    return Err(Problem::new(ErrorCode::Invalid, message));
                }
            };
            let kind = match &send.kind {
                Some(kind) => Kind::parse(kind)?,
                None => Kind::text(),
            };
            let outgoing = Outgoing {
                destination,
                message: MessageId::parse(&send.cid)?,
                base: send.base.map(seq).transpose()?,
                body: body(&send.body, &kind)?,
                kind,
                target: None,
            };
            Ok((send.id, outgoing))
        })
    }

    /// The frame's text, as a client sends it.
    pub fn to_json(&self) -> String {
        frame::to_json(self)
    }

    /// The frame of a message; `conversation` or `to`, `base` and `kind` are filled in after.
    pub fn new(id: String, cid: String, body: Box<RawValue>) -> Self {
        Self {
            action: action::SEND.to_owned(),
            id,
            conversation: None,
            to: None,
            cid,
            base: None,
            kind: None,
            body,
        }
    }
}

/// What a `send` that was kept is answered with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sent {
    /// The conversation, also when the message went `to` a person.
    pub conversation: String,
    /// The message's place on the conversation's timeline.
    pub seq: u64,
    /// When the server took it: milliseconds since 1970 UTC.
    pub at: u64,
    /// Whether an earlier attempt had kept it already.
    pub duplicate: bool,
    /// Own earlier messages' places in the sender's inbox.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub own: Vec<Marker>,
}

impl From<Kept> for Sent {
    fn from(kept: Kept) -> Self {
        Self {
            conversation: kept.conversation.as_str().to_owned(),
            seq: kept.seq.number(),
            at: kept.at.0,
            duplicate: kept.duplicate,
            own: kept.own.iter().map(Marker::from).collect(),
        }
    }
}

/// Reads a sequence of a frame.
pub(crate) fn seq(number: u64) -> Result<Seq, Problem> {
    Seq::new(number)
        .ok_or_else(|| Problem::new(ErrorCode::Invalid, "a sequence is at most 2^53 - 2"))
}

fn body(raw: &RawValue, kind: &Kind) -> Result<Body, Problem> {
    let invalid = |message| Err(Problem::new(ErrorCode::Invalid, message));
    if !raw.get().starts_with('{') {
        return invalid("a body is a JSON object");
    }
    if kind.as_str() == Kind::TEXT && serde_json::from_str::<Text>(raw.get()).is_err() {
        return invalid("the body of a text is {\"text\": a string}");
    }
    Ok(Body::parse(raw.get())?)
}

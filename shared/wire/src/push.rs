//! Frames that nobody asked for, and all that a client may get.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use timeline::exchange::KickReason;

use crate::code::Problem;
use crate::frame;
use crate::message::{Marker, Message};

/// The `event` of a pushed message.
const MESSAGE: &str = "message";

/// The `event` of the last push to a device that was kicked.
const KICKED: &str = "kicked";

/// The `event` of a read position.
const READ: &str = "read";

/// The `event` of what somebody does just now.
const SIGNAL: &str = "signal";

/// Every reason to kick a device, with its name.
const KICK_REASONS: [(KickReason, &str); 2] =
    [(KickReason::Platform, "platform"), (KickReason::Limit, "limit")];

/// A pushed message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Push {
    /// The message, with its place in the receiver's inbox.
    pub message: Message,
    /// Own messages right before it in the receiver's inbox, so that the device that sent them can
    /// move its cursor over them.
    pub own: Vec<Marker>,
}

/// How a pushed message travels. It can only be written: raw JSON cannot be read through a
/// flattened structure, so reading goes by [`Incoming::parse`].
#[derive(Serialize)]
struct Pushed<'a> {
    event: &'static str,
    #[serde(flatten)]
    message: &'a Message,
    #[serde(skip_serializing_if = "<[Marker]>::is_empty")]
    own: &'a [Marker],
}

impl Push {
    /// The frame's text.
    pub fn to_json(&self) -> String {
        frame::to_json(&Pushed { event: MESSAGE, message: &self.message, own: &self.own })
    }
}

/// The last push to a device that was kicked; its connection is closed next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kicked {
    /// Why.
    pub reason: KickReason,
}

#[derive(Serialize)]
struct PushedKick {
    event: &'static str,
    reason: &'static str,
}

impl Kicked {
    /// The frame's text.
    pub fn to_json(self) -> String {
        let row = KICK_REASONS.iter().find(|row| row.0 == self.reason);
        let (_, reason) = row.expect("every reason has its row in KICK_REASONS");
        frame::to_json(&PushedKick { event: KICKED, reason })
    }
}

/// Somebody has read so far: a push.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct ReadBy {
    /// In which conversation.
    pub conversation: String,
    /// Who.
    pub user: String,
    /// Up to which message.
    pub seq: u64,
    /// When: milliseconds since 1970 UTC.
    pub at: u64,
}

#[derive(Serialize)]
struct PushedRead<'a> {
    event: &'static str,
    conversation: &'a str,
    user: &'a str,
    seq: u64,
    at: u64,
}

impl ReadBy {
    /// The frame's text.
    pub fn to_json(&self) -> String {
        let Self { conversation, user, seq, at } = self;
        let (seq, at) = (*seq, *at);
        frame::to_json(&PushedRead { event: READ, conversation, user, seq, at })
    }
}

/// Somebody does something just now: a push.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct SignalBy {
    /// In which conversation.
    pub conversation: String,
    /// Who.
    pub user: String,
    /// What: `typing`.
    pub kind: String,
    /// When: milliseconds since 1970 UTC.
    pub at: u64,
}

#[derive(Serialize)]
struct PushedSignal<'a> {
    event: &'static str,
    conversation: &'a str,
    user: &'a str,
    kind: &'a str,
    at: u64,
}

impl SignalBy {
    /// The frame's text.
    pub fn to_json(&self) -> String {
        let Self { conversation, user, kind, at } = self;
        frame::to_json(&PushedSignal { event: SIGNAL, conversation, user, kind, at: *at })
    }
}

/// What a client may get.
#[derive(Debug)]
pub enum Incoming {
    /// The answer to one of its requests.
    Answer {
        /// The request's id; `None` if the server could not read one.
        re: Option<String>,
        /// The route's answer, to be read by [`Incoming::ok`], or why there is none.
        outcome: Result<Box<RawValue>, Problem>,
    },
    /// A pushed message.
    Message(Push),
    /// Somebody has read so far.
    Read(ReadBy),
    /// Somebody does something just now.
    Signal(SignalBy),
    /// The device was kicked.
    Kicked {
        /// Why; `None` if this version does not know the reason.
        reason: Option<KickReason>,
    },
    /// A push of a kind that this version does not know; to be ignored.
    Unknown {
        /// Its kind.
        event: String,
    },
    /// API Gateway's own error frame, about some frame of this connection; it names no request.
    Gateway {
        /// For example `Internal server error`.
        message: String,
    },
}

/// Why a frame from the server was not understood.
#[derive(Debug, thiserror::Error)]
#[error("not a frame of this protocol")]
pub struct NotUnderstood(#[from] serde_json::Error);

#[derive(Deserialize)]
struct Any {
    event: Option<String>,
    re: Option<String>,
    ok: Option<Box<RawValue>>,
    error: Option<Problem>,
    message: Option<serde_json::Value>,
    reason: Option<String>,
    #[serde(default)]
    own: Vec<Marker>,
}

impl Incoming {
    /// Reads a frame from the server.
    ///
    /// # Errors
    ///
    /// [`NotUnderstood`] when it is none of these.
    pub fn parse(text: &str) -> Result<Self, NotUnderstood> {
        let any: Any = serde_json::from_str(text)?;
        match (any.event, any.ok, any.error, any.message) {
            (Some(event), ..) if event == MESSAGE => {
                Ok(Self::Message(Push { message: serde_json::from_str(text)?, own: any.own }))
            }
            (Some(event), ..) if event == KICKED => {
                let reason = KICK_REASONS.iter().find(|row| any.reason.as_deref() == Some(row.1));
                Ok(Self::Kicked { reason: reason.map(|row| row.0) })
            }
            (Some(event), ..) if event == READ => Ok(Self::Read(serde_json::from_str(text)?)),
            (Some(event), ..) if event == SIGNAL => Ok(Self::Signal(serde_json::from_str(text)?)),
            (Some(event), ..) => Ok(Self::Unknown { event }),
            (None, Some(ok), ..) => Ok(Self::Answer { re: any.re, outcome: Ok(ok) }),
            (None, None, Some(error), _) => Ok(Self::Answer { re: any.re, outcome: Err(error) }),
            (None, None, None, Some(serde_json::Value::String(message))) => {
                Ok(Self::Gateway { message })
            }
            (None, None, None, _) => Ok(Self::Unknown { event: String::new() }),
        }
    }

    /// Reads the `ok` of an answer as its route's structure.
    ///
    /// # Errors
    ///
    /// [`NotUnderstood`] when it is another route's.
    pub fn ok<'a, T: Deserialize<'a>>(ok: &'a RawValue) -> Result<T, NotUnderstood> {
        Ok(serde_json::from_str(ok.get())?)
    }
}

//! What is published of a message to whoever notifies users without a live device.
//!
//! No frame, but the body of a notification: a subscriber of the deployment's topic reads it.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use timeline::{ConversationId, Entry, UserId, limits};

use crate::frame;
use crate::push::NotUnderstood;

/// The `event` of a message; a subscriber ignores the events that it does not know.
const MESSAGE: &str = "message";

/// A message that a user without a live device is to be told of.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Alert {
    /// What it tells of: `message`.
    pub event: String,
    /// Who is to be told.
    pub user: String,
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
    /// What it says, byte for byte; absent where it is longer than
    /// [`limits::INBOX_BODY_BYTES_MAX`] or was withdrawn. A subscriber then shows that a message
    /// came, and by whom; the device that it wakes finds the body by `sync`, or by `history` with
    /// this `seq`.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub body: Option<Box<RawValue>>,
}

impl Alert {
    /// Tells `user` of a message.
    pub fn of(user: &UserId, conversation: &ConversationId, entry: &Entry) -> Self {
        let body = entry.body.as_ref().map(timeline::Body::as_str);
        let short = body.filter(|body| body.len() <= limits::INBOX_BODY_BYTES_MAX);
        Self {
            event: MESSAGE.to_owned(),
            user: user.as_str().to_owned(),
            conversation: conversation.as_str().to_owned(),
            seq: entry.seq.number(),
            cid: entry.id.to_string(),
            from: entry.author.as_str().to_owned(),
            at: entry.at.0,
            kind: entry.kind.as_str().to_owned(),
            // What is kept was parsed on its way in, so it is JSON; were the store corrupt, the
            // alert tells of the message without its body.
            body: short.and_then(|body| RawValue::from_string(body.to_owned()).ok()),
        }
    }

    /// The payload's text.
    pub fn to_json(&self) -> String {
        frame::to_json(self)
    }

    /// Reads a payload, as a subscriber does.
    ///
    /// # Errors
    ///
    /// [`NotUnderstood`] when it is none.
    pub fn parse(text: &str) -> Result<Self, NotUnderstood> {
        Ok(serde_json::from_str(text)?)
    }
}

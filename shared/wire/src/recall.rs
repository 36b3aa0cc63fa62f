//! `recall`: a message is taken back, or changed.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use timeline::lists::RecallRequest;
use timeline::{Body, ConversationId, MessageId};

use crate::code::{ErrorCode, Problem, Refusal};
use crate::frame::{self, Request, action};
use crate::send::seq;

/// The frame as it travels. It is answered as `send` is: with the place of the event that tells of
/// it, of kind `recall` or `edit`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recall {
    /// Always [`action::RECALL`].
    pub action: String,
    /// The request's id.
    pub id: String,
    /// The conversation.
    pub conversation: String,
    /// The message.
    pub seq: u64,
    /// The event's own id: a UUIDv7, the same at every attempt.
    pub cid: String,
    /// The highest sequence of the conversation that the client knew before its first attempt.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub base: Option<u64>,
    /// What it is to say, a JSON object; without it the message is taken back.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub body: Option<Box<RawValue>>,
}

impl Recall {
    /// Reads a frame of this route.
    ///
    /// # Errors
    ///
    /// A [`Refusal`] that says which rule the frame breaks.
    pub fn parse(text: &str) -> Result<Request<RecallRequest>, Refusal> {
        frame::parse(text, |recall: Self| {
            let body = match &recall.body {
                None => None,
                Some(raw) if raw.get().starts_with('{') => Some(Body::parse(raw.get())?),
                Some(_) => {
                    return Err(Problem::new(ErrorCode::Invalid, "a body is a JSON object"));
                }
            };
            let asked = RecallRequest {
                conversation: ConversationId::parse(&recall.conversation)?,
                seq: seq(recall.seq)?,
                message: MessageId::parse(&recall.cid)?,
                base: recall.base.map(seq).transpose()?,
                body,
            };
            Ok((recall.id, asked))
        })
    }

    /// The frame's text, as a client sends it.
    pub fn to_json(&self) -> String {
        frame::to_json(self)
    }

    /// The frame that takes a message back; `base` and `body` are filled in after.
    pub fn new(id: String, conversation: String, seq: u64, cid: String) -> Self {
        let action = action::RECALL.to_owned();
        Self { action, id, conversation, seq, cid, base: None, body: None }
    }
}

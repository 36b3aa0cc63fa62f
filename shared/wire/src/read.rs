//! `read` and `receipts`: how far I have read, and who has read what.

use serde::{Deserialize, Serialize};
use timeline::lists::{self, ReadRequest, ReceiptsRequest};
use timeline::{ConversationId, UserId};

use crate::code::Refusal;
use crate::frame::{self, Request, action};
use crate::group::members_limit;
use crate::send::seq;

/// The frame of `read` as it travels.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Read {
    /// Always [`action::READ`].
    pub action: String,
    /// The request's id.
    pub id: String,
    /// The conversation.
    pub conversation: String,
    /// The last message that was read.
    pub seq: u64,
}

impl Read {
    /// Reads a frame of this route.
    ///
    /// # Errors
    ///
    /// A [`Refusal`] that says which rule the frame breaks.
    pub fn parse(text: &str) -> Result<Request<ReadRequest>, Refusal> {
        frame::parse(text, |read: Self| {
            let conversation = ConversationId::parse(&read.conversation)?;
            Ok((read.id, ReadRequest { conversation, seq: seq(read.seq)? }))
        })
    }

    /// The frame's text, as a client sends it.
    pub fn to_json(&self) -> String {
        frame::to_json(self)
    }

    /// The frame of a position.
    pub fn new(id: String, conversation: String, seq: u64) -> Self {
        Self { action: action::READ.to_owned(), id, conversation, seq }
    }
}

/// What a `read` is answered with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReadUpTo {
    /// How far I have read: what I said, unless I had read further.
    pub seq: u64,
    /// How many messages I have not read; 100 stands for more than 99.
    pub unread: u64,
}

impl From<lists::Read> for ReadUpTo {
    fn from(read: lists::Read) -> Self {
        Self { seq: read.seq.number(), unread: read.unread as u64 }
    }
}

/// The frame of `receipts` as it travels.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Receipts {
    /// Always [`action::RECEIPTS`].
    pub action: String,
    /// The request's id.
    pub id: String,
    /// The conversation.
    pub conversation: String,
    /// The message; without it, how far everyone has read.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub seq: Option<u64>,
    /// The `page` of the last answer.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub page: Option<String>,
    /// The most readers to return: 1 to 100.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub limit: Option<u64>,
}

impl Receipts {
    /// Reads a frame of this route.
    ///
    /// # Errors
    ///
    /// A [`Refusal`] that says which rule the frame breaks.
    pub fn parse(text: &str) -> Result<Request<ReceiptsRequest>, Refusal> {
        frame::parse(text, |receipts: Self| {
            let asked = ReceiptsRequest {
                conversation: ConversationId::parse(&receipts.conversation)?,
                seq: receipts.seq.map(seq).transpose()?,
                after: receipts.page.as_deref().map(UserId::parse).transpose()?,
                limit: members_limit(receipts.limit)?,
            };
            Ok((receipts.id, asked))
        })
    }

    /// The frame's text, as a client sends it.
    pub fn to_json(&self) -> String {
        frame::to_json(self)
    }

    /// The frame that asks about everyone; the message is filled in after.
    pub fn new(id: String, conversation: String) -> Self {
        let action = action::RECEIPTS.to_owned();
        Self { action, id, conversation, seq: None, page: None, limit: None }
    }
}

/// What a `receipts` is answered with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Readers {
    /// How many have read: of a message, those who were members then and did not write it.
    pub count: u64,
    /// A page of them, in the order of ids.
    pub readers: Vec<Reader>,
    /// Where the list goes on.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub page: Option<String>,
}

/// How far a member has read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reader {
    /// Who.
    pub user: String,
    /// Up to which message.
    pub seq: u64,
    /// When: milliseconds since 1970 UTC.
    pub at: u64,
}

impl From<lists::Receipts> for Readers {
    fn from(receipts: lists::Receipts) -> Self {
        let reader = |receipt: &lists::Receipt| Reader {
            user: receipt.user.as_str().to_owned(),
            seq: receipt.seq.number(),
            at: receipt.at.0,
        };
        Self {
            count: receipts.count as u64,
            readers: receipts.readers.iter().map(reader).collect(),
            page: receipts.page.map(|user| user.as_str().to_owned()),
        }
    }
}

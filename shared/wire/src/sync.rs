//! `sync`: what came into my inbox after a cursor; also the keep-alive.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use timeline::exchange::{Catchup, Caught, Listed};
use timeline::{ConversationId, Diffusion, Timestamp, limits};

use crate::code::{ErrorCode, Problem, Refusal};
use crate::frame::{self, Request, action};
use crate::group::is_false;
use crate::message::Message;
use crate::send::seq;

/// The frame as it travels.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sync {
    /// Always [`action::SYNC`].
    pub action: String,
    /// The request's id.
    pub id: String,
    /// The last inbox position that the device has applied; absent on a device that has none, which
    /// is answered like a reset.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub cursor: Option<u64>,
    /// The most entries to return: 1 to 100.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub limit: Option<u64>,
    /// The tails of large groups that the device knows.
    #[serde(skip_serializing_if = "BTreeMap::is_empty", default)]
    pub tails: BTreeMap<String, u64>,
    /// The `seen` of the last answer.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub seen: Option<u64>,
    /// The `page` of the last answer, while a reset's conversations go on.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub page: Option<String>,
}

impl Sync {
    /// Reads a frame of this route.
    ///
    /// # Errors
    ///
    /// A [`Refusal`] that says which rule the frame breaks.
    pub fn parse(text: &str) -> Result<Request<Catchup>, Refusal> {
        frame::parse(text, |sync: Self| {
            if sync.tails.len() > limits::TAILS_MAX {
                let message = format!("at most {} tails", limits::TAILS_MAX);
                return Err(Problem::new(ErrorCode::TooLarge, message));
            }
            let tails = sync
                .tails
                .iter()
                .map(|(id, tail)| Ok::<_, Problem>((ConversationId::parse(id)?, seq(*tail)?)));
            let catchup = Catchup {
                cursor: sync.cursor.map(seq).transpose()?,
                limit: page_limit(sync.limit)?,
                tails: tails.collect::<Result<_, _>>()?,
                seen: sync.seen.map(Timestamp),
                page: sync.page.as_deref().map(ConversationId::parse).transpose()?,
            };
            Ok((sync.id, catchup))
        })
    }

    /// The frame's text, as a client sends it.
    pub fn to_json(&self) -> String {
        frame::to_json(self)
    }

    /// The frame of a device with this cursor.
    pub fn new(id: String, cursor: Option<u64>) -> Self {
        Self {
            action: action::SYNC.to_owned(),
            id,
            cursor,
            limit: None,
            tails: BTreeMap::new(),
            seen: None,
            page: None,
        }
    }
}

/// A conversation and its newest sequence.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tail {
    /// The conversation.
    pub conversation: String,
    /// Its newest sequence.
    pub tail: u64,
    /// Whether it is a large group, whose tail the client names in each `sync`.
    #[serde(skip_serializing_if = "is_false", default)]
    pub large: bool,
}

/// What a `sync` is answered with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Synced {
    /// The inbox's entries after the cursor, ascending.
    pub entries: Vec<Message>,
    /// The cursor to hold once they are applied.
    pub cursor: u64,
    /// Whether there is more after this page.
    pub more: bool,
    /// Whether the device's cursor is worth nothing: it takes `cursor` as it is and fills each of
    /// `conversations` from `history`.
    pub reset: bool,
    /// After a reset all of mine; otherwise those of `tails` that moved.
    pub conversations: Vec<Tail>,
    /// The inbox's newest position.
    pub tail: u64,
    /// The server's time, to be sent with the next `sync`.
    pub seen: u64,
    /// Where a reset's list of conversations goes on; the first page's `cursor` is the one to keep.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub page: Option<String>,
}

impl From<Caught> for Synced {
    fn from(caught: Caught) -> Self {
        let tail = |listed: &Listed| Tail {
            conversation: listed.conversation.as_str().to_owned(),
            tail: listed.tail.number(),
            large: listed.diffusion == Diffusion::Read,
        };
        Self {
            entries: caught.entries.iter().map(Message::of_inbox).collect(),
            cursor: caught.cursor.number(),
            more: caught.more,
            reset: caught.reset,
            conversations: caught.conversations.iter().map(tail).collect(),
            tail: caught.tail.number(),
            seen: caught.seen.0,
            page: caught.page.map(|id| id.as_str().to_owned()),
        }
    }
}

/// Reads the `limit` of a page.
pub(crate) fn page_limit(limit: Option<u64>) -> Result<usize, Problem> {
    let Some(limit) = limit else { return Ok(limits::PAGE_ENTRIES_DEFAULT) };
    match usize::try_from(limit) {
        Ok(limit) if (1..=limits::PAGE_ENTRIES_MAX).contains(&limit) => Ok(limit),
        Ok(_) | Err(_) => {
            let message = format!("a limit is 1 to {}", limits::PAGE_ENTRIES_MAX);
            Err(Problem::new(ErrorCode::Invalid, message))
        }
    }
}

//! `conversations`: what is new in each of mine.

use serde::{Deserialize, Serialize};
use timeline::lists::{self, ConversationsRequest, Place};
use timeline::{ConversationId, Diffusion, Muted, Party, Timestamp};

use crate::code::{ErrorCode, Problem, Refusal};
use crate::frame::{self, Request, action};
use crate::group::{is_false, members_limit};
use crate::message::Message;

/// Between the two parts of a page's token.
const PAGE_SEPARATOR: char = '~';

/// The frame as it travels.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Conversations {
    /// Always [`action::CONVERSATIONS`].
    pub action: String,
    /// The request's id.
    pub id: String,
    /// The most conversations to return: 1 to 100.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub limit: Option<u64>,
    /// The `page` of the last answer.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub page: Option<String>,
}

impl Conversations {
    /// Reads a frame of this route.
    ///
    /// # Errors
    ///
    /// A [`Refusal`] that says which rule the frame breaks.
    pub fn parse(text: &str) -> Result<Request<ConversationsRequest>, Refusal> {
        frame::parse(text, |list: Self| {
            let after = list.page.as_deref().map(place).transpose()?;
            Ok((list.id, ConversationsRequest { limit: members_limit(list.limit)?, after }))
        })
    }

    /// The frame's text, as a client sends it.
    pub fn to_json(&self) -> String {
        frame::to_json(self)
    }

    /// The frame of the first page.
    pub fn new(id: String) -> Self {
        Self { action: action::CONVERSATIONS.to_owned(), id, limit: None, page: None }
    }
}

fn place(page: &str) -> Result<Place, Problem> {
    let parse = || {
        let (at, conversation) = page.split_once(PAGE_SEPARATOR)?;
        let conversation = ConversationId::parse(conversation).ok()?;
        Some(Place { at: Timestamp(at.parse().ok()?), conversation })
    };
    parse().ok_or_else(|| Problem::new(ErrorCode::Invalid, "a page is what the last answer gave"))
}

/// What a `conversations` is answered with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Listed {
    /// Mine, those that were active last first.
    pub conversations: Vec<Conversation>,
    /// How many messages I have not read in all of them.
    pub unread: u64,
    /// Where the list goes on.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub page: Option<String>,
}

/// A conversation of the list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Conversation {
    /// Which one.
    pub conversation: String,
    /// `direct` or `group`.
    #[serde(rename = "type")]
    pub sort: String,
    /// What it is called; absent of a direct one.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub title: Option<String>,
    /// Whether it is a large group.
    #[serde(skip_serializing_if = "is_false", default)]
    pub large: bool,
    /// Its newest sequence.
    pub tail: u64,
    /// How far I have read.
    pub read: u64,
    /// How many messages I have not read; 100 stands for more than 99.
    pub unread: u64,
    /// Whether I am left alone while offline.
    pub muted: bool,
    /// Since when I keep it at hand: milliseconds since 1970 UTC.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub pinned: Option<u64>,
    /// Its newest message; absent where there is none that I may see.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub last: Option<Message>,
}

impl From<lists::Conversations> for Listed {
    fn from(list: lists::Conversations) -> Self {
        let token = |place: Place| format!("{}{PAGE_SEPARATOR}{}", place.at, place.conversation);
        Self {
            conversations: list.rows.iter().map(Conversation::from).collect(),
            unread: list.unread as u64,
            page: list.page.map(token),
        }
    }
}

impl From<&lists::Row> for Conversation {
    fn from(row: &lists::Row) -> Self {
        let sort = match row.conversation.party() {
            Party::Direct(..) => "direct",
            Party::Group(_) => "group",
        };
        let last = row.last.as_deref();
        Self {
            conversation: row.conversation.as_str().to_owned(),
            sort: sort.to_owned(),
            title: row.title.as_ref().map(|title| title.as_str().to_owned()),
            large: row.diffusion == Diffusion::Read,
            tail: row.tail.number(),
            read: row.read.number(),
            unread: row.unread as u64,
            muted: row.muted == Muted::Yes,
            pinned: row.pinned.map(|since| since.0),
            last: last.map(|entry| Message::of_entry(&row.conversation, entry)),
        }
    }
}

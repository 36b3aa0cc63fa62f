//! What is searched for, and what is found.

use std::fmt;

use crate::body::Kind;
use crate::entry::{Seq, Timestamp};
use crate::group::Title;
use crate::id::{ConversationId, UserId};
use crate::limits;

/// What somebody typed to search for. How long it may be is for whoever parses it to say.
#[derive(Clone, PartialEq, Eq)]
pub struct QueryText(String);

impl QueryText {
    /// Takes what was typed, as it is: white space at its end means something.
    pub fn new(text: String) -> Self {
        Self(text)
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Says how long it is, never what it says: queries do not belong in a log.
impl fmt::Debug for QueryText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "QueryText({} bytes)", self.0.len())
    }
}

/// What a message has to be, beside what it says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filters {
    /// Written by them.
    pub from: Option<UserId>,
    /// Of this kind: no event's.
    pub kind: Option<Kind>,
    /// Taken then or later.
    pub since: Option<Timestamp>,
    /// Taken before then.
    pub until: Option<Timestamp>,
}

/// Where a search goes on: bytes of the server's own, which a client gives back as they are.
#[derive(Clone, PartialEq, Eq)]
pub struct SearchPage(Vec<u8>);

impl SearchPage {
    /// Takes a page's bytes. Whether they are ours is for whoever reads them to find out.
    pub fn new(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }

    /// The bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

/// Says how long it is: what is inside tells where somebody reads.
impl fmt::Debug for SearchPage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SearchPage({} bytes)", self.0.len())
    }
}

/// What is searched for, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SearchRequest {
    /// What messages have to say.
    pub query: QueryText,
    /// In which conversation; `None` for all of the caller's.
    pub conversation: Option<ConversationId>,
    /// What else they have to be.
    pub filters: Filters,
    /// The most hits to return: 1 to [`limits::SEARCH_HITS_MAX`].
    pub limit: usize,
    /// Where the search goes on; the rest has to be as it was.
    pub page: Option<SearchPage>,
}

/// A part of a text, in code points.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TextSpan {
    /// The first one.
    pub start: usize,
    /// The first one after it.
    pub end: usize,
}

/// A message that was found.
#[derive(Clone, PartialEq, Eq)]
pub struct Hit {
    /// Its conversation.
    pub conversation: ConversationId,
    /// Its place there.
    pub seq: Seq,
    /// Who wrote it.
    pub author: UserId,
    /// When the server took it.
    pub at: Timestamp,
    /// What sort of message it is.
    pub kind: Kind,
    /// What it says now, as far as that is searched.
    pub text: String,
    /// Where the query matches: ascending, at most
    /// [`limits::SPANS_MAX`].
    pub spans: Vec<TextSpan>,
}

/// Says where it is, and nothing of what it says.
impl fmt::Debug for Hit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Hit({} {})", self.conversation, self.seq)
    }
}

/// A conversation that was found by its title.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TitleHit {
    /// The conversation.
    pub conversation: ConversationId,
    /// What it is called.
    pub title: Title,
    /// Where the query matches.
    pub spans: Vec<TextSpan>,
}

/// A page of what was found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Hits {
    /// Messages, the newest first.
    pub hits: Vec<Hit>,
    /// Conversations by their titles, on the first page over all of the caller's.
    pub titles: Vec<TitleHit>,
    /// Where the search goes on, even where this page is short or empty; `None` at its end.
    pub page: Option<SearchPage>,
}

/// How many bytes a hit takes at most in an answer: of its text a control character is escaped by
/// six, a quotation mark and a backslash by two (RFC 8259, section 7).
pub fn hit_bytes(hit: &Hit) -> usize {
    let Hit { conversation, author, kind, text, spans, .. } = hit;
    let spans = spans.len() * limits::SPAN_BYTES_MAX;
    let ids = conversation.as_str().len() + author.as_str().len() + kind.as_str().len();
    let escaped = |byte: u8| match byte {
        0..0x20 => 6,
        b'"' | b'\\' => 2,
        _ => 1,
    };
    limits::HIT_FIELDS_BYTES + spans + ids + text.bytes().map(escaped).sum::<usize>()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_of_what_is_searched_or_found_is_logged() {
        let query = QueryText::new("secret".to_owned());
        assert_eq!(format!("{query:?}"), "QueryText(6 bytes)");
        assert_eq!(format!("{:?}", SearchPage::new(vec![1, 2])), "SearchPage(2 bytes)");
        let hit = Hit {
            conversation: ConversationId::parse("d~alice~bob").unwrap(),
            seq: Seq::FIRST,
            author: UserId::parse("alice").unwrap(),
            at: Timestamp(1),
            kind: Kind::text(),
            text: "secret".to_owned(),
            spans: Vec::new(),
        };
        assert_eq!(format!("{hit:?}"), "Hit(d~alice~bob 1)");
    }
}

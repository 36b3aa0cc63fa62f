//! `search`: full text and filters, in one conversation or all of mine.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use timeline::search::{self, Filters, Hits, QueryText, SearchPage, SearchRequest, TextSpan};
use timeline::{ConversationId, Kind, Timestamp, UserId, limits};

use crate::code::{ErrorCode, Problem, Refusal};
use crate::frame::{self, Request, action};

/// The frame as it travels.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_debug_implementations, reason = "queries do not belong in a log")]
pub struct Search {
    /// Always [`action::SEARCH`].
    pub action: String,
    /// The request's id.
    pub id: String,
    /// What messages have to say: words, runs of a script without spaces, or what is in quotes, all
    /// of it. A word of three letters or more that nothing follows may go on.
    pub query: String,
    /// In which conversation; absent for all of mine.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub conversation: Option<String>,
    /// Only what they wrote.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub from: Option<String>,
    /// Only messages of this kind.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub kind: Option<String>,
    /// Only what was taken then or later: milliseconds since 1970 UTC.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub since: Option<u64>,
    /// Only what was taken before then: milliseconds since 1970 UTC.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub until: Option<u64>,
    /// The most hits to return: 1 to 100.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub limit: Option<u64>,
    /// The `page` of the last answer to the same query.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub page: Option<String>,
}

impl Search {
    /// Reads a frame of this route.
    ///
    /// # Errors
    ///
    /// A [`Refusal`] that says which rule the frame breaks.
    pub fn parse(text: &str) -> Result<Request<SearchRequest>, Refusal> {
        frame::parse(text, |search: Self| {
            let conversation = search.conversation.as_deref().map(ConversationId::parse);
            let asked = SearchRequest {
                filters: search.filters()?,
                conversation: conversation.transpose()?,
                limit: search_limit(search.limit)?,
                page: search.page.as_deref().map(page).transpose()?,
                query: QueryText::new(search.query),
            };
            Ok((search.id, asked))
        })
    }

    /// The frame's text, as a client sends it.
    pub fn to_json(&self) -> String {
        frame::to_json(self)
    }

    /// The frame that searches all of one's conversations.
    pub fn new(id: String, query: String) -> Self {
        Self {
            action: action::SEARCH.to_owned(),
            id,
            query,
            conversation: None,
            from: None,
            kind: None,
            since: None,
            until: None,
            limit: None,
            page: None,
        }
    }

    fn filters(&self) -> Result<Filters, Problem> {
        if let (Some(since), Some(until)) = (self.since, self.until)
            && since >= until
        {
            return Err(Problem::new(ErrorCode::Invalid, "since is before until"));
        }
        Ok(Filters {
            from: self.from.as_deref().map(UserId::parse).transpose()?,
            kind: self.kind.as_deref().map(Kind::parse).transpose()?,
            since: self.since.map(Timestamp),
            until: self.until.map(Timestamp),
        })
    }
}

fn search_limit(limit: Option<u64>) -> Result<usize, Problem> {
    let Some(limit) = limit else { return Ok(limits::SEARCH_HITS_DEFAULT) };
    match usize::try_from(limit) {
        Ok(limit) if (1..=limits::SEARCH_HITS_MAX).contains(&limit) => Ok(limit),
        Ok(_) | Err(_) => {
            let message = format!("a limit is 1 to {}", limits::SEARCH_HITS_MAX);
            Err(Problem::new(ErrorCode::Invalid, message))
        }
    }
}

fn page(page: &str) -> Result<SearchPage, Problem> {
    let bytes = URL_SAFE_NO_PAD.decode(page);
    let invalid = |_| Problem::new(ErrorCode::Invalid, "a page is what the last answer gave");
    bytes.map(SearchPage::new).map_err(invalid)
}

/// What a `search` is answered with.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_debug_implementations, reason = "texts do not belong in a log")]
pub struct Matches {
    /// Messages, the newest first.
    pub hits: Vec<Match>,
    /// Conversations of mine by their titles, on the first page of a search over all of them.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub conversations: Vec<TitleMatch>,
    /// Where the search goes on, even where this page is short or empty; absent at its end.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub page: Option<String>,
}

/// A message that was found.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_debug_implementations, reason = "texts do not belong in a log")]
pub struct Match {
    /// The conversation.
    pub conversation: String,
    /// Its place on the conversation's timeline.
    pub seq: u64,
    /// Who wrote it.
    pub from: String,
    /// When the server took it: milliseconds since 1970 UTC.
    pub at: u64,
    /// What sort of message it is.
    pub kind: String,
    /// What it says now: the fields of its body that are searched, a line each.
    pub text: String,
    /// Where the query matches: from which code point of `text` to before which, ascending.
    pub spans: Vec<(u64, u64)>,
}

/// A conversation that was found by its title.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_debug_implementations, reason = "texts do not belong in a log")]
pub struct TitleMatch {
    /// The conversation.
    pub conversation: String,
    /// What it is called.
    pub title: String,
    /// Where the query matches: from which code point of `title` to before which, ascending.
    pub spans: Vec<(u64, u64)>,
}

impl From<Hits> for Matches {
    fn from(found: Hits) -> Self {
        Self {
            hits: found.hits.into_iter().map(Match::from).collect(),
            conversations: found.titles.iter().map(TitleMatch::from).collect(),
            page: found.page.map(|page| URL_SAFE_NO_PAD.encode(page.as_bytes())),
        }
    }
}

impl From<search::Hit> for Match {
    fn from(hit: search::Hit) -> Self {
        Self {
            conversation: hit.conversation.as_str().to_owned(),
            seq: hit.seq.number(),
            from: hit.author.as_str().to_owned(),
            at: hit.at.0,
            kind: hit.kind.as_str().to_owned(),
            text: hit.text,
            spans: spans(&hit.spans),
        }
    }
}

impl From<&search::TitleHit> for TitleMatch {
    fn from(hit: &search::TitleHit) -> Self {
        Self {
            conversation: hit.conversation.as_str().to_owned(),
            title: hit.title.as_str().to_owned(),
            spans: spans(&hit.spans),
        }
    }
}

fn spans(spans: &[TextSpan]) -> Vec<(u64, u64)> {
    spans.iter().map(|span| (span.start as u64, span.end as u64)).collect()
}

//! What is searched for: what is looked up of it in blocks, and what a message's live entry says.

use search_index::{Filter, Lookup, Query};
use timeline::search::{Filters, Hit, SearchRequest, TextSpan};
use timeline::{Body, ConversationId, Entry, Kind, Seq, Timestamp, limits};

use crate::error::Error;

/// What is searched for.
pub(super) struct Wanted {
    query: Query,
    filters: Filters,
    searched: fn(&Body) -> String,
}

/// What an entry is to a search.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It is not what is searched for.
    Passed,
    /// It is found.
    Found(Box<Hit>),
    /// It is an edit that says what is searched for: the message that it changed may say so now.
    LeadsTo(Seq),
}

impl Wanted {
    /// What a request searches for.
    ///
    /// # Errors
    ///
    /// [`Error::Query`] when there is nothing to look for, or too much.
    pub(super) fn parse(
        request: &SearchRequest,
        searched: fn(&Body) -> String,
    ) -> Result<Self, Error> {
        let query = Query::parse(request.query.as_str())?;
        Ok(Self { query, filters: request.filters.clone(), searched })
    }

    /// What candidates have: everything of one of these.
    pub(super) fn lookups(&self) -> Vec<Vec<Lookup>> {
        let Some(kind) = &self.filters.kind else { return vec![self.terms()] };
        vec![self.terms_of(kind.as_str()), self.edits()]
    }

    /// What edits have that may have made a message what is searched for.
    pub(super) fn edits(&self) -> Vec<Lookup> {
        self.terms_of(Kind::EDIT)
    }

    /// What an entry is, as it stands.
    pub(super) fn judge(&self, conversation: &ConversationId, entry: &Entry) -> Verdict {
        let Some(body) = entry.body.as_ref().filter(|_| entry.recalled.is_none()) else {
            return Verdict::Passed;
        };
        let edited = entry.target.filter(|_| entry.kind.as_str() == Kind::EDIT);
        // Only authors edit, so whose message it is the edit says as well; what kind it is of, and
        // when it was taken, it does not.
        let is_of_interest = match (edited, &self.filters.from) {
            (_, Some(from)) if *from != entry.author => false,
            (Some(_), _) => true,
            (None, _) => !entry.kind.is_event() && self.is_wanted(&entry.kind, entry.at),
        };
        if !is_of_interest {
            return Verdict::Passed;
        }
        let text = (self.searched)(body);
        let Some(spans) = self.query.verify(&text) else { return Verdict::Passed };
        if let Some(target) = edited {
            return Verdict::LeadsTo(target);
        }
        Verdict::Found(Box::new(Hit {
            conversation: conversation.clone(),
            seq: entry.seq,
            author: entry.author.clone(),
            at: entry.at,
            kind: entry.kind.clone(),
            text,
            spans: shown(spans),
        }))
    }

    /// Where a conversation's title matches, if it does.
    pub(super) fn title(&self, title: &str) -> Option<Vec<TextSpan>> {
        self.query.verify(title).map(shown)
    }

    /// Whether messages are filtered, so that conversations are not asked for.
    pub(super) fn is_filtered(&self) -> bool {
        self.filters != Filters::default()
    }

    /// Whether whatever comes before an entry is too old, if times differ by so much at most.
    pub(super) fn is_too_old(&self, entry: &Entry, disorder_ms: u64) -> bool {
        // An event of the group may have been under way for long.
        let is_evidence = !entry.kind.is_event() || entry.kind.as_str() == Kind::EDIT;
        let since = self.filters.since.filter(|_| is_evidence);
        since.is_some_and(|since| entry.at.plus(disorder_ms) < since)
    }

    /// Whether whatever comes after an entry is too new, if times differ by so much at most.
    pub(super) fn is_too_new(&self, entry: &Entry, disorder_ms: u64) -> bool {
        self.filters.until.is_some_and(|until| entry.at > until.plus(disorder_ms))
    }

    /// Whether there is a time after which nothing is wanted.
    pub(super) fn has_end(&self) -> bool {
        self.filters.until.is_some()
    }

    fn is_wanted(&self, kind: &Kind, at: Timestamp) -> bool {
        let Filters { kind: wanted, since, until, .. } = &self.filters;
        wanted.as_ref().is_none_or(|wanted| wanted == kind)
            && since.is_none_or(|since| at >= since)
            && until.is_none_or(|until| at < until)
    }

    fn terms(&self) -> Vec<Lookup> {
        let from = self.filters.from.as_ref();
        let from = from.map(|from| exact(Filter::From(from.as_str())));
        self.query.lookups().into_iter().chain(from).collect()
    }

    fn terms_of(&self, kind: &str) -> Vec<Lookup> {
        self.terms().into_iter().chain([exact(Filter::Kind(kind))]).collect()
    }
}

fn exact(filter: Filter<'_>) -> Lookup {
    Lookup::exact(filter.fingerprint())
}

/// As many places as an answer shows.
fn shown(spans: Vec<search_index::Span>) -> Vec<TextSpan> {
    let spans = spans.into_iter().take(limits::SPANS_MAX);
    spans.map(|span| TextSpan { start: span.start, end: span.end }).collect()
}

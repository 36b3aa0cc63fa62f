//! A town whose people search: what is said there, what of it is found, and what is to be.

use std::collections::BTreeSet;

use chat::index::IndexPorts;
use chat::{Error, SearchBounds, SearchPorts};
use search_index::Query;
use store::{Scan, Timelines};
use timeline::exchange::Part;
use timeline::lists::RecallRequest;
use timeline::search::{Filters, Hit, Hits, QueryText, SearchPage, SearchRequest};
use timeline::{
    Body, ConversationId, Diffusion, Draft, Entry, Kind, Seq, Timestamp, UserId, limits,
};

use crate::club::desk;
use crate::shelf::{Shelf, Wax};
use crate::town::{Town, lookup, message, person, run, seq};

/// More pages than any search of a test has.
const PAGES_MAX: usize = 5_000;

/// A place of a message.
pub(crate) type Spot = (ConversationId, u64);

/// A town, and its search blocks.
#[derive(Debug)]
pub(crate) struct Library {
    pub(crate) town: Town,
    pub(crate) shelf: Shelf,
    pub(crate) bounds: SearchBounds,
    /// The number of the last message.
    number: u64,
}

/// What is searched for.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    pub(crate) query: String,
    pub(crate) conversation: Option<ConversationId>,
    pub(crate) filters: Filters,
    pub(crate) limit: usize,
}

impl Asked {
    /// All conversations, without a filter.
    pub(crate) fn all(query: &str) -> Self {
        let (query, limit) = (query.to_owned(), limits::SEARCH_HITS_DEFAULT);
        Self { query, conversation: None, filters: Filters::default(), limit }
    }

    /// One conversation, without a filter.
    pub(crate) fn of(conversation: &ConversationId, query: &str) -> Self {
        Self { conversation: Some(conversation.clone()), ..Self::all(query) }
    }

    pub(crate) fn request(&self, page: Option<SearchPage>) -> SearchRequest {
        SearchRequest {
            query: QueryText::new(self.query.clone()),
            conversation: self.conversation.clone(),
            filters: self.filters.clone(),
            limit: self.limit,
            page,
        }
    }
}

impl Library {
    pub(crate) fn new(town: Town) -> Self {
        let (shelf, bounds) = (Shelf::default(), SearchBounds::default());
        Self { town, shelf, bounds, number: 0 }
    }

    /// An id that was not used before.
    pub(crate) fn next(&mut self) -> u64 {
        self.number += 1;
        self.number
    }

    /// One more message, put after the newest as an append does; its sequence.
    pub(crate) fn say(&mut self, id: &ConversationId, user: &str, kind: &str, body: &str) -> u64 {
        let (number, at) = (self.next(), self.town.dial_now());
        self.say_at(id, user, kind, body, (number, at))
    }

    pub(crate) fn say_at(
        &self,
        id: &ConversationId,
        user: &str,
        kind: &str,
        body: &str,
        (number, at): (u64, Timestamp),
    ) -> u64 {
        let caller = desk(user);
        let draft = Draft {
            id: message(number),
            author: caller.user,
            device: caller.device,
            at,
            kind: Kind::parse(kind).unwrap(),
            version: 1,
            inbox_before: Seq::ZERO,
            diffusion: Diffusion::Write,
            named: Vec::new(),
            target: None,
            body: Body::parse(body).unwrap(),
        };
        let newest = run(self.town.store.scan(&id.timeline(), Scan::newest())).unwrap().pop();
        let entry = draft.after(newest.as_ref());
        run(Timelines::put(&self.town.store, &id.timeline(), &entry)).unwrap();
        entry.seq.number()
    }

    /// A text.
    pub(crate) fn text(&mut self, id: &ConversationId, user: &str, text: &str) -> u64 {
        self.say(id, user, Kind::TEXT, &format!("{{\"text\":{text:?}}}"))
    }

    /// The newest sequence of a conversation.
    pub(crate) fn tail(&self, id: &ConversationId) -> u64 {
        let newest = run(self.town.store.scan(&id.timeline(), Scan::newest())).unwrap().pop();
        newest.map_or(0, |entry| entry.seq.number())
    }

    /// Takes a message back or changes it.
    pub(crate) fn recall(
        &mut self,
        id: &ConversationId,
        user: &str,
        at: u64,
        body: Option<&str>,
    ) -> Result<(), Error> {
        let request = RecallRequest {
            conversation: id.clone(),
            seq: seq(at),
            message: message(self.next()),
            base: Some(seq(self.tail(id))),
            body: body.map(|body| Body::parse(body).unwrap()),
        };
        run(chat::recall(self.town.send_ports(), &desk(user), request)).map(|_| ())
    }

    pub(crate) fn edit(&mut self, id: &ConversationId, user: &str, at: u64, text: &str) {
        self.recall(id, user, at, Some(&format!("{{\"text\":{text:?}}}"))).unwrap();
    }

    pub(crate) fn ports(&self) -> SearchPorts<'_> {
        SearchPorts {
            directory: &self.town.store,
            timelines: &self.town.store,
            blocks: &self.shelf,
            searched: wire::searched_text,
            seal: &Wax,
            bounds: &self.bounds,
        }
    }

    /// The stream tells of the message at `seq`.
    pub(crate) fn index(&self, id: &ConversationId, at: u64) {
        let ports = IndexPorts {
            timelines: &self.town.store,
            blocks: &self.shelf,
            searched: wire::searched_text,
        };
        // What the shelf refuses, the stream would bring again.
        drop(run(chat::index::index(ports, &id.timeline(), seq(at))));
    }

    /// The stream tells of everything, in order.
    pub(crate) fn index_all(&self, id: &ConversationId) {
        (1..=self.tail(id)).for_each(|at| self.index(id, at));
    }

    pub(crate) fn search(
        &self,
        user: &str,
        asked: &Asked,
        page: Option<SearchPage>,
    ) -> Result<Hits, Error> {
        run(chat::search(self.ports(), &desk(user), asked.request(page)))
    }

    /// All pages.
    pub(crate) fn walk(&self, user: &str, asked: &Asked) -> Result<Vec<Hit>, Error> {
        let (mut hits, mut page) = (Vec::new(), None);
        for _ in 0..PAGES_MAX {
            let found = self.search(user, asked, page)?;
            assert!(found.hits.len() <= asked.limit, "{asked:?}");
            hits.extend(found.hits);
            page = found.page;
            if page.is_none() {
                return Ok(hits);
            }
        }
        panic!("{asked:?} has no last page, within {:?}", self.bounds);
    }

    /// What a conversation's search finds, by sequence and with what was found in brackets.
    pub(crate) fn found(&self, user: &str, id: &ConversationId, query: &str) -> Vec<String> {
        let hits = self.walk(user, &Asked::of(id, query)).unwrap();
        hits.iter().map(|hit| format!("{}: {}", hit.seq, marked(hit))).collect()
    }

    /// What is to be found, by reading all that the caller may see: the newest first.
    pub(crate) fn brute(&self, user: &str, asked: &Asked) -> Vec<Hit> {
        let ids = match &asked.conversation {
            Some(id) => vec![id.clone()],
            None => self.town.conversations(user),
        };
        let query = Query::parse(&asked.query).unwrap();
        let mut hits: Vec<_> = ids
            .iter()
            .flat_map(|id| self.visible(user, id).into_iter().map(move |entry| (id, entry)))
            .filter_map(|(id, entry)| judged(id, entry, &query, &asked.filters))
            .collect();
        hits.sort_by(|one, other| {
            let key = |hit: &Hit| (std::cmp::Reverse(hit.at), hit.conversation.clone());
            key(one).cmp(&key(other)).then(other.seq.cmp(&one.seq))
        });
        hits
    }

    /// All that somebody may read of a conversation, by `history`.
    fn visible(&self, user: &str, id: &ConversationId) -> Vec<Entry> {
        let (mut entries, mut after) = (Vec::new(), Seq::ZERO);
        // Each page begins behind the one before.
        loop {
            let page = lookup(id, Part::After(after), limits::PAGE_ENTRIES_MAX);
            let Ok(page) = self.town.history(&desk(user), page) else { return Vec::new() };
            let covered = page.entries.iter().map(|entry| entry.seq).chain(page.missing);
            after = covered.max().unwrap_or(after);
            entries.extend(page.entries);
            if !page.more {
                return entries;
            }
        }
    }
}

fn judged(id: &ConversationId, entry: Entry, query: &Query, filters: &Filters) -> Option<Hit> {
    let Filters { from, kind, since, until } = filters;
    let is_wanted = !entry.kind.is_event()
        && from.as_ref().is_none_or(|from| *from == entry.author)
        && kind.as_ref().is_none_or(|kind| *kind == entry.kind)
        && since.is_none_or(|since| entry.at >= since)
        && until.is_none_or(|until| entry.at < until);
    let text = wire::searched_text(entry.body.as_ref()?);
    let spans = query.verify(&text).filter(|_| is_wanted)?;
    let spans = spans.into_iter().take(limits::SPANS_MAX);
    Some(Hit {
        conversation: id.clone(),
        seq: entry.seq,
        author: entry.author,
        at: entry.at,
        kind: entry.kind,
        text,
        spans: spans
            .map(|span| timeline::search::TextSpan { start: span.start, end: span.end })
            .collect(),
    })
}

/// A hit's text with what was found in brackets.
pub(crate) fn marked(hit: &Hit) -> String {
    let mut marked = String::new();
    for (at, character) in hit.text.chars().enumerate() {
        marked.extend(hit.spans.iter().filter(|span| span.start == at).map(|_| '['));
        marked.push(character);
        marked.extend(hit.spans.iter().filter(|span| span.end == at + 1).map(|_| ']'));
    }
    marked
}

/// Where hits are.
pub(crate) fn spots(hits: &[Hit]) -> Vec<Spot> {
    hits.iter().map(|hit| (hit.conversation.clone(), hit.seq.number())).collect()
}

/// Where hits are, each once.
pub(crate) fn spot_set(hits: &[Hit]) -> BTreeSet<Spot> {
    spots(hits).into_iter().collect()
}

/// Written by somebody.
pub(crate) fn from(user: &str) -> Option<UserId> {
    Some(person(user))
}

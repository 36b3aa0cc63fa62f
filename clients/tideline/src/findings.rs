//! What `/search` finds: hits of the open conversation, in place of its messages until the user
//! goes on.

use std::collections::BTreeSet;

use engine::{Found, Query};
use timeline::ConversationId;
use timeline::search::QueryText;
use wire::{Match, Matches};

use crate::pages::Pages;

/// The hits of one search, the newest first.
#[derive(Debug)]
pub(crate) struct Findings {
    conversation: ConversationId,
    words: QueryText,
    ticket: u64,
    pages: Pages,
    /// Whether a page is asked for.
    is_asked: bool,
    found: Found,
    /// What was taken back or changed since: hits of it are void, whenever they come.
    void: BTreeSet<u64>,
}

impl Findings {
    /// A search of a conversation for at most so many hits.
    pub(crate) fn new(
        conversation: ConversationId,
        words: String,
        wanted: usize,
        ticket: u64,
    ) -> Self {
        let query = Query { conversation: Some(conversation.clone()), ..Query::new(words.clone()) };
        let pages = Pages::new(query, Some(wanted.max(1) as u64));
        let (hits, conversations, page) = (Vec::new(), Vec::new(), None);
        let found = Found(Matches { hits, conversations, page });
        let words = QueryText::new(words);
        Self { conversation, words, ticket, pages, is_asked: false, found, void: BTreeSet::new() }
    }

    /// What is to be asked for, with its ticket; `None` while that is waited for, and at the end.
    pub(crate) fn ask(&mut self) -> Option<(u64, Query)> {
        if self.is_asked {
            return None;
        }
        let query = self.pages.next()?;
        self.is_asked = true;
        Some((self.ticket, query))
    }

    /// Whether an answer belongs to it.
    pub(crate) fn asked(&self, ticket: u64) -> bool {
        self.ticket == ticket
    }

    /// Adds a page.
    pub(crate) fn page(&mut self, found: &Found) {
        let Found(mut page) = found.clone();
        self.pages.take(&mut page);
        self.is_asked = false;
        let is_live = |hit: &Match| !self.void.contains(&hit.seq);
        self.found.0.hits.extend(page.hits.into_iter().filter(is_live));
    }

    /// Forgets what a message said: it was taken back or changed.
    pub(crate) fn forget(&mut self, conversation: &str, seq: u64) {
        if self.conversation.as_str() == conversation {
            self.void.insert(seq);
            self.found.0.hits.retain(|hit| hit.seq != seq);
        }
    }

    /// Whether nothing more is to come.
    pub(crate) fn is_over(&self) -> bool {
        self.pages.next().is_none()
    }

    /// What was found so far.
    pub(crate) fn hits(&self) -> &[Match] {
        &self.found.0.hits
    }

    /// What stands above them.
    pub(crate) fn title(&self) -> String {
        let words = self.words.as_str();
        match (self.hits().len(), self.is_over()) {
            (0, true) => format!("nothing says {words}"),
            (count, true) => format!("{words}: {count} found"),
            (count, false) => format!("{words}: {count} found…"),
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::sample;

    use super::*;

    fn findings() -> Findings {
        let direct = ConversationId::parse("d~al~bo").unwrap();
        Findings::new(direct, "tea".into(), 3, 7)
    }

    fn page(seqs: &[u64], page: Option<&str>) -> Found {
        let hits = seqs.iter().map(|seq| sample::hit(*seq, "tea", &[(0, 3)])).collect();
        Found(Matches { hits, conversations: Vec::new(), page: page.map(str::to_owned) })
    }

    fn seqs(hits: &[Match]) -> Vec<u64> {
        hits.iter().map(|hit| hit.seq).collect()
    }

    #[test]
    fn pages_are_asked_for_one_at_a_time_until_the_screen_is_full() {
        let mut findings = findings();
        assert_eq!(findings.title(), "tea: 0 found…");
        let (ticket, first) = findings.ask().unwrap();
        assert_eq!((ticket, first.limit, first.page), (7, Some(3), None));
        assert_eq!(first.conversation.unwrap().as_str(), "d~al~bo");
        assert!(findings.ask().is_none(), "it was asked for");
        findings.page(&page(&[9], Some("a")));
        assert_eq!((seqs(findings.hits()), findings.is_over()), (vec![9], false));
        assert_eq!(findings.ask().unwrap().1.page.as_deref(), Some("a"));
        findings.page(&page(&[8, 7, 6], Some("b")));
        assert!(findings.ask().is_none() && findings.is_over());
        assert_eq!(
            (seqs(findings.hits()), findings.title()),
            (vec![9, 8, 7], "tea: 3 found".into())
        );
    }

    #[test]
    fn what_is_taken_back_is_found_no_more_though_its_page_comes_late() {
        let mut findings = findings();
        findings.page(&page(&[9], Some("a")));
        findings.forget("d~al~cy", 9);
        assert_eq!(seqs(findings.hits()), [9]);
        findings.forget("d~al~bo", 9);
        findings.forget("d~al~bo", 8);
        findings.page(&page(&[8], None));
        assert_eq!(findings.hits().len(), 0);
        assert_eq!(findings.title(), "nothing says tea");
    }
}

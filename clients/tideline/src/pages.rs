//! A search that goes on, page after page, until there is enough.

use engine::Query;
use timeline::limits::SEARCH_HITS_MAX;
use wire::Matches;

/// The most pages of a search. Ours: each is a request; a page may be short, and even empty.
const PAGES_MAX: usize = 10_000;

/// How far a search is. All pages have the same size, for a page belongs to the query before it;
/// what the last one has too many is left out.
#[derive(Debug)]
pub(crate) struct Pages {
    /// What is asked for next.
    query: Query,
    /// How many hits there are still to be; `None` for all.
    left: Option<u64>,
    /// How many pages may follow.
    allowed: usize,
    is_over: bool,
}

impl Pages {
    /// A search for at most so many hits, at least one; for all if absent.
    pub(crate) fn new(query: Query, wanted: Option<u64>) -> Self {
        let most = SEARCH_HITS_MAX as u64;
        let limit = Some(wanted.map_or(most, |wanted| wanted.min(most)));
        Self { query: Query { limit, ..query }, left: wanted, allowed: PAGES_MAX, is_over: false }
    }

    /// What to ask for next; `None` at the end.
    pub(crate) fn next(&self) -> Option<Query> {
        (!self.is_over).then(|| self.query.clone())
    }

    /// Takes a page, and leaves of it what was wanted; whether it is the last although the server
    /// has more.
    pub(crate) fn take(&mut self, found: &mut Matches) -> bool {
        self.allowed = self.allowed.saturating_sub(1);
        let page = found.page.take();
        let mut is_cut = false;
        if let Some(left) = &mut self.left {
            let room = usize::try_from(*left).unwrap_or(usize::MAX);
            is_cut = found.hits.len() > room;
            found.hits.truncate(room);
            *left -= found.hits.len() as u64;
        }
        self.is_over = page.is_none() || self.left == Some(0) || self.allowed == 0;
        is_cut |= self.is_over && page.is_some();
        self.query.page = page;
        is_cut
    }
}

#[cfg(test)]
mod tests {
    use crate::sample;

    use super::*;

    fn page(hits: u64, page: Option<&str>) -> Matches {
        let hits = (0..hits).map(|seq| sample::hit(seq, "tea", &[])).collect();
        Matches { hits, conversations: Vec::new(), page: page.map(str::to_owned) }
    }

    /// What each page is asked with, what of it is left, and whether it is the last of more.
    fn walk(wanted: Option<u64>, answers: Vec<Matches>) -> Vec<(Option<u64>, usize, bool)> {
        let mut pages = Pages::new(Query::new("tea".into()), wanted);
        let mut walked = Vec::new();
        let mut named = None;
        for mut answer in answers {
            let query = pages.next().unwrap();
            assert_eq!(query.page, named);
            named = answer.page.clone();
            let is_cut = pages.take(&mut answer);
            walked.push((query.limit, answer.hits.len(), is_cut));
        }
        assert!(pages.next().is_none());
        walked
    }

    #[test]
    fn a_short_or_empty_page_is_not_the_end() {
        let answers = vec![page(0, Some("a")), page(2, Some("b")), page(1, None)];
        let walked = walk(Some(20), answers);
        assert_eq!(walked, [(Some(20), 0, false), (Some(20), 2, false), (Some(20), 1, false)]);
    }

    #[test]
    fn enough_is_enough_and_what_is_left_out_is_told() {
        assert_eq!(walk(Some(2), vec![page(2, Some("a"))]), [(Some(2), 2, true)]);
        assert_eq!(walk(Some(2), vec![page(2, None)]), [(Some(2), 2, false)]);
        let answers = vec![page(100, Some("a")), page(70, None)];
        assert_eq!(walk(Some(150), answers), [(Some(100), 100, false), (Some(100), 50, true)]);
    }

    #[test]
    fn all_means_to_the_end() {
        let answers = vec![page(100, Some("a")), page(100, Some("b")), page(3, None)];
        let limit = Some(100);
        assert_eq!(
            walk(None, answers),
            [(limit, 100, false), (limit, 100, false), (limit, 3, false)]
        );
    }
}

//! What is searched for, and how long the answers take.

use std::time::{Duration, Instant};

use search_index::Query;
use store_dynamo::Units;

use crate::data::Data;

/// How many hits are asked for: a screen.
pub(crate) const HITS: usize = 20;

/// A sort of query.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Sort {
    /// One word, as often as people write it; two ideographs where nothing separates words.
    Word,
    /// Two words of one message, in any place.
    TwoWords,
    /// A single ideograph.
    Letter,
    /// A message that nobody wrote, in quotes: there is nothing to stop at.
    Nothing,
}

impl Sort {
    /// All of them.
    pub(crate) const ALL: [Self; 4] = [Self::Word, Self::TwoWords, Self::Letter, Self::Nothing];

    /// A query of the sort made of a message, if it has what that takes.
    fn query(self, text: &str) -> Option<String> {
        let spaced: Vec<_> = text.split([' ', ',']).filter(|word| word.is_ascii()).collect();
        let spaced: Vec<_> = spaced.into_iter().filter(|word| word.len() >= 2).collect();
        let letters: Vec<_> = text.chars().filter(|letter| *letter > '\u{3000}').collect();
        let pair = |at: usize| letters.get(at..at + 2).map(|pair| pair.iter().collect::<String>());
        let word = |at: usize| spaced.get(at).map(|word| (*word).to_owned());
        match self {
            // White space at the end says that the word is complete.
            Self::Word => word(0).or_else(|| pair(0)).map(|word| word + " "),
            Self::TwoWords => match (word(0), word(1)) {
                (Some(one), Some(other)) if one != other => Some(format!("{one} {other} ")),
                (_, _) => Some(format!("{} {} ", pair(0)?, pair(3)?)),
            },
            Self::Letter => letters.first().map(|letter| format!("{letter} ")),
            Self::Nothing => (text.chars().count() > 12).then(|| format!("\"{text}\"")),
        }
    }

    /// So many queries of the sort; none where the language has no such.
    pub(crate) fn queries(self, data: &Data, count: usize) -> Vec<String> {
        let queries = data.unsaid.iter().filter_map(|text| self.query(text));
        queries.filter(|query| Query::parse(query).is_ok()).take(count).collect()
    }
}

/// Asks each of the queries and prints what they took; how many hits each had.
pub(crate) async fn measure(
    what: &str,
    consumed: impl Fn() -> Units,
    queries: &[String],
    find: impl AsyncFn(&str) -> usize,
) -> Vec<usize> {
    let before = consumed();
    let mut times = Vec::new();
    let mut hits = Vec::new();
    for query in queries {
        let start = Instant::now();
        hits.push(find(query).await);
        times.push(start.elapsed());
    }
    let now = consumed();
    times.sort_unstable();
    let (read, requests) = (now.read - before.read, now.requests - before.requests);
    let each = |of: f64| of / queries.len() as f64;
    println!(
        "      {what}: {:.1} hits, {:.1} read units, {:.1} requests, p50 {}, p99 {} ({} queries)",
        each(hits.iter().sum::<usize>() as f64),
        each(read),
        each(requests as f64),
        shown(times[times.len() / 2]),
        shown(times[times.len() * 99 / 100]),
        queries.len(),
    );
    hits
}

fn shown(time: Duration) -> String {
    format!("{:.1} ms", time.as_secs_f64() * 1_000.0)
}

//! What holds of any query and any text.

use proptest::prelude::*;
use search_index::{Block, InvalidQuery, Leaf, Level, Lookup, Query, Span, Text, candidates};

/// What texts and queries are put together of: few things, so that they often have some in common,
/// and those at which folding and taking apart may go wrong.
const PIECES: [&str; 44] = [
    "北",
    "京",
    "市",
    "长",
    "東",
    "々",
    "カ",
    "ｶ",
    "ﾞ",
    "が",
    "か\u{3099}",
    "서",
    "울",
    "각",
    "가",
    "ᆨ",
    "ก",
    "\u{E34}",
    "a",
    "b",
    "hello",
    "hel",
    "HELL",
    "run",
    "é",
    "e\u{301}",
    "ß",
    "ss",
    "ё",
    "ﬁ",
    "1",
    "👍",
    "👍🏽",
    "👩🏽\u{200D}💻",
    "💻",
    "🇫",
    "🇷",
    " ",
    " ",
    ",",
    "_",
    "\u{200B}",
    "\u{AD}",
    "㍿",
];

fn text() -> impl Strategy<Value = String> {
    let piece = prop::sample::select(&PIECES[..]);
    prop::collection::vec(piece, 0..24).prop_map(|pieces| pieces.concat())
}

/// Something to look for, quotes and stars among it.
fn query() -> impl Strategy<Value = Query> {
    let piece = prop_oneof![8 => prop::sample::select(&PIECES[..]),
                            1 => Just("\""), 1 => Just("*"), 1 => Just(" ")];
    let query = prop::collection::vec(piece, 1..6).prop_map(|pieces| pieces.concat());
    query.prop_filter_map("nothing to look for", |text| Query::parse(&text).ok())
}

/// A part of a text that is looked for in it.
fn part_and_text() -> impl Strategy<Value = (Query, String)> {
    let pieces = prop::collection::vec(prop::sample::select(&PIECES[..]), 1..16);
    let cut = (pieces, any::<prop::sample::Index>(), 1..5_usize, any::<bool>());
    cut.prop_filter_map("nothing to look for", |(pieces, at, length, is_complete)| {
        let start = at.index(pieces.len());
        let end = pieces.len().min(start + length);
        let space = if is_complete { " " } else { "" };
        let query = Query::parse(&format!("{}{space}", pieces[start..end].concat())).ok()?;
        Some((query, pieces.concat()))
    })
}

fn leaf(texts: &[String]) -> Block {
    let mut leaf = Leaf::default();
    for (position, text) in (0..).zip(texts) {
        leaf.add(position, Text::new(text).fingerprints());
    }
    leaf.finish()
}

fn candidates_of(query: &Query, block: &Block) -> Vec<u16> {
    let pairs: Vec<(Lookup, &Block)> =
        query.lookups().into_iter().map(|lookup| (lookup, block)).collect();
    candidates(Level::L0, &pairs).unwrap().newest_first().collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn what_matches_is_a_candidate(query in query(), text in text()) {
        if query.verify(&text).is_some() {
            prop_assert_eq!(candidates_of(&query, &leaf(&[text])), [0]);
        }
    }

    #[test]
    fn a_part_that_matches_is_a_candidate((query, text) in part_and_text()) {
        if query.verify(&text).is_some() {
            prop_assert_eq!(candidates_of(&query, &leaf(&[text])), [0]);
        }
    }

    #[test]
    fn spans_are_what_matches((query, text) in part_and_text()) {
        let Some(spans) = query.verify(&text) else { return Ok(()) };
        let letters: Vec<char> = text.chars().collect();
        prop_assert!(!spans.is_empty());
        prop_assert!(spans.is_sorted_by(|one, other| one.end <= other.start));
        let shown: String = spans.iter().flat_map(|Span { start, end }| {
            part_of(&letters, *start, *end)
        }).collect();
        // What is highlighted, and nothing else of the text, has all that the query asks for.
        prop_assert!(query.verify(&shown).is_some(), "{:?} of {:?}", shown, text);
    }

    #[test]
    fn a_spelling_does_not_matter(query in query(), text in text()) {
        use unicode_normalization::UnicodeNormalization;
        let decomposed: String = text.nfd().collect();
        let compatible: String = text.nfkc().collect();
        let found = query.verify(&text).is_some();
        prop_assert_eq!(query.verify(&decomposed).is_some(), found);
        prop_assert_eq!(query.verify(&compatible).is_some(), found);
    }

    #[test]
    fn any_text_can_be_looked_for(typed in any::<String>(), text in any::<String>()) {
        match Query::parse(&typed) {
            Ok(query) => {
                prop_assert!((1..=16).contains(&query.lookups().len()));
                let found = query.verify(&text);
                prop_assert!(found.is_none_or(|spans| !spans.is_empty()));
                // A query finds itself, but for quotes and stars.
                let is_plain = !typed.contains(['"', '“', '”', '„', '＂', '*']);
                prop_assert!(!is_plain || query.verify(&typed).is_some(), "{:?}", typed);
            }
            Err(InvalidQuery::TooLong) => prop_assert!(typed.chars().count() > 256),
            Err(InvalidQuery::ShortBeginning) => prop_assert!(typed.contains('*')),
            Err(InvalidQuery::Empty) => {}
        }
    }
}

proptest! {
    #[test]
    fn a_block_of_texts_misses_none(query in query(),
                                   texts in prop::collection::vec(text(), 1..64)) {
        let candidates = candidates_of(&query, &leaf(&texts));
        for (position, text) in (0..).zip(&texts) {
            if query.verify(text).is_some() {
                prop_assert!(candidates.contains(&position), "{:?} misses {:?}", query, text);
            }
        }
    }
}

/// A part of a text, and a space, which ends it as the rest of the text did.
fn part_of(letters: &[char], start: usize, end: usize) -> Vec<char> {
    let mut part = letters[start..end].to_vec();
    part.push(' ');
    part
}

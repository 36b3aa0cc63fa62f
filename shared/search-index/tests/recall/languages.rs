//! Recall and size, by language, against the texts themselves.

use std::collections::BTreeSet;

use fastrand::Rng;
use search_index::{Filter, Level, Lookup, Query};

use crate::corpus::{Corpus, Language};
use crate::index::{Index, author};

#[test]
fn every_part_of_a_run_is_found() {
    for (language, seed) in [(Language::Chinese, 1), (Language::Japanese, 2), (Language::Korean, 3)]
    {
        let index = Index::new(Corpus::new(language, seed).messages(1_000));
        let mut random = Rng::with_seed(seed);
        let mut pairs = 0;
        for _ in 0..150 {
            let part = part_of_a_run(&mut random, &index.texts);
            let query = Query::parse(&part).unwrap();
            let candidates: BTreeSet<_> = index.candidates(&query).into_iter().collect();
            for ((seq, text), read) in (1..).zip(&index.texts).zip(&index.read) {
                // Nothing of these scripts folds: what matches is what has the part.
                let is_match = query.verify_text(read).is_some();
                assert_eq!(is_match, text.contains(&part), "{part} in {text}");
                assert!(!is_match || candidates.contains(&seq), "{part} misses {text}");
                pairs += usize::from(is_match);
            }
        }
        assert!(pairs > 1_000, "only {pairs} true pairs in {language:?}");
    }
}

#[test]
fn every_word_and_every_beginning_is_found() {
    let index = Index::new(Corpus::new(Language::English, 4).messages(1_000));
    let mut random = Rng::with_seed(4);
    for _ in 0..150 {
        let text = &index.texts[random.usize(..index.texts.len())];
        let words: Vec<_> = words(text).collect();
        let word = words[random.usize(..words.len())];
        let beginning = &word[..word.len().min(3 + random.usize(..3))];
        check(&index, &format!("{word} "), |other| other == word);
        if beginning.len() >= 3 {
            check(&index, &format!("{beginning}*"), |other| other.starts_with(beginning));
        }
    }
}

/// The query matches exactly the messages that have such a word, and all are candidates.
fn check(index: &Index, query: &str, is_wanted: impl Fn(&str) -> bool) {
    let query = Query::parse(query).unwrap();
    let texts = (1..).zip(&index.texts);
    let wanted = texts.filter(|(_, text)| words(text).any(&is_wanted));
    let wanted: Vec<u64> = wanted.map(|(seq, _)| seq).collect();
    assert_eq!(index.matches(&query), wanted, "{query:?}");
    let candidates: BTreeSet<_> = index.candidates(&query).into_iter().collect();
    assert!(wanted.iter().all(|seq| candidates.contains(seq)), "{query:?}");
}

#[test]
fn blocks_of_every_level_miss_nothing() {
    // One block of each level and a tail.
    let messages = 32_768 + 4_096 + 512 + 64 + 17;
    let mut corpus = Corpus::new(Language::Mixed, 5);
    let index = Index::new(corpus.messages(messages));
    for level in Level::ALL {
        assert!(index.blocks.keys().any(|block| block.level == level));
    }
    let mut random = Rng::with_seed(5);
    let mut verified = 0;
    let mut candidates = 0;
    for _ in 0..40 {
        let text = &index.texts[random.usize(..messages)];
        let Some(query) = some_query(&mut random, text) else { continue };
        let found = index.candidates(&query);
        assert!(found.is_sorted_by(|newer, older| newer > older), "the newest comes first");
        candidates += found.len();
        let of_them: BTreeSet<_> = found.into_iter().collect();
        let wanted = index.matches(&query);
        assert!(wanted.iter().all(|seq| of_them.contains(seq)), "{query:?}");
        verified += wanted.len();
    }
    assert!(verified > 1_000, "only {verified} matches");
    // Half of the candidates of beginnings match, more of all others do.
    assert!(candidates < 4 * verified, "{candidates} candidates for {verified} matches");
}

#[test]
fn an_author_is_found_and_no_text_that_names_one() {
    let mut texts = Corpus::new(Language::English, 6).messages(1_100);
    texts[500] = author(1);
    let index = Index::new(texts);
    let lookups = [Lookup::exact(Filter::From(&author(1)).fingerprint())];
    let found: BTreeSet<_> = index.looked_up(&lookups).into_iter().collect();
    let wanted: BTreeSet<u64> = (1..=1_100).filter(|seq| author(*seq) == author(1)).collect();
    assert!(found.is_superset(&wanted));
    assert!(author(501) != author(1) && !found.contains(&501));
    let kind = [Lookup::exact(Filter::Kind("text").fingerprint())];
    assert_eq!(index.looked_up(&kind).len(), 1_100);
    assert!(index.looked_up(&[Lookup::exact(Filter::Kind("image").fingerprint())]).len() < 20);
}

#[test]
fn what_nobody_wrote_has_few_candidates() {
    for (language, other, seed) in
        [(Language::English, Language::English, 7), (Language::Chinese, Language::Chinese, 8)]
    {
        let index = Index::new(Corpus::new(language, seed).messages(4_200));
        let mut stranger = Corpus::new(other, seed + 100);
        let mut false_ones = 0;
        let mut queries = 0;
        while queries < 100 {
            let text = stranger.message();
            let query = Query::parse(&format!("{} ", text.trim())).unwrap();
            if index.matches(&query).is_empty() {
                queries += 1;
                false_ones += index.candidates(&query).len().saturating_sub(4_200 % 64 + 1);
            }
        }
        assert!(false_ones < 4_200, "{false_ones} false candidates of {language:?}");
    }
}

#[test]
fn a_message_takes_some_eighty_bytes() {
    for language in [Language::English, Language::Chinese, Language::Mixed] {
        let index = Index::new(Corpus::new(language, 9).messages(4_095));
        let bytes: usize = Level::ALL.map(|level| index.bytes(level)).iter().sum();
        let each = bytes as f64 / 4_095.0;
        assert!((30.0..130.0).contains(&each), "{each:.1} bytes a message of {language:?}");
    }
}

/// Some letters in a row of some message, without punctuation.
fn part_of_a_run(random: &mut Rng, texts: &[String]) -> String {
    loop {
        let text: Vec<char> = texts[random.usize(..texts.len())].chars().collect();
        let start = random.usize(..text.len());
        let end = text.len().min(start + 1 + random.usize(..5));
        if text[start..end].iter().all(|letter| letter.is_alphabetic()) {
            return text[start..end].iter().collect();
        }
    }
}

/// A query that matches the text, unless there are no letters where it is cut out.
fn some_query(random: &mut Rng, text: &str) -> Option<Query> {
    let words: Vec<_> = text.split_whitespace().collect();
    let word = words[random.usize(..words.len())];
    let letters: Vec<char> = word.chars().collect();
    match random.usize(..3) {
        0 => Query::parse(&format!("{word} ")).ok(),
        1 => Query::parse(&letters[..letters.len().min(3)].iter().collect::<String>()).ok(),
        _ => {
            let start = random.usize(..letters.len());
            let end = letters.len().min(start + 1 + random.usize(..2));
            Query::parse(&letters[start..end].iter().collect::<String>()).ok()
        }
    }
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|letter: char| !letter.is_alphanumeric()).filter(|word| !word.is_empty())
}

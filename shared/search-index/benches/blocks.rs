//! What search costs the processor, and how many bytes: tokenizing, building blocks, looking up.
//!
//!     cargo bench --bench blocks
//!
//! Medians of seven rounds. Compare the rows with one another, not with other machines.

#![expect(clippy::unwrap_used, reason = "a measurement that cannot go on fails")]
#![expect(clippy::print_stdout, reason = "what it measures is what it prints")]

#[path = "../tests/recall/corpus.rs"]
mod corpus;
#[path = "../tests/recall/index.rs"]
mod index;

use std::hint::black_box;
use std::time::{Duration, Instant};

use search_index::{Block, BlockId, Level, Lookup, Query, Text, merge};

use corpus::{Corpus, Language};
use index::{Index, leaf_of};

/// How often each thing is measured.
const ROUNDS: usize = 7;
/// How many messages a conversation has: one block of the last level, and what is not in it.
const MESSAGES: usize = 32_768 + 5_000;
/// How many queries of a sort are asked.
const QUERIES: usize = 200;

fn main() {
    for language in Language::ALL {
        println!("\n{language:?}, {MESSAGES} messages");
        let texts = Corpus::new(language, 1).messages(MESSAGES);
        tokenizing(&texts);
        let index = Index::new(texts);
        building(&index);
        sizes(&index);
        lookups(&index, language);
    }
}

fn tokenizing(texts: &[String]) {
    let characters: usize = texts.iter().map(|text| text.chars().count()).sum();
    let terms: usize = texts.iter().map(|text| Text::new(text).terms().count()).sum();
    let each = |count: usize| count as f64 / texts.len() as f64;
    println!("  a message: {:.1} characters, {:.1} terms", each(characters), each(terms));
    let took = median(|| {
        for text in texts {
            black_box(Text::new(text).fingerprints());
        }
    });
    print("fingerprints of a message", took, texts.len());
}

fn building(index: &Index) {
    let leaf = BlockId { level: Level::L0, number: 1 };
    print("a block of 64 messages", median(|| drop(black_box(leaf_of(&index.read, leaf)))), 1);
    for level in [Level::L1, Level::L2, Level::L3] {
        let parent = BlockId { level, number: 0 };
        let children = parent.children().unwrap().map(|child| &index.blocks[&child]);
        let took = median(|| {
            for bucket in 0..children[0].len() {
                black_box(merge(children.map(|child| &child[bucket])).unwrap());
            }
        });
        print(&format!("a block of {} messages, of its children", level.messages()), took, 1);
    }
}

fn sizes(index: &Index) {
    let mut all = 0.0;
    for level in Level::ALL {
        let blocks = index.blocks.keys().filter(|block| block.level == level).count();
        let messages = blocks as f64 * level.messages() as f64;
        let each = index.bytes(level) as f64 / messages;
        let of_level = index.blocks.iter().filter(|(block, _)| block.level == level);
        let items = of_level.flat_map(|(_, buckets)| buckets).map(Block::len);
        println!("  level {}: {each:.1} bytes a message", level.number());
        println!("           {} bytes the largest item", items.max().unwrap_or(0));
        all += each;
    }
    // A write unit is a kilobyte or part of one.
    let items = index.blocks.values().flatten().map(|block| block.len().div_ceil(1_024));
    let units = items.sum::<usize>() as f64 / MESSAGES as f64;
    println!("  all levels: {all:.1} bytes and {units:.3} kilobytes begun a message");
}

fn lookups(index: &Index, language: Language) {
    let words = queries(language, |text| {
        let end = text.find([' ', ',']).unwrap_or(text.len());
        format!("{} ", text[..end].chars().take(4).collect::<String>())
    });
    let single = queries(language, |text| text.chars().take(1).collect());
    let beginnings = queries(language, |text| {
        let word = text.split_whitespace().find(|word| word.len() >= 3);
        word.unwrap_or("the").chars().take(3).collect()
    });
    for (name, queries) in [("4 letters", words), ("1 letter", single), ("beginning", beginnings)] {
        let found: usize = queries.iter().map(|query| index.candidates(query).len()).sum();
        let matches: usize = queries.iter().map(|query| index.matches(query).len()).sum();
        let took = median(|| {
            for query in &queries {
                black_box(index.candidates(query));
            }
        });
        print(&format!("candidates of {name}, whole conversation"), took, queries.len());
        println!("      {matches} matches of {found} candidates");
    }
    let blocks = &index.blocks[&BlockId { level: Level::L3, number: 0 }];
    let query = queries(language, |text| format!("{text} ")).swap_remove(0);
    let lookup: Lookup = query.lookups()[0];
    let block = &blocks[usize::from(Level::L3.bucket(lookup))];
    print("one lookup in the longest block", median(|| drop(black_box(block.lookup(lookup)))), 1);
    let verified = median(|| {
        for text in &index.texts[..1_000] {
            black_box(query.verify(text));
        }
    });
    print("verifying a message", verified, 1_000);
}

/// Queries made of messages that nobody wrote, of the words of the same language.
fn queries(language: Language, query: impl Fn(&str) -> String) -> Vec<Query> {
    let mut corpus = Corpus::new(language, 1);
    corpus.messages(MESSAGES);
    let queries = std::iter::from_fn(|| Some(Query::parse(&query(&corpus.message()))));
    queries.flatten().take(QUERIES).collect()
}

fn median(mut of: impl FnMut()) -> Duration {
    let mut rounds = [Duration::ZERO; ROUNDS];
    for round in &mut rounds {
        let start = Instant::now();
        of();
        *round = start.elapsed();
    }
    rounds.sort_unstable();
    rounds[ROUNDS / 2]
}

fn print(what: &str, took: Duration, times: usize) {
    println!("  {what}: {:.2} us", took.as_secs_f64() * 1e6 / times as f64);
}

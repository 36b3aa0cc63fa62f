//! Blocks of what messages are found by.

use std::collections::BTreeSet;

use chat::RebuildPorts;
use chat::index::{self, IndexPorts, Work, open_blocks};
use proptest::prelude::*;
use search_index::{Block, BlockId, Leaf, Level, Lookup, Query, Text};
use store::{Blocks, Memory, Timelines};
use timeline::exchange::Caller;
use timeline::lists::RecallRequest;
use timeline::rebuild::{RebuildRequest, RebuildScope};
use timeline::{
    Body, ConversationId, DeviceId, Diffusion, Draft, Entry, Kind, Seq, TimelineId, limits,
};

use crate::town::{START, Town, caller, direct, message, person, poll, run, said, seq};

/// What the messages of the drawn histories are made of.
const WORDS: [&str; 6] = ["alpha", "beta", "gamma", "北京", "delta", "omega"];

fn ports(store: &Memory) -> IndexPorts<'_> {
    IndexPorts { timelines: store, blocks: store, searched: wire::searched_text }
}

fn tea() -> ConversationId {
    direct("alice", "bob")
}

fn leaf(number: u64) -> BlockId {
    BlockId { level: Level::L0, number }
}

/// A store in which message `number` says its number and a word that three have, of `count`.
fn filled(count: u64) -> Memory {
    let store = Memory::default();
    for number in 1..=count {
        let draft = Draft {
            id: message(number),
            author: person(["alice", "bob"][usize::from(number % 5 == 0)]),
            device: DeviceId::parse("desk").unwrap(),
            at: START,
            kind: Kind::text(),
            version: 1,
            inbox_before: Seq::ZERO,
            diffusion: Diffusion::Write,
            named: Vec::new(),
            target: None,
            body: Body::parse(&format!(r#"{{"text":"n{number} w{}"}}"#, number / 3)).unwrap(),
        };
        run(store.put(&tea().timeline(), &draft.at(seq(number)))).unwrap();
    }
    store
}

/// The buckets of a block as they are kept: nothing where one is missing.
fn kept(store: &Memory, id: BlockId) -> Option<Vec<Block>> {
    let wanted: Vec<_> = id.level.all_buckets().map(|bucket| (tea(), id, bucket)).collect();
    run(open_blocks(store, &wanted)).unwrap().into_iter().collect()
}

/// Every block that a timeline of `count` messages completes, level by level.
fn complete(count: u64) -> Vec<BlockId> {
    let of = |level: Level| {
        let blocks = (count + 1) / level.messages();
        (0..blocks).map(move |number| BlockId { level, number })
    };
    Level::ALL.into_iter().flat_map(of).collect()
}

/// Tells the index of every entry, in this order, as the stream does.
fn stream(store: &Memory, seqs: impl IntoIterator<Item = u64>) {
    for number in seqs {
        run(index::index(ports(store), &tea().timeline(), seq(number))).unwrap();
    }
}

/// Builds a block of what is kept, or as much of it as so many leaves allow.
fn build(store: &Memory, id: BlockId, leaves: usize) -> bool {
    let mut work = Work::new(leaves);
    let built = run(index::build(ports(store), &tea(), id, &mut work)).unwrap();
    run(work.write(store)).unwrap();
    built
}

#[test]
fn the_stream_writes_every_block_that_is_complete() {
    let count = 4_200;
    let store = filled(count);
    stream(&store, 1..=count);
    let blocks = complete(count);
    assert_eq!(blocks.len(), 65 + 8 + 1);
    for id in &blocks {
        assert!(kept(&store, *id).is_some(), "{id:?}");
    }
    assert_eq!(kept(&store, leaf(65)), None, "its last message is still to come");
    assert_eq!(kept(&store, BlockId { level: Level::L1, number: 8 }), None);
}

#[test]
fn a_block_is_the_same_however_it_is_built() {
    let count = 4_200;
    let streamed = filled(count);
    stream(&streamed, 1..=count);
    let late = filled(count);
    stream(&late, (1..=count).rev());
    stream(&late, [4_095, 63, 64]);
    let whole = filled(count);
    assert!(build(&whole, BlockId { level: Level::L2, number: 0 }, limits::INDEX_LEAVES_MAX));
    assert!(build(&whole, leaf(64), 1));
    for id in complete(count) {
        let expected = kept(&streamed, id);
        assert_eq!(kept(&late, id), expected, "{id:?}, in any order");
        assert_eq!(kept(&whole, id), expected, "{id:?}, of the timeline");
    }
}

#[test]
fn what_is_not_as_it_was_written_is_built_again() {
    let store = filled(600);
    stream(&store, 1..=600);
    let expected: Vec<_> = complete(600).into_iter().map(|id| kept(&store, id)).collect();
    let damaged = store::BlockKey {
        conversation: tea(),
        analyzer: search_index::ANALYZER,
        level: 0,
        bucket: 0,
        number: 3,
    };
    run(store.write_blocks(&[(damaged, vec![4, 64, 162, 182, 109, 192])])).unwrap();
    assert_eq!(kept(&store, leaf(3)), None);
    assert!(build(&store, BlockId { level: Level::L1, number: 0 }, 1));
    let found: Vec<_> = complete(600).into_iter().map(|id| kept(&store, id)).collect();
    assert_eq!(found, expected);
}

#[test]
fn work_is_bounded_and_what_was_done_stays() {
    let store = filled(600);
    let parent = BlockId { level: Level::L1, number: 0 };
    assert!(!build(&store, parent, 3));
    assert_eq!(kept(&store, parent), None);
    assert!((0..3).all(|number| kept(&store, leaf(number)).is_some()));
    assert!(!build(&store, parent, 4));
    assert!(build(&store, parent, 1));
    assert!(kept(&store, parent).is_some());
}

/// More than an item holds: letters at random, so that nearly every pair of them is a new term.
#[test]
fn a_block_that_is_too_long_is_not_kept() {
    let mut random = 7_u64;
    let mut text = |letters: usize| -> String {
        let mut letter = || {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            char::from_u32(0x4E00 + u32::try_from(random >> 33).unwrap() % 20_000).unwrap()
        };
        (0..letters).map(|_| letter()).collect()
    };
    let mut long = Leaf::default();
    (0..64).for_each(|position| long.add(position, Text::new(&text(4_000)).fingerprints()));
    let long = long.finish();
    assert!(long.len() > search_index::BLOCK_BYTES_MAX, "{}", long.len());
    let store = Memory::default();
    let mut work = Work::new(0);
    work.add(&tea(), leaf(0), vec![long]);
    work.add(&tea(), leaf(1), vec![Leaf::default().finish()]);
    run(work.write(&store)).unwrap();
    assert_eq!(kept(&store, leaf(0)), None);
    assert!(kept(&store, leaf(1)).is_some());
}

#[test]
fn a_block_whose_messages_are_not_all_there_is_not_built() {
    let store = filled(126);
    for id in [leaf(1), leaf(2), BlockId { level: Level::L1, number: 0 }] {
        assert!(!build(&store, id, limits::INDEX_LEAVES_MAX), "{id:?}");
        assert_eq!(kept(&store, id), None);
    }
    assert!(build(&store, leaf(0), 1));
}

#[test]
fn what_is_no_conversations_is_not_indexed() {
    let store = filled(63);
    let other = TimelineId::parse("library").unwrap();
    for entry in run(store.scan(&tea().timeline(), store::Scan::since(seq(1), 63))).unwrap() {
        run(store.put(&other, &entry)).unwrap();
    }
    let before = format!("{store:?}");
    run(index::index(ports(&store), &other, seq(63))).unwrap();
    assert_eq!(format!("{store:?}"), before);
}

#[test]
fn only_messages_and_edits_are_found_by_anything() {
    let store = filled(1);
    let said = run(store.get(&tea().timeline(), seq(1))).unwrap().unwrap();
    let count = |entry: &Entry| index::fingerprints(entry, wire::searched_text).len();
    assert_eq!(count(&said), 4, "two words, its author and its kind");
    assert_eq!(count(&Entry { body: None, ..said.clone() }), 0);
    for kind in Kind::EVENTS {
        let expected = if kind == Kind::EDIT { 4 } else { 0 };
        assert_eq!(count(&Entry { kind: Kind::event(kind), ..said.clone() }), expected, "{kind}");
    }
}

/// Asks for all of it, request by request: how many blocks each built.
fn rebuild(store: &Memory, scope: RebuildScope) -> Vec<usize> {
    let ports = RebuildPorts { index: ports(store), directory: store };
    let mut next = Some(RebuildRequest { scope, after: Seq::ZERO });
    let mut counts = Vec::new();
    while let Some(request) = next {
        let rebuilt = run(chat::rebuild(ports, request)).unwrap();
        counts.push(rebuilt.blocks);
        next = rebuilt.next;
        assert!(counts.len() < 10, "it comes to an end");
    }
    counts
}

#[test]
fn a_conversation_is_indexed_anew_part_by_part() {
    let count = 33_500;
    let store = filled(count);
    let counts = rebuild(&store, RebuildScope::Conversation(tea()));
    assert_eq!(counts, [512, 11], "no further than the end of the longest block at once");
    let blocks = complete(count);
    assert_eq!(blocks.len(), 523 + 65 + 8 + 1);
    for id in &blocks {
        assert!(kept(&store, *id).is_some(), "{id:?}");
    }
}

#[test]
fn what_is_wrong_is_written_over() {
    let store = filled(600);
    stream(&store, 1..=600);
    let right: Vec<_> = complete(600).into_iter().map(|id| kept(&store, id)).collect();
    let other = filled(63);
    let wrong = Body::parse(r#"{"text":"something else"}"#).unwrap();
    run(other.update(&tea().timeline(), seq(7), &wrong)).unwrap();
    assert!(build(&other, leaf(0), 1));
    let key = store::BlockKey {
        conversation: tea(),
        analyzer: search_index::ANALYZER,
        level: 0,
        bucket: 0,
        number: 0,
    };
    let bytes = run(other.read_blocks(std::slice::from_ref(&key))).unwrap().remove(0).unwrap();
    run(store.write_blocks(&[(key, bytes)])).unwrap();
    assert_ne!(kept(&store, leaf(0)), right[0], "it reads as a block, and says something else");
    rebuild(&store, RebuildScope::Conversation(tea()));
    let found: Vec<_> = complete(600).into_iter().map(|id| kept(&store, id)).collect();
    assert_eq!(found, right);
}

#[test]
fn all_conversations_of_a_user_are_indexed_anew() {
    let town = Town::new();
    let alice = caller("alice", "desk");
    for to in ["bob", "cy"] {
        town.fill(&alice, to, 65);
    }
    town.fill(&alice, "dan", 3);
    let user = person("alice");
    let counts = rebuild(&town.store, RebuildScope::User { user: user.clone(), from: None });
    assert_eq!(counts, [2]);
    for (to, is_there) in [("bob", true), ("cy", true), ("dan", false)] {
        let wanted = [(direct("alice", to), leaf(0), 0)];
        let found = run(open_blocks(&town.store, &wanted)).unwrap();
        assert_eq!(found[0].is_some(), is_there, "{to}");
    }
    let from = Some(direct("alice", "cy"));
    assert_eq!(rebuild(&town.store, RebuildScope::User { user, from }), [1]);
}

/// What happens to a conversation.
#[derive(Clone, Debug)]
enum Step {
    /// A message of these words.
    Say(Vec<usize>),
    /// An edit of one of the messages so far, which ends after so many polls.
    Edit(usize, Vec<usize>, usize),
    /// One of the messages so far is taken back, by work that ends after so many polls.
    Recall(usize, usize),
    /// A block is built, if it is complete.
    Build(u64),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let words = || prop::collection::vec(0..WORDS.len(), 1..3);
    // Most end by themselves: the store is asked some ten times.
    let polls = || prop_oneof![2 => Just(10_000_usize), 1 => 1..30_usize];
    let step = prop_oneof![
        12 => words().prop_map(Step::Say),
        6 => (any::<usize>(), words(), polls()).prop_map(|(of, w, p)| Step::Edit(of, w, p)),
        1 => (any::<usize>(), polls()).prop_map(|(of, p)| Step::Recall(of, p)),
        2 => (0..3_u64).prop_map(Step::Build),
    ];
    prop::collection::vec(step, 100..220)
}

fn spoken(words: &[usize]) -> String {
    let words: Vec<_> = words.iter().map(|word| WORDS[*word]).collect();
    format!(r#"{{"text":"{}"}}"#, words.join(" "))
}

/// Lets all of it happen; every message is alice's.
fn happen(steps: &[Step]) -> Town {
    let town = Town::new();
    let alice = caller("alice", "desk");
    for (number, step) in (1..).zip(steps) {
        match step {
            Step::Say(words) => {
                town.send(&alice, said("bob", number, Some(0), &spoken(words)));
            }
            Step::Edit(of, words, polls) => {
                let body = Body::parse(&spoken(words)).unwrap();
                change(&town, &alice, number, *of, Some(body), *polls);
            }
            Step::Recall(of, polls) => change(&town, &alice, number, *of, None, *polls),
            Step::Build(block) => drop(build(&town.store, leaf(*block), 1)),
        }
    }
    town
}

fn change(town: &Town, by: &Caller, number: u64, of: usize, body: Option<Body>, polls: usize) {
    let entries = town.entries(&tea());
    let said: Vec<_> = entries.iter().filter(|entry| !entry.kind.is_event()).collect();
    let Some(target) = (!said.is_empty()).then(|| said[of % said.len()]) else { return };
    let request = RecallRequest {
        conversation: tea(),
        seq: target.seq,
        message: message(number),
        base: Some(Seq::ZERO),
        body,
    };
    // What was taken back is refused, and what ends early is as good as never answered.
    drop(poll(chat::recall(town.send_ports(), by, request), polls));
}

/// The places under which a word is found in the blocks that are kept, and in the rest.
fn found(town: &Town, word: &str) -> BTreeSet<Seq> {
    let lookup: Lookup = Query::parse(&format!("{word} ")).unwrap().lookups()[0];
    let entries = town.entries(&tea());
    let mut found = BTreeSet::new();
    for entry in &entries {
        let id = BlockId::of(Level::L0, entry.seq.number());
        let position = id.position(entry.seq.number()).unwrap();
        let is_candidate = match kept(&town.store, id) {
            Some(buckets) => buckets[0].lookup(lookup).unwrap().contains(position),
            None => entry.body.as_ref().is_some_and(|body| body.as_str().contains(word)),
        };
        if is_candidate {
            found.insert(entry.target.unwrap_or(entry.seq));
        }
    }
    found
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn what_a_message_says_now_is_found_whenever_blocks_were_built(steps in steps()) {
        let town = happen(&steps);
        for word in WORDS {
            let found = found(&town, word);
            for entry in town.entries(&tea()) {
                let says = entry.body.as_ref().is_some_and(|body| body.as_str().contains(word));
                if says && !entry.kind.is_event() {
                    prop_assert!(found.contains(&entry.seq), "{word} at {}", entry.seq);
                }
            }
        }
    }
}

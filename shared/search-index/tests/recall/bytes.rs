//! A block's bytes: what is written is read, and what was not written here does no harm.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use search_index::block::BLOCK_BYTES_MAX;
use search_index::{
    Block, Corrupt, Fingerprint, Leaf, Level, Lookup, Query, Text, candidates, merge,
};

use crate::corpus::{Corpus, Language};
use crate::index::Index;

/// Which positions have which fingerprint.
type Model = BTreeMap<Fingerprint, BTreeSet<u16>>;

/// Messages, each of words by their number: few of them frequent.
fn messages(max: usize) -> impl Strategy<Value = Vec<Vec<u32>>> {
    let word = prop_oneof![0..20u32, 0..400u32, any::<u32>()];
    prop::collection::vec(prop::collection::vec(word, 0..12), 1..max)
}

fn fingerprint(word: u32) -> Fingerprint {
    Text::new(&format!("w{word}")).fingerprints()[0]
}

fn leaf(messages: &[Vec<u32>], model: &mut Model, before: u16) -> Block {
    let mut leaf = Leaf::default();
    for (position, words) in (0..).zip(messages) {
        leaf.add(position, words.iter().map(|word| fingerprint(*word)));
        for word in words {
            model.entry(fingerprint(*word)).or_default().insert(before + position);
        }
    }
    leaf.finish()
}

fn found(block: &Block, lookup: Lookup) -> BTreeSet<u16> {
    block.lookup(lookup).unwrap().newest_first().collect()
}

/// A lookup of every word that begins with these letters.
fn beginning(letters: &str) -> Lookup {
    Query::parse(&format!("{letters}*")).unwrap().lookups()[0]
}

/// The blocks say what the model says, and are the same when they are opened again.
fn check(level: Level, blocks: &[Block], model: &Model) -> Result<(), TestCaseError> {
    prop_assert_eq!(blocks.len(), usize::from(level.buckets()));
    let count: u32 = blocks.iter().map(Block::fingerprint_count).sum();
    prop_assert_eq!(count as usize, model.len());
    for (fingerprint, positions) in model {
        let lookup = Lookup::exact(*fingerprint);
        let block = &blocks[usize::from(level.bucket(lookup))];
        prop_assert_eq!(&found(block, lookup), positions);
    }
    for prefix in ["w10", "w11", "w99"] {
        let lookup = beginning(prefix);
        let block = &blocks[usize::from(level.bucket(lookup))];
        let all = found(block, lookup);
        for word in (0..400).filter(|word| format!("w{word}").starts_with(prefix)) {
            let positions = model.get(&fingerprint(word));
            prop_assert!(positions.is_none_or(|positions| all.is_superset(positions)));
        }
    }
    for block in blocks {
        let bytes = block.bytes().to_vec();
        prop_assert_eq!(block.len(), bytes.len());
        let opened = Block::open(level, block.bucket(), bytes);
        prop_assert_eq!(opened.as_ref(), Ok(block));
    }
    Ok(())
}

proptest! {
    #[test]
    fn a_leaf_has_what_was_added(messages in messages(65)) {
        let mut model = Model::new();
        let block = leaf(&messages, &mut model, 0);
        check(Level::L0, std::slice::from_ref(&block), &model)?;
        for word in 1_000..1_100 {
            let fingerprint = fingerprint(word);
            let expected = model.get(&fingerprint).cloned().unwrap_or_default();
            prop_assert_eq!(found(&block, Lookup::exact(fingerprint)), expected);
        }
    }

    #[test]
    fn a_parent_has_what_its_children_have(parts in prop::collection::vec(messages(20), 8)) {
        let mut model = Model::new();
        let leaves: Vec<Block> =
            (0..).zip(&parts).map(|(slot, part)| leaf(part, &mut model, slot * 64)).collect();
        let leaves = std::array::from_fn(|slot| &leaves[slot]);
        check(Level::L1, &merge(leaves).unwrap(), &model)?;
    }

    #[test]
    fn arbitrary_bytes_do_no_harm(bytes in prop::collection::vec(any::<u8>(), 0..300),
                                  level in 0..4_usize, bucket in any::<u8>()) {
        let level = Level::ALL[level];
        use_all(level, bucket, bytes.clone());
        // With a first byte of ours not all is refused at once.
        let bucket = u8::try_from(u16::from(bucket) % level.buckets()).unwrap();
        use_all(level, bucket, [vec![4 + level.number()], bytes].concat());
    }

    #[test]
    fn a_flipped_bit_does_no_harm(messages in messages(65), at in any::<prop::sample::Index>(),
                                  bit in 0..8u32, cut in any::<prop::sample::Index>()) {
        let block = leaf(&messages, &mut Model::new(), 0);
        let mut bytes = block.into_bytes();
        use_all(Level::L0, 0, bytes[..cut.index(bytes.len())].to_vec());
        let at = at.index(bytes.len());
        bytes[at] ^= 1 << bit;
        use_all(Level::L0, 0, bytes);
    }
}

/// Does everything that one can do with bytes.
fn use_all(level: Level, bucket: u8, bytes: Vec<u8>) {
    let Ok(block) = Block::open(level, bucket, bytes) else { return };
    let words = (0..200).map(|word| Lookup::exact(fingerprint(word)));
    for lookup in words.chain(["w10", "abc", "run"].map(beginning)) {
        if let Ok(found) = block.lookup(lookup) {
            assert!(u64::from(found.count()) <= level.messages());
            assert_eq!(level.bucket(lookup), bucket);
            assert_eq!(candidates(level, &[(lookup, &block)]), Ok(found));
        }
    }
    if let Ok(parents) = merge([&block; 8]) {
        assert!(parents.iter().all(|parent| Some(parent.level()) == level.parent()));
    }
}

#[test]
fn golden_bytes_never_change() {
    let mut leaf = Leaf::default();
    leaf.add(63, Text::new("hello 北京").fingerprints());
    leaf.add(0, Text::new("hello 👍").fingerprints());
    let bytes: String = leaf.finish().bytes().iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(bytes, "04282e79ed12133cf7f5a846120f7f82fd4078");
    assert_eq!(Leaf::default().finish().bytes(), [0x04, 0x80]);
}

#[test]
fn what_is_of_another_block_is_refused() {
    let mut leaf = Leaf::default();
    leaf.add(1, Text::new("hello").fingerprints());
    let block = leaf.finish();
    let bytes = block.bytes().to_vec();
    assert_eq!(Block::open(Level::L1, 0, bytes.clone()), Err(Corrupt));
    assert_eq!(Block::open(Level::L0, 1, bytes.clone()), Err(Corrupt));
    assert_eq!(Block::open(Level::L0, 0, vec![]), Err(Corrupt));
    assert_eq!(Block::open(Level::L0, 0, vec![0xFF; 3]), Err(Corrupt));
    let mut long = bytes;
    long.resize(BLOCK_BYTES_MAX + 1, 0);
    assert_eq!(Block::open(Level::L0, 0, long), Err(Corrupt));

    let parents = merge([&block; 8]).unwrap();
    let lookup = Lookup::exact(Text::new("hello").fingerprints()[0]);
    let right = usize::from(Level::L1.bucket(lookup));
    assert_eq!(parents[right].lookup(lookup).unwrap().count(), 8);
    assert_eq!(parents[(right + 1) % 4].lookup(lookup), Err(Corrupt));
    assert_eq!(candidates(Level::L0, &[(lookup, &parents[right])]), Err(Corrupt));
    let mut mixed = [&parents[0]; 8];
    mixed[3] = &parents[1];
    assert_eq!(merge(mixed), Err(Corrupt));
}

#[test]
fn nothing_looked_up_is_everything() {
    assert_eq!(candidates(Level::L1, &[]).unwrap().count(), 512);
}

#[test]
fn the_longest_block_has_no_parent() {
    let index = Index::new(Corpus::new(Language::English, 1).messages(70));
    let mut blocks = index.blocks.into_values().next().unwrap();
    for _ in 0..3 {
        let block = blocks.pop().unwrap();
        blocks = merge([&block; 8]).unwrap();
    }
    let longest = blocks.pop().unwrap();
    assert_eq!(longest.level(), Level::L3);
    assert_eq!(merge([&longest; 8]), Err(Corrupt));
}

//! Search blocks: what is written is read, and what nobody here wrote is refused or harmless.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use search_index::{
    Block, BlockId, Corrupt, Fingerprint, Leaf, Level, Lookup, Query, Text, candidates, merge,
    open, seal,
};

use crate::{Outcome, Target};

/// Whose blocks they are.
const CONVERSATION: &str = "d~ada~bob";

pub(crate) const TARGET: Target = Target {
    name: "blocks",
    run: blocks,
    seeds,
    dictionary: &["\u{0}", "\u{1}", "\u{4}", "\u{5}", "\u{7f}", "@", "w10", "\u{0}\u{0}\u{0}"],
};

/// Words that are looked up, some of which are in the real blocks.
static WORDS: LazyLock<Vec<Fingerprint>> = LazyLock::new(|| (0..=u8::MAX).map(word).collect());

/// What an input begins with: what the rest is.
const KEPT: u8 = 0;
const SEALED: u8 = 1;
const WRITTEN: u8 = 2;

fn seeds() -> Vec<Vec<u8>> {
    let texts = ["hello 北京", "a kept text", "run running runs", "hello 👍", ""];
    let mut leaf = Leaf::default();
    for (position, text) in (0..).zip(texts) {
        leaf.add(position * 15, Text::new(text).fingerprints());
        leaf.add(position, [word(7), word(100 + position as u8)]);
    }
    let leaf = leaf.finish();
    let mut blocks = merge([&leaf; 8]).unwrap();
    let above = merge([&blocks[0]; 8]).unwrap();
    blocks.extend(above);
    blocks.extend([Leaf::default().finish(), leaf]);
    let mut seeds = vec![vec![WRITTEN], [WRITTEN].into_iter().chain(0..200).collect()];
    for block in blocks {
        let head = |what| [what, block.level().number(), block.bucket()];
        seeds.push([&head(KEPT)[..], block.bytes()].concat());
        let sealed = seal(CONVERSATION, 0, block.clone());
        seeds.push([&head(SEALED)[..], &sealed].concat());
    }
    seeds
}

/// Takes bytes as a block, as a sealed block, or as what a block is written of.
pub fn blocks(data: &[u8]) -> Outcome {
    let Some((what, rest)) = data.split_first() else { return Outcome::Refused };
    if *what % 3 == WRITTEN {
        return written(rest);
    }
    let Some((head, bytes)) = rest.split_first_chunk::<2>() else { return Outcome::Refused };
    let level = Level::ALL[usize::from(head[0]) % Level::ALL.len()];
    let bucket = head[1];
    let opened = if *what % 3 == KEPT {
        Block::open(level, bucket, bytes.to_vec())
    } else {
        open(CONVERSATION, BlockId { level, number: 0 }, bucket, bytes.to_vec())
    };
    let Ok(block) = opened else { return Outcome::Refused };
    if *what % 3 == SEALED {
        assert_eq!(seal(CONVERSATION, 0, block.clone()), bytes);
    } else {
        assert_eq!(block.bytes(), bytes);
    }
    harmless(level, bucket, &block);
    Outcome::Taken
}

/// Does everything that one can do with a block, whoever wrote it.
fn harmless(level: Level, bucket: u8, block: &Block) {
    assert_eq!((block.level(), block.bucket()), (level, bucket));
    let prefix = |text| Query::parse(text).unwrap().lookups()[0];
    let exact = WORDS.iter().map(|word| Lookup::exact(*word));
    for lookup in exact.chain(["w10*", "run", "hel*"].map(prefix)) {
        let found = block.lookup(lookup);
        if level.bucket(lookup) != bucket {
            assert_eq!(found, Err(Corrupt));
        }
        if let Ok(found) = found {
            assert!(u64::from(found.count()) <= level.messages());
            assert_eq!(candidates(level, &[(lookup, block)]), Ok(found));
        }
    }
    for parent in merge([block; 8]).into_iter().flatten() {
        assert_eq!(Some(parent.level()), level.parent());
        let bytes = parent.bytes().to_vec();
        assert_eq!(Block::open(parent.level(), parent.bucket(), bytes), Ok(parent));
    }
}

/// Writes a block, reads it, and breaks its seal.
fn written(data: &[u8]) -> Outcome {
    let mut model: BTreeMap<Fingerprint, BTreeSet<u16>> = BTreeMap::new();
    let mut leaf = Leaf::default();
    for pair in data.chunks_exact(2) {
        let (position, word) = (u16::from(pair[0]) % 64, word(pair[1]));
        leaf.add(position, [word]);
        model.entry(word).or_default().insert(position);
    }
    let block = leaf.finish();
    assert_eq!(block.fingerprint_count() as usize, model.len());
    for word in &*WORDS {
        let found: BTreeSet<_> =
            block.lookup(Lookup::exact(*word)).unwrap().newest_first().collect();
        assert_eq!(found, model.get(word).cloned().unwrap_or_default());
    }
    assert_eq!(Block::open(Level::L0, 0, block.bytes().to_vec()).as_ref(), Ok(&block));
    let id = BlockId { level: Level::L0, number: 9 };
    let sealed = seal(CONVERSATION, id.number, block.clone());
    assert_eq!(open(CONVERSATION, id, 0, sealed.clone()).as_ref(), Ok(&block));
    let other = BlockId { number: 8, ..id };
    assert_eq!(open(CONVERSATION, other, 0, sealed.clone()), Err(Corrupt));
    let place = data.iter().fold(0, |place, byte| place * 31 % 65_521 + usize::from(*byte));
    let mut broken = sealed;
    let at = place % broken.len();
    broken[at] ^= 1 << (place % 8);
    assert_eq!(open(CONVERSATION, id, 0, broken), Err(Corrupt));
    Outcome::Taken
}

fn word(number: u8) -> Fingerprint {
    Text::new(&format!("w{number}")).fingerprints()[0]
}

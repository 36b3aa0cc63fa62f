//! A conversation's messages and all the blocks of them, kept in memory.

use std::collections::BTreeMap;

use search_index::{
    Block, BlockId, Cover, Filter, Fingerprint, Leaf, Level, Lookup, Query, Text, candidates, merge,
};

/// Messages 1, 2, 3, … and their blocks.
pub(crate) struct Index {
    /// The first message's text is `texts[0]`.
    pub(crate) texts: Vec<String>,
    /// The same, taken apart.
    pub(crate) read: Vec<Text>,
    /// The buckets of each complete block.
    pub(crate) blocks: BTreeMap<BlockId, Vec<Block>>,
}

impl Index {
    pub(crate) fn new(texts: Vec<String>) -> Self {
        let read: Vec<_> = texts.iter().map(|text| Text::new(text)).collect();
        let mut blocks: BTreeMap<BlockId, Vec<Block>> = BTreeMap::new();
        let head = texts.len() as u64;
        let leaves = (0..).map(|number| BlockId { level: Level::L0, number });
        for leaf in leaves.take_while(|leaf| leaf.last() <= head) {
            blocks.insert(leaf, vec![leaf_of(&read, leaf)]);
            let mut next = leaf.completes();
            while let Some(parent) = next {
                let children = parent.children().unwrap();
                let children = children.map(|child| &blocks[&child]);
                blocks.insert(parent, merge_all(children));
                next = parent.completes();
            }
        }
        Self { texts, read, blocks }
    }

    /// The messages that may match, as the blocks say, and all of the rest; the newest first.
    pub(crate) fn candidates(&self, query: &Query) -> Vec<u64> {
        self.looked_up(&query.lookups())
    }

    pub(crate) fn looked_up(&self, lookups: &[Lookup]) -> Vec<u64> {
        let cover = Cover::new(1, self.texts.len() as u64);
        let mut seqs: Vec<u64> =
            cover.tail().into_iter().flat_map(|(first, last)| (first..=last).rev()).collect();
        for block in cover.newest_first() {
            let buckets = &self.blocks[&block];
            let bucket = |lookup: &Lookup| &buckets[usize::from(block.level.bucket(*lookup))];
            let pairs: Vec<_> = lookups.iter().map(|lookup| (*lookup, bucket(lookup))).collect();
            let found = candidates(block.level, &pairs).unwrap();
            seqs.extend(found.newest_first().map(|position| block.seq(position)));
        }
        seqs
    }

    /// The messages that do match, the oldest first.
    pub(crate) fn matches(&self, query: &Query) -> Vec<u64> {
        let texts = (1..).zip(&self.read);
        texts.filter(|(_, text)| query.verify_text(text).is_some()).map(|(seq, _)| seq).collect()
    }

    /// The bytes of all blocks of a level.
    pub(crate) fn bytes(&self, level: Level) -> usize {
        let blocks = self.blocks.iter().filter(|(block, _)| block.level == level);
        blocks.flat_map(|(_, buckets)| buckets).map(Block::len).sum()
    }
}

/// The fingerprints of a message: of its text, its author and its kind.
pub(crate) fn fingerprints(seq: u64, text: &Text) -> Vec<Fingerprint> {
    let mut fingerprints = text.fingerprints();
    fingerprints.push(Filter::From(&author(seq)).fingerprint());
    fingerprints.push(Filter::Kind("text").fingerprint());
    fingerprints
}

/// Who wrote a message: one of 23.
pub(crate) fn author(seq: u64) -> String {
    format!("user-{}", seq * seq % 23)
}

pub(crate) fn leaf_of(texts: &[Text], block: BlockId) -> Block {
    let mut leaf = Leaf::default();
    // Sequence 0 is nobody's.
    for seq in block.first().max(1)..=block.last() {
        let text = &texts[usize::try_from(seq).unwrap() - 1];
        leaf.add(block.position(seq).unwrap(), fingerprints(seq, text));
    }
    leaf.finish()
}

/// All buckets of a parent, of all buckets of its children.
pub(crate) fn merge_all(children: [&Vec<Block>; 8]) -> Vec<Block> {
    let buckets = 0..children[0].len();
    buckets.flat_map(|bucket| merge(children.map(|child| &child[bucket])).unwrap()).collect()
}

//! Which blocks there are, and which of them cover a range of messages.
//!
//! A block of a level begins at a multiple of its length, so a message is in one block of each
//! level, and eight blocks in a row are the children of one. Sequences begin at 1: position 0 of
//! block 0 is nobody's. A block is *complete* as soon as its last message stands; nothing is added
//! to it afterwards.

use crate::fingerprint::{FINGERPRINT_BITS, Lookup};

/// How many messages a block of the first level has.
pub const LEAF_MESSAGES: u64 = 64;

/// How many blocks of one level are one of the next.
pub const CHILDREN: usize = 8;

/// How long a block is: each level eight times as long as the one before, and split over more
/// items, its *buckets*, so that an item stays a few kilobytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// 64 messages in one item, which one lookup reads for all terms.
    L0,
    /// 512 messages in 4 buckets.
    L1,
    /// 4,096 messages in 32 buckets.
    L2,
    /// 32,768 messages in 256 buckets.
    L3,
}

impl Level {
    /// All levels, the shortest blocks first.
    pub const ALL: [Self; 4] = [Self::L0, Self::L1, Self::L2, Self::L3];

    /// Its number: 0 to 3.
    pub const fn number(self) -> u8 {
        match self {
            Self::L0 => 0,
            Self::L1 => 1,
            Self::L2 => 2,
            Self::L3 => 3,
        }
    }

    /// How many messages a block has.
    pub const fn messages(self) -> u64 {
        LEAF_MESSAGES << (3 * self.number())
    }

    /// How many buckets a block has.
    pub fn buckets(self) -> u16 {
        1 << self.bucket_bits()
    }

    /// The buckets of a block, in their order.
    pub fn all_buckets(self) -> impl Iterator<Item = u8> {
        let last = u8::try_from(self.buckets() - 1).expect("a bucket has at most 8 bits");
        0..=last
    }

    /// Which bucket a lookup is in.
    pub fn bucket(self, lookup: Lookup) -> u8 {
        self.bucket_of(lookup.first())
    }

    /// The level whose blocks are eight of this one.
    pub fn parent(self) -> Option<Self> {
        match self {
            Self::L0 => Some(Self::L1),
            Self::L1 => Some(Self::L2),
            Self::L2 => Some(Self::L3),
            Self::L3 => None,
        }
    }

    /// The level of which eight blocks are one of this.
    pub fn child(self) -> Option<Self> {
        match self {
            Self::L0 => None,
            Self::L1 => Some(Self::L0),
            Self::L2 => Some(Self::L1),
            Self::L3 => Some(Self::L2),
        }
    }

    /// The high bits of a fingerprint that tell its bucket. Each has more than the level before, so
    /// a bucket's terms are those of one bucket of the children.
    pub(crate) fn bucket_bits(self) -> u32 {
        match self {
            Self::L0 => 0,
            Self::L1 => 2,
            Self::L2 => 5,
            Self::L3 => 8,
        }
    }

    pub(crate) fn bucket_of(self, fingerprint: u32) -> u8 {
        let bucket = fingerprint >> (FINGERPRINT_BITS - self.bucket_bits());
        u8::try_from(bucket).expect("a bucket has at most 8 bits")
    }

    /// How many fingerprints a bucket may have.
    pub(crate) fn range(self) -> u32 {
        1 << (FINGERPRINT_BITS - self.bucket_bits())
    }
}

/// A block's place in its conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BlockId {
    /// How long it is.
    pub level: Level,
    /// How many blocks of its level come before it.
    pub number: u64,
}

impl BlockId {
    /// The block of a level that has a message.
    pub fn of(level: Level, seq: u64) -> Self {
        Self { level, number: seq / level.messages() }
    }

    /// The sequence of its first message.
    pub fn first(self) -> u64 {
        self.number * self.level.messages()
    }

    /// The sequence of its last message: when that stands, the block is complete.
    pub fn last(self) -> u64 {
        self.first() + (self.level.messages() - 1)
    }

    /// The sequence at a position of it.
    pub fn seq(self, position: u16) -> u64 {
        self.first() + u64::from(position)
    }

    /// The position of a message, unless it is in another block.
    pub fn position(self, seq: u64) -> Option<u16> {
        let inside = (self.first()..=self.last()).contains(&seq);
        inside.then(|| u16::try_from(seq - self.first()).expect("a block is at most 32,768 long"))
    }

    /// The eight blocks that it is made of, the oldest first; a block of the first level is made of
    /// messages.
    pub fn children(self) -> Option<[Self; CHILDREN]> {
        let level = self.level.child()?;
        let first = self.number * CHILDREN as u64;
        let mut children = [Self { level, number: first }; CHILDREN];
        for (number, child) in (first..).zip(&mut children) {
            child.number = number;
        }
        Some(children)
    }

    /// The block that is complete as soon as this one is, if it is the last of eight: what is built
    /// next.
    pub fn completes(self) -> Option<Self> {
        let parent = self.level.parent()?;
        let children = CHILDREN as u64;
        let number = self.number / children;
        (self.number % children == children - 1).then_some(Self { level: parent, number })
    }
}

/// How a range of messages is read: complete blocks, and the rest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cover {
    first: u64,
    head: u64,
    /// Where the blocks begin and end: multiples of [`LEAF_MESSAGES`].
    start: u64,
    end: u64,
}

impl Cover {
    /// Covers the messages from `first` to `head`, the last one that stands: with the fewest blocks
    /// that begin no earlier than the block of 64 that `first` is in.
    ///
    /// That block may have messages before `first`; leaving those out is the caller's.
    pub fn new(first: u64, head: u64) -> Self {
        let end = head.saturating_add(1) / LEAF_MESSAGES * LEAF_MESSAGES;
        let start = (first / LEAF_MESSAGES * LEAF_MESSAGES).min(end);
        Self { first: first.max(1), head, start, end }
    }

    /// The rest: the messages after the last complete block, fewer than 64, by their first and last
    /// sequence. Nothing when a block ends the range.
    pub fn tail(self) -> Option<(u64, u64)> {
        let first = self.end.max(self.first);
        (first <= self.head).then_some((first, self.head))
    }

    /// The blocks, the newest first: one for every 32,768 messages, and at most 21 more at either
    /// end.
    pub fn newest_first(self) -> impl Iterator<Item = BlockId> {
        let mut end = self.end;
        std::iter::from_fn(move || {
            let ends_here = |level: &Level| {
                let messages = level.messages();
                end.is_multiple_of(messages) && end - self.start >= messages
            };
            let level = Level::ALL.into_iter().rev().find(ends_here)?;
            end -= level.messages();
            Some(BlockId::of(level, end))
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn cover(first: u64, head: u64) -> String {
        let cover = Cover::new(first, head);
        let blocks =
            cover.newest_first().map(|block| format!("{}:{}", block.level.number(), block.number));
        let mut parts: Vec<_> = blocks.collect();
        if let Some((first, last)) = cover.tail() {
            parts.insert(0, format!("{first}..{last}"));
        }
        parts.join(" ")
    }

    #[test]
    fn the_largest_blocks_that_fit_cover_a_range() {
        assert_eq!(cover(1, 0), "");
        assert_eq!(cover(1, 5), "1..5");
        assert_eq!(cover(1, 62), "1..62");
        assert_eq!(cover(1, 63), "0:0");
        assert_eq!(cover(1, 64), "64..64 0:0");
        assert_eq!(cover(1, 511), "1:0");
        assert_eq!(cover(64, 511), "0:7 0:6 0:5 0:4 0:3 0:2 0:1");
        assert_eq!(cover(130, 1_200), "1152..1200 0:17 0:16 1:1 0:7 0:6 0:5 0:4 0:3 0:2");
        // The hundred thousand of which the design says eight.
        assert_eq!(cover(1, 99_999), "99968..99999 0:1561 0:1560 1:194 1:193 1:192 3:2 3:1 3:0");
        assert_eq!(cover(70, 80), "70..80");
    }

    #[test]
    fn eight_children_complete_a_parent() {
        let block = BlockId { level: Level::L1, number: 3 };
        let children = block.children().unwrap();
        assert_eq!(children.map(|child| child.number), [24, 25, 26, 27, 28, 29, 30, 31]);
        assert_eq!((block.first(), block.last()), (children[0].first(), children[7].last()));
        let parents = children.map(BlockId::completes);
        assert_eq!(parents[7], Some(block));
        assert_eq!(parents[..7], [None; 7]);
        assert_eq!(BlockId { level: Level::L0, number: 0 }.children(), None);
        assert_eq!(BlockId { level: Level::L3, number: 7 }.completes(), None);
    }

    #[test]
    fn a_message_has_one_position_in_a_level() {
        for level in Level::ALL {
            let block = BlockId::of(level, 100_000);
            assert_eq!(block.seq(block.position(100_000).unwrap()), 100_000);
            assert_eq!(block.position(block.first().wrapping_sub(1)), None);
            assert_eq!(block.position(block.last() + 1), None);
        }
    }

    proptest! {
        #[test]
        fn every_message_of_a_range_is_read_once(first in 1..200_000u64, length in 0..200_000u64) {
            let head = first + length;
            let cover = Cover::new(first, head);
            let mut next = head;
            if let Some((start, last)) = cover.tail() {
                prop_assert!(last == head && last - start < LEAF_MESSAGES - 1);
                next = start - 1;
            }
            let mut count = 0;
            for block in cover.newest_first() {
                prop_assert_eq!(block.last(), next);
                // Nothing before the block of 64 that the range begins in.
                prop_assert!(block.first() / LEAF_MESSAGES >= first / LEAF_MESSAGES);
                next = block.first().wrapping_sub(1);
                count += 1;
            }
            prop_assert!(next == u64::MAX || next < first);
            prop_assert!(count <= length / 32_768 + 2 * 21 + 1, "{} blocks", count);
        }
    }
}

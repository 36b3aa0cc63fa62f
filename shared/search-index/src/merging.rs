//! A parent of its eight children: a plain merge, for a bucket's terms are those of one bucket of
//! each child.

use crate::bits::BitReader;
use crate::block::{Block, Corrupt, Fingerprints, messages, read_positions};
use crate::cover::{CHILDREN, Level};
use crate::encoding::Writer;

/// Merges one bucket of eight children, the oldest first, into the buckets of their parent that
/// have its terms: 4 for the first level, 8 for the others. All of a parent are merged of all
/// buckets of its children.
///
/// # Errors
///
/// [`Corrupt`] when the children are not of one level and bucket, have no parent, or are not as
/// they were written.
pub fn merge(children: [&Block; CHILDREN]) -> Result<Vec<Block>, Corrupt> {
    let (level, bucket) = (children[0].level, children[0].bucket);
    let is_alike = |child: &&Block| child.level == level && child.bucket == bucket;
    let parent = level.parent().filter(|_| children.iter().all(is_alike)).ok_or(Corrupt)?;

    let cursors: Result<Vec<_>, _> = children.into_iter().map(Cursor::new).collect();
    let mut cursors = cursors?;
    let mut positions = Vec::new();
    let mut blocks = Vec::new();
    for bucket in buckets(bucket, level, parent) {
        let mut writer = Writer::new(parent, bucket);
        while let Some(number) = next_of(&cursors, parent, bucket) {
            positions.clear();
            for (before, cursor) in (0..).step_by(messages(level) as usize).zip(&mut cursors) {
                if cursor.number == Some(number) {
                    cursor.take(|position| positions.push(before + position))?;
                }
            }
            writer.term(number, &positions);
        }
        blocks.push(writer.finish());
    }
    Ok(blocks)
}

/// The buckets of `parent` that have the terms of one bucket of `level`.
fn buckets(bucket: u8, level: Level, parent: Level) -> impl Iterator<Item = u8> {
    let bits = parent.bucket_bits() - level.bucket_bits();
    (0..1 << bits).map(move |low: u8| bucket << bits | low)
}

/// The smallest number that any child is at, if it is in the bucket.
fn next_of(cursors: &[Cursor<'_>], parent: Level, bucket: u8) -> Option<u32> {
    let next = cursors.iter().filter_map(|cursor| cursor.number).min();
    next.filter(|number| parent.bucket_of(*number) == bucket)
}

/// How far a child is merged.
struct Cursor<'a> {
    level: Level,
    numbers: Fingerprints<'a>,
    postings: BitReader<'a>,
    /// The fingerprint whose postings come next.
    number: Option<u32>,
}

impl<'a> Cursor<'a> {
    fn new(block: &'a Block) -> Result<Self, Corrupt> {
        let mut numbers = block.numbers()?;
        let number = numbers.next().transpose()?;
        Ok(Self { level: block.level, numbers, postings: block.postings()?, number })
    }

    /// Takes the postings of the fingerprint it is at.
    fn take(&mut self, visit: impl FnMut(u16)) -> Result<(), Corrupt> {
        read_positions(&mut self.postings, self.level, visit)?;
        self.number = self.numbers.next().transpose()?;
        Ok(())
    }
}

//! A block as it is kept: its bytes, and a sum over them and over whose they are.
//!
//! Bytes that are not as they were written may open as a block, and would then hide messages. The
//! sum shows that, and that bytes are another block's: four bytes against what happens by accident,
//! not against whoever can write to the store.

use crate::block::{Block, Corrupt};
use crate::cover::{BlockId, Level};
use crate::tokenizer::ANALYZER;

/// How many bytes a sum has.
const SUM_BYTES: usize = size_of::<u32>();

/// The bytes to keep for a bucket of the block of `conversation` that is the `number`th of its
/// level.
pub fn seal(conversation: &str, number: u64, block: Block) -> Vec<u8> {
    let id = BlockId { level: block.level(), number };
    let bucket = block.bucket();
    let mut bytes = block.into_bytes();
    let sum = sum(conversation, id, bucket, &bytes);
    bytes.extend_from_slice(&sum);
    bytes
}

/// The bucket of a block of `conversation` that these bytes were kept for.
///
/// # Errors
///
/// [`Corrupt`] when they are not as they were written, or were written for another. Take the block
/// for missing.
pub fn open(
    conversation: &str,
    id: BlockId,
    bucket: u8,
    mut bytes: Vec<u8>,
) -> Result<Block, Corrupt> {
    let length = bytes.len().checked_sub(SUM_BYTES).ok_or(Corrupt)?;
    let kept = bytes.split_off(length);
    if kept != sum(conversation, id, bucket, &bytes) {
        return Err(Corrupt);
    }
    Block::open(id.level, bucket, bytes)
}

/// CRC-32 of whose block it is, the numbers at their full length and the name last, and of its
/// bytes.
fn sum(conversation: &str, id: BlockId, bucket: u8, bytes: &[u8]) -> [u8; SUM_BYTES] {
    let BlockId { level, number } = id;
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(&[ANALYZER, Level::number(level), bucket]);
    hasher.update(&number.to_be_bytes());
    let name_bytes = u64::try_from(conversation.len()).expect("a name is shorter than 2^64");
    hasher.update(&name_bytes.to_be_bytes());
    hasher.update(conversation.as_bytes());
    hasher.update(bytes);
    hasher.finalize().to_be_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::encoding::Leaf;
    use crate::tokenizer::Text;

    fn block() -> Block {
        let mut leaf = Leaf::default();
        leaf.add(3, Text::new("a kept text 北京").fingerprints());
        leaf.finish()
    }

    fn id(number: u64) -> BlockId {
        BlockId { level: Level::L0, number }
    }

    #[test]
    fn what_was_sealed_opens_under_its_own_key_alone() {
        let sealed = seal("tea", 5, block());
        assert_eq!(open("tea", id(5), 0, sealed.clone()), Ok(block()));
        assert_eq!(open("coffee", id(5), 0, sealed.clone()), Err(Corrupt));
        assert_eq!(open("tea", id(6), 0, sealed.clone()), Err(Corrupt));
        assert_eq!(open("tea", id(5), 1, sealed.clone()), Err(Corrupt));
        let other = BlockId { level: Level::L1, number: 5 };
        assert_eq!(open("tea", other, 0, sealed), Err(Corrupt));
    }

    #[test]
    fn no_bit_may_change() {
        let sealed = seal("tea", 5, block());
        for bit in 0..sealed.len() * 8 {
            let mut wrong = sealed.clone();
            wrong[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(open("tea", id(5), 0, wrong), Err(Corrupt), "bit {bit}");
        }
        for length in 0..sealed.len() {
            assert_eq!(open("tea", id(5), 0, sealed[..length].to_vec()), Err(Corrupt));
        }
    }

    #[test]
    fn what_is_kept_never_changes() {
        // Whoever has to change this raises `ANALYZER`, or the format of a block.
        let mut leaf = Leaf::default();
        leaf.add(0, Text::new("a").fingerprints());
        let sealed = seal("d~ada~bob", 0, leaf.finish());
        assert_eq!(sealed, [4, 64, 162, 182, 109, 192, 25, 70, 133, 40]);
    }
}

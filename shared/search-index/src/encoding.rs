//! Writing a block: of 64 messages, or term by term.

use crate::bits::{BitWriter, rice_parameter};
use crate::block::{Block, FORMAT, FORMAT_BITS, GROUP, LEVEL_BITS, Sections, WIDTH_BITS, messages};
use crate::cover::{LEAF_MESSAGES, Level};
use crate::fingerprint::Fingerprint;

/// The largest offset that its width can say. A block that long is not kept.
const OFFSET_MAX: u32 = (1 << ((1 << WIDTH_BITS) - 1)) - 1;

/// The bits of a position among 64.
const POSITION_BITS: u32 = LEAF_MESSAGES.ilog2();

/// A block of the first level as it is being built. With one message alone it says what that is
/// found by now, as after an edit.
#[derive(Clone, Debug, Default)]
pub struct Leaf {
    /// A fingerprint's number and, below it, a position.
    pairs: Vec<u32>,
}

impl Leaf {
    /// Adds what the message at a position is found by, in any order and as often as it occurs. A
    /// position of 64 or more is of another block and is left out.
    pub fn add(&mut self, position: u16, fingerprints: impl IntoIterator<Item = Fingerprint>) {
        if u64::from(position) < LEAF_MESSAGES {
            let pair = |fingerprint: Fingerprint| {
                fingerprint.number() << POSITION_BITS | u32::from(position)
            };
            self.pairs.extend(fingerprints.into_iter().map(pair));
        }
    }

    /// The block of what was added: the same bytes whatever the order was.
    pub fn finish(mut self) -> Block {
        self.pairs.sort_unstable();
        self.pairs.dedup();
        let mut writer = Writer::new(Level::L0, 0);
        let mut positions = Vec::with_capacity(64);
        for of_one in
            self.pairs.chunk_by(|one, other| one >> POSITION_BITS == other >> POSITION_BITS)
        {
            positions.clear();
            positions.extend(of_one.iter().map(|pair| (pair & ((1 << POSITION_BITS) - 1)) as u16));
            writer.term(of_one[0] >> POSITION_BITS, &positions);
        }
        writer.finish()
    }
}

/// A bucket as it is being written.
pub(crate) struct Writer {
    level: Level,
    bucket: u8,
    numbers: Vec<u32>,
    /// Where each group begins, in bits of the postings.
    offsets: Vec<u32>,
    postings: BitWriter,
}

impl Writer {
    pub(crate) fn new(level: Level, bucket: u8) -> Self {
        let (numbers, offsets) = (Vec::new(), Vec::new());
        Self { level, bucket, numbers, offsets, postings: BitWriter::default() }
    }

    /// Writes a fingerprint after all that are smaller, with its positions, which ascend: at least
    /// one.
    pub(crate) fn term(&mut self, number: u32, positions: &[u16]) {
        debug_assert!(self.numbers.last().is_none_or(|last| *last < number));
        debug_assert!(self.level.bucket_of(number) == self.bucket);
        if self.numbers.len().is_multiple_of(GROUP as usize) {
            let offset = u32::try_from(self.postings.bits()).unwrap_or(OFFSET_MAX);
            self.offsets.push(offset.min(OFFSET_MAX));
        }
        self.numbers.push(number);
        let frequency = u32::try_from(positions.len()).expect("no position comes twice");
        self.postings.gamma(frequency);
        let parameter = rice_parameter(messages(self.level), frequency);
        let mut next = 0;
        for position in positions {
            let position = u32::from(*position);
            self.postings.rice(position - next, parameter);
            next = position + 1;
        }
    }

    pub(crate) fn finish(self) -> Block {
        let count = u32::try_from(self.numbers.len()).expect("a fingerprint has 24 bits");
        let width = u32::BITS - self.offsets.last().copied().unwrap_or(0).leading_zeros();
        let mut bits = BitWriter::default();
        bits.plain(FORMAT, FORMAT_BITS);
        bits.plain(u32::from(self.level.number()), LEVEL_BITS);
        bits.gamma(count + 1);
        bits.plain(width, WIDTH_BITS);

        let gaps = bits.bits();
        let range = self.level.range();
        let parameter = rice_parameter(range, count);
        let mut next = u32::from(self.bucket) * range;
        for number in &self.numbers {
            bits.rice(number - next, parameter);
            next = number + 1;
        }

        let offsets = bits.bits();
        for offset in self.offsets.iter().skip(1) {
            bits.plain(*offset, width);
        }
        let postings = bits.bits();
        bits.append(&self.postings);
        let sections = Sections { count, width, gaps, offsets, postings };
        Block { level: self.level, bucket: self.bucket, bytes: bits.finish(), sections }
    }
}

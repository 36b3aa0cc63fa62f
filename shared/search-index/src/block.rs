//! A bucket of a block: which messages have which fingerprints, in few bytes.
//!
//! ```text
//! format:6 level:2                 of the first byte
//! n+1, gamma                       n: how many fingerprints there are
//! w:5                              the width of an offset
//! n gaps of the fingerprints, Rice
//! ⌈n/32⌉-1 offsets, w bits each    where each group of 32 after the first begins, in bits after
//!                                  the offsets
//! n postings:
//!     frequency, gamma             how many messages have it
//!     gaps of their positions, Rice
//! ```
//!
//! A gap is the distance to the number before, less one; the first is counted from before the first
//! number there could be. Rice parameters follow from the counts. So a lookup reads the gaps up to
//! its fingerprint and the postings of half a group, and nothing else.
//!
//! # Invariants
//!
//! * A [`Block`] was written here, or was opened and its fingerprints were looked at.
//! * Arbitrary bytes give [`Corrupt`] or arbitrary positions; the time is that of reading their
//!   bits, and a set of positions has its 4 KB.

use crate::bits::{BitReader, rice_parameter};
use crate::cover::Level;
use crate::fingerprint::Lookup;
use crate::positions::Positions;

/// The largest block that is read. Theirs: an item has at most 400 KB ("Quotas in Amazon DynamoDB",
/// item size), and the rest of it needs some. One that would be larger is not kept; its children
/// serve in its place.
pub const BLOCK_BYTES_MAX: usize = 399 * 1_024;

/// Which format these bytes are.
pub(crate) const FORMAT: u32 = 1;

/// The bits of a format.
pub(crate) const FORMAT_BITS: u32 = 6;

/// The bits of a level.
pub(crate) const LEVEL_BITS: u32 = 2;

/// The bits of the width of an offset.
pub(crate) const WIDTH_BITS: u32 = 5;

/// How many postings begin at one offset.
pub(crate) const GROUP: u32 = 32;

/// A block that is not as it was written, or not the one that its key says. Read its children or
/// the messages themselves, and build it again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("corrupt search block")]
pub struct Corrupt;

/// A bucket of a block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Block {
    pub(crate) level: Level,
    pub(crate) bucket: u8,
    pub(crate) bytes: Vec<u8>,
    pub(crate) sections: Sections,
}

/// Where the parts of a block begin, in bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Sections {
    /// How many fingerprints there are.
    pub(crate) count: u32,
    /// The width of an offset.
    pub(crate) width: u32,
    /// Where the gaps of the fingerprints begin.
    pub(crate) gaps: u64,
    /// Where the offsets begin.
    pub(crate) offsets: u64,
    /// Where the postings begin.
    pub(crate) postings: u64,
}

impl Block {
    /// Takes the bytes that are kept for a bucket of a block of `level`.
    ///
    /// # Errors
    ///
    /// [`Corrupt`] when they are not such a bucket's, or more than [`BLOCK_BYTES_MAX`].
    pub fn open(level: Level, bucket: u8, bytes: Vec<u8>) -> Result<Self, Corrupt> {
        if u16::from(bucket) >= level.buckets() || bytes.len() > BLOCK_BYTES_MAX {
            return Err(Corrupt);
        }
        let mut reader = BitReader::new(&bytes, 0)?;
        let is_ours = reader.plain(FORMAT_BITS)? == FORMAT
            && reader.plain(LEVEL_BITS)? == u32::from(level.number());
        if !is_ours {
            return Err(Corrupt);
        }
        let count = reader.gamma()? - 1;
        let width = reader.plain(WIDTH_BITS)?;
        let gaps = reader.at();
        let mut fingerprints = Fingerprints::new(reader, level, bucket, count);
        fingerprints.by_ref().try_for_each(|fingerprint| fingerprint.map(|_| ()))?;
        let offsets = fingerprints.reader.at();
        let groups = count.div_ceil(GROUP).saturating_sub(1);
        let postings = offsets + u64::from(groups) * u64::from(width);
        let sections = Sections { count, width, gaps, offsets, postings };
        Ok(Self { level, bucket, bytes, sections })
    }

    /// Which messages have a fingerprint that is looked up: all that do, and perhaps more, for
    /// different terms may have one fingerprint.
    ///
    /// # Errors
    ///
    /// [`Corrupt`] when this is not the lookup's bucket, or not as it was written.
    pub fn lookup(&self, lookup: Lookup) -> Result<Positions, Corrupt> {
        let found = self.find(lookup)?;
        found.map_or_else(|| Ok(Positions::none(self.level)), |found| found.positions())
    }

    /// Its level.
    pub fn level(&self) -> Level {
        self.level
    }

    /// Which bucket of the block it is.
    pub fn bucket(&self) -> u8 {
        self.bucket
    }

    /// How many fingerprints it has.
    pub fn fingerprint_count(&self) -> u32 {
        self.sections.count
    }

    /// How many bytes it has. More than [`BLOCK_BYTES_MAX`] are not to be kept.
    #[expect(clippy::len_without_is_empty, reason = "no block is without bytes")]
    pub fn len(&self) -> usize {
        self.bytes.len()
    }

    /// The bytes to keep.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The bytes to keep, without a copy.
    pub fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }

    /// The fingerprints' numbers, ascending.
    pub(crate) fn numbers(&self) -> Result<Fingerprints<'_>, Corrupt> {
        let reader = BitReader::new(&self.bytes, self.sections.gaps)?;
        Ok(Fingerprints::new(reader, self.level, self.bucket, self.sections.count))
    }

    /// The postings, from the first fingerprint's on.
    pub(crate) fn postings(&self) -> Result<BitReader<'_>, Corrupt> {
        BitReader::new(&self.bytes, self.sections.postings)
    }

    /// Finds the postings of a lookup, if it has any.
    fn find(&self, lookup: Lookup) -> Result<Option<Found<'_>>, Corrupt> {
        if self.level.bucket(lookup) != self.bucket {
            return Err(Corrupt);
        }
        let mut first = 0;
        let mut count = 0;
        for number in self.numbers()? {
            match number? {
                number if number < lookup.first() => first += 1,
                number if number <= lookup.last() => count += 1,
                _ => break,
            }
        }
        if count == 0 {
            return Ok(None);
        }
        let reader = self.posting(first)?;
        let mut peek = reader;
        let frequency = if count == 1 { peek.gamma()? } else { u32::MAX };
        Ok(Some(Found { level: self.level, reader, count, frequency }))
    }

    /// The postings of the fingerprint of an index, and those after it.
    fn posting(&self, index: u32) -> Result<BitReader<'_>, Corrupt> {
        let Sections { width, offsets, postings, .. } = self.sections;
        let group = index / GROUP;
        let mut at = postings;
        if group > 0 {
            let place = offsets + u64::from(group - 1) * u64::from(width);
            at += u64::from(BitReader::new(&self.bytes, place)?.plain(width)?);
        }
        let mut reader = BitReader::new(&self.bytes, at)?;
        for _ in 0..index % GROUP {
            read_positions(&mut reader, self.level, |_| ())?;
        }
        Ok(reader)
    }
}

/// The messages of one block that may match: they have every one of the lookups, each of which
/// comes with the block's bucket that it is in. Reads the rarest first, and the others only while
/// any message is left.
///
/// # Errors
///
/// [`Corrupt`] when a bucket is not the lookup's or not of `level`, or is not as it was written.
pub fn candidates(level: Level, lookups: &[(Lookup, &Block)]) -> Result<Positions, Corrupt> {
    let mut founds = Vec::with_capacity(lookups.len());
    for (lookup, block) in lookups {
        if block.level != level {
            return Err(Corrupt);
        }
        let Some(found) = block.find(*lookup)? else {
            return Ok(Positions::none(level));
        };
        founds.push(found);
    }
    founds.sort_by_key(|found| found.frequency);
    let mut candidates = Positions::all(level);
    for found in founds {
        if candidates.is_empty() {
            break;
        }
        candidates.keep(&found.positions()?);
    }
    Ok(candidates)
}

/// Postings in a row that one lookup found.
struct Found<'a> {
    level: Level,
    reader: BitReader<'a>,
    /// How many postings.
    count: u32,
    /// How many messages have the one of them; that of several is not known before they are read,
    /// which is best done last.
    frequency: u32,
}

impl Found<'_> {
    fn positions(self) -> Result<Positions, Corrupt> {
        let mut reader = self.reader;
        let mut positions = Positions::none(self.level);
        for _ in 0..self.count {
            read_positions(&mut reader, self.level, |position| positions.insert(position))?;
        }
        Ok(positions)
    }
}

/// The fingerprints of a bucket, as numbers that ascend.
pub(crate) struct Fingerprints<'a> {
    reader: BitReader<'a>,
    parameter: u32,
    left: u32,
    /// The smallest number that the next one may be.
    next: u32,
    /// The first number of the next bucket.
    end: u32,
}

impl<'a> Fingerprints<'a> {
    fn new(reader: BitReader<'a>, level: Level, bucket: u8, count: u32) -> Self {
        let range = level.range();
        let next = u32::from(bucket) * range;
        Self {
            reader,
            parameter: rice_parameter(range, count),
            left: count,
            next,
            end: next + range,
        }
    }

    fn read(&mut self) -> Result<u32, Corrupt> {
        let gap = self.reader.rice(self.parameter)?;
        let number = self.next.checked_add(gap).filter(|number| *number < self.end);
        let number = number.ok_or(Corrupt)?;
        self.next = number + 1;
        Ok(number)
    }
}

impl Iterator for Fingerprints<'_> {
    type Item = Result<u32, Corrupt>;

    fn next(&mut self) -> Option<Self::Item> {
        self.left = self.left.checked_sub(1)?;
        let number = self.read();
        if number.is_err() {
            self.left = 0;
        }
        Some(number)
    }
}

/// Reads one fingerprint's postings.
pub(crate) fn read_positions(
    reader: &mut BitReader<'_>,
    level: Level,
    mut visit: impl FnMut(u16),
) -> Result<(), Corrupt> {
    let frequency = reader.gamma()?;
    let messages = messages(level);
    let parameter = rice_parameter(messages, frequency);
    let mut next = 0;
    // Positions ascend, so more of them than there are messages end in an error.
    for _ in 0..frequency {
        let gap = reader.rice(parameter)?;
        let position = gap.checked_add(next).filter(|position| *position < messages);
        let position = position.ok_or(Corrupt)?;
        next = position + 1;
        visit(u16::try_from(position).expect("a block is at most 32,768 long"));
    }
    Ok(())
}

/// How many messages a block of a level has.
pub(crate) fn messages(level: Level) -> u32 {
    u32::try_from(level.messages()).expect("a block is at most 32,768 long")
}

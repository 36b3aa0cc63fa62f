//! Bits, the high ones first, and the two codes that blocks are made of.
//!
//! *Elias gamma* writes a number as its length in unary and then itself: for numbers that are
//! mostly small. *Rice* with parameter k writes the high part in unary and k low bits plainly: for
//! gaps, whose mean is known. In unary a number is that many zeros and a one.
//!
//! # Invariants
//!
//! * A reader never goes past its end and never goes on for longer than it has bits.

use crate::block::Corrupt;

/// The most bits that a reader can look at from any bit on: eight bytes less a byte begun.
const WINDOW_BITS: u32 = 57;

/// The widest plain number; a Rice parameter is below it.
const WIDTH_MAX: u32 = 32;

/// Bits being written.
#[derive(Clone, Debug, Default)]
pub(crate) struct BitWriter {
    bytes: Vec<u8>,
    /// The bits after the last whole byte, at the low end.
    rest: u64,
    /// How many those are: fewer than 8.
    rest_bits: u32,
}

impl BitWriter {
    /// How many bits are written.
    pub(crate) fn bits(&self) -> u64 {
        self.bytes.len() as u64 * 8 + u64::from(self.rest_bits)
    }

    /// Writes the low `width` bits of a number: at most 32.
    pub(crate) fn plain(&mut self, number: u32, width: u32) {
        debug_assert!(width <= WIDTH_MAX && u64::from(number) >> width == 0);
        self.rest = self.rest << width | u64::from(number);
        self.rest_bits += width;
        while self.rest_bits >= 8 {
            self.rest_bits -= 8;
            self.bytes.push((self.rest >> self.rest_bits) as u8);
        }
        self.rest &= (1 << self.rest_bits) - 1;
    }

    /// Writes a number of at least 1 in the gamma code.
    pub(crate) fn gamma(&mut self, number: u32) {
        let width = number.ilog2();
        self.unary(width);
        self.plain(number & !(1 << width), width);
    }

    /// Writes a number in the Rice code.
    pub(crate) fn rice(&mut self, number: u32, parameter: u32) {
        self.unary(number >> parameter);
        self.plain(number & ((1 << parameter) - 1), parameter);
    }

    /// Writes what another writer wrote.
    pub(crate) fn append(&mut self, other: &Self) {
        for byte in &other.bytes {
            self.plain(u32::from(*byte), 8);
        }
        let rest = u32::try_from(other.rest).expect("fewer than 8 bits are left");
        self.plain(rest, other.rest_bits);
    }

    /// The bytes, the last one filled with zeros.
    pub(crate) fn finish(mut self) -> Vec<u8> {
        let missing = self.rest_bits.wrapping_neg() % 8;
        self.plain(0, missing);
        self.bytes
    }

    fn unary(&mut self, number: u32) {
        let mut left = number;
        while left >= WIDTH_MAX {
            self.plain(0, WIDTH_MAX);
            left -= WIDTH_MAX;
        }
        self.plain(0, left);
        self.plain(1, 1);
    }
}

/// Bits being read.
#[derive(Clone, Copy, Debug)]
pub(crate) struct BitReader<'a> {
    bytes: &'a [u8],
    /// The next bit.
    at: u64,
}

impl<'a> BitReader<'a> {
    /// Reads from bit `at` on.
    ///
    /// # Errors
    ///
    /// [`Corrupt`] when there are fewer bits.
    pub(crate) fn new(bytes: &'a [u8], at: u64) -> Result<Self, Corrupt> {
        let reader = Self { bytes, at };
        if at > reader.end() { Err(Corrupt) } else { Ok(reader) }
    }

    /// The number of the next bit.
    pub(crate) fn at(&self) -> u64 {
        self.at
    }

    /// How many bits there are to come.
    pub(crate) fn left(&self) -> u64 {
        self.end() - self.at
    }

    /// Reads a number of `width` bits: at most 32.
    ///
    /// # Errors
    ///
    /// [`Corrupt`] when there are fewer.
    pub(crate) fn plain(&mut self, width: u32) -> Result<u32, Corrupt> {
        debug_assert!(width <= WIDTH_MAX);
        if self.left() < u64::from(width) {
            return Err(Corrupt);
        }
        let number = if width == 0 { 0 } else { self.window() >> (u64::BITS - width) };
        self.at += u64::from(width);
        Ok(u32::try_from(number).expect("at most 32 bits were taken"))
    }

    /// Reads a number in the gamma code: at least 1.
    ///
    /// # Errors
    ///
    /// [`Corrupt`] when the bits end first, or it has more than 32.
    pub(crate) fn gamma(&mut self) -> Result<u32, Corrupt> {
        let width = self.unary()?;
        if width >= WIDTH_MAX {
            return Err(Corrupt);
        }
        Ok(1 << width | self.plain(width)?)
    }

    /// Reads a number in the Rice code.
    ///
    /// # Errors
    ///
    /// [`Corrupt`] when the bits end first, or it has more than 32.
    pub(crate) fn rice(&mut self, parameter: u32) -> Result<u32, Corrupt> {
        let high = self.unary()?;
        if high.leading_zeros() < parameter {
            return Err(Corrupt);
        }
        Ok(high << parameter | self.plain(parameter)?)
    }

    fn end(&self) -> u64 {
        self.bytes.len() as u64 * 8
    }

    fn unary(&mut self) -> Result<u32, Corrupt> {
        let mut number: u32 = 0;
        loop {
            let zeros = self.window().leading_zeros();
            let seen = WINDOW_BITS.min(u32::try_from(self.left()).unwrap_or(WINDOW_BITS));
            if zeros < seen {
                self.at += u64::from(zeros) + 1;
                return number.checked_add(zeros).ok_or(Corrupt);
            }
            if seen == 0 {
                return Err(Corrupt);
            }
            self.at += u64::from(seen);
            number = number.checked_add(seen).ok_or(Corrupt)?;
        }
    }

    /// The bits to come, from the highest on: [`WINDOW_BITS`] of them are right, and zeros follow
    /// the last one.
    fn window(&self) -> u64 {
        let byte = usize::try_from(self.at / 8).unwrap_or(usize::MAX);
        let rest = self.bytes.get(byte..).unwrap_or_default();
        let word = match rest.first_chunk() {
            Some(eight) => u64::from_be_bytes(*eight),
            None => {
                let mut eight = [0; 8];
                eight[..rest.len()].copy_from_slice(rest);
                u64::from_be_bytes(eight)
            }
        };
        word << (self.at % 8)
    }
}

/// The Rice parameter for `count` gaps between numbers below `range`: ⌊log2(0.69·range/count)⌋,
/// which is best for gaps that are geometrically distributed (0.69 is ln 2).
pub(crate) fn rice_parameter(range: u32, count: u32) -> u32 {
    let mean = 69 * u64::from(range) / (100 * u64::from(count.max(1)));
    mean.checked_ilog2().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn codes_have_their_bits() {
        let mut bits = BitWriter::default();
        bits.gamma(1); // 1
        bits.gamma(5); // 001 01
        bits.rice(9, 2); // 001 01
        bits.rice(3, 0); // 0001
        bits.plain(0b101, 3);
        assert_eq!(bits.bits(), 18);
        assert_eq!(bits.finish(), [0b1001_0100, 0b1010_0011, 0b0100_0000]);
    }

    #[test]
    fn the_parameter_fits_the_mean_gap() {
        let parameters = [(64, 64), (64, 1), (512, 3), (1 << 24, 500), (32_768, 40_000), (64, 0)];
        assert_eq!(
            parameters.map(|(range, count)| rice_parameter(range, count)),
            [0, 5, 6, 14, 0, 5]
        );
    }

    #[derive(Clone, Copy, Debug)]
    enum Code {
        Plain(u32, u32),
        Gamma(u32),
        Rice(u32, u32),
    }

    fn code() -> impl Strategy<Value = Code> {
        prop_oneof![
            (any::<u32>(), 0..=32u32).prop_map(|(number, width)| Code::Plain(
                (u64::from(number) & ((1 << width) - 1)) as u32,
                width
            )),
            (1..=u32::MAX).prop_map(Code::Gamma),
            (0..5_000u32, 0..16u32).prop_map(|(number, parameter)| Code::Rice(number, parameter)),
        ]
    }

    fn write(codes: &[Code]) -> BitWriter {
        let mut bits = BitWriter::default();
        for code in codes {
            match *code {
                Code::Plain(number, width) => bits.plain(number, width),
                Code::Gamma(number) => bits.gamma(number),
                Code::Rice(number, parameter) => bits.rice(number, parameter),
            }
        }
        bits
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(one in prop::collection::vec(code(), 0..20),
                                   other in prop::collection::vec(code(), 0..20)) {
            let mut bits = write(&one);
            bits.append(&write(&other));
            let (written, bytes) = (bits.bits(), bits.finish());
            let mut reader = BitReader::new(&bytes, 0).unwrap();
            for code in one.into_iter().chain(other) {
                match code {
                    Code::Plain(number, width) => prop_assert_eq!(reader.plain(width), Ok(number)),
                    Code::Gamma(number) => prop_assert_eq!(reader.gamma(), Ok(number)),
                    Code::Rice(number, parameter) => {
                        prop_assert_eq!(reader.rice(parameter), Ok(number));
                    }
                }
            }
            prop_assert_eq!(reader.at(), written);
            prop_assert!(reader.left() < 8);
        }

        #[test]
        fn a_reader_ends(bytes in prop::collection::vec(prop_oneof![Just(0), any::<u8>()], 0..40),
                         at in 0..400u64, parameter in 0..32u32) {
            let end = bytes.len() as u64 * 8;
            let Ok(mut reader) = BitReader::new(&bytes, at) else {
                prop_assert!(at > end);
                return Ok(());
            };
            while reader.rice(parameter).is_ok() && reader.gamma().is_ok() {
                prop_assert!(reader.at() <= end);
            }
        }
    }
}

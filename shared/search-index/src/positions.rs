//! A set of messages of one block, by their positions.

use crate::cover::Level;

/// The positions of a block that may match: a bit for each message, 4 KB for the longest block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Positions {
    words: Vec<u64>,
}

impl Positions {
    /// No message of a block of `level`.
    pub fn none(level: Level) -> Self {
        let words = level.messages() / u64::from(u64::BITS);
        Self { words: vec![0; usize::try_from(words).expect("a block has at most 512 words")] }
    }

    /// Every message of a block of `level`.
    pub fn all(level: Level) -> Self {
        let mut positions = Self::none(level);
        positions.words.fill(u64::MAX);
        positions
    }

    /// How many there are.
    pub fn count(&self) -> u32 {
        self.words.iter().map(|word| word.count_ones()).sum()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.words.iter().all(|word| *word == 0)
    }

    /// Whether a position is among them.
    pub fn contains(&self, position: u16) -> bool {
        let (word, bit) = place(position);
        self.words.get(word).is_some_and(|word| word & bit != 0)
    }

    /// Adds a position; one that a block of the level does not have is no message's and left out.
    pub fn insert(&mut self, position: u16) {
        let (word, bit) = place(position);
        if let Some(word) = self.words.get_mut(word) {
            *word |= bit;
        }
    }

    /// Keeps those that `other` has as well.
    pub fn keep(&mut self, other: &Self) {
        let other = other.words.iter().copied().chain(std::iter::repeat(0));
        for (word, other) in self.words.iter_mut().zip(other) {
            *word &= other;
        }
    }

    /// The positions, the newest message first.
    pub fn newest_first(&self) -> impl Iterator<Item = u16> {
        let words = self.words.iter().enumerate().rev().filter(|(_, word)| **word != 0);
        words.flat_map(|(index, word)| {
            let first = u16::try_from(index * 64).expect("a block is at most 32,768 long");
            (0..64).rev().filter(move |bit| word >> bit & 1 != 0).map(move |bit| first + bit)
        })
    }
}

fn place(position: u16) -> (usize, u64) {
    (usize::from(position / 64), 1 << (position % 64))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn positions(level: Level, of: &[u16]) -> Positions {
        let mut positions = Positions::none(level);
        of.iter().for_each(|position| positions.insert(*position));
        positions
    }

    #[test]
    fn the_newest_comes_first() {
        let set = positions(Level::L3, &[0, 63, 64, 500, 32_767]);
        assert_eq!(set.newest_first().collect::<Vec<_>>(), [32_767, 500, 64, 63, 0]);
        assert_eq!(set.count(), 5);
        assert!(set.contains(64) && !set.contains(65) && !set.is_empty());
    }

    #[test]
    fn a_position_beyond_the_block_is_left_out() {
        let set = positions(Level::L0, &[63, 64, u16::MAX]);
        assert_eq!(set.newest_first().collect::<Vec<_>>(), [63]);
    }

    #[test]
    fn both_have_what_is_kept() {
        let mut set = positions(Level::L1, &[1, 2, 300, 511]);
        set.keep(&positions(Level::L1, &[2, 3, 511]));
        assert_eq!(set.newest_first().collect::<Vec<_>>(), [511, 2]);
        set.keep(&positions(Level::L0, &[2]));
        assert_eq!(set.newest_first().collect::<Vec<_>>(), [2]);
        set.keep(&Positions::none(Level::L1));
        assert!(set.is_empty());
    }
}

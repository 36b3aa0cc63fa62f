//! A term in 24 bits: 12 of its class, which it shares with what begins alike, and 12 of itself.
//!
//! The class is in the high bits, so everything that begins alike is one range of fingerprints, in
//! one bucket of every level: words by their first three letters, a run's pairs by the first
//! letter. That is what makes beginnings of words and single ideographs cost one read.
//!
//! Different terms may have one fingerprint: that makes a false candidate, never a missed one.
//! Filters have classes of their own, so that no text ever counts as its author.
//!
//! # Invariants
//!
//! * The hash is written out here and never changes: blocks are kept for good. Another hash is
//!   another [`ANALYZER`](crate::ANALYZER).

use crate::tokenizer::{Shape, Term};

/// The bits of a fingerprint.
pub(crate) const FINGERPRINT_BITS: u32 = 24;

/// The bits of a fingerprint that are its term's own.
const TERM_BITS: u32 = 12;

/// How many classes there are.
const CLASSES: u64 = 1 << (FINGERPRINT_BITS - TERM_BITS);

/// How many of them, the last ones, are of filters. A sixteenth: a message has two filters beside
/// some ten terms, and the eight bits of hash in a filter's class tell 256 of its values apart.
const FILTER_CLASSES: u64 = CLASSES / 16;

/// How many letters of a word are its class, and how many a beginning must have to be looked up.
pub const PREFIX_LETTERS: usize = 3;

/// What is hashed along with letters, so that equal letters of different things differ.
#[derive(Clone, Copy)]
enum Domain {
    WordClass = 1,
    LetterClass = 2,
    Term = 3,
    Author = 4,
    Kind = 5,
}

/// A term, or a filter's value, in 24 bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Fingerprint(u32);

impl Fingerprint {
    /// The fingerprint of a term.
    pub fn of(term: Term<'_>) -> Self {
        let class = class(term.shape, term.letters);
        Self::in_class(class, hash(Domain::Term, term.letters))
    }

    /// Its number, below 2^24.
    pub(crate) fn number(self) -> u32 {
        self.0
    }

    fn in_class(class: u32, own: u64) -> Self {
        let own = u32::try_from(own >> (u64::BITS - TERM_BITS)).expect("12 bits are left of 64");
        Self(class << TERM_BITS | own)
    }
}

/// What a message is found by beside its text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Filter<'a> {
    /// Its author, by the user id.
    From(&'a str),
    /// Its kind.
    Kind(&'a str),
}

impl Filter<'_> {
    /// The filter's fingerprint, which no text has.
    pub fn fingerprint(self) -> Fingerprint {
        let hash = match self {
            Self::From(user) => hash_text(Domain::Author, user),
            Self::Kind(kind) => hash_text(Domain::Kind, kind),
        };
        let class = CLASSES - FILTER_CLASSES + hash % FILTER_CLASSES;
        Fingerprint::in_class(u32::try_from(class).expect("a class has 12 bits"), hash)
    }
}

/// What is looked up: a fingerprint, or all of a class. Either is in one bucket of each level.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Lookup {
    first: u32,
    last: u32,
}

impl Lookup {
    /// Looks up one fingerprint.
    pub fn exact(fingerprint: Fingerprint) -> Self {
        Self { first: fingerprint.0, last: fingerprint.0 }
    }

    /// Looks up every word that begins with `letters`: at least [`PREFIX_LETTERS`].
    pub(crate) fn words_from(letters: &[char]) -> Self {
        debug_assert!(letters.len() >= PREFIX_LETTERS, "shorter beginnings are in many classes");
        Self::class(class(Shape::Word, letters))
    }

    /// Looks up a single letter of a run.
    pub(crate) fn letter(letter: char) -> Self {
        Self::class(class(Shape::Run, &[letter]))
    }

    fn class(class: u32) -> Self {
        let first = class << TERM_BITS;
        Self { first, last: first | ((1 << TERM_BITS) - 1) }
    }

    /// The first fingerprint's number.
    pub(crate) fn first(self) -> u32 {
        self.first
    }

    /// The last fingerprint's number.
    pub(crate) fn last(self) -> u32 {
        self.last
    }

    /// Whether it is of one fingerprint alone.
    pub fn is_exact(self) -> bool {
        self.first == self.last
    }
}

/// The class of a term: no filter's.
fn class(shape: Shape, letters: &[char]) -> u32 {
    let hash = match shape {
        Shape::Word => hash(Domain::WordClass, &letters[..letters.len().min(PREFIX_LETTERS)]),
        Shape::Run | Shape::Pictograph => hash(Domain::LetterClass, &letters[..1]),
    };
    // The high bits, which are mixed best, times the classes of texts: even to one in a million.
    let class = ((hash >> 32) * (CLASSES - FILTER_CLASSES)) >> 32;
    u32::try_from(class).expect("a class has 12 bits")
}

fn hash(domain: Domain, letters: &[char]) -> u64 {
    mix(letters.iter().fold(start(domain), |hash, letter| step(hash, u32::from(*letter))))
}

fn hash_text(domain: Domain, text: &str) -> u64 {
    mix(text.chars().fold(start(domain), |hash, letter| step(hash, u32::from(letter))))
}

/// FNV-1a in 64 bits, with code points in place of bytes
/// (draft-eastlake-fnv, sections 2 and 5: offset basis and prime).
fn start(domain: Domain) -> u64 {
    step(0xcbf2_9ce4_8422_2325, domain as u32)
}

fn step(hash: u64, letter: u32) -> u64 {
    (hash ^ u64::from(letter)).wrapping_mul(0x0000_0100_0000_01b3)
}

/// Spreads every bit over all others, which FNV does not: the finalizer of SplitMix64 (Steele, Lea
/// and Flood, "Fast splittable pseudorandom number generators", 2014).
fn mix(hash: u64) -> u64 {
    let hash = (hash ^ (hash >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let hash = (hash ^ (hash >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    hash ^ (hash >> 31)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::tokenizer::Text;

    fn fingerprints(text: &str) -> Vec<u32> {
        Text::new(text).terms().map(|term| Fingerprint::of(term).0).collect()
    }

    #[test]
    fn golden_fingerprints_never_change() {
        // Whoever has to change one of these raises `ANALYZER`.
        let golden: [(&str, &[u32]); 5] = [
            ("hello help ok 42", &[13_739_076, 13_738_980, 9_346_140, 1_781_901]),
            ("北京 北", &[948_717, 9_345_852, 946_974]),
            ("서울", &[14_053_921, 13_083_226]),
            ("Straße réunion", &[1_747_304, 3_801_735]),
            ("👍 🇫🇷", &[7_512_167, 4_898_195]),
        ];
        for (text, expected) in golden {
            assert_eq!(fingerprints(text), expected, "{text}");
        }
        let filters = [Filter::From("ada"), Filter::Kind("text"), Filter::From("text")];
        let filters = filters.map(|filter| filter.fingerprint().0);
        assert_eq!(filters, [15_827_871, 16_460_745, 15_996_174]);
    }

    #[test]
    fn what_begins_alike_is_one_range() {
        let inside =
            |lookup: Lookup, fingerprint: u32| (lookup.first..=lookup.last).contains(&fingerprint);
        let hel = Lookup::words_from(&['h', 'e', 'l']);
        assert!(fingerprints("hello help hel HELD").into_iter().all(|term| inside(hel, term)));
        assert!(fingerprints("he hero 北京").into_iter().all(|term| !inside(hel, term)));
        let north = Lookup::letter('北');
        let found: Vec<_> =
            fingerprints("东北京").into_iter().map(|term| inside(north, term)).collect();
        assert_eq!(found, [false, true, false]);
        assert!(fingerprints("北").into_iter().all(|term| inside(north, term)));
        assert!(hel.first >> 16 == hel.last >> 16, "a class is in one bucket of the finest level");
    }

    #[test]
    fn a_word_is_not_a_run_of_its_letters() {
        let word = Term { shape: Shape::Word, letters: &['a'] };
        let run = Term { shape: Shape::Run, letters: &['a'] };
        assert_ne!(Fingerprint::of(word), Fingerprint::of(run));
    }

    proptest! {
        #[test]
        fn no_text_counts_as_a_filter(text in any::<String>(), user in "[a-z0-9]{1,12}") {
            let last = u32::try_from(CLASSES - FILTER_CLASSES).unwrap() << TERM_BITS;
            prop_assert!(fingerprints(&text).into_iter().all(|term| term < last));
            for filter in [Filter::From(&user), Filter::Kind(&user)] {
                let number = filter.fingerprint().0;
                prop_assert!(number >= last && number >> FINGERPRINT_BITS == 0);
            }
        }
    }
}

//! Inputs of a target: a real one, changed at some places, as its number says.

use fastrand::Rng;

use crate::Target;

/// The most changes of one input.
const CHANGES_MAX: usize = 4;

/// The longest part that is cut or repeated.
const PART_BYTES_MAX: usize = 48;

/// Numbers at the edges of what a number may be.
const NUMBERS: [&str; 8] = [
    "0",
    "-1",
    "1.5",
    "1e999",
    "9007199254740990",
    "9007199254740991",
    "18446744073709551615",
    "18446744073709551616",
];

/// Inputs of one target.
#[derive(Debug)]
pub struct Inputs {
    seeds: Vec<Vec<u8>>,
    dictionary: &'static [&'static str],
}

impl Inputs {
    /// The inputs of `target`.
    pub fn new(target: &Target) -> Self {
        let seeds = (target.seeds)();
        assert!(!seeds.is_empty(), "{} has no real input", target.name);
        Self { seeds, dictionary: target.dictionary }
    }

    /// Real inputs, as they are.
    pub fn seeds(&self) -> &[Vec<u8>] {
        &self.seeds
    }

    /// The input of this number.
    pub fn input(&self, number: u64) -> Vec<u8> {
        let mut rng = Rng::with_seed(number);
        let mut input = self.seed(&mut rng).to_vec();
        for _ in 0..rng.usize(1..=CHANGES_MAX) {
            self.change(&mut rng, &mut input);
        }
        input
    }

    fn seed(&self, rng: &mut Rng) -> &[u8] {
        &self.seeds[rng.usize(..self.seeds.len())]
    }

    fn change(&self, rng: &mut Rng, input: &mut Vec<u8>) {
        let at = rng.usize(..=input.len());
        let end = input.len().min(at + rng.usize(..=PART_BYTES_MAX));
        match rng.u8(..10) {
            0 | 1 => flip(rng, input),
            2 => input.truncate(at),
            3 => drop(input.drain(at..end)),
            4 => {
                let part = input[at..end].to_vec();
                let place = rng.usize(..=input.len());
                drop(input.splice(place..place, part));
            }
            5 => self.splice(rng, input, at),
            6 => drop(input.splice(at..end, [rng.u8(..)])),
            7 => self.number(rng, input),
            8 => {
                let token = self.dictionary[rng.usize(..self.dictionary.len())];
                drop(input.splice(at..at, token.bytes()));
            }
            _ => {
                let token = self.dictionary[rng.usize(..self.dictionary.len())];
                drop(input.splice(at..end, token.bytes()));
            }
        }
    }

    /// Goes on as another input does.
    fn splice(&self, rng: &mut Rng, input: &mut Vec<u8>, at: usize) {
        let other = self.seed(rng);
        let from = rng.usize(..=other.len());
        input.truncate(at);
        input.extend_from_slice(&other[from..]);
    }

    /// Puts another number in the place of one, if there is any.
    fn number(&self, rng: &mut Rng, input: &mut Vec<u8>) {
        let is_start = |at: &usize| {
            let before = at.checked_sub(1).and_then(|before| input.get(before));
            input[*at].is_ascii_digit() && !before.is_some_and(u8::is_ascii_digit)
        };
        let starts: Vec<_> = (0..input.len()).filter(is_start).collect();
        if starts.is_empty() {
            return flip(rng, input);
        }
        let start = starts[rng.usize(..starts.len())];
        let digits = input[start..].iter().take_while(|byte| byte.is_ascii_digit()).count();
        let number = NUMBERS[rng.usize(..NUMBERS.len())];
        drop(input.splice(start..start + digits, number.bytes()));
    }
}

fn flip(rng: &mut Rng, input: &mut [u8]) {
    if !input.is_empty() {
        let at = rng.usize(..input.len());
        input[at] ^= 1 << rng.u8(..8);
    }
}

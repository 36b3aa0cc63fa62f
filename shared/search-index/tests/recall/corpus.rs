//! Synthetic messages, the same for the same seed. Words are invented and as frequent as in a
//! language: the n-th word occurs 1/n as often as the first (Zipf's law).

use fastrand::Rng;

/// What messages look like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Language {
    /// Words of Latin letters, with spaces.
    English,
    /// Ideographs, without spaces.
    Chinese,
    /// Ideographs with endings in hiragana, without spaces.
    Japanese,
    /// Hangul with particles, with spaces.
    Korean,
    /// Any of these, with emoji, addresses, numbers and accents.
    Mixed,
}

impl Language {
    pub(crate) const ALL: [Self; 5] =
        [Self::English, Self::Chinese, Self::Japanese, Self::Korean, Self::Mixed];
}

/// What is between other things in mixed messages.
const SPICE: [&str; 10] = [
    " 👍🏽 ",
    "🎉🎉",
    " 👩🏽\u{200D}💻",
    "🇫🇷🇩🇪",
    " https://a.example.com/x?y=1&id=42 ",
    " réunion à 10h ",
    " @maria ",
    " write_batch() ",
    "K8s",
    " Straße ",
];

/// A source of messages.
pub(crate) struct Corpus {
    language: Language,
    random: Rng,
    english: Vec<String>,
    chinese: Vec<String>,
    japanese: Vec<String>,
    korean: Vec<String>,
}

impl Corpus {
    pub(crate) fn new(language: Language, seed: u64) -> Self {
        let mut random = Rng::with_seed(seed);
        // Six apart, so that they are spread over the block as the common ones are.
        let ideographs = letters(0x4E00, 6, 3_000);
        let hiragana = letters(0x3042, 2, 32);
        let syllables = letters(0xAC00, 11, 900);
        let (vowels, consonants) = (letters_of("aeiou"), letters_of("tnsrhldcmpgbfwk"));
        let english = words(&mut random, 8_000, |random| {
            let syllables = 1 + random.usize(..3);
            let pick = |random: &mut Rng| {
                let ending = if random.bool() {
                    zipf(random, &consonants).to_string()
                } else {
                    String::new()
                };
                format!("{}{}{ending}", zipf(random, &consonants), zipf(random, &vowels))
            };
            (0..syllables).map(|_| pick(random)).collect()
        });
        let chinese = words(&mut random, 20_000, |random| {
            let length = [1, 2, 2, 2, 2, 3][random.usize(..6)];
            (0..length).map(|_| *zipf(random, &ideographs)).collect()
        });
        let japanese = words(&mut random, 12_000, |random| {
            let stem = (0..1 + random.usize(..2)).map(|_| *zipf(random, &ideographs));
            let mut word: String = stem.collect();
            word.extend((0..random.usize(..4)).map(|_| *zipf(random, &hiragana)));
            word
        });
        let korean = words(&mut random, 12_000, |random| {
            (0..2 + random.usize(..3)).map(|_| *zipf(random, &syllables)).collect()
        });
        Self { language, random, english, chinese, japanese, korean }
    }

    /// The next message: some ten terms.
    pub(crate) fn message(&mut self) -> String {
        match self.language {
            Language::Mixed => {
                let language = Language::ALL[self.random.usize(..4)];
                let mut text = self.words(language);
                while self.random.usize(..3) == 0 {
                    text.push_str(SPICE[self.random.usize(..SPICE.len())]);
                    let language = Language::ALL[self.random.usize(..4)];
                    text.push_str(&self.words(language));
                }
                text
            }
            plain @ (Language::English
            | Language::Chinese
            | Language::Japanese
            | Language::Korean) => self.words(plain),
        }
    }

    /// The next `count` messages.
    pub(crate) fn messages(&mut self, count: usize) -> Vec<String> {
        (0..count).map(|_| self.message()).collect()
    }

    fn words(&mut self, language: Language) -> String {
        let (words, separator, mean) = match language {
            Language::English | Language::Mixed => (&self.english, " ", 8),
            Language::Chinese => (&self.chinese, "", 6),
            Language::Japanese => (&self.japanese, "", 5),
            Language::Korean => (&self.korean, " ", 5),
        };
        let random = &mut self.random;
        let mut text = zipf(random, words).clone();
        while random.usize(..mean) > 0 && text.chars().count() < 300 {
            text.push_str(if random.usize(..12) == 0 { ", " } else { separator });
            text.push_str(zipf::<String>(random, words));
        }
        text
    }
}

fn words(random: &mut Rng, count: usize, mut word: impl FnMut(&mut Rng) -> String) -> Vec<String> {
    (0..count).map(|_| word(random)).collect()
}

/// One of them: the n-th is 1/n as likely as the first.
fn zipf<'a, T>(random: &mut Rng, of: &'a [T]) -> &'a T {
    let rank = (of.len() as f64).powf(random.f64()) as usize;
    &of[rank.clamp(1, of.len()) - 1]
}

fn letters(first: u32, step: u32, count: u32) -> Vec<char> {
    (0..count).filter_map(|index| char::from_u32(first + index * step)).collect()
}

fn letters_of(text: &str) -> Vec<char> {
    text.chars().collect()
}

//! A text's terms: what it can be found by.
//!
//! A word is a term. A run of ideographs, kana, hangul or another script without spaces is cut into
//! every pair of neighbors, and its last letter alone: so each letter of it begins some term, and
//! any part of the run, from one letter on, is found. An emoji is a term without its skin tone. No
//! dictionary, which would lose messages: where a word ends depends on what is around it, and a
//! query has little around it. No stems and no stop words, for the language is not known.
//!
//! What is joined is taken apart at punctuation: an address, a URL or `snake_case` is a row of
//! words, and a query that has the same row finds it as a phrase. An emoji joined of others, as a
//! family is, is a row as well.

use std::fmt;

use crate::fingerprint::Fingerprint;
use crate::folding::{Folded, Span};
use crate::script::{Script, script};

/// Which version of the tokenizer and of the fingerprints this is. Blocks of another one are not
/// to be read with this one: their keys differ by it. A newer Unicode in the compiler or in the
/// tables of normalization is no new version: it changes what code points are that had no meaning.
pub const ANALYZER: u8 = 1;

/// The longest term, in letters; what follows in a longer word is in no term. Texts and queries are
/// cut alike, so a longer word is found by itself and by its beginning. A SHA-256 in hexadecimal,
/// the longest thing that people look for whole, is 64; what is longer is encoded data.
pub const TERM_LETTERS_MAX: usize = 64;

/// What a unit of a text is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    /// A word or number: a term.
    Word,
    /// A run of a script without spaces: a term for each letter and its neighbor.
    Run,
    /// An emoji, or the two letters of a flag: a term.
    Pictograph,
}

/// A word, a run or a pictograph of a text, by its folded letters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Unit {
    /// What it is.
    pub(crate) shape: Shape,
    /// Its first letter.
    pub(crate) start: usize,
    /// The first one after it.
    pub(crate) end: usize,
}

/// A text, folded and taken apart. Its length is for the caller to bound.
#[derive(Clone, Default)]
pub struct Text {
    folded: Folded,
    units: Vec<Unit>,
}

impl Text {
    /// Takes a text apart.
    pub fn new(text: &str) -> Self {
        let folded = Folded::new(text);
        let units = units(&folded.letters);
        Self { folded, units }
    }

    /// Its terms, in their order and as often as they occur.
    pub fn terms(&self) -> impl Iterator<Item = Term<'_>> {
        self.units.iter().flat_map(move |unit| {
            let length = match unit.shape {
                Shape::Word | Shape::Pictograph => unit.end - unit.start,
                Shape::Run => 2,
            };
            let starts = match unit.shape {
                Shape::Word | Shape::Pictograph => unit.start..unit.start + 1,
                Shape::Run => unit.start..unit.end,
            };
            starts.map(move |start| Term {
                shape: unit.shape,
                letters: &self.folded.letters[start..unit.end.min(start + length)],
            })
        })
    }

    /// The fingerprints of its terms: ascending, each once.
    pub fn fingerprints(&self) -> Vec<Fingerprint> {
        let mut fingerprints: Vec<_> = self.terms().map(Fingerprint::of).collect();
        fingerprints.sort_unstable();
        fingerprints.dedup();
        fingerprints
    }

    /// Its units, in their order.
    pub(crate) fn units(&self) -> &[Unit] {
        &self.units
    }

    /// The folded letters of a unit of it.
    pub(crate) fn letters(&self, unit: Unit) -> &[char] {
        &self.folded.letters[unit.start..unit.end]
    }

    /// Where folded letters of it came from: at least one.
    pub(crate) fn span(&self, start: usize, end: usize) -> Span {
        self.folded.span(start, end)
    }
}

/// Says how much it is, never what it says: texts do not belong in a log.
impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Text({} letters, {} units)", self.folded.letters.len(), self.units.len())
    }
}

/// A term of a text; it shows as its folded letters.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Term<'a> {
    /// What it is, or is of.
    pub(crate) shape: Shape,
    /// Its folded letters: at least one.
    pub(crate) letters: &'a [char],
}

impl fmt::Display for Term<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.letters.iter().try_for_each(|letter| write!(f, "{letter}"))
    }
}

impl fmt::Debug for Term<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Term({:?}, {} letters)", self.shape, self.letters.len())
    }
}

/// Takes folded letters apart.
fn units(letters: &[char]) -> Vec<Unit> {
    let mut units: Vec<Unit> = Vec::new();
    // What the letter before was: a unit goes on only in letters of its own script.
    let mut before = Script::Separator;
    for (at, letter) in letters.iter().enumerate() {
        let now = script(*letter);
        let last = units.last_mut().filter(|_| now == before);
        match (now, last) {
            (Script::Separator, _) => {}
            (Script::Word, Some(word)) => {
                if at - word.start < TERM_LETTERS_MAX {
                    word.end = at + 1;
                }
            }
            (Script::Unspaced, Some(run)) => run.end = at + 1,
            // A flag has two letters; the third begins the next flag.
            (Script::RegionalIndicator, Some(flag)) if flag.end - flag.start == 1 => {
                flag.end = at + 1;
            }
            (Script::Word, None) => units.push(unit(Shape::Word, at)),
            (Script::Unspaced, None) => units.push(unit(Shape::Run, at)),
            (Script::Pictograph | Script::RegionalIndicator, _) => {
                units.push(unit(Shape::Pictograph, at));
            }
        }
        before = now;
    }
    units
}

fn unit(shape: Shape, at: usize) -> Unit {
    Unit { shape, start: at, end: at + 1 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &str) {
        let terms: Vec<_> = Text::new(text).terms().map(|term| term.to_string()).collect();
        assert_eq!(terms.join("|"), expected, "{text:?}");
    }

    #[test]
    fn a_run_is_pairs_and_its_last_letter() {
        check("南京市长江大桥", "南京|京市|市长|长江|江大|大桥|桥");
        check(
            "今天我们在北京开会讨论消息同步",
            "今天|天我|我们|们在|在北|北京|京开|开会|会讨|讨论|论消|消息|息同|同步|步",
        );
        check("東京都に住んでいます", "東京|京都|都に|に住|住ん|んで|でい|いま|ます|す");
        check("ﾃｽﾄ・カー", "テス|スト|ト|カー|ー");
        check("서울에서", "서울|울에|에서|서");
        check("好", "好");
        check("กิน", "กิ|ิน|น");
    }

    #[test]
    fn words_are_folded_and_split_at_punctuation() {
        check("réunion à 10h", "reunion|a|10h");
        check("Öl, Straße; ŒUVRE. Ёж ΟΔΌΣ", "ol|strasse|oeuvre|еж|οδοσ");
        check("don't — 3.14 1,000", "don|t|3|14|1|000");
        check("write_batch()", "write|batch");
        check("getUserById", "getuserbyid");
        check("", "");
        check(" ,.!？ ", "");
    }

    #[test]
    fn addresses_are_rows_of_words() {
        check("see https://a.example.com/x?y=1&id=42", "see|https|a|example|com|x|y|1|id|42");
        check("see https://a.example.com/x?y&id=42", "see|https|a|example|com|x|y|id|42");
        check("bob.smith+x@example.co.uk", "bob|smith|x|example|co|uk");
        check("@maria @张伟", "maria|张伟|伟");
    }

    #[test]
    fn scripts_end_each_others_units() {
        check("K8s集群重启", "k8s|集群|群重|重启|启");
        check("iPhone手机ok", "iphone|手机|机|ok");
    }

    #[test]
    fn an_emoji_is_a_term_without_its_skin_tone() {
        check("👍🏽 ok 🎉🎉", "👍|ok|🎉|🎉");
        check("👩🏽‍💻 ❤️a", "👩|💻|❤|a");
        check("🇩🇪🇫🇷x🇯", "🇩🇪|🇫🇷|x|🇯");
    }

    #[test]
    fn a_long_word_is_cut() {
        let long = "ab".repeat(TERM_LETTERS_MAX);
        check(&format!("{long} c"), &format!("{}|c", "ab".repeat(TERM_LETTERS_MAX / 2)));
    }

    #[test]
    fn a_texts_debug_keeps_quiet() {
        let text = Text::new("secret 北京");
        assert_eq!(format!("{text:?}"), "Text(9 letters, 2 units)");
        assert_eq!(format!("{:?}", text.terms().next().unwrap()), "Term(Word, 6 letters)");
    }
}

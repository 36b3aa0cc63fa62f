//! Folding: what two spellings of a text have in common, and where each letter of it came from.
//!
//! A text is decomposed for compatibility, put in lower case, freed of what does not tell letters
//! apart, and composed again: NFKC (UAX 15) with more folded away. The crate that has the tables
//! has no map back to the original, so the steps are done here, one letter at a time.
//!
//! # Invariants
//!
//! * Texts that are canonically or compatibly equivalent fold to the same letters.
//! * A letter's span lies inside the original text and counts its code points.

use unicode_normalization::char::{canonical_combining_class, compose, decompose_compatible};

use crate::script;

/// A part of a text: from one code point up to, not including, another. Both count Unicode code
/// points of the original text, from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span {
    /// The first code point.
    pub start: usize,
    /// The first one after it.
    pub end: usize,
}

impl Span {
    fn and(self, other: Self) -> Self {
        Self { start: self.start.min(other.start), end: self.end.max(other.end) }
    }
}

/// A folded text.
#[derive(Clone, Debug, Default)]
pub(crate) struct Folded {
    /// Its letters.
    pub(crate) letters: Vec<char>,
    /// Where each of them came from.
    spans: Vec<Span>,
    /// The last letter that is no mark: what an accent is on.
    base: Option<char>,
    /// Whether there is anything to reorder or to compose.
    composes: bool,
}

impl Folded {
    /// Folds a text.
    pub(crate) fn new(text: &str) -> Self {
        let mut folded = Self {
            letters: Vec::with_capacity(text.len()),
            spans: Vec::with_capacity(text.len()),
            ..Self::default()
        };
        for (at, original) in text.chars().enumerate() {
            folded.take(at, original);
        }
        if folded.composes {
            folded.reorder();
            folded.compose();
        }
        folded
    }

    /// Where the letters from `start` up to `end` came from: at least one.
    pub(crate) fn span(&self, start: usize, end: usize) -> Span {
        let rest = self.spans[start..end].iter();
        rest.fold(self.spans[start], |whole, span| whole.and(*span))
    }

    fn take(&mut self, at: usize, original: char) {
        if original.is_ascii() {
            self.push(at, original.to_ascii_lowercase());
        } else if script::is_plain(original) {
            self.push(at, original);
        } else {
            decompose_compatible(original, |part| {
                for lower in part.to_lowercase() {
                    self.take_part(at, lower);
                }
            });
        }
    }

    fn take_part(&mut self, at: usize, part: char) {
        if script::is_ignorable(part) || script::is_folded_away(part, self.base) {
            // Highlighting a letter highlights what is on it.
            if let Some(last) = self.spans.last_mut() {
                last.end = at + 1;
            }
            return;
        }
        let (first, second) = letters_of(part);
        self.push(at, first);
        if let Some(second) = second {
            self.push(at, second);
        }
    }

    fn push(&mut self, at: usize, letter: char) {
        self.letters.push(letter);
        self.spans.push(Span { start: at, end: at + 1 });
        if script::is_inert(letter) {
            self.base = Some(letter);
            return;
        }
        self.composes = true;
        if canonical_combining_class(letter) == 0 {
            self.base = Some(letter);
        }
    }

    /// Brings the marks on each letter into their canonical order (UAX 15, D109).
    fn reorder(&mut self) {
        let mut start = 0;
        while start < self.letters.len() {
            let rest = self.letters[start..].iter();
            let marks = rest.take_while(|letter| canonical_combining_class(**letter) != 0).count();
            if marks > 1 {
                let end = start + marks;
                let letters = self.letters[start..end].iter().copied();
                let mut marks: Vec<_> = letters.zip(self.spans[start..end].to_vec()).collect();
                marks.sort_by_key(|(letter, _)| canonical_combining_class(*letter));
                for (at, (letter, span)) in (start..end).zip(marks) {
                    self.letters[at] = letter;
                    self.spans[at] = span;
                }
            }
            start += marks + 1;
        }
    }

    /// Composes what composes (UAX 15, D117): a letter with each mark that no other one keeps from
    /// it, and jamo to syllables.
    fn compose(&mut self) {
        let mut kept = 0;
        let mut starter: Option<usize> = None;
        for at in 0..self.letters.len() {
            let (letter, span) = (self.letters[at], self.spans[at]);
            let class = canonical_combining_class(letter);
            if let Some(base) = starter {
                let is_next = base + 1 == kept;
                let before = canonical_combining_class(self.letters[kept - 1]);
                let is_blocked = !is_next && before >= class;
                let composed = compose(self.letters[base], letter).filter(|_| !is_blocked);
                if let Some(composed) = composed {
                    self.letters[base] = composed;
                    self.spans[base] = self.spans[base].and(span);
                    continue;
                }
            }
            if class == 0 {
                starter = Some(kept);
            }
            self.letters[kept] = letter;
            self.spans[kept] = span;
            kept += 1;
        }
        self.letters.truncate(kept);
        self.spans.truncate(kept);
    }
}

/// The letters of Latin that no decomposition takes apart, and the sigma that ends a word.
fn letters_of(lower: char) -> (char, Option<char>) {
    match lower {
        'ß' => ('s', Some('s')),
        'œ' => ('o', Some('e')),
        'æ' => ('a', Some('e')),
        'þ' => ('t', Some('h')),
        'ø' => ('o', None),
        'đ' | 'ð' => ('d', None),
        'ħ' => ('h', None),
        'ı' => ('i', None),
        'ł' => ('l', None),
        'ŧ' => ('t', None),
        'ς' => ('σ', None),
        other => (other, None),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use unicode_normalization::UnicodeNormalization;

    use super::*;

    fn fold(text: &str) -> String {
        Folded::new(text).letters.into_iter().collect()
    }

    #[test]
    fn spellings_of_a_word_fold_alike() {
        for (text, expected) in [
            ("RÉUNION Re\u{301}union", "reunion reunion"),
            ("Straße STRASSE STRAẞE", "strasse strasse strasse"),
            ("Œuvre ÆON Øre Łódź İstanbul ılık", "oeuvre aeon ore lodz istanbul ilik"),
            ("Việt Nam, đường", "viet nam, duong"),
            ("ΟΔΌΣ οδός Ϊ", "οδοσ οδοσ ι"),
            ("Ёлка елка мой їжак", "елка елка мой їжак"),
            ("Ｋ８ｓ ﬁx ㎏ x² ①", "k8s fix kg x2 1"),
            ("ｶﾞｷﾞ が か\u{3099}", "ガギ が が"),
            ("\u{1109}\u{1165}\u{110B}\u{116E}\u{11AF} 서우\u{11AF}", "서울 서울"),
            ("aש\u{301} 。\u{301} 👍\u{301}", "aש\u{301} 。 👍"),
            ("soft\u{AD}hyphen 👍🏽 ☺\u{FE0F} 1\u{FE0F}\u{20E3}", "softhyphen 👍 ☺ 1"),
        ] {
            assert_eq!(fold(text), expected, "{text:?}");
        }
    }

    #[test]
    fn a_letter_knows_where_it_came_from() {
        let span = |text: &str, at: usize| {
            let Span { start, end } = Folded::new(text).span(at, at + 1);
            (start, end)
        };
        // One letter for two code points, two letters for one, and one for one behind both.
        assert_eq!(span("e\u{301}x", 0), (0, 2));
        assert_eq!(span("e\u{301}x", 1), (2, 3));
        assert_eq!((span("ßx", 0), span("ßx", 1), span("ßx", 2)), ((0, 1), (0, 1), (1, 2)));
        assert_eq!(span("ｶﾞx", 0), (0, 2));
        assert_eq!(span("👍🏽!", 0), (0, 2));
    }

    #[test]
    fn composition_is_that_of_unicode() {
        // Scripts of which nothing is folded away, so that the crate's own NFKC is the reference.
        let letters = "ᄀ가각ᆨᆩᅡかガ゙゚ﾞｶש़ּׂकড়มำ์";
        let letters: Vec<char> = letters.chars().collect();
        proptest!(|(picks in prop::collection::vec(0..letters.len(), 0..12))| {
            let text: String = picks.into_iter().map(|pick| letters[pick]).collect();
            prop_assert_eq!(fold(&text), text.nfkc().collect::<String>());
        });
    }

    #[test]
    fn marks_compose_in_their_order() {
        // Of Cyrillic only the diaeresis folds away. Marks above keep one another off the letter,
        // one below it does not.
        let marks = format!("{}к", "\u{301}\u{306}\u{300}\u{323}".repeat(6));
        let marks: Vec<char> = marks.chars().collect();
        proptest!(|(picks in prop::collection::vec(0..marks.len(), 0..40))| {
            let marks = picks.into_iter().map(|pick| marks[pick]);
            let text: String = std::iter::once('и').chain(marks).collect();
            prop_assert_eq!(fold(&text), text.nfkc().collect::<String>());
        });
    }

    /// Any text, with many letters and marks that compose among it.
    fn text() -> impl Strategy<Value = String> {
        use proptest::char::range;
        let accent = prop_oneof![range('\u{300}', '\u{36F}'), range('\u{5B0}', '\u{5C2}')];
        let jamo = prop_oneof![range('\u{1100}', '\u{1175}'), range('\u{11A7}', '\u{11C2}')];
        let letter = prop_oneof![range('a', 'z'), range('\u{C0}', '\u{24F}'), range('Ѐ', 'ӿ')];
        let kana = range('\u{3041}', '\u{30FF}');
        let character = prop_oneof![any::<char>(), accent, jamo, letter, kana];
        prop::collection::vec(character, 0..24).prop_map(String::from_iter)
    }

    proptest! {
        #[test]
        fn equivalent_texts_fold_alike(text in text()) {
            let folded = fold(&text);
            prop_assert_eq!(&fold(&text.nfc().collect::<String>()), &folded);
            prop_assert_eq!(&fold(&text.nfd().collect::<String>()), &folded);
            prop_assert_eq!(&fold(&text.nfkc().collect::<String>()), &folded);
        }

        #[test]
        fn spans_lie_in_the_text(text in text()) {
            let folded = Folded::new(&text);
            let count = text.chars().count();
            prop_assert_eq!(folded.letters.len(), folded.spans.len());
            let mut spans = folded.spans.iter();
            prop_assert!(spans.all(|span| span.start < span.end && span.end <= count));
        }
    }
}

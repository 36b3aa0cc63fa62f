//! What sort of character it is, once folded: the tokenizer's only table.
//!
//! The tables are coarse on purpose: whole Unicode blocks where a block has one use. A character
//! that lands in the wrong sort is still found, for texts and queries are read alike.

use unicode_normalization::char::is_combining_mark;

/// What a character does to the terms around it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Script {
    /// A letter or digit of a script that puts spaces between words.
    Word,
    /// A letter of a script that does not, or puts them between phrases: a term is two of them.
    Unspaced,
    /// An emoji or another pictograph: a term by itself.
    Pictograph,
    /// One half of a flag: two of them are a term.
    RegionalIndicator,
    /// White space, punctuation, anything else: ends what came before.
    Separator,
}

/// Scripts without spaces between words, by Unicode block: Thai and Lao, Myanmar, Khmer, the jamo
/// and syllables of hangul, kana, bopomofo, and ideographs with their marks and extensions. Of a
/// block's characters only letters, digits and marks count: U+30FB `・` separates.
const UNSPACED: [(char, char); 16] = [
    ('\u{0E00}', '\u{0EFF}'),
    ('\u{1000}', '\u{109F}'),
    ('\u{1100}', '\u{11FF}'),
    ('\u{1780}', '\u{17FF}'),
    ('\u{3005}', '\u{3007}'),
    ('\u{3021}', '\u{3029}'),
    ('\u{3031}', '\u{303C}'),
    ('\u{3041}', '\u{318F}'),
    ('\u{31A0}', '\u{31BF}'),
    ('\u{31F0}', '\u{31FF}'),
    ('\u{3400}', '\u{9FFF}'),
    ('\u{A960}', '\u{A97F}'),
    ('\u{AC00}', '\u{D7FF}'),
    ('\u{F900}', '\u{FAFF}'),
    ('\u{1AFF0}', '\u{1B16F}'),
    ('\u{20000}', '\u{3FFFD}'),
];

/// Pictographs, by Unicode block: signs of law, arrows, technical signs, shapes, dingbats, more
/// arrows, and the planes' pictographs as far as they are reserved (UTS 51, Extended_Pictographic).
const PICTOGRAPHS: [(char, char); 10] = [
    ('\u{00A9}', '\u{00A9}'),
    ('\u{00AE}', '\u{00AE}'),
    ('\u{2190}', '\u{21FF}'),
    ('\u{2300}', '\u{23FF}'),
    ('\u{25A0}', '\u{27BF}'),
    ('\u{2900}', '\u{297F}'),
    ('\u{2B00}', '\u{2BFF}'),
    ('\u{303D}', '\u{303D}'),
    ('\u{1F000}', '\u{1FAFF}'),
    ('\u{1FC00}', '\u{1FFFD}'),
];

/// Characters that are not seen or only change how their neighbor looks: soft hyphen, joiners,
/// directions, variation selectors, tags, fillers (Default_Ignorable_Code_Point), and the skin
/// tones of emoji. A zero width space is none of them: it separates.
const IGNORABLE: [(char, char); 16] = [
    ('\u{00AD}', '\u{00AD}'),
    ('\u{034F}', '\u{034F}'),
    ('\u{061C}', '\u{061C}'),
    ('\u{115F}', '\u{1160}'),
    ('\u{17B4}', '\u{17B5}'),
    ('\u{180B}', '\u{180F}'),
    ('\u{200C}', '\u{200F}'),
    ('\u{202A}', '\u{202E}'),
    ('\u{2060}', '\u{206F}'),
    ('\u{3164}', '\u{3164}'),
    ('\u{FE00}', '\u{FE0F}'),
    ('\u{FEFF}', '\u{FEFF}'),
    ('\u{FFA0}', '\u{FFA0}'),
    ('\u{FFF0}', '\u{FFF8}'),
    ('\u{1F3FB}', '\u{1F3FF}'),
    ('\u{E0000}', '\u{E0FFF}'),
];

/// Combining marks that are accents, by Unicode block.
const ACCENTS: [(char, char); 5] = [
    ('\u{0300}', '\u{036F}'),
    ('\u{1AB0}', '\u{1AFF}'),
    ('\u{1DC0}', '\u{1DFF}'),
    ('\u{20D0}', '\u{20FF}'),
    ('\u{FE20}', '\u{FE2F}'),
];

/// Latin and Greek, by Unicode block: their accents are folded away.
const ACCENTED: [(char, char); 9] = [
    ('\u{0000}', '\u{02AF}'),
    ('\u{0370}', '\u{03FF}'),
    ('\u{1D00}', '\u{1DBF}'),
    ('\u{1E00}', '\u{1FFF}'),
    ('\u{2C60}', '\u{2C7F}'),
    ('\u{A720}', '\u{A7FF}'),
    ('\u{AB30}', '\u{AB6F}'),
    ('\u{FF00}', '\u{FF5E}'),
    ('\u{10780}', '\u{107BF}'),
];

/// Hiragana, katakana and its long sound, ideographs, syllables of hangul.
const PLAIN: [(char, char); 5] = [
    ('\u{3041}', '\u{3096}'),
    ('\u{30A1}', '\u{30FA}'),
    ('\u{30FC}', '\u{30FC}'),
    ('\u{4E00}', '\u{9FFF}'),
    ('\u{AC00}', '\u{D7A3}'),
];

/// What texts are mostly made of and that is never the second part of a composition: Latin, Greek
/// and Cyrillic, punctuation, kana without their sound marks, ideographs, syllables, emoji.
const INERT: [(char, char); 9] = [
    ('\u{0000}', '\u{02FF}'),
    ('\u{0370}', '\u{0482}'),
    ('\u{2010}', '\u{20CF}'),
    ('\u{3000}', '\u{3029}'),
    ('\u{3041}', '\u{3096}'),
    ('\u{309B}', '\u{30FF}'),
    ('\u{3400}', '\u{9FFF}'),
    ('\u{AC00}', '\u{D7A3}'),
    ('\u{1F000}', '\u{1FAFF}'),
];

/// What `folded` does to the terms around it.
pub(crate) fn script(folded: char) -> Script {
    if folded.is_ascii() {
        return if folded.is_ascii_alphanumeric() { Script::Word } else { Script::Separator };
    }
    if is_plain(folded) {
        return Script::Unspaced;
    }
    if ('\u{1F1E6}'..='\u{1F1FF}').contains(&folded) {
        return Script::RegionalIndicator;
    }
    if is_in(&PICTOGRAPHS, folded) {
        return Script::Pictograph;
    }
    if !(folded.is_alphanumeric() || is_combining_mark(folded)) {
        return Script::Separator;
    }
    if is_in(&UNSPACED, folded) { Script::Unspaced } else { Script::Word }
}

/// Whether folding takes it away wherever it stands.
pub(crate) fn is_ignorable(character: char) -> bool {
    is_in(&IGNORABLE, character)
}

/// Whether it folds to itself, whatever stands beside it, and is a letter of a script without
/// spaces: ideographs, syllables and kana, the bulk of a text in Chinese, Korean or Japanese.
pub(crate) fn is_plain(character: char) -> bool {
    is_in(&PLAIN, character)
}

/// Whether it is known never to compose onto the letter before it, nor to be a mark.
pub(crate) fn is_inert(folded: char) -> bool {
    is_in(&INERT, folded)
}

/// Whether `mark` is an accent that does not tell letters apart when it is on `base`: any on Latin
/// or Greek, and on what is no letter; of Cyrillic the diaeresis of `ё`.
pub(crate) fn is_folded_away(mark: char, base: Option<char>) -> bool {
    if !is_in(&ACCENTS, mark) {
        return false;
    }
    let Some(base) = base.filter(|base| base.is_alphanumeric()) else {
        return true;
    };
    is_in(&ACCENTED, base) || (base == 'е' && mark == '\u{0308}')
}

fn is_in(ranges: &[(char, char)], character: char) -> bool {
    ranges.iter().any(|(first, last)| (*first..=*last).contains(&character))
}

#[cfg(test)]
mod tests {
    use unicode_normalization::UnicodeNormalization;
    use unicode_normalization::char::{canonical_combining_class, decompose_canonical};

    use super::*;

    #[test]
    fn every_character_has_its_sort() {
        for (characters, expected) in [
            ("aσж7שअé", Script::Word),
            ("京にカーが서ㄅก々〇", Script::Unspaced),
            ("👍🎉☺→©🅰", Script::Pictograph),
            ("🇫🇷", Script::RegionalIndicator),
            (" _.，。・「」¿…\u{200B}\u{3000}฿", Script::Separator),
        ] {
            for character in characters.chars() {
                assert_eq!(script(character), expected, "{character:?}");
            }
        }
    }

    #[test]
    fn nothing_inert_is_part_of_a_composition() {
        let mut compositions = 0;
        for whole in '\0'..=char::MAX {
            let mut parts = Vec::new();
            decompose_canonical(whole, |part| parts.push(part));
            for part in parts.iter().skip(1) {
                compositions += 1;
                assert!(!is_inert(*part), "{part:?} is part of {whole:?}");
            }
            let is_mark = canonical_combining_class(whole) != 0;
            assert!(!(is_mark && is_inert(whole)), "{whole:?} is a mark");
        }
        assert!(compositions > 1_000, "only {compositions} compositions were seen");
    }

    #[test]
    fn what_is_plain_is_its_own_nfkc() {
        for plain in ('\0'..=char::MAX).filter(|character| is_plain(*character)) {
            assert!(plain.nfkc().eq([plain]) && plain.to_lowercase().eq([plain]), "{plain:?}");
        }
    }

    #[test]
    fn a_table_ascends() {
        let tables: [&[(char, char)]; 7] =
            [&UNSPACED, &PICTOGRAPHS, &IGNORABLE, &ACCENTS, &ACCENTED, &PLAIN, &INERT];
        for table in tables {
            assert!(table.iter().all(|(first, last)| first <= last));
            assert!(table.windows(2).all(|pair| pair[0].1 < pair[1].0));
        }
    }
}

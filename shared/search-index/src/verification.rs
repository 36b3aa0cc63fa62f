//! Where a query matches a text: what decides about a candidate, and what is highlighted.
//!
//! The text is the one that is kept now. So a message that was edited, or taken back, since its
//! block was built matches by what it says today.

use crate::folding::Span;
use crate::query::{Clause, Ending, Query};
use crate::tokenizer::{Shape, Text, Unit};

impl Query {
    /// Where it matches a text, if it does: parts that ascend and do not overlap, at least one, in
    /// code points of the text as it is given. There may be as many as the text has letters.
    pub fn verify(&self, text: &str) -> Option<Vec<Span>> {
        self.verify_text(&Text::new(text))
    }

    /// The same for a text that was taken apart before.
    pub fn verify_text(&self, text: &Text) -> Option<Vec<Span>> {
        let mut found = Vec::new();
        for clause in self.clauses() {
            let before = found.len();
            found.extend(matches(clause, text));
            if found.len() == before {
                return None;
            }
        }
        found.sort_unstable();
        let mut spans: Vec<Span> = Vec::with_capacity(found.len());
        for span in found {
            match spans.last_mut().filter(|last| span.start < last.end) {
                Some(last) => last.end = last.end.max(span.end),
                None => spans.push(span),
            }
        }
        Some(spans)
    }
}

/// Where one clause matches, from each letter of the text that it can begin at.
fn matches(clause: &Clause, text: &Text) -> impl Iterator<Item = Span> {
    let units = text.units().iter().enumerate();
    let starts = units.flat_map(|(index, unit)| {
        // A word is not matched from inside.
        let end = if unit.shape == Shape::Run { unit.end } else { unit.start + 1 };
        (unit.start..end).map(move |letter| Place { unit: index, letter })
    });
    starts.filter_map(|start| {
        let end = match_at(clause, text, start)?;
        Some(text.span(start.letter, end))
    })
}

/// A place in a text: before a letter of a unit.
#[derive(Clone, Copy)]
struct Place {
    unit: usize,
    letter: usize,
}

/// Where a match that begins at `start` ends, if there is one.
fn match_at(clause: &Clause, text: &Text, start: Place) -> Option<usize> {
    let mut place = start;
    let mut end = start.letter;
    for (index, unit) in clause.text.units().iter().enumerate() {
        let wanted = clause.text.letters(*unit);
        let here = *text.units().get(place.unit).filter(|here| here.shape == unit.shape)?;
        let rest = text.letters(Unit { start: place.letter, ..here });
        let is_match = match (unit.shape, clause.ending_of(index)) {
            (Shape::Run, _) | (Shape::Word, Ending::Beginning) => rest.starts_with(wanted),
            (Shape::Word | Shape::Pictograph, _) => rest == wanted,
        };
        if !is_match {
            return None;
        }
        end = place.letter + wanted.len();
        place.letter = end;
        // What follows goes on within the run, or at the text's next unit.
        if end == here.end {
            place.unit += 1;
            place.letter = text.units().get(place.unit).map_or(end, |next| next.start);
        }
    }
    Some(end)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The text with what the query matches in brackets, or nothing.
    fn check(query: &str, text: &str, expected: &str) {
        let spans = Query::parse(query).unwrap().verify(text);
        let shown = spans.map(|spans| {
            let mut shown = String::new();
            for (at, character) in text.chars().enumerate() {
                shown.extend(spans.iter().filter(|span| span.start == at).map(|_| '['));
                shown.push(character);
                shown.extend(spans.iter().filter(|span| span.end == at + 1).map(|_| ']'));
            }
            shown
        });
        assert_eq!(shown.as_deref().unwrap_or("-"), expected, "{query:?} in {text:?}");
    }

    #[test]
    fn words_match_whole_and_folded() {
        check("reunion ", "La Réunion à 10h", "La [Réunion] à 10h");
        check("reunion ", "Re\u{301}union!", "[Re\u{301}union]!");
        check("STRASSE ", "die Straße, Heinestraße", "die [Straße], Heinestraße");
        check("run ", "running", "-");
        check("run", "they run, running; prune", "they [run], [run]ning; prune");
        check("stras", "Straße", "[Straß]e");
        check("a b ", "b c a", "[b] c [a]");
        check("a b ", "a c", "-");
    }

    #[test]
    fn runs_match_anywhere() {
        check("市长", "南京市长江大桥", "南京[市长]江大桥");
        check("桥", "南京市长江大桥 桥头", "南京市长江大[桥] [桥]头");
        check("市长", "城市 长江", "-");
        check("哈哈", "哈哈哈!哈", "[哈哈哈]!哈");
        check("서울", "서울에서", "[서울]에서");
        check("ガギ", "ｶﾞｷﾞ", "[ｶﾞｷﾞ]");
        check("住ん", "東京都に住んでいます", "東京都に[住ん]でいます");
    }

    #[test]
    fn what_is_joined_or_quoted_is_a_row() {
        check("example.com ", "https://a.example.com/x", "https://a.[example.com]/x");
        check("example.com ", "com.example", "-");
        check("\"two words\"", "words, two words; two, words", "words, [two words]; [two, words]");
        check("\"two words\"", "two other words", "-");
        check("K8s集群", "重启 K8s 集群重启", "重启 [K8s 集群]重启");
        check(
            "\"今天 开会\"",
            "今天开会 今天，开会 今天不开会",
            "[今天开会] [今天，开会] 今天不开会",
        );
        check("\"会 ok\"", "开会ok 开会议ok", "开[会ok] 开会议ok");
        check("\"write bat", "write_batch", "[write_bat]ch");
    }

    #[test]
    fn emoji_match_in_any_skin_tone() {
        check("👍", "ok 👍🏽👍!", "ok [👍🏽][👍]!");
        check("👍🏽", "👍", "[👍]");
        check("👩", "👩🏽\u{200D}💻", "[👩🏽\u{200D}]💻");
        check("👩\u{200D}💻", "👩🏽\u{200D}💻 👩 x 💻", "[👩🏽\u{200D}💻] 👩 x 💻");
        check("🇫🇷", "🇩🇪🇫🇷", "🇩🇪[🇫🇷]");
        check("🇪🇫", "🇩🇪🇫🇷", "-");
    }

    #[test]
    fn a_long_word_is_found_by_its_beginning() {
        let word = "0123456789abcdef".repeat(5);
        let (cut, rest) = word.split_at(64);
        check(&word, &word, &format!("[{cut}]{rest}"));
        check("012", &word, &format!("[012]{}", &word[3..]));
    }
}

//! What somebody typed, as what has to be in a text.
//!
//! White space separates clauses, and a text must match all of them, in any order and place. A
//! clause is a row of words, runs and emoji that follow one another with nothing but punctuation or
//! white space between: of what is joined (`a.example.com`, `K8s集群`), or of all in quotes.
//!
//! * A word matches that word. It matches every word that it begins when it has
//!   [`PREFIX_LETTERS`] letters and is still being typed, which the last one is as long as nothing
//!   follows it; or with a `*` right behind it, outside of quotes.
//! * A run matches wherever it stands in a run: a single letter as well.
//! * An emoji matches in any skin tone, and inside emoji that are joined of it and others.
//!
//! A quotation that is not closed goes on to the end, for it may still be typed.
//!
//! # Invariants
//!
//! * Whatever [`Query::verify`] finds in a text, the text's fingerprints have everything that
//!   [`Query::lookups`] gives. Both are of one [`Text`] for each clause.

use crate::fingerprint::{Fingerprint, Lookup, PREFIX_LETTERS};
use crate::tokenizer::{Shape, Term, Text, Unit};

/// The longest query, in code points. Ours: a few sentences; what matches is verified in time that
/// grows with it.
pub const QUERY_CHARS_MAX: usize = 256;

/// How many lookups a query has at most. Ours: each is a read in every block; verification does
/// what the others would have done, and the first sixteen leave it little to do.
pub const LOOKUPS_MAX: usize = 16;

/// Why a query is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidQuery {
    /// There is nothing to look for.
    #[error("a query has a word, a letter or an emoji")]
    Empty,
    /// It is longer than [`QUERY_CHARS_MAX`].
    #[error("a query is at most {QUERY_CHARS_MAX} characters")]
    TooLong,
    /// It asks for words by fewer than [`PREFIX_LETTERS`] letters.
    #[error("a beginning has at least {PREFIX_LETTERS} letters")]
    ShortBeginning,
}

/// A query. It has at least one clause.
#[derive(Clone, Debug)]
pub struct Query {
    clauses: Vec<Clause>,
}

/// What follows one another in a text. It has at least one unit.
#[derive(Clone, Debug)]
pub(crate) struct Clause {
    pub(crate) text: Text,
    /// How its last unit, if that is a word, is compared.
    pub(crate) ending: Ending,
}

/// How the last word of a clause is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    /// As a whole word.
    Whole,
    /// As the beginning of a word.
    Beginning,
}

/// A part of a query's text that becomes a clause.
#[derive(Default)]
struct Part {
    text: String,
    is_quoted: bool,
}

impl Query {
    /// Parses what somebody typed. Trailing white space says that the last word is complete, so it
    /// is not to be trimmed.
    ///
    /// # Errors
    ///
    /// [`InvalidQuery`], which says what to type instead.
    pub fn parse(text: &str) -> Result<Self, InvalidQuery> {
        if text.chars().nth(QUERY_CHARS_MAX).is_some() {
            return Err(InvalidQuery::TooLong);
        }
        let (parts, last) = split(text);
        let parts = parts.into_iter().map(|part| (part, Ending::Whole));
        let parts = parts.chain([(last, Ending::Beginning)]);
        let mut clauses: Vec<Clause> = Vec::new();
        for (part, ending) in parts {
            // What is asked for twice is verified once.
            let clause = clause(&part, ending)?;
            let clause = clause.filter(|clause| !clauses.iter().any(|other| other.is(clause)));
            clauses.extend(clause);
        }
        if clauses.is_empty() { Err(InvalidQuery::Empty) } else { Ok(Self { clauses }) }
    }

    /// What to look up in blocks, and only messages that have all of it are candidates: at least
    /// one lookup, at most [`LOOKUPS_MAX`], each once. The caller adds those of
    /// [`Filter`](crate::Filter)s.
    pub fn lookups(&self) -> Vec<Lookup> {
        let mut lookups = Vec::new();
        for lookup in self.clauses.iter().flat_map(Clause::lookups) {
            if lookups.len() == LOOKUPS_MAX {
                break;
            }
            if !lookups.contains(&lookup) {
                lookups.push(lookup);
            }
        }
        lookups
    }

    pub(crate) fn clauses(&self) -> &[Clause] {
        &self.clauses
    }
}

impl Clause {
    /// How a unit of it is compared.
    pub(crate) fn ending_of(&self, index: usize) -> Ending {
        if index + 1 == self.text.units().len() { self.ending } else { Ending::Whole }
    }

    /// Whether it asks for the same as another.
    fn is(&self, other: &Self) -> bool {
        self.ending == other.ending && self.text.terms().eq(other.text.terms())
    }

    fn lookups(&self) -> impl Iterator<Item = Lookup> {
        let units = self.text.units().iter().enumerate();
        units.flat_map(|(index, unit)| {
            lookups_of(*unit, self.text.letters(*unit), self.ending_of(index))
        })
    }
}

/// What a unit is looked up by: what every unit of a text that it matches has.
fn lookups_of(unit: Unit, letters: &[char], ending: Ending) -> Vec<Lookup> {
    let exact = |letters| Lookup::exact(Fingerprint::of(Term { shape: unit.shape, letters }));
    match (unit.shape, ending) {
        (Shape::Word, Ending::Beginning) => vec![Lookup::words_from(letters)],
        (Shape::Run, _) if letters.len() == 1 => vec![Lookup::letter(letters[0])],
        // Its last letter is a term only of texts whose run ends with it.
        (Shape::Run, _) => letters.windows(2).map(exact).collect(),
        (Shape::Word | Shape::Pictograph, _) => vec![exact(letters)],
    }
}

/// Splits a query's text into its parts, the one that the text ends in apart.
fn split(text: &str) -> (Vec<Part>, Part) {
    let mut parts = Vec::new();
    let mut part = Part::default();
    for character in text.chars() {
        let is_quote = matches!(character, '"' | '“' | '”' | '„' | '＂');
        if is_quote {
            let is_quoted = !part.is_quoted;
            parts.push(std::mem::replace(&mut part, Part { text: String::new(), is_quoted }));
        } else if character.is_whitespace() && !part.is_quoted {
            parts.push(std::mem::take(&mut part));
        } else {
            part.text.push(character);
        }
    }
    (parts, part)
}

/// The clause of a part, unless there is nothing in it to look for.
fn clause(part: &Part, ending: Ending) -> Result<Option<Clause>, InvalidQuery> {
    let starred = part.text.strip_suffix('*').filter(|_| !part.is_quoted);
    let typed = starred.unwrap_or(&part.text);
    let text = Text::new(typed);
    let Some(last) = text.units().last() else {
        return Ok(None);
    };
    let is_at_end = text.span(last.start, last.end).end == typed.chars().count();
    let is_word = last.shape == Shape::Word && is_at_end;
    let is_long = last.end - last.start >= PREFIX_LETTERS;
    if starred.is_some() && is_word && !is_long {
        return Err(InvalidQuery::ShortBeginning);
    }
    let is_open = starred.is_some() || ending == Ending::Beginning;
    let ending = if is_open && is_word && is_long { Ending::Beginning } else { Ending::Whole };
    Ok(Some(Clause { text, ending }))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The clauses of a query: the units of one joined by spaces, a star where it is a beginning.
    fn check(text: &str, expected: &str) {
        let query = Query::parse(text).map(|query| {
            let clauses = query.clauses.iter().map(|clause| {
                let units = clause.text.units().iter();
                let units = units.map(|unit| clause.text.letters(*unit).iter().collect::<String>());
                let star = if clause.ending == Ending::Beginning { "*" } else { "" };
                format!("{}{star}", units.collect::<Vec<_>>().join(" "))
            });
            clauses.collect::<Vec<_>>().join(", ")
        });
        let query = query.unwrap_or_else(|error| error.to_string());
        assert_eq!(query, expected, "{text:?}");
    }

    #[test]
    fn white_space_separates_and_quotes_join() {
        check("two words ", "two, words");
        check("\"two words\"", "two words");
        check("a \"b c\"d\u{3000}e", "a, b c, d, e");
        check("“北京 开会” 明天", "北京 开会, 明天");
        check("no no Nö ok \"no\" no", "no, ok");
        check("a.example.com/x K8s集群 ", "a example com x, k8s 集群");
    }

    #[test]
    fn the_word_being_typed_is_a_beginning() {
        check("write bat", "write, bat*");
        check("write ba", "write, ba");
        check("write bat ", "write, bat");
        check("write bat,", "write, bat");
        check("\"write bat\"", "write bat");
        check("\"write bat", "write bat*");
        check("don't pani", "don t, pani*");
        check("mee\u{301}", "mee*");
        check("开会", "开会");
    }

    #[test]
    fn a_star_is_a_beginning() {
        check("bat* write ", "bat*, write");
        check("snake_cas* ", "snake cas*");
        check("ba* write ", "a beginning has at least 3 letters");
        check("* 会* !* \"bat*\" ", "会, bat");
        check("bat *", "bat");
        check("bat-* ", "bat");
    }

    #[test]
    fn a_query_has_something_to_look_for() {
        for empty in ["", "  ", "\"\"", "?!", "*", "🏽"] {
            check(empty, "a query has a word, a letter or an emoji");
        }
        assert!(Query::parse(&"好".repeat(QUERY_CHARS_MAX)).is_ok());
        check(&"好".repeat(QUERY_CHARS_MAX + 1), "a query is at most 256 characters");
    }

    #[test]
    fn a_query_is_looked_up_by_what_matches_have() {
        let exact = |text: &str| -> Vec<_> {
            Text::new(text).terms().map(|term| Lookup::exact(Fingerprint::of(term))).collect()
        };
        let lookups = |text: &str| Query::parse(text).unwrap().lookups();
        assert_eq!(lookups("南京市 "), exact("南京市")[..2]);
        assert_eq!(lookups("市"), [Lookup::letter('市')]);
        assert_eq!(lookups("hello "), exact("hello"));
        assert_eq!(lookups("hello"), [Lookup::words_from(&['h', 'e', 'l'])]);
        assert_eq!(lookups("ok ok 👍 "), exact("ok 👍"));
        assert_eq!(lookups("一二三四五六七八九十百千万亿春夏秋冬").len(), LOOKUPS_MAX);
    }
}

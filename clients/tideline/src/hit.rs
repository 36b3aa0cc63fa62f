//! What was found, as a person reads it: a line each, with the words that match marked.

use std::io::IsTerminal;

use timeline::{ConversationId, Party, UserId};
use wire::{Match, TitleMatch};

use crate::print;

/// How much of a message is shown, in letters.
const EXCERPT_LETTERS_MAX: usize = 160;

/// How much of it stands before the first match where it is cut, in letters.
const LEAD_LETTERS: usize = 40;

/// What switches a terminal to bold and yellow, and back: "Select Graphic Rendition" of ECMA-48.
const ANSI: (&str, &str) = ("\u{1b}[1;33m", "\u{1b}[0m");

/// How matches are marked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Marks {
    /// Not at all.
    Plain,
    /// By what a terminal takes for bold and yellow.
    Ansi,
}

impl Marks {
    /// What standard output can show.
    pub(crate) fn of_output() -> Self {
        if std::io::stdout().is_terminal() { Self::Ansi } else { Self::Plain }
    }
}

/// A part of a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Piece {
    /// What it says.
    pub(crate) text: String,
    /// Whether it matches.
    pub(crate) is_match: bool,
}

/// The parts of a text that match and those between them; of a long text, what is around the first
/// match. Spans count code points.
pub(crate) fn pieces(text: &str, spans: &[(u64, u64)]) -> Vec<Piece> {
    let letters: Vec<char> = print::letters(text).collect();
    let first = spans.first().map_or(0, |(start, _)| usize::try_from(*start).unwrap_or(usize::MAX));
    let start = first.saturating_sub(LEAD_LETTERS);
    let start = start.min(letters.len().saturating_sub(EXCERPT_LETTERS_MAX));
    let end = letters.len().min(start + EXCERPT_LETTERS_MAX);
    let mut pieces: Vec<Piece> = Vec::new();
    let mut add = |letter: char, is_match: bool| match pieces.last_mut() {
        Some(piece) if piece.is_match == is_match => piece.text.push(letter),
        Some(_) | None => pieces.push(Piece { text: letter.into(), is_match }),
    };
    if start > 0 {
        add('…', false);
    }
    for (at, letter) in (start as u64..).zip(&letters[start..end]) {
        add(*letter, spans.iter().any(|(start, end)| (*start..*end).contains(&at)));
    }
    if end < letters.len() {
        add('…', false);
    }
    pieces
}

/// A message that was found: when, where and at which place it is, and who says what; the id of a
/// group comes last, for the next command.
pub(crate) fn line(hit: &Match, name: &str, marks: Marks) -> String {
    let Match { conversation, seq, from, at, .. } = hit;
    let text = marked(&hit.text, &hit.spans, marks);
    let end = if is_group(conversation) { format!("  {conversation}") } else { String::new() };
    format!("{}  {name} {seq}  {from}: {text}{end}", print::time(*at))
}

/// A conversation that was found by its title.
pub(crate) fn title_line(found: &TitleMatch, marks: Marks) -> String {
    let title = marked(&found.title, &found.spans, marks);
    format!("{:<16}  {title}  {}", "conversation", found.conversation)
}

/// Whom a direct conversation is with; `None` for a group, whose title others have to tell.
pub(crate) fn partner(conversation: &str, me: &UserId) -> Option<String> {
    let party = ConversationId::parse(conversation).ok()?.party();
    party.other(me).map(|other| other.to_string())
}

fn is_group(conversation: &str) -> bool {
    let id = ConversationId::parse(conversation);
    id.is_ok_and(|id| matches!(id.party(), Party::Group(_)))
}

fn marked(text: &str, spans: &[(u64, u64)], marks: Marks) -> String {
    let (on, off) = match marks {
        Marks::Plain => ("", ""),
        Marks::Ansi => ANSI,
    };
    let show = |Piece { text, is_match }| if is_match { format!("{on}{text}{off}") } else { text };
    pieces(text, spans).into_iter().map(show).collect()
}

#[cfg(test)]
mod tests {
    use crate::sample;

    use super::*;

    /// The pieces with what matches in brackets.
    fn bracketed(text: &str, spans: &[(u64, u64)]) -> String {
        let show = |piece: Piece| match piece.is_match {
            true => format!("[{}]", piece.text),
            false => piece.text,
        };
        pieces(text, spans).into_iter().map(show).collect()
    }

    #[test]
    fn what_matches_is_marked_by_code_points() {
        for (text, spans, expected) in [
            ("we meet in 北京 😀 tea", vec![(11, 13), (16, 19)], "we meet in [北京] 😀 [tea]"),
            ("tea", vec![(0, 3)], "[tea]"),
            ("tea tea", vec![(0, 3), (3, 7)], "[tea tea]"),
            ("two\nlines\u{1b}[2J", vec![(4, 9)], "two [lines] [2J"),
            ("tea", vec![], "tea"),
            ("", vec![], ""),
            // No server of ours says so.
            ("tea", vec![(2, 99), (u64::MAX, 0)], "te[a]"),
            ("tea", vec![(u64::MAX, u64::MAX)], "tea"),
        ] {
            assert_eq!(bracketed(text, &spans), expected);
        }
    }

    #[test]
    fn a_long_text_is_cut_around_its_first_match() {
        let text = format!("{}tea{}", "x".repeat(300), "y".repeat(300));
        let shown = bracketed(&text, &[(300, 303)]);
        let tail = EXCERPT_LETTERS_MAX - LEAD_LETTERS - 3;
        let expected = format!("…{}[tea]{}…", "x".repeat(LEAD_LETTERS), "y".repeat(tail));
        assert_eq!(shown, expected);
        let end = format!("{}tea", "x".repeat(300));
        let expected = format!("…{}[tea]", "x".repeat(EXCERPT_LETTERS_MAX - 3));
        assert_eq!(bracketed(&end, &[(300, 303)]), expected);
        let begin = format!("tea{}", "y".repeat(300));
        let expected = format!("[tea]{}…", "y".repeat(EXCERPT_LETTERS_MAX - 3));
        assert_eq!(bracketed(&begin, &[(0, 3)]), expected);
    }

    #[test]
    fn a_hit_is_a_line_that_names_its_place() {
        let hit = sample::hit(7, "some tea", &[(5, 8)]);
        let time = "2025-11-25 00:00";
        assert_eq!(line(&hit, "bo", Marks::Plain), format!("{time}  bo 7  bo: some tea"));
        let expected = format!("{time}  bo 7  bo: some \u{1b}[1;33mtea\u{1b}[0m");
        assert_eq!(line(&hit, "bo", Marks::Ansi), expected);
        let group = "g~01935b2e-7c1a-7def-8123-000000000001";
        let hit = Match { conversation: group.into(), ..hit };
        let expected = format!("{time}  break 7  bo: some tea  {group}");
        assert_eq!(line(&hit, "break", Marks::Plain), expected);
        let (title, spans) = ("tea break".to_owned(), vec![(0, 3)]);
        let found = TitleMatch { conversation: group.into(), title, spans };
        let expected = format!("conversation      tea break  {group}");
        assert_eq!(title_line(&found, Marks::Plain), expected);
    }

    #[test]
    fn a_direct_conversation_is_called_by_the_other() {
        let me = UserId::parse("al").unwrap();
        assert_eq!(partner("d~al~bo", &me).as_deref(), Some("bo"));
        assert_eq!(partner("d~ab~al", &me).as_deref(), Some("ab"));
        assert_eq!(partner("g~01935b2e-7c1a-7def-8123-000000000001", &me), None);
        assert_eq!(partner("nonsense", &me), None);
    }
}

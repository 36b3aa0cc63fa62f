//! The terminal of `chat`: drawing, and keys.

use std::io;
use std::thread;

use ratatui::crossterm::event::{self, Event, KeyCode, KeyEventKind, KeyModifiers};
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Style, Stylize};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, List, ListItem, Paragraph};
use ratatui::{DefaultTerminal, Frame};
use tokio::sync::mpsc;
use wire::Match;

use crate::entry::Row;
use crate::hit::{self, Piece};
use crate::print;
use crate::view::{Name, View};

/// How wide the list of conversations is, in columns.
const LIST_COLUMNS: u16 = 24;

/// How wide the ticks before a message are, in columns.
const MARK_COLUMNS: usize = 3;

/// What the status line says when there is nothing else to say.
const HELP: &str = "arrows switch, PageUp, /recall, /edit TEXT, /search WORDS, Esc";

/// The terminal in raw mode; however this ends, by a panic too, it is put back as it was.
#[derive(Debug)]
pub(crate) struct Screen {
    terminal: DefaultTerminal,
}

/// What a user does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Key {
    /// Writes a letter.
    Letter(char),
    /// Takes the last letter back.
    Back,
    /// Sends what is written.
    Enter,
    /// Opens the conversation above.
    Up,
    /// Opens the conversation below.
    Down,
    /// Shows older messages.
    PageUp,
    /// Shows newer messages.
    PageDown,
    /// Closes what was searched for, or else leaves.
    Escape,
    /// Leaves.
    Quit,
    /// The terminal changed, and is to be drawn anew.
    Redraw,
}

impl Screen {
    /// Takes the terminal.
    pub(crate) fn open() -> io::Result<Self> {
        Ok(Self { terminal: ratatui::try_init()? })
    }

    /// Draws the view; how many lines of messages fit.
    pub(crate) fn draw(&mut self, view: &View) -> io::Result<usize> {
        let mut fits = 0;
        self.terminal.draw(|frame| fits = draw(frame, view))?;
        Ok(fits)
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        ratatui::restore();
    }
}

/// Reads keys in a thread of their own, as long as somebody takes them: a terminal can only be read
/// by waiting.
pub(crate) fn keys() -> mpsc::UnboundedReceiver<io::Result<Key>> {
    let (sender, keys) = mpsc::unbounded_channel();
    thread::spawn(move || {
        while !sender.is_closed() {
            let key = event::read().map(|event| meaning(&event)).transpose();
            let is_broken = matches!(key, Some(Err(_)));
            if let Some(key) = key
                && (sender.send(key).is_err() || is_broken)
            {
                break;
            }
        }
    });
    keys
}

/// What an event of the terminal means, if anything.
fn meaning(event: &Event) -> Option<Key> {
    let key = match event {
        Event::Key(key) if key.kind != KeyEventKind::Release => key,
        Event::Resize(..) => return Some(Key::Redraw),
        Event::Key(_)
        | Event::FocusGained
        | Event::FocusLost
        | Event::Mouse(_)
        | Event::Paste(_) => return None,
    };
    let is_control = key.modifiers.contains(KeyModifiers::CONTROL);
    #[expect(clippy::wildcard_enum_match_arm, reason = "most of a terminal's keys mean nothing")]
    let key = match key.code {
        KeyCode::Char('c' | 'd') if is_control => Key::Quit,
        KeyCode::Char(letter) if !is_control => Key::Letter(letter),
        KeyCode::Esc => Key::Escape,
        KeyCode::Backspace => Key::Back,
        KeyCode::Enter => Key::Enter,
        KeyCode::Up => Key::Up,
        KeyCode::Down => Key::Down,
        KeyCode::PageUp => Key::PageUp,
        KeyCode::PageDown => Key::PageDown,
        _ => return None,
    };
    Some(key)
}

/// Draws everything; how many lines of messages fit.
fn draw(frame: &mut Frame<'_>, view: &View) -> usize {
    let rows = Layout::vertical([Constraint::Min(3), Constraint::Length(3), Constraint::Length(1)]);
    let [above, input, status] = rows.areas(frame.area());
    let columns = Layout::horizontal([Constraint::Length(LIST_COLUMNS), Constraint::Min(20)]);
    let [list, messages] = columns.areas(above);

    let names = view.names().map(|Name { name, badge, is_open }| {
        let style = if is_open { Style::new().reversed() } else { Style::new() };
        let badge = badge.map(|badge| Span::from(format!("({badge}) ")).bold());
        let line: Vec<_> = badge.into_iter().chain([name.into()]).collect();
        ListItem::new(Line::from(line)).style(style)
    });
    frame.render_widget(List::new(names).block(Block::bordered().title(view.heading())), list);
    let fits = draw_messages(frame, view, messages);
    let written = Paragraph::new(view.input.as_str()).block(Block::bordered());
    frame.render_widget(written, input);
    let notice = view.notice.as_deref().unwrap_or(HELP);
    frame.render_widget(Line::from(format!(" {} | {notice}", view.status)).dim(), status);
    fits
}

/// Draws the messages that fit; how many lines do.
fn draw_messages(frame: &mut Frame<'_>, view: &View, area: Rect) -> usize {
    let fits = usize::from(area.height.saturating_sub(2));
    let block = |title: String| Block::bordered().title(title);
    if let Some(findings) = &view.findings {
        let lines: Vec<_> = findings.hits().iter().take(fits).map(found).collect();
        frame.render_widget(Paragraph::new(lines).block(block(findings.title())), area);
        return fits;
    }
    let rows = view.rows(fits).into_iter();
    let lines: Vec<Line<'_>> = rows
        .map(|Row { mark, from, text }| {
            let mark = format!("{:<MARK_COLUMNS$}", mark.symbol());
            match from {
                Some(from) => Line::from(vec![
                    mark.into(),
                    Span::from(format!("{from}: ")).bold(),
                    text.into(),
                ]),
                None => Line::from(vec![mark.into(), text.dim()]),
            }
        })
        .collect();
    frame.render_widget(Paragraph::new(lines).block(block(view.title())), area);
    fits
}

/// A message that was found.
fn found(found: &Match) -> Line<'static> {
    let time = Span::from(format!("{} ", print::time(found.at))).dim();
    let from = Span::from(format!("{}: ", found.from)).bold();
    let pieces = hit::pieces(&found.text, &found.spans).into_iter();
    let pieces = pieces.map(|Piece { text, is_match }| {
        let span = Span::from(text);
        if is_match { span.reversed() } else { span }
    });
    Line::from_iter([time, from].into_iter().chain(pieces))
}

#[cfg(test)]
mod tests {
    use ratatui::Terminal;
    use ratatui::backend::TestBackend;
    use ratatui::crossterm::event::KeyEvent;
    use ratatui::style::Modifier;

    use super::*;

    #[test]
    fn both_panes_the_input_and_the_status_are_drawn() {
        let id = timeline::ConversationId::parse("d~al~bo").unwrap();
        let mut view = View::new("al".parse().unwrap(), id.clone());
        view.waiting(&id, "c1".into(), "hello".into());
        view.input.push_str("wri");
        view.status = "reconnecting";
        view.count(100, |_| (3, timeline::Seq::ZERO));
        let mut terminal = Terminal::new(TestBackend::new(60, 10)).unwrap();
        let mut fits = 0;
        terminal.draw(|frame| fits = draw(frame, &view)).unwrap();
        assert_eq!(fits, 4);
        let cells = terminal.backend().buffer().content();
        let text: String = cells.iter().map(|cell| cell.symbol()).collect();
        let parts =
            ["Conversations (99+)", "(3) bo", "…  al: hello", "wri", "reconnecting | arrows"];
        for part in parts {
            assert!(text.contains(part), "{part} is not in {text}");
        }
    }

    #[test]
    fn what_was_found_is_drawn_in_place_of_the_messages() {
        let id = timeline::ConversationId::parse("d~al~bo").unwrap();
        let mut view = View::new("al".parse().unwrap(), id.clone());
        view.waiting(&id, "c1".into(), "hello".into());
        view.search("tea".into());
        let hits = vec![crate::sample::hit(3, "some tea", &[(5, 8)])];
        let found = wire::Matches { hits, conversations: vec![], page: None };
        view.findings.as_mut().unwrap().page(&engine::Found(found));
        let mut terminal = Terminal::new(TestBackend::new(70, 10)).unwrap();
        terminal.draw(|frame| assert_eq!(draw(frame, &view), 4)).unwrap();
        let cells = terminal.backend().buffer().content();
        let text: String = cells.iter().map(|cell| cell.symbol()).collect();
        for part in ["tea: 1 found", "2025-11-25 00:00 bo: some tea"] {
            assert!(text.contains(part), "{part} is not in {text}");
        }
        assert!(!text.contains("hello"), "{text}");
        let is_marked = |cell: &&ratatui::buffer::Cell| cell.modifier.contains(Modifier::REVERSED);
        let marked: String = cells.iter().filter(is_marked).map(|cell| cell.symbol()).collect();
        assert!(marked.contains("tea") && !marked.contains("some"), "{marked}");
    }

    #[test]
    fn keys_mean_what_the_status_line_says() {
        let key = |code, modifiers| meaning(&Event::Key(KeyEvent::new(code, modifiers)));
        assert_eq!(key(KeyCode::Enter, KeyModifiers::NONE), Some(Key::Enter));
        assert_eq!(key(KeyCode::Char('x'), KeyModifiers::NONE), Some(Key::Letter('x')));
        assert_eq!(key(KeyCode::Char('X'), KeyModifiers::SHIFT), Some(Key::Letter('X')));
        assert_eq!(key(KeyCode::Char('c'), KeyModifiers::CONTROL), Some(Key::Quit));
        assert_eq!(key(KeyCode::PageUp, KeyModifiers::NONE), Some(Key::PageUp));
        assert_eq!(key(KeyCode::Esc, KeyModifiers::NONE), Some(Key::Escape));
        assert_eq!(key(KeyCode::F(1), KeyModifiers::NONE), None);
    }
}

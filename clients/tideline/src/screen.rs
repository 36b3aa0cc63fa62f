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

use crate::view::View;

/// How wide the list of conversations is, in columns.
const LIST_COLUMNS: u16 = 20;

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

    /// Draws the view.
    pub(crate) fn draw(&mut self, view: &View) -> io::Result<()> {
        self.terminal.draw(|frame| draw(frame, view)).map(|_| ())
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
        KeyCode::Esc => Key::Quit,
        KeyCode::Backspace => Key::Back,
        KeyCode::Enter => Key::Enter,
        KeyCode::Up => Key::Up,
        KeyCode::Down => Key::Down,
        _ => return None,
    };
    Some(key)
}

fn draw(frame: &mut Frame<'_>, view: &View) {
    let rows = Layout::vertical([Constraint::Min(3), Constraint::Length(3), Constraint::Length(1)]);
    let [above, input, status] = rows.areas(frame.area());
    let columns = Layout::horizontal([Constraint::Length(LIST_COLUMNS), Constraint::Min(20)]);
    let [list, messages] = columns.areas(above);

    let names = view.names().map(|(name, is_open)| {
        let style = if is_open { Style::new().reversed() } else { Style::new() };
        ListItem::new(name).style(style)
    });
    frame.render_widget(List::new(names).block(Block::bordered().title("Conversations")), list);
    draw_messages(frame, view, messages);
    let written = Paragraph::new(view.input.as_str()).block(Block::bordered());
    frame.render_widget(written, input);
    let help = "Enter sends, up and down switch, Esc leaves";
    frame.render_widget(Line::from(format!(" {} | {help}", view.status)).dim(), status);
}

/// Draws the newest messages that fit.
fn draw_messages(frame: &mut Frame<'_>, view: &View, area: Rect) {
    let fits = usize::from(area.height.saturating_sub(2));
    let entries = view.entries();
    let newest = &entries[entries.len().saturating_sub(fits)..];
    let lines: Vec<Line<'_>> = newest
        .iter()
        .map(|entry| {
            let mark = format!("{} ", entry.mark.symbol());
            match &entry.from {
                Some(from) => Line::from(vec![
                    mark.into(),
                    Span::from(format!("{from}: ")).bold(),
                    entry.text.as_str().into(),
                ]),
                None => Line::from(vec![mark.into(), entry.text.as_str().dim()]),
            }
        })
        .collect();
    let block = Block::bordered().title(view.name(&view.selected));
    frame.render_widget(Paragraph::new(lines).block(block), area);
}

#[cfg(test)]
mod tests {
    use ratatui::Terminal;
    use ratatui::backend::TestBackend;
    use ratatui::crossterm::event::KeyEvent;

    use super::*;

    #[test]
    fn both_panes_the_input_and_the_status_are_drawn() {
        let id = timeline::ConversationId::parse("d~al~bo").unwrap();
        let mut view = View::new("al".parse().unwrap(), id.clone());
        view.waiting(&id, "c1".into(), "hello".into());
        view.input.push_str("wri");
        view.status = "reconnecting";
        let mut terminal = Terminal::new(TestBackend::new(60, 10)).unwrap();
        terminal.draw(|frame| draw(frame, &view)).unwrap();
        let cells = terminal.backend().buffer().content();
        let text: String = cells.iter().map(|cell| cell.symbol()).collect();
        for part in ["Conversations", "bo", "… al: hello", "wri", "reconnecting"] {
            assert!(text.contains(part), "{part} is not in {text}");
        }
    }

    #[test]
    fn keys_mean_what_the_status_line_says() {
        let key = |code, modifiers| meaning(&Event::Key(KeyEvent::new(code, modifiers)));
        assert_eq!(key(KeyCode::Enter, KeyModifiers::NONE), Some(Key::Enter));
        assert_eq!(key(KeyCode::Char('x'), KeyModifiers::NONE), Some(Key::Letter('x')));
        assert_eq!(key(KeyCode::Char('X'), KeyModifiers::SHIFT), Some(Key::Letter('X')));
        assert_eq!(key(KeyCode::Char('c'), KeyModifiers::CONTROL), Some(Key::Quit));
        assert_eq!(key(KeyCode::Esc, KeyModifiers::NONE), Some(Key::Quit));
        assert_eq!(key(KeyCode::F(1), KeyModifiers::NONE), None);
    }
}

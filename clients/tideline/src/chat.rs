//! `chat`: talking in a terminal, or, without one, in plain lines.

use std::io::{self, BufRead, IsTerminal};
use std::pin::pin;
use std::thread;

use engine::{Change, Command};
use timeline::exchange::Destination;
use timeline::{ConversationId, Party};
use tokio::sync::mpsc;

use crate::arguments::ChatArguments;
use crate::error::Error;
use crate::print;
use crate::screen::{self, Key, Screen};
use crate::session::Session;
use crate::story;
use crate::view::View;

/// Talks until the user leaves.
pub(crate) async fn run(arguments: ChatArguments) -> Result<(), Error> {
    let mut session = Session::open(&arguments.identity)?;
    let destination = arguments.addressee.destination();
    let id = session.conversation(&destination)?;
    if io::stdout().is_terminal() && io::stdin().is_terminal() {
        session.keep_quiet();
        let view = restored(&mut session, View::new(arguments.identity.user, id));
        on_screen(&mut session, view, &destination).await
    } else {
        in_lines(&mut session, &destination, &id).await
    }
}

/// Lets a conversation be looked at; what a group is called is asked for, as the event that said so
/// may be long forgotten.
fn open(session: &mut Session, id: &ConversationId) -> Result<(), Error> {
    if matches!(id.party(), Party::Group(_)) {
        let request = wire::Group {
            conversation: Some(id.as_str().to_owned()),
            limit: Some(1),
            ..wire::Group::new(String::new(), "members")
        };
        session.command(Command::Group { ticket: 0, request: Box::new(request) })?;
    }
    session.command(Command::Focus(id.clone()))
}

/// The view of what the journal keeps.
fn restored(session: &mut Session, mut view: View) -> View {
    for message in session.journal().messages() {
        view.message(message);
    }
    for queued in session.engine().outbox() {
        let body = queued.body.get();
        let text = serde_json::from_str::<serde_json::Value>(body).ok();
        let text = text.and_then(|body| body["text"].as_str().map(str::to_owned));
        let text = text.unwrap_or_else(|| format!("[{}]", queued.kind));
        view.waiting(&queued.conversation, queued.cid.to_string(), text);
    }
    view
}

async fn on_screen(
    session: &mut Session,
    mut view: View,
    destination: &Destination,
) -> Result<(), Error> {
    let first = view.selected.clone();
    let mut shown = first.clone();
    open(session, &shown)?;
    let mut screen = Screen::open()?;
    let mut keys = screen::keys();
    loop {
        if view.selected != shown {
            session.command(Command::Blur(shown))?;
            shown = view.selected.clone();
            open(session, &shown)?;
        }
        screen.draw(&view)?;
        tokio::select! {
            change = session.next() => {
                if let Some(change) = change? {
                    view.change(&change);
                }
            }
            key = keys.recv() => match key.transpose()? {
                None | Some(Key::Quit) => return Ok(()),
                Some(Key::Letter(letter)) => view.input.push(letter),
                Some(Key::Back) => {
                    view.input.pop();
                }
                Some(Key::Up) => view.select_previous(),
                Some(Key::Down) => view.select_next(),
                Some(Key::Redraw) => {}
                Some(Key::Enter) if view.input.trim().is_empty() => {}
                Some(Key::Enter) => {
                    let text = std::mem::take(&mut view.input);
                    let id = view.selected.clone();
                    // The conversation that was asked for may not exist before its first message;
                    // only a person's name can make it.
                    let to = if id == first {
                        destination.clone()
                    } else {
                        Destination::Conversation(id.clone())
                    };
                    let cid = session.text(to, &text)?;
                    view.waiting(&id, cid.to_string(), text);
                }
            },
        }
    }
}

/// Sends each line of standard input and prints each message of the conversation, until the input
/// ends and everything is kept, or the user has enough.
async fn in_lines(
    session: &mut Session,
    destination: &Destination,
    id: &ConversationId,
) -> Result<(), Error> {
    session.command(Command::Focus(id.clone()))?;
    let mut lines = lines();
    let mut is_open = true;
    let mut failed = 0;
    let mut interrupted = pin!(tokio::signal::ctrl_c());
    while is_open || session.has_news() || session.engine().outbox().next().is_some() {
        tokio::select! {
            change = session.next() => match change? {
                Some(Change::Message(message)) if message.conversation == id.as_str() => {
                    print::line(&story::line(&message))?;
                }
                Some(Change::Failed { problem, .. }) => {
                    print::note(&format!("refused: {} ({})", problem.message, problem.name));
                    failed += 1;
                }
                Some(_) | None => {}
            },
            line = lines.recv(), if is_open => match line.transpose()? {
                Some(line) => {
                    session.text(destination.clone(), &line)?;
                }
                None => is_open = false,
            },
            interrupted = &mut interrupted => return Ok(interrupted?),
        }
    }
    if failed > 0 { Err(Error::Failed { count: failed }) } else { Ok(()) }
}

/// Reads lines in a thread of its own, which the end of the program does not wait for.
fn lines() -> mpsc::UnboundedReceiver<io::Result<String>> {
    let (sender, lines) = mpsc::unbounded_channel();
    thread::spawn(move || {
        for line in io::stdin().lock().lines() {
            if sender.send(line).is_err() {
                break;
            }
        }
    });
    lines
}

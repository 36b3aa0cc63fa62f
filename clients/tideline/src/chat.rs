//! `chat`: talking in a terminal, or, without one, in plain lines.

use std::io::{self, BufRead, IsTerminal};
use std::pin::pin;
use std::thread;
use std::time::Duration;

use engine::{Change, Command, Link};
use timeline::exchange::Destination;
use timeline::{ConversationId, Party};
use tokio::sync::mpsc;
use tokio::time::Instant;
use wire::{Message, Problem};

use crate::arguments::ChatArguments;
use crate::error::Error;
use crate::findings::Findings;
use crate::hit::{self, Marks};
use crate::print;
use crate::screen::{self, Key, Screen};
use crate::session::Session;
use crate::story;
use crate::view::View;
use crate::wish::Wish;

/// How long it is shown that somebody types. Ours: their device tells it again every few seconds.
const TYPING_SHOWN: Duration = Duration::from_secs(6);

/// Talks until the user leaves.
pub(crate) async fn run(arguments: ChatArguments) -> Result<(), Error> {
    let mut session = Session::open(&arguments.identity)?;
    let destination = arguments.addressee.destination();
    let id = session.conversation(&destination)?;
    let view = restored(&mut session, View::new(arguments.identity.user, id));
    if io::stdout().is_terminal() && io::stdin().is_terminal() {
        session.keep_quiet();
        on_screen(&mut session, view, &destination).await
    } else {
        in_lines(&mut session, view, &destination).await
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

/// Asks how far the others have read: what was read while this device was away was told to nobody.
fn ask_readers(session: &mut Session, id: &ConversationId) -> Result<(), Error> {
    let conversation = id.clone();
    session.command(Command::Receipts { ticket: 0, conversation, seq: None, page: None })
}

/// The view of what the journal keeps.
fn restored(session: &mut Session, mut view: View) -> View {
    for message in session.journal().messages() {
        view.message(message);
    }
    for queued in session.engine().outbox() {
        let text = story::said(&queued.body).unwrap_or_else(|| format!("[{}]", queued.kind));
        view.waiting(&queued.conversation, queued.cid.to_string(), text);
    }
    view
}

/// Marks as read whatever of the open conversation came, if the newest of it can be seen.
fn read(session: &mut Session, view: &View) -> Result<(), Error> {
    let (id, engine) = (&view.selected, session.engine());
    let (position, newest) = (engine.position(id), engine.applied(id));
    if position < view.seen().min(newest) {
        session.command(Command::Read { conversation: id.clone(), seq: newest })?;
    }
    Ok(())
}

/// Asks for what is still to be found.
fn search(session: &mut Session, view: &mut View) -> Result<(), Error> {
    match view.findings.as_mut().and_then(Findings::ask) {
        Some((ticket, query)) => session.search(ticket, query),
        None => Ok(()),
    }
}

/// Does what a line asks for in the open conversation.
///
/// # Errors
///
/// The outer ones are the session's; the inner one says why it asks for nothing.
fn act(
    session: &mut Session,
    view: &mut View,
    destination: Destination,
    line: &str,
) -> Result<Result<(), &'static str>, Error> {
    view.findings = None;
    let body = match Wish::read(line) {
        Err(complaint) => return Ok(Err(complaint)),
        Ok(Wish::Say(text)) => {
            let cid = session.text(destination, &text)?;
            view.waiting(&view.selected.clone(), cid.to_string(), text);
            return Ok(Ok(()));
        }
        Ok(Wish::Search(words)) => {
            view.search(words);
            return Ok(Ok(()));
        }
        Ok(Wish::Recall) => None,
        Ok(Wish::Edit(text)) => Some(wire::text_body(&text)),
    };
    match view.last_own() {
        Err(complaint) => Ok(Err(complaint)),
        Ok(seq) => session.recall(0, view.selected.clone(), seq, body).map(Ok),
    }
}

async fn on_screen(
    session: &mut Session,
    mut view: View,
    destination: &Destination,
) -> Result<(), Error> {
    let first = view.selected.clone();
    let mut shown = first.clone();
    session.command(Command::Conversations { ticket: 0, limit: None, page: None })?;
    open(session, &shown)?;
    let mut screen = Screen::open()?;
    let mut keys = screen::keys();
    let mut typing = pin!(tokio::time::sleep(Duration::ZERO));
    loop {
        if view.selected != shown {
            session.command(Command::Blur(shown))?;
            shown = view.selected.clone();
            view.findings = None;
            open(session, &shown)?;
            ask_readers(session, &shown)?;
        }
        if !session.has_news() {
            read(session, &view)?;
            search(session, &mut view)?;
            if let Some(command) = view.fill() {
                session.command(command)?;
            }
            let engine = session.engine();
            view.count(engine.total_unread(), |id| (engine.unread(id), engine.read_by(id)));
            view.fits = screen.draw(&view)?;
        }
        tokio::select! {
            change = session.next() => {
                let Some(change) = change? else { continue };
                view.change(&change);
                if change == Change::Link(Link::Open) {
                    ask_readers(session, &shown)?;
                }
                if matches!(change, Change::Signal(_)) {
                    typing.as_mut().reset(Instant::now() + TYPING_SHOWN);
                }
            }
            () = &mut typing, if view.is_typed() => view.quiet(),
            key = keys.recv() => match key.transpose()? {
                None | Some(Key::Quit) => return Ok(()),
                Some(Key::Escape) if view.findings.is_none() => return Ok(()),
                Some(Key::Enter) if view.input.trim().is_empty() => {}
                Some(Key::Enter) => {
                    let line = std::mem::take(&mut view.input);
                    // The conversation that was asked for may not exist before its first message;
                    // only a person's name can make it.
                    let to = if shown == first {
                        destination.clone()
                    } else {
                        Destination::Conversation(shown.clone())
                    };
                    let outcome = act(session, &mut view, to, &line)?;
                    view.notice = outcome.err().map(str::to_owned);
                }
                Some(key) => {
                    if let Some(command) = press(&mut view, key) {
                        session.command(command)?;
                    }
                }
            },
        }
    }
}

/// Takes a key that changes the view alone; what is to be asked for then.
fn press(view: &mut View, key: Key) -> Option<Command> {
    view.notice = None;
    match key {
        Key::Letter(letter) => view.input.push(letter),
        Key::Back => {
            view.input.pop();
        }
        Key::Up => view.select_previous(),
        Key::Down => view.select_next(),
        Key::PageUp => return view.page_up(),
        Key::PageDown => view.page_down(),
        Key::Escape => view.findings = None,
        Key::Redraw | Key::Enter | Key::Quit => {}
    }
    None
}

/// Does what each line of standard input asks for and prints each message of the conversation that
/// is new, which is read by that, until the input ends and everything is kept, or the user has
/// enough.
async fn in_lines(
    session: &mut Session,
    mut view: View,
    destination: &Destination,
) -> Result<(), Error> {
    let id = view.selected.clone();
    for message in unread(session, &id) {
        print::line(&story::line(&message))?;
    }
    session.command(Command::Focus(id.clone()))?;
    let mut lines = lines();
    let (mut is_open, mut failed) = (true, 0);
    let mut interrupted = pin!(tokio::signal::ctrl_c());
    loop {
        if !session.has_news() {
            search(session, &mut view)?;
            read(session, &view)?;
            if !is_open && !session.is_busy() && session.engine().is_told(&id) {
                break;
            }
        }
        tokio::select! {
            change = session.next() => {
                let Some(change) = change? else { continue };
                view.change(&change);
                print_hits(&mut view)?;
                if let Change::Message(message) = &change
                    && message.conversation == id.as_str()
                {
                    print::line(&story::line(message))?;
                }
                if let Some(problem) = refusal(&change) {
                    print::note(&format!("refused: {} ({})", problem.message, problem.name));
                    failed += 1;
                }
            }
            // One search after the other.
            line = lines.recv(), if is_open && view.findings.is_none() => match line.transpose()? {
                Some(line) => {
                    let to = destination.clone();
                    if let Err(complaint) = act(session, &mut view, to, &line)? {
                        print::note(complaint);
                        failed += 1;
                    }
                }
                None => is_open = false,
            },
            interrupted = &mut interrupted => return Ok(interrupted?),
        }
    }
    if failed > 0 { Err(Error::Failed { count: failed }) } else { Ok(()) }
}

/// Prints what was found, once that is all, and closes the search.
fn print_hits(view: &mut View) -> Result<(), Error> {
    let Some(findings) = view.findings.take_if(|findings| findings.is_over()) else {
        return Ok(());
    };
    if findings.hits().is_empty() {
        print::note(&findings.title());
    }
    let (name, marks) = (view.name(&view.selected), Marks::of_output());
    findings.hits().iter().try_for_each(|found| print::line(&hit::line(found, &name, marks)))
}

/// What came of a conversation to this device and is not read, from the first message of somebody
/// else on.
fn unread(session: &mut Session, id: &ConversationId) -> Vec<Message> {
    let position = session.engine().position(id).number();
    let is_new = |message: &&Message| message.conversation == id.as_str() && message.seq > position;
    let me = session.user().as_str().to_owned();
    let new = session.journal().messages().iter().filter(is_new);
    new.skip_while(|message| message.from == me).cloned().collect()
}

/// Why something that a line asked for was not done.
fn refusal(change: &Change) -> Option<&Problem> {
    match change {
        Change::Failed { problem, .. }
        | Change::Recalled { outcome: Err(problem), .. }
        | Change::Searched { outcome: Err(problem), .. } => Some(problem),
        Change::Link(_)
        | Change::Message(_)
        | Change::Acked(_)
        | Change::Fetched { .. }
        | Change::Grouped { .. }
        | Change::Conversations { .. }
        | Change::Receipts { .. }
        | Change::Searched { .. }
        | Change::Recalled { .. }
        | Change::Told { .. }
        | Change::Control(_)
        | Change::Read(_)
        | Change::Signal(_)
        | Change::Restarted { .. } => None,
    }
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

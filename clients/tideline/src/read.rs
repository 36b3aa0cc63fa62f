//! `read`: a conversation is marked as read.

use engine::{Change, Command};
use serde::Serialize;
use timeline::limits::UNREAD_MAX;
use timeline::{ConversationId, Seq};

use crate::arguments::ReadArguments;
use crate::error::Error;
use crate::print;
use crate::session::Session;

/// What is printed.
#[derive(Serialize)]
struct Position<'a> {
    conversation: &'a str,
    /// How far it is read.
    seq: u64,
    /// How many messages are not; 100 stands for more than 99.
    unread: u64,
}

/// Marks as read what came up to the message that was named, and prints how far it is read.
pub(crate) async fn run(arguments: ReadArguments) -> Result<(), Error> {
    let mut session = Session::open(&arguments.asked.identity)?;
    let id = session.conversation(&arguments.asked.conversation)?;
    let read = read(&mut session, &id, arguments.seq);
    let outcome = tokio::time::timeout(arguments.asked.timeout, read).await;
    let unread = outcome.unwrap_or(Err(Error::Timeout))?;
    let seq = session.engine().position(&id).number();
    print::json(&Position { conversation: id.as_str(), seq, unread })
}

/// Reads, and waits until the server knows; how many messages are not read then.
async fn read(session: &mut Session, id: &ConversationId, seq: Option<Seq>) -> Result<u64, Error> {
    session.catch_up().await?;
    let newest = session.engine().applied(id);
    if newest == Seq::ZERO {
        return Err(Error::Empty { conversation: id.as_str().to_owned() });
    }
    let seq = seq.unwrap_or(newest);
    session.command(Command::Read { conversation: id.clone(), seq })?;
    let mut unread = session.engine().unread(id).min(UNREAD_MAX as u64);
    while session.has_news() || !session.engine().is_told(id) {
        if let Some(Change::Told { conversation, outcome }) = session.next().await?
            && conversation == *id
        {
            unread = outcome?.unread;
        }
    }
    Ok(unread)
}

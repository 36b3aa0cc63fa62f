//! `history`: a page of a conversation.

use engine::{Change, Command};

use crate::arguments::HistoryArguments;
use crate::error::Error;
use crate::print;
use crate::session::Session;

/// Prints a page, ascending.
pub(crate) async fn run(arguments: HistoryArguments) -> Result<(), Error> {
    let mut session = Session::open(&arguments.identity)?;
    let conversation = session.conversation(&arguments.addressee.destination())?;
    let (part, limit) = (arguments.part.part(), arguments.limit);
    session.command(Command::Fetch { ticket: 0, conversation, part, limit })?;
    let page = tokio::time::timeout(arguments.timeout, page(&mut session)).await;
    for message in page.unwrap_or(Err(Error::Timeout))?.messages {
        print::json(&message)?;
    }
    Ok(())
}

async fn page(session: &mut Session) -> Result<wire::Messages, Error> {
    loop {
        if let Some(Change::Fetched { outcome, .. }) = session.next().await? {
            return Ok(outcome?);
        }
    }
}

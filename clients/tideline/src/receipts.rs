//! `receipts`: who has read.

use std::fmt::Write;

use engine::{Change, Command};
use timeline::{ConversationId, Seq};
use wire::Readers;

use crate::arguments::ReceiptsArguments;
use crate::error::Error;
use crate::print;
use crate::session::Session;

/// The most pages of readers that are put together: 100,000 readers.
const PAGES_MAX: usize = 1_000;

/// Prints how many have read a message and who, or how far everyone has read.
pub(crate) async fn run(arguments: ReceiptsArguments) -> Result<(), Error> {
    let asked = arguments.asked;
    let mut session = Session::open(&asked.identity)?;
    let id = session.conversation(&asked.conversation)?;
    let readers = all(&mut session, &id, arguments.seq);
    let readers = tokio::time::timeout(asked.timeout, readers).await;
    let readers = readers.unwrap_or(Err(Error::Timeout))?;
    if arguments.json {
        print::json(&readers)
    } else {
        print::line(&readable(&readers, arguments.seq))
    }
}

/// Asks for all pages.
async fn all(
    session: &mut Session,
    id: &ConversationId,
    seq: Option<Seq>,
) -> Result<Readers, Error> {
    let mut readers = once(session, id, seq, None).await?;
    for _ in 1..PAGES_MAX {
        let Some(page) = readers.page.take() else { break };
        let next = once(session, id, seq, Some(page)).await?;
        readers.readers.extend(next.readers);
        readers.page = next.page;
    }
    Ok(readers)
}

async fn once(
    session: &mut Session,
    id: &ConversationId,
    seq: Option<Seq>,
    page: Option<String>,
) -> Result<Readers, Error> {
    session.command(Command::Receipts { ticket: 0, conversation: id.clone(), seq, page })?;
    loop {
        if let Some(Change::Receipts { outcome, .. }) = session.next().await? {
            return Ok(outcome?);
        }
    }
}

/// Readers as a person reads them.
fn readable(readers: &Readers, seq: Option<Seq>) -> String {
    let mut text = match seq {
        Some(seq) => format!("{} have read message {seq}", readers.count),
        None => format!("{} have read", readers.count),
    };
    for reader in &readers.readers {
        // Writing to a text does not fail.
        let _ = write!(text, "\n  {}  {:>6}  {}", print::time(reader.at), reader.seq, reader.user);
    }
    if readers.page.is_some() {
        text.push_str("\n  …");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn readers_are_counted_and_named() {
        let reader =
            |user: &str, seq| wire::Reader { user: user.into(), seq, at: 1_764_028_800_000 };
        let readers = vec![reader("al", 9), reader("bo", 12)];
        let readers = Readers { count: 3, readers, page: Some("bo".into()) };
        let lines = "\n  2025-11-25 00:00       9  al\n  2025-11-25 00:00      12  bo\n  …";
        assert_eq!(readable(&readers, None), format!("3 have read{lines}"));
        let message = format!("3 have read message 9{lines}");
        assert_eq!(readable(&readers, Seq::new(9)), message);
    }
}

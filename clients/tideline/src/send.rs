//! `send`: messages, until each is kept.

use std::io::BufRead;

use engine::{Acked, Change};
use serde::Serialize;

use crate::arguments::SendArguments;
use crate::error::Error;
use crate::print;
use crate::session::Session;

/// What is printed of a message that is kept.
#[derive(Serialize)]
struct Kept<'a> {
    conversation: &'a str,
    seq: u64,
    at: u64,
    duplicate: bool,
    cid: String,
}

/// Sends, and prints a line for each message that is kept; those that an earlier command left in
/// the outbox come first.
pub(crate) async fn run(arguments: SendArguments) -> Result<(), Error> {
    let mut session = Session::open(&arguments.identity)?;
    let texts = match arguments.text.as_str() {
        "-" => std::io::stdin().lock().lines().collect::<Result<Vec<_>, _>>()?,
        text => vec![text.to_owned()],
    };
    for text in &texts {
        session.text(arguments.addressee.destination(), text)?;
    }
    let outcome = match arguments.timeout {
        Some(timeout) => tokio::time::timeout(timeout, settle(&mut session)).await,
        None => Ok(settle(&mut session).await),
    };
    match outcome {
        Ok(outcome) => outcome,
        Err(_) => Err(Error::NotKept { count: session.engine().outbox().count() }),
    }
}

/// Waits until the outbox is empty.
async fn settle(session: &mut Session) -> Result<(), Error> {
    let mut failed = 0;
    while session.has_news() || session.engine().outbox().next().is_some() {
        match session.next().await? {
            Some(Change::Acked(acked)) => kept(&acked)?,
            Some(Change::Failed { problem, .. }) => {
                print::note(&format!("refused: {} ({})", problem.message, problem.name));
                failed += 1;
            }
            Some(
                Change::Link(_)
                | Change::Message(_)
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
                | Change::Restarted { .. },
            )
            | None => {}
        }
    }
    if failed > 0 { Err(Error::Failed { count: failed }) } else { Ok(()) }
}

fn kept(acked: &Acked) -> Result<(), Error> {
    print::json(&Kept {
        conversation: acked.conversation.as_str(),
        seq: acked.seq.number(),
        at: acked.at.0,
        duplicate: acked.duplicate,
        cid: acked.cid.to_string(),
    })
}

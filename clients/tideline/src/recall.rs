//! `recall` and `edit`: a message is taken back, or says something else.

use engine::Change;
use serde::Serialize;
use serde_json::value::RawValue;
use timeline::{ConversationId, Seq};
use wire::Sent;

use crate::arguments::{Asked, EditArguments, RecallArguments};
use crate::error::Error;
use crate::print;
use crate::session::Session;

/// What is printed: where the event is kept that tells of it.
#[derive(Serialize)]
struct Event<'a> {
    conversation: &'a str,
    target: u64,
    seq: u64,
    at: u64,
    duplicate: bool,
}

/// Takes a message back, and prints the event that tells of it.
pub(crate) async fn recall(arguments: RecallArguments) -> Result<(), Error> {
    run(&arguments.asked, arguments.seq, None).await
}

/// Has a message say something else, and prints the event that tells of it.
pub(crate) async fn edit(arguments: EditArguments) -> Result<(), Error> {
    run(&arguments.asked, arguments.seq, Some(wire::text_body(&arguments.text))).await
}

async fn run(asked: &Asked, seq: Seq, body: Option<Box<RawValue>>) -> Result<(), Error> {
    let mut session = Session::open(&asked.identity)?;
    let id = session.conversation(&asked.conversation)?;
    let revise = revise(&mut session, &id, seq, body);
    let event = tokio::time::timeout(asked.timeout, revise).await;
    let Sent { conversation, seq: event, at, duplicate, .. } =
        event.unwrap_or(Err(Error::Timeout))?;
    let target = seq.number();
    print::json(&Event { conversation: &conversation, target, seq: event, at, duplicate })
}

/// Asks, and waits until the event was applied here as well: then this device has forgotten what
/// the message said before.
async fn revise(
    session: &mut Session,
    id: &ConversationId,
    seq: Seq,
    body: Option<Box<RawValue>>,
) -> Result<Sent, Error> {
    // What is known of the conversation is where an earlier attempt is looked for.
    session.catch_up().await?;
    session.recall(0, id.clone(), seq, body)?;
    let sent = loop {
        if let Some(Change::Recalled { outcome, .. }) = session.next().await? {
            break outcome?;
        }
    };
    while session.engine().applied(id).number() < sent.seq {
        session.next().await?;
    }
    Ok(sent)
}

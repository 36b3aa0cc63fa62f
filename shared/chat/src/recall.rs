//! A message is taken back, or changed: an event on the timeline, and then the body.

use store::append;
use timeline::exchange::{Caller, Destination, Kept, Outgoing};
use timeline::lists::RecallRequest;
use timeline::{Body, Entry, Kind, Party, Role};

use crate::edits;
use crate::error::Error;
use crate::members;
use crate::metric;
use crate::ports::SendPorts;
use crate::send;

/// Takes a message back, or changes what it says.
///
/// The author may for as long as the policy says; whoever is an admin of a group may take back any
/// message at any time. Doing it again changes nothing.
///
/// # Errors
///
/// [`Error::NotMember`], [`Error::NoSuchMessage`] when there is none that can be taken back or
/// changed, [`Error::NotAllowed`] when it is another's, [`Error::TooLate`]; and as `send`'s.
pub async fn recall(
    ports: SendPorts<'_>,
    caller: &Caller,
    request: RecallRequest,
) -> Result<Kept, Error> {
    let id = request.conversation.clone();
    let (kind, body) = match &request.body {
        None => (Kind::event(Kind::RECALL), Body::empty()),
        Some(body) => (Kind::event(Kind::EDIT), body.clone()),
    };
    let outgoing = Outgoing {
        destination: Destination::Conversation(id.clone()),
        message: request.message,
        base: request.base,
        kind,
        target: Some(request.seq),
        body,
    };
    require_right(ports, caller, &request).await?;
    let standing = send::keep(ports, caller, &id, &outgoing).await?;
    let event = standing.appended.entry().clone();
    let applied = edits::apply(ports.tell.timelines, &id.timeline(), &event).await;
    let kept = send::kept(&id, &standing.appended, caller, &standing.own);
    match applied {
        Ok(()) => send::tell(ports.tell, caller, standing).await,
        // The marker stays out, so the stream does all of it again.
        Err(error) => {
            let (metric, error) = (metric::FAN_OUT_LEFT, &error as &dyn std::error::Error);
            let (conversation, seq) = (&id, event.seq);
            tracing::warn!(metric, %conversation, %seq, error, "left to the stream");
        }
    }
    Ok(kept)
}

/// Whether the caller may do this to that message.
async fn require_right(
    ports: SendPorts<'_>,
    caller: &Caller,
    request: &RecallRequest,
) -> Result<(), Error> {
    let (tell, id) = (ports.tell, &request.conversation);
    let conversation = tell.directory.conversation(id).await;
    let conversation = conversation.map_err(Error::store("read the conversation"))?;
    let access = members::access(tell.directory, conversation.as_ref(), &caller.user).await?;
    let conversation = conversation.ok_or(Error::NotMember)?;
    let entry = tell.timelines.get(&id.timeline(), request.seq).await;
    let entry = entry.map_err(Error::store("read the message"))?;
    let floor = members::floor(&conversation, &access.membership);
    let entry = entry.filter(|entry| entry.seq >= floor && !entry.kind.is_event());
    let entry = entry.ok_or(Error::NoSuchMessage)?;
    let is_admin = matches!(id.party(), Party::Group(_)) && access.membership.role >= Role::Admin;
    if request.body.is_none() && is_admin {
        return Ok(());
    }
    if entry.author != caller.user {
        return Err(Error::NotAllowed);
    }
    if request.body.is_some() && entry.recalled.is_some() {
        return Err(Error::NoSuchMessage);
    }
    require_time(ports, caller, request, &entry).await
}

/// Whether it is early enough; an event that is kept already was.
async fn require_time(
    ports: SendPorts<'_>,
    caller: &Caller,
    request: &RecallRequest,
    entry: &Entry,
) -> Result<(), Error> {
    let tell = ports.tell;
    if tell.clock.now().since(entry.at) <= tell.policy.recall_ms {
        return Ok(());
    }
    let timeline = request.conversation.timeline();
    let base = request.base.unwrap_or(entry.seq);
    let observed =
        append::observe(tell.timelines, &timeline, base, &caller.user, &request.message).await;
    match observed.map_err(Error::store("read the timeline"))? {
        append::Observed::Found(_) => Ok(()),
        append::Observed::Tail { .. } => Err(Error::TooLate),
    }
}

//! What each route does with an event: who sent it, what it asks, and the answer.
//!
//! The functions give them their ports, and so does whoever runs them without Lambda.

use chat::{
    ConnectPorts, DisconnectPorts, GroupPorts, HistoryPorts, ListPorts, RebuildPorts, SearchPorts,
    SendPorts, SignalPorts, SyncPorts, TellPorts,
};

use crate::event::Event;
use crate::failure::Failure;
use crate::reply::Reply;

/// `$connect`: a device comes.
///
/// # Errors
///
/// [`Failure::Expired`] of a token, and what [`chat::connect`](fn@chat::connect) says.
pub async fn connect(ports: ConnectPorts<'_>, event: &Event) -> Result<Reply, Failure> {
    let caller = event.caller()?;
    chat::connect(ports, &caller).await?;
    Ok(Reply::accept(event))
}

/// `$disconnect`: a device leaves, however old its token is.
///
/// # Errors
///
/// As [`chat::disconnect`](fn@chat::disconnect)'s.
pub async fn disconnect(ports: DisconnectPorts<'_>, event: &Event) -> Result<Reply, Failure> {
    let caller = event.identity().ok_or(Failure::Malformed)?;
    chat::disconnect(ports, &caller).await?;
    Ok(Reply::empty())
}

/// `$default`: a frame that no route claims.
///
/// # Errors
///
/// Always: why it is refused.
pub fn unclaimed(event: &Event) -> Result<Reply, Failure> {
    event.caller()?;
    Err(event.unclaimed())
}

/// `send`: a message; what is answered is posted.
///
/// # Errors
///
/// Of the token, of the frame, and [`chat::send`](fn@chat::send)'s; so with all below.
pub async fn send(ports: SendPorts<'_>, event: &Event) -> Result<Reply, Failure> {
    let caller = event.caller()?;
    let request = wire::Send::parse(event.body())?;
    let push = event.answering(ports.tell.push);
    let ports = SendPorts { tell: TellPorts { push: &push, ..ports.tell }, ..ports };
    chat::send(ports, &caller, &request.id, request.fields).await?;
    Ok(Reply::empty())
}

/// `recall`: a message is taken back, or changed.
///
/// # Errors
///
/// As [`chat::recall`](fn@chat::recall)'s.
pub async fn recall(ports: SendPorts<'_>, event: &Event) -> Result<Reply, Failure> {
    let caller = event.caller()?;
    let request = wire::Recall::parse(event.body())?;
    let kept = chat::recall(ports, &caller, request.fields).await?;
    Ok(Reply::kept(&request.id, kept))
}

/// `sync`: what came into the caller's inbox.
///
/// # Errors
///
/// As [`chat::sync`](fn@chat::sync)'s.
pub async fn sync(ports: SyncPorts<'_>, event: &Event) -> Result<Reply, Failure> {
    let caller = event.caller()?;
    let request = wire::Sync::parse(event.body())?;
    let caught = chat::sync(ports, &caller, request.fields).await?;
    Ok(Reply::synced(&request.id, caught))
}

/// `history`: a part of one conversation.
///
/// # Errors
///
/// As [`chat::history`](fn@chat::history)'s.
pub async fn history(ports: HistoryPorts<'_>, event: &Event) -> Result<Reply, Failure> {
    let caller = event.caller()?;
    let request = wire::History::parse(event.body())?;
    let found = chat::history(ports, &caller, request.fields).await?;
    Ok(Reply::found(&request.id, found))
}

/// `group`: groups are made, changed, and their members listed.
///
/// # Errors
///
/// As [`chat::group`](fn@chat::group)'s.
pub async fn group(ports: GroupPorts<'_>, event: &Event) -> Result<Reply, Failure> {
    let caller = event.caller()?;
    let request = wire::Group::parse(event.body(), ports.ids.next())?;
    let group = chat::group(ports, &caller, request.fields).await?;
    Ok(Reply::grouped(&request.id, group))
}

/// `read`: the caller has read so far.
///
/// # Errors
///
/// As [`chat::read`](fn@chat::read)'s.
pub async fn read(ports: TellPorts<'_>, event: &Event) -> Result<Reply, Failure> {
    let caller = event.caller()?;
    let request = wire::Read::parse(event.body())?;
    let read = chat::read(ports, &caller, request.fields).await?;
    Ok(Reply::read(&request.id, read))
}

/// `receipts`: who has read what.
///
/// # Errors
///
/// As [`chat::receipts`]'s.
pub async fn receipts(ports: ListPorts<'_>, event: &Event) -> Result<Reply, Failure> {
    let caller = event.caller()?;
    let request = wire::Receipts::parse(event.body())?;
    let receipts = chat::receipts(ports, &caller, request.fields).await?;
    Ok(Reply::receipts(&request.id, receipts))
}

/// `conversations`: what is new in each of the caller's.
///
/// # Errors
///
/// As [`chat::conversations`]'s.
pub async fn conversations(ports: ListPorts<'_>, event: &Event) -> Result<Reply, Failure> {
    let caller = event.caller()?;
    let request = wire::Conversations::parse(event.body())?;
    let listed = chat::conversations(ports, &caller, request.fields).await?;
    Ok(Reply::listed(&request.id, listed))
}

/// `search`: what the caller's messages say.
///
/// # Errors
///
/// As [`chat::search`](fn@chat::search)'s.
pub async fn search(ports: SearchPorts<'_>, event: &Event) -> Result<Reply, Failure> {
    let caller = event.caller()?;
    let request = wire::Search::parse(event.body())?;
    let hits = chat::search(ports, &caller, request.fields).await?;
    Ok(Reply::hits(&request.id, hits))
}

/// `signal`: what a device does just now.
///
/// # Errors
///
/// As [`chat::signal`](fn@chat::signal)'s.
pub async fn signal(ports: SignalPorts<'_>, event: &Event) -> Result<Reply, Failure> {
    let caller = event.caller()?;
    let request = wire::Signal::parse(event.body())?;
    let signaled = chat::signal(ports, &caller, request.fields).await?;
    Ok(Reply::signaled(&request.id, signaled))
}

/// An operator's request to build the index anew, as JSON; and its answer.
///
/// # Errors
///
/// Of the request, and [`chat::rebuild`]'s.
pub async fn rebuild(ports: RebuildPorts<'_>, text: &str) -> Result<String, Failure> {
    let request = wire::Rebuild::parse(text)?;
    Ok(wire::Rebuilt::from(chat::rebuild(ports, request).await?).to_json())
}

//! Telling: a message that is kept goes into its members' inboxes and to their devices.
//!
//! The author's own inbox comes last: its entry is the marker of a finished fan-out. Whoever finds
//! a message without its marker does the fan-out again, and whatever was done already is found and
//! not done twice.
//!
//! # Invariants
//!
//! * A member's inbox is written *before* the registry is read: a device that registers too late to
//!   be found there syncs after it has registered, and so finds the inbox's entry.
//! * The marker is not written while a recipient's inbox lacks its entry.
//! * A registration is removed for "gone" only when it is not young: a connection that is still
//!   opening is answered "gone" too.

use futures_util::StreamExt;
use futures_util::future::join_all;
use futures_util::stream;
use push::{Notice, Posted};
use store::{InboxTail, Registration, deliver};
use timeline::exchange::Marker;
use timeline::{ConnectionId, ConversationId, Entry, InboxEntry, Seq, UserId, limits};

use crate::send::SendPorts;

/// A message that is to be told.
pub(crate) struct FanOut<'a> {
    /// On whose timeline it is kept.
    pub(crate) conversation: &'a ConversationId,
    /// What was kept.
    pub(crate) entry: &'a Entry,
    /// The connection that sent it, which has been answered.
    pub(crate) sender: &'a ConnectionId,
    /// The end of the author's inbox.
    pub(crate) own: InboxTail,
    /// The ends of the recipients' inboxes.
    pub(crate) others: Vec<(UserId, InboxTail)>,
}

/// Somebody whose inbox has the message now.
struct Told<'a> {
    user: &'a UserId,
    position: Seq,
    own: Vec<Marker>,
}

/// Finishes the fan-out of a message that an earlier attempt kept, unless that attempt did.
pub(crate) async fn finish_if_unmarked(ports: SendPorts<'_>, fan_out: FanOut<'_>) {
    match is_marked(ports, &fan_out).await {
        Ok(true) => {}
        Ok(false) => finish(ports, fan_out).await,
        Err(error) => log(&fan_out, &error, "the marker is not found out"),
    }
}

/// Does everything that is to be done, and leaves the marker out if a recipient is not reached.
pub(crate) async fn finish(ports: SendPorts<'_>, fan_out: FanOut<'_>) {
    let entry_at =
        |position| InboxEntry::of(fan_out.entry, fan_out.conversation, position, ports.clock.now());
    let deliveries = fan_out.others.iter().map(|(user, tail)| async move {
        let position = deliver(ports.inboxes, ports.pace, user, tail, entry_at).await?;
        let own = tail.own(user).into_iter().map(Marker::of).collect();
        Ok::<_, store::Error>(Told { user, position, own })
    });
    let mut told = Vec::new();
    let mut complete = true;
    for delivery in join_all(deliveries).await {
        match delivery {
            Ok(reached) => told.push(reached),
            Err(error) => {
                complete = false;
                log(&fan_out, &error, "an inbox is not reached");
            }
        }
    }
    notify(ports, &fan_out, told).await;
    if !complete {
        return;
    }

    let author = &fan_out.entry.author;
    match deliver(ports.inboxes, ports.pace, author, &fan_out.own, entry_at).await {
        Ok(position) => {
            // The author's other devices are told of each own message: none is a gap to them.
            notify(ports, &fan_out, vec![Told { user: author, position, own: Vec::new() }]).await;
        }
        Err(error) => log(&fan_out, &error, "the marker is not written"),
    }
}

/// Whether the author's inbox has the message, however long ago.
async fn is_marked(ports: SendPorts<'_>, fan_out: &FanOut<'_>) -> Result<bool, store::Error> {
    let (conversation, seq) = (fan_out.conversation, fan_out.entry.seq);
    if fan_out.own.find(conversation, seq).is_some() {
        return Ok(true);
    }
    let mut cursor = fan_out.entry.inbox_before;
    for _ in 0..limits::MARKER_PAGES_MAX {
        let author = &fan_out.entry.author;
        let page = ports.inboxes.after(author, cursor, limits::PAGE_ENTRIES_MAX).await?;
        if page.entries.iter().any(|entry| entry.tells_of(conversation, seq)) {
            return Ok(true);
        }
        match page.entries.last() {
            Some(last) if page.end.is_none() => cursor = last.position,
            Some(_) | None => break,
        }
    }
    Ok(false)
}

/// Pushes the message to the devices of everyone in `told`, but not to the connection it came from.
async fn notify(ports: SendPorts<'_>, fan_out: &FanOut<'_>, told: Vec<Told<'_>>) {
    let users: Vec<_> = told.iter().map(|told| told.user.clone()).collect();
    let listening = match ports.connections.of(&users).await {
        Ok(listening) => listening,
        Err(error) => return log(fan_out, &error, "nobody is told"),
    };
    let now = ports.clock.now();
    let mut posts = Vec::new();
    for (user, devices) in listening {
        let Some(told) = told.iter().find(|told| *told.user == user) else { continue };
        let live = devices
            .into_iter()
            .filter(|device| device.expires > now && device.connection != *fan_out.sender);
        for device in live {
            let notice = Notice::Message {
                conversation: fan_out.conversation.clone(),
                entry: Box::new(fan_out.entry.clone()),
                position: told.position,
                own: told.own.clone(),
            };
            posts.push(post(ports, fan_out, user.clone(), device, notice));
        }
    }
    stream::iter(posts).buffer_unordered(limits::CONCURRENT_MAX).collect::<Vec<()>>().await;
}

async fn post(
    ports: SendPorts<'_>,
    fan_out: &FanOut<'_>,
    user: UserId,
    device: Registration,
    notice: Notice,
) {
    match ports.push.post(&device.connection, &notice).await {
        Ok(Posted::Delivered) => {}
        Ok(Posted::Gone) => {
            let now = ports.clock.now();
            let before = timeline::Timestamp(now.0.saturating_sub(limits::YOUNG_CONNECTION_MS));
            let (name, connection) = (&device.device, &device.connection);
            let removed = ports.connections.unregister(&user, name, connection, Some(before)).await;
            if let Err(error) = removed {
                log(fan_out, &error, "a connection that is gone stays registered");
            }
        }
        Err(error) => log(fan_out, &error, "a device is not told"),
    }
}

fn log(fan_out: &FanOut<'_>, error: &(dyn std::error::Error + 'static), what: &str) {
    let (conversation, seq) = (fan_out.conversation, fan_out.entry.seq);
    tracing::warn!(%conversation, %seq, error, "{what}");
}

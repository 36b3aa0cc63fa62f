//! Telling: a message that is kept goes into its members' inboxes and to their devices.
//!
//! The author's own inbox comes last: its entry is the marker of a finished fan-out. Whoever finds
//! a message without its marker does the fan-out again, and whatever was done already is found and
//! not done twice.
//!
//! A message of a large group is written to no inbox and has no marker: its members look at the
//! timeline, and the devices that show the group are pushed to. An event that names members is
//! written to theirs, and so has its marker there too.
//!
//! # Invariants
//!
//! * A member's inbox is written *before* the registry is read: a device that registers too late to
//!   be found there syncs after it has registered, and so finds the inbox's entry.
//! * The marker is not written while a recipient's inbox lacks its entry, or somebody who is
//!   offline has not been notified.
//! * A registration is removed for "gone" only when it is not young: a connection that is still
//!   opening is answered "gone" too.

use std::collections::BTreeSet;

use futures_util::{StreamExt, stream};
use push::Alert;
use store::{Conversation, InboxTail, deliver};
use timeline::exchange::Marker;
use timeline::{
    ConnectionId, ConversationId, Diffusion, Entry, InboxEntry, Muted, Seq, UserId, limits,
};

use crate::error::Error;
use crate::members;
use crate::ports::TellPorts;
use crate::posting::{self, Listener, Reach};

/// A message that is to be told.
pub(crate) struct FanOut<'a> {
    /// On whose timeline it is kept.
    pub(crate) conversation: &'a ConversationId,
    /// What was kept.
    pub(crate) entry: &'a Entry,
    /// The connection that sent it, which has been answered; `None` when nobody knows it any more.
    pub(crate) sender: Option<&'a ConnectionId>,
    /// The end of the author's inbox.
    pub(crate) own: InboxTail,
    /// Whose inboxes are told, the author's apart.
    pub(crate) others: Vec<Recipient>,
}

/// Somebody whose inbox is to be told.
pub(crate) struct Recipient {
    /// Who.
    pub(crate) user: UserId,
    /// Whether they are left alone while offline.
    pub(crate) muted: Muted,
    /// The end of their inbox.
    pub(crate) tail: InboxTail,
}

/// Somebody whose inbox has the message now.
struct Told<'a> {
    user: &'a UserId,
    muted: Muted,
    position: Seq,
    own: Vec<Marker>,
}

/// Reads the ends of these inboxes.
pub(crate) async fn recipients(
    ports: TellPorts<'_>,
    users: impl IntoIterator<Item = (UserId, Muted)>,
) -> Result<Vec<Recipient>, store::Error> {
    let tails = users.into_iter().map(|(user, muted)| async move {
        let tail = ports.inboxes.tail(&user).await?;
        Ok(Recipient { user, muted, tail })
    });
    // Collected first: the compiler cannot see that a lazy one may cross threads.
    let tails: Vec<_> = tails.collect();
    let tails: Vec<_> = stream::iter(tails).buffered(limits::CONCURRENT_MAX).collect().await;
    tails.into_iter().collect()
}

/// Finishes the fan-out of a message that an earlier attempt kept, unless that attempt did.
/// `conversation` was read after the message was kept.
///
/// # Errors
///
/// As [`finish`]'s.
pub(crate) async fn redo(
    ports: TellPorts<'_>,
    conversation: &Conversation,
    entry: &Entry,
    sender: Option<&ConnectionId>,
    own: InboxTail,
) -> Result<(), Error> {
    let id = &conversation.id;
    if entry.is_marked() {
        let is_near = own.find(id, entry.seq).is_some();
        if is_near || is_marked(ports, id, entry).await? {
            return Ok(());
        }
    }
    let audience = members::audience(ports.directory, conversation, entry).await?;
    let others = recipients(ports, audience).await.map_err(Error::store("read the inboxes"))?;
    finish(ports, &FanOut { conversation: id, entry, sender, own, others }).await
}

/// Does everything that is to be done, and leaves the marker out if something is not.
///
/// # Errors
///
/// What kept it from being complete; all else was done.
pub(crate) async fn finish(ports: TellPorts<'_>, fan_out: &FanOut<'_>) -> Result<(), Error> {
    let (told, inboxes) = write_inboxes(ports, fan_out).await;
    let reached = notify(ports, fan_out, &told).await;
    if fan_out.entry.diffusion == Diffusion::Read {
        notify_focused(ports, fan_out).await;
    }
    let alerted = match &reached {
        Ok(reached) => alert(ports, fan_out, &told, reached).await,
        Err(_) => Ok(()),
    };
    inboxes?;
    reached?;
    alerted?;
    if !fan_out.entry.is_marked() {
        return Ok(());
    }
    let author = &fan_out.entry.author;
    let position = deliver(ports.inboxes, ports.pace, author, &fan_out.own, |position| {
        entry_at(ports, fan_out, position)
    });
    let position = position.await.map_err(Error::store("write the marker"))?;
    // The author's other devices are told of each own message: none is a gap to them.
    let own = Told { user: author, muted: Muted::Yes, position, own: Vec::new() };
    if let Err(error) = notify(ports, fan_out, &[own]).await {
        log(fan_out, &error, "the author's other devices are not told");
    }
    Ok(())
}

/// Whether the author's inbox has the message, however long ago.
///
/// # Errors
///
/// As the store's.
pub(crate) async fn is_marked(
    ports: TellPorts<'_>,
    conversation: &ConversationId,
    entry: &Entry,
) -> Result<bool, Error> {
    let mut cursor = entry.inbox_before;
    for _ in 0..limits::MARKER_PAGES_MAX {
        let page = ports.inboxes.after(&entry.author, cursor, limits::PAGE_ENTRIES_MAX).await;
        let page = page.map_err(Error::store("look for the marker"))?;
        if page.entries.iter().any(|other| other.tells_of(conversation, entry.seq)) {
            return Ok(true);
        }
        match page.entries.last() {
            Some(last) if page.end.is_none() => cursor = last.position,
            Some(_) | None => break,
        }
    }
    Ok(false)
}

fn entry_at(ports: TellPorts<'_>, fan_out: &FanOut<'_>, position: Seq) -> InboxEntry {
    let expires = ports.policy.inbox_life.end(ports.clock.now());
    InboxEntry::of(fan_out.entry, fan_out.conversation, position, expires)
}

/// Writes the recipients' inboxes: those that were, and the first failure.
async fn write_inboxes<'a>(
    ports: TellPorts<'_>,
    fan_out: &'a FanOut<'_>,
) -> (Vec<Told<'a>>, Result<(), Error>) {
    let deliveries = fan_out.others.iter().map(|recipient| async move {
        let Recipient { user, muted, tail } = recipient;
        let entry_at = |position| entry_at(ports, fan_out, position);
        let position = deliver(ports.inboxes, ports.pace, user, tail, entry_at).await?;
        let own = tail.own(user).into_iter().map(Marker::of).collect();
        Ok(Told { user, muted: *muted, position, own })
    });
    let deliveries: Vec<_> = deliveries.collect();
    let deliveries: Vec<Result<_, store::Error>> =
        stream::iter(deliveries).buffer_unordered(limits::CONCURRENT_MAX).collect().await;
    let mut told = Vec::with_capacity(deliveries.len());
    let mut outcome = Ok(());
    for delivery in deliveries {
        match delivery {
            Ok(reached) => told.push(reached),
            Err(error) => {
                log(fan_out, &error, "an inbox is not reached");
                outcome = Err(Error::store("write an inbox")(error));
            }
        }
    }
    (told, outcome)
}

/// Pushes the message to the devices of everyone in `told`, but not to the connection it came from;
/// who has a device that took it, or may have.
async fn notify<'a>(
    ports: TellPorts<'_>,
    fan_out: &FanOut<'_>,
    told: &[Told<'a>],
) -> Result<BTreeSet<&'a UserId>, Error> {
    let now = ports.clock.now();
    let mut posts = Vec::new();
    for told in told.chunks(limits::BATCH_KEYS_MAX) {
        let users: Vec<_> = told.iter().map(|told| told.user.clone()).collect();
        let listening = ports.connections.of(&users).await;
        for (user, devices) in listening.map_err(Error::store("read who listens"))? {
            let Some(told) = told.iter().find(|told| *told.user == user) else { continue };
            let live = devices.into_iter().filter(|device| {
                device.expires > now && Some(&device.connection) != fan_out.sender
            });
            for device in live {
                let notice = posting::message(fan_out, Some(told.position), told.own.clone());
                let listener = Listener::Registered { user: user.clone(), device };
                posts.push(async move {
                    (told.user, posting::post(ports, fan_out, &listener, &notice).await)
                });
            }
        }
    }
    let posted = stream::iter(posts).buffer_unordered(limits::CONCURRENT_MAX);
    let reached = posted.filter_map(|(user, reach)| async move {
        match reach {
            Reach::Delivered | Reach::Unknown => Some(user),
            Reach::Gone => None,
        }
    });
    Ok(reached.collect().await)
}

/// Pushes the message of a large group to the devices that show it.
async fn notify_focused(ports: TellPorts<'_>, fan_out: &FanOut<'_>) {
    let focused = ports.focuses.focused(fan_out.conversation, None, limits::FOCUSED_MAX).await;
    let focused = match focused {
        Ok(focused) => focused,
        Err(error) => return log(fan_out, &error, "nobody who shows the group is told"),
    };
    let now = ports.clock.now();
    let live = focused
        .into_iter()
        .filter(|focus| focus.expires > now && Some(&focus.connection) != fan_out.sender);
    let posts = live.map(|focus| async move {
        match may_see(ports, fan_out, &focus.user).await {
            Ok(true) => {}
            Ok(false) => return,
            Err(error) => return log(fan_out, &error, "a device that shows the group is not told"),
        }
        let notice = posting::message(fan_out, None, Vec::new());
        posting::post(ports, fan_out, &Listener::Focused(focus), &notice).await;
    });
    let posts: Vec<_> = posts.collect();
    stream::iter(posts).buffer_unordered(limits::CONCURRENT_MAX).collect::<Vec<()>>().await;
}

/// Whether somebody who shows a large group is sent this message of it. A focus may be written
/// late, after they were put out; and a message may be told late, after they came.
async fn may_see(
    ports: TellPorts<'_>,
    fan_out: &FanOut<'_>,
    user: &UserId,
) -> Result<bool, store::Error> {
    let row = ports.directory.member(fan_out.conversation, user).await?;
    let membership = row.and_then(|row| row.membership);
    Ok(membership.is_some_and(|membership| membership.joined <= fan_out.entry.seq))
}

/// Has those notified who were told and have no live device: of messages, not of events, and not
/// those who are left alone.
async fn alert(
    ports: TellPorts<'_>,
    fan_out: &FanOut<'_>,
    told: &[Told<'_>],
    reached: &BTreeSet<&UserId>,
) -> Result<(), Error> {
    if fan_out.entry.kind.is_event() {
        return Ok(());
    }
    let offline =
        told.iter().filter(|told| told.muted == Muted::No && !reached.contains(told.user));
    let alerts: Vec<_> = offline
        .map(|told| Alert {
            user: told.user.clone(),
            conversation: fan_out.conversation.clone(),
            entry: Box::new(fan_out.entry.clone()),
        })
        .collect();
    if alerts.is_empty() {
        return Ok(());
    }
    let published = ports.alerts.publish(&alerts).await;
    published.map_err(|source| Error::Push { operation: "notify who is offline", source })
}

/// Logs what went wrong with a message's fan-out, without a word of the message.
pub(crate) fn log(fan_out: &FanOut<'_>, error: &(dyn std::error::Error + 'static), what: &str) {
    let (conversation, seq) = (fan_out.conversation, fan_out.entry.seq);
    tracing::warn!(%conversation, %seq, error, "{what}");
}

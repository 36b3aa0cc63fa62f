//! A message is kept, acknowledged, and told to everyone.
//!
//! ```text
//! round trip 1   membership, the timeline after the base, the inboxes' tails
//! round trip 2   the message on the timeline             -> the sender is answered
//! round trip 3   the recipients' inboxes
//! round trip 4   where the recipients listen             -> they are told
//! after that     the sender's own inbox, where their other devices listen -> they are told
//! ```
//!
//! The first message of a direct conversation takes two round trips more, and so does a message
//! without a base.

use futures_util::future::{join, join4, try_join_all};
use push::{Notice, Push};
use store::{
    Appended, Claims, Connections, Conversation, Directory, InboxTail, Inboxes, Observed, Pace,
    Timelines, append, observe,
};
use timeline::exchange::{Caller, Destination, Kept, Marker, Outgoing};
use timeline::{ConversationId, Draft, Party, RequestId, Seq, UserId};

use crate::clock::Clock;
use crate::error::Error;
use crate::fan_out::{self, FanOut};
use crate::members;

/// What `send` may touch.
#[derive(Clone, Copy)]
#[expect(missing_debug_implementations, reason = "a port has nothing to show")]
pub struct SendPorts<'a> {
    /// Who is in the conversation.
    pub directory: &'a dyn Directory,
    /// What senders without a base go by.
    pub claims: &'a dyn Claims,
    /// Where the message is kept.
    pub timelines: &'a dyn Timelines,
    /// Where its members find it.
    pub inboxes: &'a dyn Inboxes,
    /// Who is listening, and where.
    pub connections: &'a dyn Connections,
    /// How they are told.
    pub push: &'a dyn Push,
    /// When.
    pub clock: &'a dyn Clock,
    /// How long to wait for others.
    pub pace: &'a dyn Pace,
}

/// What the first round trip found.
struct Found {
    conversation: Conversation,
    exists: bool,
    observed: Observed,
    own: InboxTail,
    others: Vec<(UserId, InboxTail)>,
}

/// Keeps a message, answers its sender by a push to their connection, and tells everyone else.
///
/// The answer goes out as soon as the message is kept. From then on nothing fails the call: a
/// recipient who is not told finds the message at their next `sync`, and an attempt that is
/// repeated finishes what an earlier one left undone.
///
/// # Errors
///
/// An [`Error`] means that this call kept nothing, or that it cannot tell; the same message with
/// the same id and base may be sent again.
pub async fn send(
    ports: SendPorts<'_>,
    caller: &Caller,
    re: &RequestId,
    outgoing: Outgoing,
) -> Result<(), Error> {
    let id = destination(caller, &outgoing.destination)?;
    let found = look(ports, caller, &id, &outgoing).await?;
    if !found.exists && matches!(found.observed, Observed::Tail(_)) {
        members::create(ports.directory, &found.conversation).await?;
    }
    let draft = Draft {
        id: outgoing.message,
        author: caller.user.clone(),
        device: caller.device.clone(),
        at: ports.clock.now(),
        kind: outgoing.kind,
        version: found.conversation.version,
        inbox_before: found.own.position(),
        body: outgoing.body,
    };
    let appended =
        append(ports.timelines, ports.pace, &id.timeline(), found.observed, &draft).await;
    if matches!(appended, Err(store::Error::Conflict { .. })) {
        return Err(Error::IdReused);
    }
    let appended = appended.map_err(Error::store("append the message"))?;

    let entry = appended.entry();
    let kept = Kept {
        conversation: id.clone(),
        seq: entry.seq,
        at: entry.at,
        duplicate: matches!(appended, Appended::Duplicate(_)),
        own: found.own.own(&caller.user).into_iter().map(Marker::of).collect(),
    };
    let fan_out = FanOut {
        conversation: &id,
        entry,
        sender: &caller.connection,
        own: found.own,
        others: found.others,
    };
    let telling = async {
        match &appended {
            Appended::New(_) => fan_out::finish(ports, fan_out).await,
            Appended::Duplicate(_) => fan_out::finish_if_unmarked(ports, fan_out).await,
        }
    };
    // Both at once: a sender whose connection hangs must not keep the others waiting.
    join(acknowledge(ports.push, caller, re, kept), telling).await;
    Ok(())
}

fn destination(caller: &Caller, destination: &Destination) -> Result<ConversationId, Error> {
    match destination {
        Destination::Conversation(id) => Ok(id.clone()),
        Destination::Person(user) => ConversationId::direct(&caller.user, user)
            .map_err(|_| Error::Invalid { reason: "a direct conversation is with somebody else" }),
    }
}

/// The first round trip.
async fn look(
    ports: SendPorts<'_>,
    caller: &Caller,
    id: &ConversationId,
    outgoing: &Outgoing,
) -> Result<Found, Error> {
    let user = &caller.user;
    let made = members::direct(id, user, ports.clock.now()).ok_or(Error::NotMember)?;
    let base = match outgoing.base {
        Some(base) => base,
        None => claim(ports, user, id, outgoing).await?,
    };
    let recipients = recipients(id, user);
    let (conversation, observed, own, others) = join4(
        ports.directory.conversation(id),
        observe(ports.timelines, &id.timeline(), base, user, &outgoing.message),
        ports.inboxes.tail(user),
        try_join_all(recipients.iter().map(|user| ports.inboxes.tail(user))),
    )
    .await;
    let conversation = conversation.map_err(Error::store("read the conversation"))?;
    let exists = conversation.is_some();
    let conversation = conversation.unwrap_or(made);
    members::membership(Some(&conversation), user)?;
    let others = others.map_err(Error::store("read the inboxes"))?;
    Ok(Found {
        conversation,
        exists,
        observed: observed.map_err(Error::store("read the timeline"))?,
        own: own.map_err(Error::store("read the inboxes"))?,
        others: recipients.into_iter().zip(others).collect(),
    })
}

/// The base of a message whose client does not say: what its first attempt found.
async fn claim(
    ports: SendPorts<'_>,
    user: &UserId,
    id: &ConversationId,
    outgoing: &Outgoing,
) -> Result<Seq, Error> {
    let tail = append::tail(ports.timelines, &id.timeline()).await;
    let tail = tail.map_err(Error::store("read the timeline"))?;
    let claimed = ports.claims.claim(id, user, &outgoing.message, tail).await;
    claimed.map_err(Error::store("claim the message"))
}

/// Everyone but the sender.
fn recipients(id: &ConversationId, sender: &UserId) -> Vec<UserId> {
    match id.party() {
        Party::Direct(one, other) if one == *sender => vec![other],
        Party::Direct(one, _) => vec![one],
        Party::Group(_) => Vec::new(),
    }
}

/// Answers the sender.
async fn acknowledge(push: &dyn Push, caller: &Caller, re: &RequestId, kept: Kept) {
    let (conversation, seq) = (kept.conversation.clone(), kept.seq);
    let notice = Notice::Kept { re: re.clone(), kept };
    if let Err(error) = push.post(&caller.connection, &notice).await {
        // The sender repeats the message and is told then.
        let error = &error as &dyn std::error::Error;
        tracing::warn!(%conversation, %seq, error, "not acknowledged");
    }
}

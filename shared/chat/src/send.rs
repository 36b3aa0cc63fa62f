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
//! without a base. Of a group the recipients are known after round trip 1, and their tails are read
//! in round trip 2. Of a large group the sender's row is read after round trip 1, and there are no
//! recipients but the devices that show the group.
//!
//! # Invariants
//!
//! * Nobody writes after the event of their removal: the append stops at an entry of a later
//!   version of the membership than the sender was authorized by, and they are authorized again.

use futures_util::future::{join, join4};
use push::{Notice, Push};
use store::{Appended, Conversation, InboxTail, Members, Observed, Outcome, append, observe};
use timeline::exchange::{Caller, Destination, Kept, Marker, Outgoing};
use timeline::{
    ConnectionId, ConversationId, Draft, Entry, Muted, Party, RequestId, Seq, UserId, limits,
};

use crate::error::Error;
use crate::fan_out::{self, FanOut, Recipient};
use crate::members::{self, Access};
use crate::metric;
use crate::ports::{SendPorts, TellPorts};

/// What the first round trip found.
struct Found {
    conversation: Conversation,
    exists: bool,
    observed: Observed,
    own: InboxTail,
    /// Of a direct conversation, whose members its id tells.
    other: Option<Recipient>,
}

/// Keeps a message, answers its sender by a push to their connection, and tells everyone else.
///
/// The answer goes out as soon as the message is kept. From then on nothing fails the call: a
/// recipient who is not told finds the message at their next `sync`, and what is left undone is
/// finished by a repeated attempt or by [`complete`](fn@crate::complete).
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
    let standing = keep(ports, caller, &id, &outgoing).await?;
    let answered = kept(&id, &standing.appended, caller, &standing.own);
    // Both at once: a sender whose connection hangs must not keep the others waiting.
    join(acknowledge(ports.tell.push, caller, re, answered), tell(ports.tell, caller, standing))
        .await;
    Ok(())
}

/// A message that is kept, and what is needed to tell everyone else.
pub(crate) struct Standing {
    /// The conversation as its author was authorized by it.
    pub(crate) conversation: Conversation,
    /// The message.
    pub(crate) appended: Appended,
    /// The end of its author's inbox.
    pub(crate) own: InboxTail,
    /// The ends of the recipients' inboxes.
    pub(crate) others: Result<Vec<Recipient>, store::Error>,
}

/// Keeps a message.
///
/// # Errors
///
/// As [`send`]'s.
pub(crate) async fn keep(
    ports: SendPorts<'_>,
    caller: &Caller,
    id: &ConversationId,
    outgoing: &Outgoing,
) -> Result<Standing, Error> {
    let found = look(ports, caller, id, outgoing).await?;
    let Found { mut conversation, exists, mut observed, own, other } = found;
    if !exists && matches!(observed, Observed::Tail { .. }) {
        let everyone = members::inline(&conversation);
        members::create(ports.tell.directory, &conversation, &everyone).await?;
    }
    let mut known = 0;
    for _ in 0..limits::AUTHORIZATIONS_MAX {
        let access = authorize(ports.tell, &conversation, caller, &observed).await?;
        // After a look that followed an entry, what it tells is as late as that entry.
        known = access.map_or(u64::MAX, |access| access.known.max(known));
        let draft = draft(ports, caller, &conversation, outgoing, own.position());
        let (appended, read) = join(
            append(ports.tell.timelines, ports.tell.pace, &id.timeline(), observed, &draft, known),
            group_recipients(ports.tell, &conversation, &caller.user),
        )
        .await;
        let appended = match appended {
            Ok(Outcome::Appended(appended)) => appended,
            Ok(Outcome::Superseded(seen)) => {
                if let Observed::Tail { version, .. } = &seen {
                    known = *version;
                }
                observed = seen;
                conversation = read_again(ports.tell, id).await?;
                continue;
            }
            Err(store::Error::Conflict { .. }) => return Err(Error::IdReused),
            Err(error) => return Err(Error::store("append the message")(error)),
        };
        let others = match id.party() {
            Party::Direct(..) => Ok(other.into_iter().collect()),
            Party::Group(_) => read,
        };
        return Ok(Standing { conversation, appended, own, others });
    }
    Err(Error::store("append the message")(store::Error::Contended))
}

/// Tells everyone else of what is kept; what fails is left to the stream.
pub(crate) async fn tell(ports: TellPorts<'_>, caller: &Caller, standing: Standing) {
    let Standing { conversation, appended, own, others } = standing;
    let sender = Some(&caller.connection);
    let told = match &appended {
        Appended::New(entry) => match others {
            // Everyone who was read as a member had joined before: their tail was read before they
            // were written down, and this place comes after every tail.
            Ok(others) => {
                let fan_out = FanOut { conversation: &conversation.id, entry, sender, own, others };
                fan_out::finish(ports, &fan_out).await
            }
            Err(error) => Err(Error::store("read the inboxes")(error)),
        },
        Appended::Duplicate(entry) => again(ports, conversation.clone(), entry, sender, own).await,
    };
    if let Err(error) = told {
        let (conversation, seq) = (&conversation.id, appended.entry().seq);
        let (metric, error) = (metric::FAN_OUT_LEFT, &error as &dyn std::error::Error);
        tracing::warn!(metric, %conversation, %seq, error, "the fan-out is left to the stream");
    }
}

/// Finishes the fan-out that another attempt at the same message may have left.
async fn again(
    ports: TellPorts<'_>,
    mut conversation: Conversation,
    entry: &Entry,
    sender: Option<&ConnectionId>,
    own: InboxTail,
) -> Result<(), Error> {
    // It may have been kept under a later membership than the one this attempt began with.
    if entry.version > conversation.version {
        conversation = read_again(ports, &conversation.id).await?;
    }
    fan_out::redo(ports, &conversation, entry, sender, own).await
}

/// Where a message is kept, as its author is answered.
pub(crate) fn kept(
    id: &ConversationId,
    appended: &Appended,
    caller: &Caller,
    own: &InboxTail,
) -> Kept {
    let entry = appended.entry();
    Kept {
        conversation: id.clone(),
        seq: entry.seq,
        at: entry.at,
        duplicate: matches!(appended, Appended::Duplicate(_)),
        own: own.own(&caller.user).into_iter().map(Marker::of).collect(),
    }
}

fn draft(
    ports: SendPorts<'_>,
    caller: &Caller,
    conversation: &Conversation,
    outgoing: &Outgoing,
    inbox_before: Seq,
) -> Draft {
    Draft {
        id: outgoing.message,
        author: caller.user.clone(),
        device: caller.device.clone(),
        at: ports.tell.clock.now(),
        kind: outgoing.kind.clone(),
        version: conversation.version,
        inbox_before,
        diffusion: conversation.members.diffusion(),
        named: Vec::new(),
        target: outgoing.target,
        body: outgoing.body.clone(),
    }
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
    let (user, tell) = (&caller.user, ports.tell);
    let made = members::direct(id, user, tell.clock.now());
    if made.is_none() && matches!(id.party(), Party::Direct(..)) {
        return Err(Error::NotMember);
    }
    let base = match outgoing.base {
        Some(base) => base,
        None => claim(ports, caller, id, outgoing).await?,
    };
    let (conversation, observed, own, other) = join4(
        tell.directory.conversation(id),
        observe(tell.timelines, &id.timeline(), base, user, &outgoing.message),
        tell.inboxes.tail(user),
        fan_out::recipients(tell, id.party().other(user).map(|other| (other, Muted::No))),
    )
    .await;
    let kept = conversation.map_err(Error::store("read the conversation"))?;
    let exists = kept.is_some();
    let conversation = kept.or(made).ok_or(Error::NotMember)?;
    // Who is not let in learns nothing of what was looked at.
    let observed = match observed {
        Ok(observed) => observed,
        Err(error) => {
            members::access(tell.directory, Some(&conversation), user).await?;
            return Err(Error::store("read the timeline")(error));
        }
    };
    let mut other = other.map_err(Error::store("read the inboxes"))?.pop();
    if let (Some(other), Members::Inline(members)) = (&mut other, &conversation.members) {
        other.muted = members.get(&other.user).map_or(Muted::No, |membership| membership.muted);
    }
    let own = own.map_err(Error::store("read the inboxes"))?;
    Ok(Found { conversation, exists, observed, own, other })
}

/// The sender's access; `None` where it does not matter, for the message stands already: that
/// outranks whatever they may do now.
async fn authorize(
    ports: TellPorts<'_>,
    conversation: &Conversation,
    caller: &Caller,
    observed: &Observed,
) -> Result<Option<Access>, Error> {
    match observed {
        Observed::Found(_) => Ok(None),
        Observed::Tail { .. } => {
            let access = members::access(ports.directory, Some(conversation), &caller.user).await?;
            Ok(Some(access))
        }
    }
}

async fn read_again(ports: TellPorts<'_>, id: &ConversationId) -> Result<Conversation, Error> {
    let conversation = ports.directory.conversation(id).await;
    conversation.map_err(Error::store("read the conversation"))?.ok_or(Error::NotMember)
}

/// The base of a message whose client does not say: what its first attempt found.
async fn claim(
    ports: SendPorts<'_>,
    caller: &Caller,
    id: &ConversationId,
    outgoing: &Outgoing,
) -> Result<Seq, Error> {
    let tell = ports.tell;
    if matches!(id.party(), Party::Group(_)) {
        // Nobody leaves claims in a group that is not theirs.
        let conversation = read_again(tell, id).await?;
        members::access(tell.directory, Some(&conversation), &caller.user).await?;
    }
    let tail = append::tail(tell.timelines, &id.timeline()).await;
    let tail = tail.map_err(Error::store("read the timeline"))?;
    let claimed = ports.claims.claim(id, &caller.user, &outgoing.message, tail).await;
    claimed.map_err(Error::store("claim the message"))
}

/// Everyone of a group whose inboxes are told, but for the sender.
async fn group_recipients(
    ports: TellPorts<'_>,
    conversation: &Conversation,
    sender: &UserId,
) -> Result<Vec<Recipient>, store::Error> {
    let (Members::Inline(members), Party::Group(_)) =
        (&conversation.members, conversation.id.party())
    else {
        return Ok(Vec::new());
    };
    let others = members.iter().filter(|(user, _)| *user != sender);
    let others = others.map(|(user, membership)| (user.clone(), membership.muted));
    fan_out::recipients(ports, others).await
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

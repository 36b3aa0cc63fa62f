//! Somebody has read so far: their position, who else is told, and who asks.
//!
//! ```text
//! 1  the position on the user's own list, if they had not read further   <- unread follows from it
//! 2  the position that other members may see
//! 3  the user's own inbox, for their other devices
//! 4  who is pushed to: the other one of a direct conversation, the members of a small group
//! ```
//!
//! A crash after 1 leaves 2 and 3 to the next position, or to the same request made again.

use futures_util::future::join3;
use futures_util::{StreamExt, TryStreamExt, stream};
use push::Notice;
use store::{
    Conversation, Enlisting, Freshness, Members, Membership, ReadPosition, Reading, append,
};
use timeline::exchange::Caller;
use timeline::lists::{Read, ReadRequest, Receipt, Receipts, ReceiptsRequest};
use timeline::{Body, Entry, Kind, Seq, UserId, limits};

use crate::control::{self, Control};
use crate::error::Error;
use crate::lists::ListPorts;
use crate::members;
use crate::ports::TellPorts;
use crate::unread;

/// Moves the caller's read position, forward only.
///
/// # Errors
///
/// [`Error::NotMember`]; [`Error::Invalid`] when the conversation does not have that message.
pub async fn read(
    ports: TellPorts<'_>,
    caller: &Caller,
    request: ReadRequest,
) -> Result<Read, Error> {
    let (id, user) = (&request.conversation, &caller.user);
    let timeline = id.timeline();
    let (conversation, entry, newest) = join3(
        ports.directory.conversation(id),
        ports.timelines.get(&timeline, request.seq),
        append::newest(ports.timelines, &timeline),
    )
    .await;
    let conversation = conversation.map_err(Error::store("read the conversation"))?;
    let access = members::access(ports.directory, conversation.as_ref(), user).await?;
    let conversation = conversation.ok_or(Error::NotMember)?;
    let entry = entry.map_err(Error::store("read the message"))?;
    let entry = entry.ok_or(Error::Invalid { reason: "there is no such message" })?;
    let newest = newest.map_err(Error::store("read the newest message"))?;
    let position = ReadPosition { seq: entry.seq, countable: entry.countable };
    let stands = mark(ports, user, &conversation, &access.membership, position).await?;
    if stands.seq == position.seq {
        tell(ports, caller, &conversation, position.seq).await?;
    }
    let newest = newest.as_ref();
    let unread =
        unread::count(ports.timelines, id, user, stands, newest, Freshness::Strong).await?;
    Ok(Read { seq: stands.seq, unread })
}

/// Moves the position on the user's list; where it is then.
async fn mark(
    ports: TellPorts<'_>,
    user: &UserId,
    conversation: &Conversation,
    membership: &Membership,
    position: ReadPosition,
) -> Result<ReadPosition, Error> {
    const OPERATION: &str = "write the read position";
    let id = &conversation.id;
    let marked = ports.directory.mark_read(user, id, position).await;
    if let Some(stands) = marked.map_err(Error::store(OPERATION))? {
        return Ok(stands);
    }
    // A member whose list lacks the conversation: whoever put them in it died on the way.
    let enlisting = Enlisting {
        conversation: id.clone(),
        version: conversation.version,
        joined: membership.joined,
        diffusion: conversation.members.diffusion(),
        begins: None,
    };
    ports.directory.list(user, &enlisting).await.map_err(Error::store(OPERATION))?;
    let marked = ports.directory.mark_read(user, id, position).await;
    marked.map_err(Error::store(OPERATION))?.ok_or(Error::NotMember)
}

/// Tells the other devices of the caller, and others who are to know.
async fn tell(
    ports: TellPorts<'_>,
    caller: &Caller,
    conversation: &Conversation,
    seq: Seq,
) -> Result<(), Error> {
    let now = ports.clock.now();
    let reading = Reading { user: caller.user.clone(), seq, at: now };
    let id = &conversation.id;
    let control = Control { kind: Kind::READ, conversation: id, seq, body: Body::empty() };
    let (noted, told, ()) = join3(
        ports.directory.note_read(id, &reading),
        control::tell(ports, caller, control),
        push(ports, conversation, &reading),
    )
    .await;
    noted.map_err(Error::store("write the read position"))?;
    told
}

/// Pushes the position to the other one of a direct conversation, or to the members of a group that
/// is small enough.
async fn push(ports: TellPorts<'_>, conversation: &Conversation, reading: &Reading) {
    let Members::Inline(members) = &conversation.members else { return };
    if members.len() > limits::READ_TOLD_MAX {
        return;
    }
    let others: Vec<_> = members.keys().filter(|user| **user != reading.user).cloned().collect();
    let listening = match ports.connections.of(&others).await {
        Ok(listening) => listening,
        Err(error) => {
            let error = &error as &dyn std::error::Error;
            return tracing::warn!(conversation = %conversation.id, error, "nobody is told");
        }
    };
    let now = ports.clock.now();
    let devices = listening.into_iter().flat_map(|(_, devices)| devices);
    let posts: Vec<_> = devices
        .filter(|device| device.expires > now)
        .map(|device| {
            let notice = Notice::Read {
                conversation: conversation.id.clone(),
                user: reading.user.clone(),
                seq: reading.seq,
                at: reading.at,
            };
            async move { ports.push.post(&device.connection, &notice).await }
        })
        .collect();
    let posted: Vec<_> =
        stream::iter(posts).buffer_unordered(limits::CONCURRENT_MAX).collect().await;
    for error in posted.into_iter().filter_map(Result::err) {
        let error = &error as &dyn std::error::Error;
        tracing::warn!(conversation = %conversation.id, error, "a device is not told");
    }
}

/// Who has read a message, or how far everyone has read.
///
/// Of a message neither its author nor those who joined after it count.
///
/// # Errors
///
/// [`Error::NotMember`]; [`Error::Invalid`] when the conversation does not have that message.
pub async fn receipts(
    ports: ListPorts<'_>,
    caller: &Caller,
    request: ReceiptsRequest,
) -> Result<Receipts, Error> {
    let id = &request.conversation;
    let conversation = ports.directory.conversation(id).await;
    let conversation = conversation.map_err(Error::store("read the conversation"))?;
    let access = members::access(ports.directory, conversation.as_ref(), &caller.user).await?;
    let conversation = conversation.ok_or(Error::NotMember)?;
    let floor = members::floor(&conversation, &access.membership);
    let entry = match request.seq {
        None => None,
        Some(seq) => {
            let entry = ports.timelines.get(&id.timeline(), seq).await;
            let entry = entry.map_err(Error::store("read the message"))?;
            let entry = entry.filter(|entry| entry.seq >= floor);
            Some(entry.ok_or(Error::Invalid { reason: "there is no such message" })?)
        }
    };
    let mut readings = all_readings(ports, &conversation).await?;
    readings.retain(|reading| entry.as_ref().is_none_or(|entry| has_read(entry, reading)));
    let memberships = readings.into_iter().map(|reading| {
        let conversation = &conversation;
        async move {
            let user = &reading.user;
            let membership = members::membership(ports.directory, conversation, user).await?;
            Ok::<_, Error>((reading, membership))
        }
    });
    // Of a large group each is a read of its own.
    let memberships: Vec<_> = memberships.collect();
    let memberships = stream::iter(memberships).buffered(limits::CONCURRENT_MAX);
    let memberships: Vec<_> = memberships.try_collect().await?;
    let was_there =
        |membership: &Membership| entry.as_ref().is_none_or(|entry| membership.joined <= entry.seq);
    let readers = memberships
        .into_iter()
        .filter(|(_, membership)| membership.as_ref().is_some_and(was_there));
    let readers: Vec<_> = readers
        .map(|(reading, _)| Receipt { user: reading.user, seq: reading.seq, at: reading.at })
        .collect();
    let count = readers.len();
    let rest = readers
        .into_iter()
        .filter(|reader| request.after.as_ref().is_none_or(|after| reader.user > *after));
    let mut readers: Vec<_> = rest.take(request.limit + 1).collect();
    let goes_on = readers.len() > request.limit;
    readers.truncate(request.limit);
    let page = readers.last().filter(|_| goes_on).map(|reader| reader.user.clone());
    Ok(Receipts { count, readers, page })
}

fn has_read(entry: &Entry, reading: &Reading) -> bool {
    reading.user != entry.author && reading.seq >= entry.seq
}

/// How far everyone has read who has read anything: one row for each member at most.
async fn all_readings(
    ports: ListPorts<'_>,
    conversation: &Conversation,
) -> Result<Vec<Reading>, Error> {
    let mut all: Vec<Reading> = Vec::new();
    loop {
        let after = all.last().map(|reading| &reading.user);
        let count = limits::MEMBERS_PAGE_MAX;
        let page = ports.directory.readings(&conversation.id, after, count).await;
        let page = page.map_err(Error::store("read the receipts"))?;
        let is_last = page.len() < count;
        all.extend(page);
        // Each page goes on after the one before it, so this ends with the rows.
        if is_last {
            return Ok(all);
        }
    }
}

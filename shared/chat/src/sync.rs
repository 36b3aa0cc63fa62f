//! What came into an inbox after a cursor; also the keep-alive.
//!
//! The cursor is the device's own. It is worth something as long as the inbox still has the entry
//! that follows it. If not (entries expire, and a device may come from a backup), the answer is a
//! *reset*: the inbox's end, read first, and every conversation with its tail, read after it. What
//! came between the two is in the tails; what comes later is after the end.

use std::collections::HashMap;

use futures_util::future::join;
use futures_util::{StreamExt, TryStreamExt, stream};
use store::{Connections, Directory, InboxEnd, InboxPage, Inboxes, Timelines};
use timeline::exchange::{Caller, Catchup, Caught, Listed, answer_bytes};
use timeline::{ConversationId, Diffusion, InboxEntry, Seq, Timestamp, limits};

use crate::clock::Clock;
use crate::error::Error;
use crate::members;
use crate::policy::Policy;

/// What `sync` may touch.
#[derive(Clone, Copy)]
#[expect(missing_debug_implementations, reason = "a port has nothing to show")]
pub struct SyncPorts<'a> {
    /// Who is in which conversation.
    pub directory: &'a dyn Directory,
    /// Where long bodies are kept, and the tails.
    pub timelines: &'a dyn Timelines,
    /// Where the news is.
    pub inboxes: &'a dyn Inboxes,
    /// Whether the caller's connection is their device's.
    pub connections: &'a dyn Connections,
    /// When.
    pub clock: &'a dyn Clock,
    /// What the deployment decides.
    pub policy: &'a Policy,
}

/// Reads what a device has not seen.
///
/// # Errors
///
/// [`Error::Replaced`] when the caller's connection is no longer registered for their device: it
/// would never be pushed to, so it is closed and the device connects again.
pub async fn sync(
    ports: SyncPorts<'_>,
    caller: &Caller,
    catchup: Catchup,
) -> Result<Caught, Error> {
    let now = ports.clock.now();
    let away =
        catchup.seen.is_some_and(|seen| now.since(seen) > ports.policy.inbox_life.away_ms_max());
    let cursor = catchup.cursor.filter(|_| !away && catchup.page.is_none());
    let Some(cursor) = cursor else {
        require_registered(ports, caller).await?;
        return reset(ports, caller, catchup.page.as_ref(), now).await;
    };
    let (registered, page) = join(
        require_registered(ports, caller),
        ports.inboxes.after(&caller.user, cursor, catchup.limit),
    )
    .await;
    registered?;
    let page = page.map_err(Error::store("read the inbox"))?;
    let Some((mut entries, end)) = following(cursor, page, now) else {
        return reset(ports, caller, None, now).await;
    };
    withdraw(&mut entries);
    let end = match end {
        Some(end) => end,
        None => read_end(ports, caller).await?,
    };
    hold(ports, caller, end, now).await?;
    let tail = end.position;
    let (entries, moved) = join(
        with_bodies(ports, entries),
        moved(ports, caller, catchup.tails.into_iter().collect()),
    )
    .await;
    let moved = moved?;
    let entries = fitting(entries?, &moved);
    let cursor = entries.last().map_or(cursor, |entry| entry.position);
    Ok(Caught {
        entries,
        cursor,
        more: cursor < tail,
        reset: false,
        conversations: moved,
        tail,
        seen: now,
        page: None,
    })
}

/// The inbox's end, where no page has reached it.
async fn read_end(ports: SyncPorts<'_>, caller: &Caller) -> Result<InboxEnd, Error> {
    let tail = ports.inboxes.tail(&caller.user).await;
    let tail = tail.map_err(Error::store("read the inbox's tail"))?;
    let expires = tail.newest.first().map(|entry| entry.expires);
    Ok(InboxEnd { position: tail.position(), anchor: tail.anchor, expires })
}

/// Raises the anchor to an old end before a device is given a cursor by it: an inbox that emptied
/// would number from 1 again, and the cursor would hide what comes.
async fn hold(
    ports: SyncPorts<'_>,
    caller: &Caller,
    end: InboxEnd,
    now: Timestamp,
) -> Result<(), Error> {
    if !end.wants_anchor(ports.policy.inbox_life, now) {
        return Ok(());
    }
    let raised = ports.inboxes.raise_anchor(&caller.user, end.position).await;
    raised.map_err(Error::store("raise the inbox's anchor"))
}

/// Closes a connection that its device's registration does not name.
async fn require_registered(ports: SyncPorts<'_>, caller: &Caller) -> Result<(), Error> {
    let found = ports.connections.of(std::slice::from_ref(&caller.user)).await;
    let found = found.map_err(Error::store("read the registration"))?;
    let mut devices = found.into_iter().flat_map(|(_, devices)| devices);
    let named = devices.any(|registration| {
        registration.device == caller.device && registration.connection == caller.connection
    });
    if named { Ok(()) } else { Err(Error::Replaced) }
}

/// The entries that follow `cursor` without a hole, and the inbox's end if the page reached it;
/// `None` when the cursor is worth nothing.
fn following(
    cursor: Seq,
    page: InboxPage,
    now: Timestamp,
) -> Option<(Vec<InboxEntry>, Option<InboxEnd>)> {
    let InboxPage { mut entries, mut end } = page;
    let mut expected = cursor.next();
    let dense = entries.iter().take_while(|entry| {
        let follows = entry.position == expected && entry.expires > now;
        expected = expected.next();
        follows
    });
    let count = dense.count();
    if count < entries.len() {
        // A hole in a read may just be "not yet": behind a prefix the next page will tell. One
        // right after the cursor means that entries are gone.
        entries.truncate(count);
        end = None;
    }
    let reached = end.map(|end| end.position);
    match (entries.last(), reached) {
        (None, Some(reached)) if reached == cursor => Some((entries, end)),
        (None, _) => None,
        (Some(last), Some(reached)) if reached != last.position => Some((entries, None)),
        (Some(_), _) => Some((entries, end)),
    }
}

/// The answer to a device whose cursor is worth nothing, or that has none.
async fn reset(
    ports: SyncPorts<'_>,
    caller: &Caller,
    after: Option<&ConversationId>,
    now: Timestamp,
) -> Result<Caught, Error> {
    let end = read_end(ports, caller).await?;
    hold(ports, caller, end, now).await?;
    let tail = end.position;
    let count = limits::RESET_CONVERSATIONS_MAX;
    let mine = ports.directory.conversations(&caller.user, after, count).await;
    let mine = mine.map_err(Error::store("read the conversations"))?;
    let last = mine.last().filter(|_| mine.len() == count);
    let page = last.map(|listing| listing.conversation.clone());
    let mine = mine.into_iter();
    let tails = mine.map(|listing| with_tail(ports, listing.conversation, listing.diffusion));
    let conversations = stream::iter(tails);
    let conversations = conversations.buffered(limits::CONCURRENT_MAX).try_collect().await?;
    Ok(Caught {
        entries: Vec::new(),
        cursor: tail,
        more: false,
        reset: true,
        conversations,
        tail,
        seen: now,
        page,
    })
}

/// Those of `known` whose tail is beyond what the device knows, and that the caller may see.
async fn moved(
    ports: SyncPorts<'_>,
    caller: &Caller,
    known: Vec<(ConversationId, Seq)>,
) -> Result<Vec<Listed>, Error> {
    let looks = known.into_iter().map(|(id, known)| async move {
        let (conversation, current) =
            join(ports.directory.conversation(&id), with_tail(ports, id.clone(), Diffusion::Write))
                .await;
        let conversation = conversation.map_err(Error::store("read the conversation"))?;
        let mut current = current?;
        let Some(conversation) = conversation.filter(|_| current.tail > known) else {
            return Ok(None);
        };
        current.diffusion = conversation.members.diffusion();
        match members::access(ports.directory, Some(&conversation), &caller.user).await {
            Ok(_) => Ok(Some(current)),
            Err(Error::NotMember) => Ok(None),
            Err(error) => Err(error),
        }
    });
    let looks = stream::iter(looks).buffered(limits::CONCURRENT_MAX);
    let moved: Vec<_> = looks.try_collect().await?;
    Ok(moved.into_iter().flatten().collect())
}

async fn with_tail(
    ports: SyncPorts<'_>,
    conversation: ConversationId,
    diffusion: Diffusion,
) -> Result<Listed, Error> {
    let tail = store::append::tail(ports.timelines, &conversation.timeline()).await;
    let tail = tail.map_err(Error::store("read a conversation's tail"))?;
    Ok(Listed { conversation, tail, diffusion })
}

/// Takes the bodies out of entries that a later entry of the page takes back or changes: what they
/// say now is on the timeline.
fn withdraw(entries: &mut [InboxEntry]) {
    let about = |entry: &InboxEntry, seq| (entry.conversation.clone(), seq);
    let events = entries.iter().filter_map(|entry| Some((entry, entry.target?)));
    // Of several events about a message the last one stays.
    let last: HashMap<_, _> =
        events.map(|(event, target)| (about(event, target), event.position)).collect();
    for entry in entries.iter_mut() {
        let target = entry.target.unwrap_or(entry.seq);
        if last.get(&about(entry, target)).is_some_and(|event| *event > entry.position) {
            entry.body = None;
        }
    }
}

/// Fills in the bodies that the inbox left to the timeline.
async fn with_bodies(
    ports: SyncPorts<'_>,
    mut entries: Vec<InboxEntry>,
) -> Result<Vec<InboxEntry>, Error> {
    let left = entries.iter().filter(|entry| entry.body.is_none());
    let places: Vec<_> = left.map(|entry| (entry.conversation.timeline(), entry.seq)).collect();
    if places.is_empty() {
        return Ok(entries);
    }
    let kept = ports.timelines.get_many(&places).await;
    let kept = kept.map_err(Error::store("read the bodies"))?;
    let mut bodies: HashMap<_, _> =
        kept.into_iter().map(|(timeline, entry)| ((timeline, entry.seq), entry.body)).collect();
    for entry in entries.iter_mut().filter(|entry| entry.body.is_none()) {
        let place = (entry.conversation.timeline(), entry.seq);
        entry.body = bodies.remove(&place).flatten();
    }
    Ok(entries)
}

/// As many entries as one answer carries beside the conversations that moved, at least one.
fn fitting(mut entries: Vec<InboxEntry>, moved: &[Listed]) -> Vec<InboxEntry> {
    let ids = moved.iter().map(|listed| listed.conversation.as_str().len());
    let moved = ids.map(|bytes| limits::TAIL_FIELDS_BYTES + bytes);
    let mut left = limits::ANSWER_BYTES_MAX - limits::ENVELOPE_BYTES_MAX - moved.sum::<usize>();
    let fits = entries.iter().take_while(|entry| {
        let InboxEntry { conversation, author, kind, body, .. } = entry;
        let bytes = answer_bytes(conversation, author, kind, body.as_ref());
        let fits = bytes <= left;
        left = left.saturating_sub(bytes);
        fits
    });
    let count = fits.count();
    entries.truncate(count);
    entries
}

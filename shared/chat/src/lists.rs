//! A user's conversations: what is new in each, newest first.
//!
//! Which of them was active last is known to their timelines alone, so all their newest entries are
//! read, whichever page is asked for. What is unread is looked at where a prefix count says that
//! something may be. Both are read at half the price: what was written in the last moments comes by
//! push or by `sync`.

use futures_util::{StreamExt, TryStreamExt, stream};
use store::{Directory, Freshness, Listing, Scan, Timelines};
use timeline::exchange::Caller;
use timeline::lists::{Conversations, ConversationsRequest, Place, Row};
use timeline::{Entry, Party, limits};

use crate::error::Error;
use crate::members;
use crate::unread;

/// What `conversations` and `receipts` may touch.
#[derive(Clone, Copy)]
#[expect(missing_debug_implementations, reason = "a port has nothing to show")]
pub struct ListPorts<'a> {
    /// What is on the user's list, who is in what, and how far they have read.
    pub directory: &'a dyn Directory,
    /// What is new.
    pub timelines: &'a dyn Timelines,
}

/// A conversation of the list, as it stands.
struct Standing {
    row: Row,
    place: Place,
}

/// Lists the caller's conversations, those that were active last first, and how much is unread in
/// all of them.
///
/// # Errors
///
/// As the store's.
pub async fn conversations(
    ports: ListPorts<'_>,
    caller: &Caller,
    request: ConversationsRequest,
) -> Result<Conversations, Error> {
    let listed = listings(ports, caller).await?;
    let looks: Vec<_> = listed.into_iter().map(|listing| look(ports, caller, listing)).collect();
    let looks = stream::iter(looks).buffered(limits::CONCURRENT_MAX);
    let standings: Vec<Option<Standing>> = looks.try_collect().await?;
    let mut standings: Vec<_> = standings.into_iter().flatten().collect();
    standings.sort_by(|one, other| other.place.cmp(&one.place));
    let unread = standings.iter().map(|standing| standing.row.unread).sum();
    let rest = standings
        .into_iter()
        .filter(|standing| request.after.as_ref().is_none_or(|after| standing.place < *after));
    Ok(page(rest.collect(), request.limit, unread))
}

/// Everything on the caller's list, up to a bound.
async fn listings(ports: ListPorts<'_>, caller: &Caller) -> Result<Vec<Listing>, Error> {
    let listed = ports.directory.conversations(&caller.user, None, limits::CONVERSATIONS_MAX).await;
    listed.map_err(Error::store("read the conversations"))
}

/// Looks at one; `None` of one that the caller may not see any more.
async fn look(
    ports: ListPorts<'_>,
    caller: &Caller,
    listing: Listing,
) -> Result<Option<Standing>, Error> {
    let id = &listing.conversation;
    let (mut title, mut floor) = (None, timeline::Seq::FIRST);
    // Of a direct conversation its id tells who is in it.
    if matches!(id.party(), Party::Group(_)) {
        let kept = ports.directory.conversation(id).await;
        let kept = kept.map_err(Error::store("read the conversation"))?;
        let access = match members::access(ports.directory, kept.as_ref(), &caller.user).await {
            Ok(access) => access,
            Err(Error::NotMember) => return Ok(None),
            Err(error) => return Err(error),
        };
        if let Some(kept) = kept {
            floor = members::floor(&kept, &access.membership);
            title = kept.title;
        }
    }
    let newest = ports.timelines.scan(&id.timeline(), Scan::newest().eventually()).await;
    let newest = newest.map_err(Error::store("read the newest message"))?.pop();
    let (user, read) = (&caller.user, listing.read);
    let freshness = Freshness::Eventual;
    let unread = unread::count(ports.timelines, id, user, read, newest.as_ref(), freshness).await?;
    let place = Place {
        at: newest.as_ref().map_or(timeline::Timestamp(0), |entry| entry.at),
        conversation: id.clone(),
    };
    let row = Row {
        conversation: id.clone(),
        title,
        diffusion: listing.diffusion,
        tail: newest.as_ref().map_or(timeline::Seq::ZERO, |entry| entry.seq),
        read: read.seq,
        unread,
        muted: listing.muted,
        pinned: listing.pinned,
        last: newest.filter(|entry| entry.seq >= floor).map(Box::new),
    };
    Ok(Some(Standing { row, place }))
}

/// As many as one answer carries, at least one.
fn page(standings: Vec<Standing>, limit: usize, unread: usize) -> Conversations {
    let mut left = limits::ANSWER_BYTES_MAX - limits::ENVELOPE_BYTES_MAX;
    let count = standings.len();
    let fits = |standing: &Standing| {
        let bytes = limits::ROW_BYTES_MAX + standing.row.last.as_deref().map_or(0, body_bytes);
        let fits = bytes <= left;
        left = left.saturating_sub(bytes);
        fits
    };
    let page: Vec<_> = standings.into_iter().take(limit).take_while(fits).collect();
    let last = page.last().filter(|_| page.len() < count).map(|standing| standing.place.clone());
    Conversations {
        rows: page.into_iter().map(|standing| standing.row).collect(),
        unread,
        page: last,
    }
}

fn body_bytes(entry: &Entry) -> usize {
    entry.body.as_ref().map_or(0, |body| body.as_str().len())
}

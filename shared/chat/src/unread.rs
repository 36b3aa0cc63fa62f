//! How many messages somebody has not read: derived from the timeline, never counted beside it.
//!
//! Each entry carries how many up to it count as messages. Where that is what it was at the read
//! position, nothing is unread, for one read. Where it is more, what lies between is looked at, for
//! one's own messages and those that were taken back count as nothing to oneself.

use store::{Freshness, ReadPosition, Scan, Timelines};
use timeline::{ConversationId, Entry, Seq, UserId, limits};

use crate::error::Error;

/// How many messages of others stand between a read position and the newest entry, at most
/// [`limits::UNREAD_MAX`].
///
/// # Errors
///
/// As the store's.
pub(crate) async fn count(
    timelines: &dyn Timelines,
    conversation: &ConversationId,
    user: &UserId,
    read: ReadPosition,
    newest: Option<&Entry>,
    freshness: Freshness,
) -> Result<usize, Error> {
    let Some(newest) = newest.filter(|newest| newest.countable > read.countable) else {
        return Ok(0);
    };
    let timeline = conversation.timeline();
    let (mut count, mut last) = (0, read.seq);
    // Each page begins behind the one before it, so this ends at the newest.
    while last < newest.seq && count < limits::UNREAD_MAX {
        let scan = Scan { freshness, ..Scan::since(last.next(), limits::PAGE_ENTRIES_MAX) };
        let page = timelines.scan(&timeline, scan).await;
        let page = page.map_err(Error::store("count what is unread"))?;
        let unread = page.iter().filter(|entry| entry.is_countable() && entry.author != *user);
        count += unread.count();
        last = page.last().map_or(Seq::MAX, |entry| entry.seq);
    }
    Ok(count.min(limits::UNREAD_MAX))
}

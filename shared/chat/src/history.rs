//! A part of one conversation: for roaming, and for filling holes.

use futures_util::future::join4;
use store::{Direction, Directory, Freshness, Scan, Timelines};
use timeline::exchange::{Caller, Found, Lookup, Part, answer_bytes};
use timeline::{Entry, Seq, UserId, limits};

use crate::error::Error;
use crate::members;

/// What `history` may touch.
#[derive(Clone, Copy)]
#[expect(missing_debug_implementations, reason = "a port has nothing to show")]
pub struct HistoryPorts<'a> {
    /// Who is in the conversation.
    pub directory: &'a dyn Directory,
    /// Where its messages are.
    pub timelines: &'a dyn Timelines,
}

/// Reads a part of a conversation: its live messages, ascending, and which sequences have none.
///
/// # Errors
///
/// [`Error::NotMember`] when the caller may not see it or it does not exist.
pub async fn history(
    ports: HistoryPorts<'_>,
    caller: &Caller,
    lookup: Lookup,
) -> Result<Found, Error> {
    let timeline = lookup.conversation.timeline();
    let scan = |scan| ports.timelines.scan(&timeline, scan);
    let (conversation, part, oldest, newest) = join4(
        ports.directory.conversation(&lookup.conversation),
        read(ports, &lookup, Seq::FIRST),
        scan(Scan::since(Seq::FIRST, 1)),
        scan(Scan::newest()),
    )
    .await;
    // Who may not see it learns nothing of what was read.
    let conversation = conversation.map_err(Error::store("read the conversation"))?;
    let access = members::access(ports.directory, conversation.as_ref(), &caller.user).await?;
    let conversation = conversation.ok_or(Error::NotMember)?;
    let floor = if matches!(lookup.part, Part::Own(..)) {
        Seq::FIRST
    } else {
        members::floor(&conversation, &access.membership)
    };

    let ends = |entries: Vec<Entry>| entries.first().map_or(Seq::ZERO, |entry| entry.seq);
    let oldest = ends(oldest.map_err(Error::store("read the first message"))?);
    let last = ends(newest.map_err(Error::store("read the newest message"))?);
    let first = if last == Seq::ZERO { Seq::ZERO } else { oldest.max(floor) };
    let mut entries = part.map_err(Error::store("read the messages"))?;
    if entries.iter().any(|entry| entry.seq < floor) {
        // What the caller may not see took places on the page.
        let visible = read(ports, &lookup, floor).await;
        entries = visible.map_err(Error::store("read the messages"))?;
    }
    Ok(page(lookup, &caller.user, entries, first, last))
}

/// The part from `floor` on, one entry more than the page holds, which tells whether it goes on.
async fn read(
    ports: HistoryPorts<'_>,
    lookup: &Lookup,
    floor: Seq,
) -> Result<Vec<Entry>, store::Error> {
    let timeline = lookup.conversation.timeline();
    let max_count = lookup.limit + 1;
    let (direction, first, last) = match &lookup.part {
        Part::Newest => (Direction::Backward, floor, Seq::MAX),
        Part::Before(seq) => (Direction::Backward, floor, seq.previous()),
        Part::After(seq) if *seq == Seq::MAX => return Ok(Vec::new()),
        Part::After(seq) => (Direction::Forward, floor.max(seq.next()), Seq::MAX),
        Part::Between(first, last) | Part::Own(first, last) => {
            (Direction::Forward, floor.max(*first), *last)
        }
        Part::Listed(seqs) => {
            let visible = seqs.iter().filter(|seq| **seq >= floor);
            let places: Vec<_> = visible.map(|seq| (timeline.clone(), *seq)).collect();
            let found = ports.timelines.get_many(&places).await?;
            let mut entries: Vec<_> = found.into_iter().map(|(_, entry)| entry).collect();
            entries.sort_by_key(|entry| entry.seq);
            return Ok(entries);
        }
    };
    if first > last {
        return Ok(Vec::new());
    }
    let scan = Scan { direction, first, last, max_count, freshness: Freshness::Strong };
    ports.timelines.scan(&timeline, scan).await
}

/// What of the entries that were read one answer carries.
fn page(lookup: Lookup, caller: &UserId, entries: Vec<Entry>, first: Seq, last: Seq) -> Found {
    let Lookup { conversation, part, limit } = lookup;
    let read = entries.len();
    let listed = if let Part::Listed(seqs) = &part { seqs.len() } else { 0 };
    let missing_max = listed.max(limit) * limits::SEQ_BYTES;
    let mut left = limits::ANSWER_BYTES_MAX - limits::ENVELOPE_BYTES_MAX - missing_max;
    let fits = |entry: &Entry| {
        let bytes = answer_bytes(&conversation, &entry.author, &entry.kind, entry.body.as_ref());
        let fits = bytes <= left;
        left = left.saturating_sub(bytes);
        fits
    };
    let mut covered: Vec<_> = entries.into_iter().take(limit).take_while(fits).collect();
    let more = covered.len() < read;
    covered.sort_by_key(|entry| entry.seq);

    let is_own = matches!(part, Part::Own(..));
    let is_shown =
        |entry: &Entry| if is_own { entry.author == *caller } else { entry.body.is_some() };
    let unseen = covered.iter().filter(|entry| !is_shown(entry)).map(|entry| entry.seq);
    let mut missing: Vec<_> = unseen.collect();
    if let Part::Listed(seqs) = &part {
        // Up to where the page goes, for what lies behind it is asked for again.
        let end = if more { covered.last().map_or(Seq::ZERO, |entry| entry.seq) } else { Seq::MAX };
        let found = |seq: &Seq| covered.binary_search_by_key(seq, |entry| entry.seq).is_ok();
        missing.extend(seqs.iter().filter(|seq| **seq <= end && !found(seq)));
        missing.sort_unstable();
    }
    covered.retain(is_shown);
    Found { conversation, entries: covered, first, last, missing, more }
}

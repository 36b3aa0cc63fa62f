//! What messages are found by: blocks of 64 messages and more, built of the timeline.
//!
//! A block says which of its messages have which fingerprints. It names candidates, whose entries
//! are then read from the timeline: what they say at that time decides.
//!
//! # Invariants
//!
//! * **No false negative.** Whatever a message says now, the block of its own place says so, or
//!   that of the place of an edit of it:
//!   - Blocks are built of complete rows of entries, read strongly, so none of them is missed.
//!   - A message is at its own place under what it said when the block was built. An edit is at its
//!     event's place, which is above the message's, under the event's body: the message's new one.
//!   - A body is only ever replaced by that of an event, and later events win. So what a message
//!     says now is what it said when its block was built, or is the body of an edit.
//!   - The body of an edit is taken away only when a later one was done before, or the message was
//!     taken back: `edits` deletes after it has replaced. So while it is what its message says, it
//!     stands on the event as well, whenever the event's block was built.
//!   - A message that was taken back has no body, for good, and is found by nothing.
//! * **Any two builds of a block are equally right**, since the above holds for any time of either.
//!   So blocks are written unconditionally, read at half the price, and a parent may be built of
//!   children of different times.
//! * A block that is missing, or not as it was written, is built again of its children and, where
//!   those are missing, of the timeline. Deleting all of them loses nothing but time.
//! * An edit is written by the author of the message that it changes, so whose message it is holds
//!   for the edit as well. Its kind does not: it is `edit`, whatever kind the message is of.

mod building;
mod rebuilding;
mod work;

use search_index::{BlockId, Filter, Fingerprint, Level, Text};
use store::{Blocks, Timelines};
use timeline::{Body, ConversationId, Entry, Kind, Seq, TimelineId, limits};

use crate::error::Error;

pub use building::{build, leaf};
pub use rebuilding::{RebuildPorts, rebuild};
pub use work::{Work, open_blocks};

const _: () = assert!(limits::INDEX_BLOCK_ENTRIES == Level::L0.messages());
// What the longest block is made of may be read for one message that completes it.
const _: () =
    assert!(limits::INDEX_LEAVES_MAX as u64 * Level::L0.messages() == Level::L3.messages());

/// What it takes to build blocks.
#[derive(Clone, Copy)]
#[expect(missing_debug_implementations, reason = "a port has nothing to show")]
pub struct IndexPorts<'a> {
    /// Where messages are kept.
    pub timelines: &'a dyn Timelines,
    /// Where blocks are.
    pub blocks: &'a dyn Blocks,
    /// What of a body is searched.
    pub searched: fn(&Body) -> String,
}

/// What an entry is found by: the terms of what of its body is searched, its author and its kind.
/// Nothing, if it was taken back or is an event other than an edit.
pub fn fingerprints(entry: &Entry, searched: fn(&Body) -> String) -> Vec<Fingerprint> {
    let is_edit = entry.kind.as_str() == Kind::EDIT;
    let Some(body) = entry.body.as_ref().filter(|_| is_edit || !entry.kind.is_event()) else {
        return Vec::new();
    };
    let mut fingerprints = Text::new(&searched(body)).fingerprints();
    let filters = [Filter::From(entry.author.as_str()), Filter::Kind(entry.kind.as_str())];
    fingerprints.extend(filters.map(Filter::fingerprint));
    fingerprints
}

/// The stream's part: builds and writes the blocks that the entry at `seq` completes, a block of 64
/// always and one of each further level if this is its last. A timeline that is no conversation's,
/// and an entry that completes nothing, leave nothing to do.
///
/// It may be done again and in any order: a child that is not there yet is built on the way.
///
/// # Errors
///
/// As the store's; the same call may be made again.
pub async fn index(ports: IndexPorts<'_>, timeline: &TimelineId, seq: Seq) -> Result<(), Error> {
    let Ok(id) = ConversationId::parse(timeline.as_str()) else { return Ok(()) };
    if !seq.completes_block() {
        return Ok(());
    }
    let mut work = Work::new(limits::INDEX_LEAVES_MAX);
    let mut next = Some(BlockId::of(Level::L0, seq.number()));
    // A level more each time, and there are four.
    while let Some(block) = next {
        // The last child of each parent is in `work`, not to be read again.
        let is_built = build(ports, &id, block, &mut work).await?;
        next = block.completes().filter(|_| is_built);
    }
    work.write(ports.blocks).await
}

//! An operator has the index built anew: of one conversation, or of all of a user's.
//!
//! Blocks that are there are written over, so it also mends what reads as it should and is wrong.
//! One request does a bounded part and says what to ask next; asking the same again does it again.

use search_index::{BlockId, Level};
use store::Directory;
use timeline::rebuild::{RebuildRequest, RebuildScope, Rebuilt};
use timeline::{ConversationId, Seq, UserId, limits};

use super::building::{LEAVES_AT_ONCE, leaves};
use super::{IndexPorts, Work, build};
use crate::error::Error;

/// What `rebuild` may touch.
#[derive(Clone, Copy)]
#[expect(missing_debug_implementations, reason = "a port has nothing to show")]
pub struct RebuildPorts<'a> {
    /// What it takes to build blocks.
    pub index: IndexPorts<'a>,
    /// Which conversations a user has.
    pub directory: &'a dyn Directory,
}

/// How far one conversation came.
struct Progress {
    blocks: usize,
    /// The last message that is in a block.
    after: Seq,
    /// Whether there may be more.
    more: bool,
}

/// Builds the index anew, as far as one request may go: [`limits::INDEX_LEAVES_MAX`] blocks of 64
/// messages, and [`limits::REBUILD_CONVERSATIONS_MAX`] conversations.
///
/// # Errors
///
/// As the store's; the same request may be made again.
pub async fn rebuild(ports: RebuildPorts<'_>, request: RebuildRequest) -> Result<Rebuilt, Error> {
    let RebuildRequest { scope, after } = request;
    match scope {
        RebuildScope::Conversation(id) => {
            let progress = one(ports.index, &id, after, limits::INDEX_LEAVES_MAX).await?;
            let scope = RebuildScope::Conversation(id);
            let next = RebuildRequest { scope, after: progress.after };
            Ok(Rebuilt { blocks: progress.blocks, next: progress.more.then_some(next) })
        }
        RebuildScope::User { user, from } => all(ports, &user, from, after).await,
    }
}

/// The conversations of a user, from one of them on.
async fn all(
    ports: RebuildPorts<'_>,
    user: &UserId,
    from: Option<ConversationId>,
    after: Seq,
) -> Result<Rebuilt, Error> {
    let max_count = limits::REBUILD_CONVERSATIONS_MAX;
    let listed = ports.directory.conversations(user, from.as_ref(), max_count).await;
    let listed = listed.map_err(Error::store("list the conversations"))?;
    let is_last_page = listed.len() < max_count;
    let listed = listed.into_iter().map(|listing| (listing.conversation, Seq::ZERO));
    let mut place = None;
    let mut blocks = 0;
    for (id, after) in from.map(|id| (id, after)).into_iter().chain(listed) {
        let left = limits::INDEX_LEAVES_MAX - blocks;
        let progress = one(ports.index, &id, after, left).await?;
        blocks += progress.blocks;
        place = Some((id, progress.after));
        if progress.more {
            return Ok(Rebuilt { blocks, next: next(user, place) });
        }
    }
    let next = if is_last_page { None } else { next(user, place) };
    Ok(Rebuilt { blocks, next })
}

fn next(user: &UserId, place: Option<(ConversationId, Seq)>) -> Option<RebuildRequest> {
    let (id, after) = place?;
    let scope = RebuildScope::User { user: user.clone(), from: Some(id) };
    Some(RebuildRequest { scope, after })
}

/// One conversation, at most so many blocks of 64 messages, and the longer blocks that end there.
async fn one(
    ports: IndexPorts<'_>,
    id: &ConversationId,
    after: Seq,
    blocks_max: usize,
) -> Result<Progress, Error> {
    let first = BlockId::of(Level::L0, after.number() + 1).number;
    // Not beyond the end of the longest block, so that its children are at hand when it is built.
    let per_longest = Level::L3.messages() / Level::L0.messages();
    let end = (first / per_longest + 1) * per_longest;
    let end = end.min(first + u64::try_from(blocks_max).unwrap_or(u64::MAX));
    let mut work = Work::new(limits::INDEX_LEAVES_MAX);
    let ids: Vec<_> = (first..end).map(|number| BlockId { level: Level::L0, number }).collect();
    let mut progress = Progress { blocks: 0, after, more: true };
    for some in ids.chunks(LEAVES_AT_ONCE) {
        progress.more = leaves(ports, id, some, &mut work).await?;
        if !progress.more {
            break;
        }
    }
    let built = ids.into_iter().filter(|leaf| work.built(id, *leaf).is_some());
    for leaf in built.collect::<Vec<_>>() {
        progress.blocks += 1;
        progress.after = Seq::new(leaf.last()).unwrap_or(Seq::MAX);
        let mut parent = leaf.completes();
        while let Some(block) = parent {
            let is_built = build(ports, id, block, &mut work).await?;
            parent = block.completes().filter(|_| is_built);
        }
    }
    work.write(ports.blocks).await?;
    Ok(progress)
}

//! Building a block: of its children or, where these are missing, of the timeline.

use std::collections::HashMap;
use std::pin::Pin;

use futures_util::{StreamExt, TryStreamExt, stream};
use search_index::cover::{CHILDREN, LEAF_MESSAGES};
use search_index::{Block, BlockId, Corrupt, Leaf, Level, merge};
use store::{Direction, Freshness, Scan};
use timeline::{ConversationId, Seq};

use super::work::open_blocks;
use super::{IndexPorts, Work, fingerprints};
use crate::error::Error;

/// How many blocks of 64 are read from the timeline at once.
pub(super) const LEAVES_AT_ONCE: usize = 8;

/// Builds a block of 64 messages of the timeline; `None` unless all of them stand.
///
/// # Errors
///
/// As the store's.
pub async fn leaf(
    ports: IndexPorts<'_>,
    conversation: &ConversationId,
    number: u64,
) -> Result<Option<Block>, Error> {
    let id = BlockId { level: Level::L0, number };
    let (Some(first), Some(last)) = (Seq::new(id.first()), Seq::new(id.last())) else {
        return Ok(None);
    };
    let scan = Scan {
        direction: Direction::Forward,
        first,
        last,
        max_count: LEAF_MESSAGES as usize,
        freshness: Freshness::Strong,
    };
    let entries = ports.timelines.scan(&conversation.timeline(), scan).await;
    let entries = entries.map_err(Error::store("read the messages of a search block"))?;
    // Places are dense: where the last stands, none before it is still to come.
    if entries.last().is_none_or(|entry| entry.seq != last) {
        return Ok(None);
    }
    let mut leaf = Leaf::default();
    for entry in &entries {
        let position = id.position(entry.seq.number()).expect("the scan is of the block");
        leaf.add(position, fingerprints(entry, ports.searched));
    }
    Ok(Some(leaf.finish()))
}

/// Builds a block: of 64 messages of the timeline, a longer one of its children, of which those
/// that are missing are built first. `true` once `work` has all its buckets; `false` when its
/// messages do not all stand yet, or `work` may read no more of them: then `work` has what was
/// built on the way, which need not be built again.
///
/// # Errors
///
/// As the store's.
pub async fn build(
    ports: IndexPorts<'_>,
    conversation: &ConversationId,
    id: BlockId,
    work: &mut Work,
) -> Result<bool, Error> {
    let Some(children) = id.children() else {
        return leaves(ports, conversation, &[id], work).await;
    };
    let kept = kept(ports, conversation, &children, work).await?;
    let is_missing =
        |child: &BlockId| !kept.contains_key(child) && work.built(conversation, *child).is_none();
    let missing: Vec<_> = children.into_iter().filter(is_missing).collect();
    if id.level == Level::L1 {
        if !leaves(ports, conversation, &missing, work).await? {
            return Ok(false);
        }
    } else {
        for child in missing {
            if !boxed(ports, conversation, child, work).await? {
                return Ok(false);
            }
        }
    }
    let buckets = children.map(|child| match kept.get(&child) {
        Some(buckets) => buckets,
        None => work.built(conversation, child).unwrap_or_default(),
    });
    let merged = merged(buckets).map_err(|Corrupt| Error::Store {
        operation: "build a search block",
        source: store::Error::Corrupt { item: "search block", reason: "its children differ" },
    })?;
    work.add(conversation, id, merged);
    Ok(true)
}

/// Those of eight blocks that are kept with all their buckets, and were not built just now.
async fn kept(
    ports: IndexPorts<'_>,
    conversation: &ConversationId,
    ids: &[BlockId; CHILDREN],
    work: &Work,
) -> Result<HashMap<BlockId, Vec<Block>>, Error> {
    let unknown = ids.iter().copied().filter(|id| work.built(conversation, *id).is_none());
    let unknown: Vec<_> = unknown.collect();
    let buckets = unknown.iter().flat_map(|id| id.level.all_buckets().map(|bucket| (*id, bucket)));
    let wanted: Vec<_> = buckets.map(|(id, bucket)| (conversation.clone(), id, bucket)).collect();
    let mut opened = open_blocks(ports.blocks, &wanted).await?.into_iter();
    let mut kept = HashMap::new();
    for id in unknown {
        let buckets: Vec<_> = opened.by_ref().take(usize::from(id.level.buckets())).collect();
        if let Some(buckets) = buckets.into_iter().collect() {
            kept.insert(id, buckets);
        }
    }
    Ok(kept)
}

/// The buckets of a block of those of its eight children, each with all of its own.
fn merged(children: [&[Block]; CHILDREN]) -> Result<Vec<Block>, Corrupt> {
    let mut merged = Vec::new();
    for bucket in 0..children[0].len() {
        let mut alike = children[0].get(bucket).map(|first| [first; CHILDREN]).ok_or(Corrupt)?;
        for (place, child) in alike.iter_mut().zip(children) {
            *place = child.get(bucket).ok_or(Corrupt)?;
        }
        merged.extend(merge(alike)?);
    }
    Ok(merged)
}

/// The same, for a future that holds itself.
fn boxed<'a>(
    ports: IndexPorts<'a>,
    conversation: &'a ConversationId,
    id: BlockId,
    work: &'a mut Work,
) -> Pin<Box<dyn Future<Output = Result<bool, Error>> + Send + 'a>> {
    Box::pin(build(ports, conversation, id, work))
}

/// Builds blocks of 64 messages, several at once, as far as `work` may.
pub(super) async fn leaves(
    ports: IndexPorts<'_>,
    conversation: &ConversationId,
    ids: &[BlockId],
    work: &mut Work,
) -> Result<bool, Error> {
    let allowed = work.take(ids.len());
    let builds: Vec<_> =
        ids[..allowed].iter().map(|id| leaf(ports, conversation, id.number)).collect();
    let builds = stream::iter(builds).buffered(LEAVES_AT_ONCE);
    let built: Vec<Option<Block>> = builds.try_collect().await?;
    let mut complete = allowed == ids.len();
    for (id, block) in ids.iter().zip(built) {
        match block {
            Some(block) => work.add(conversation, *id, vec![block]),
            None => complete = false,
        }
    }
    Ok(complete)
}

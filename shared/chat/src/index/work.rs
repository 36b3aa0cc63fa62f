//! What one request builds: how much it may, and what of it is still to be written.

use std::collections::HashMap;

use search_index::{ANALYZER, Block, BlockId};
use store::{BlockKey, Blocks};
use timeline::ConversationId;

use crate::error::Error;

/// What one request builds. Blocks that are in it need not be read.
#[derive(Debug)]
pub struct Work {
    leaves: usize,
    built: HashMap<(ConversationId, BlockId), Vec<Block>>,
}

impl Work {
    /// Work that may read the messages of at most so many blocks of 64.
    pub fn new(leaves: usize) -> Self {
        Self { leaves, built: HashMap::new() }
    }

    /// Of how many blocks of 64 it may still read the messages.
    pub fn leaves(&self) -> usize {
        self.leaves
    }

    /// Takes as many of `wanted` as are left.
    pub(super) fn take(&mut self, wanted: usize) -> usize {
        let taken = wanted.min(self.leaves);
        self.leaves -= taken;
        taken
    }

    /// Adds a block that was built: all its buckets, in their order.
    pub fn add(&mut self, conversation: &ConversationId, id: BlockId, buckets: Vec<Block>) {
        self.built.insert((conversation.clone(), id), buckets);
    }

    /// The buckets of a block that was built.
    pub fn built(&self, conversation: &ConversationId, id: BlockId) -> Option<&[Block]> {
        self.built.get(&(conversation.clone(), id)).map(Vec::as_slice)
    }

    /// Writes what was built, in place of whatever was there.
    ///
    /// A block that is too long for an item is left out; whoever misses it goes by its children.
    ///
    /// # Errors
    ///
    /// As the store's. Nothing is lost but the work.
    pub async fn write(self, blocks: &dyn Blocks) -> Result<(), Error> {
        let sealed: Vec<_> = self.built.into_iter().flat_map(sealed).collect();
        if sealed.is_empty() {
            return Ok(());
        }
        blocks.write_blocks(&sealed).await.map_err(Error::store("write search blocks"))
    }
}

fn sealed(
    ((conversation, id), buckets): ((ConversationId, BlockId), Vec<Block>),
) -> impl Iterator<Item = (BlockKey, Vec<u8>)> {
    let short = buckets.into_iter().filter(|block| block.len() <= search_index::BLOCK_BYTES_MAX);
    short.map(move |block| {
        let key = key(&conversation, id, block.bucket());
        (key, search_index::seal(conversation.as_str(), id.number, block))
    })
}

/// Where a bucket of a block is kept.
fn key(conversation: &ConversationId, id: BlockId, bucket: u8) -> BlockKey {
    BlockKey {
        conversation: conversation.clone(),
        analyzer: ANALYZER,
        level: id.level.number(),
        bucket,
        number: id.number,
    }
}

/// Reads buckets of blocks: each in its place, as far as it is there and as it was written.
///
/// # Errors
///
/// As the store's.
pub async fn open_blocks(
    blocks: &dyn Blocks,
    wanted: &[(ConversationId, BlockId, u8)],
) -> Result<Vec<Option<Block>>, Error> {
    let keys: Vec<_> = wanted.iter().map(|(of, id, bucket)| key(of, *id, *bucket)).collect();
    let found = blocks.read_blocks(&keys).await.map_err(Error::store("read search blocks"))?;
    let open = |(bytes, (of, id, bucket)): (Option<Vec<u8>>, &(ConversationId, BlockId, u8))| {
        let opened = search_index::open(of.as_str(), *id, *bucket, bytes?);
        if opened.is_err() {
            tracing::warn!(conversation = %of, ?id, bucket, "a search block is damaged");
        }
        opened.ok()
    };
    Ok(found.into_iter().zip(wanted).map(open).collect())
}

//! The port to the search blocks: bytes under a place in a conversation, which anyone may lose.
//!
//! What a block says follows from its conversation's timeline, so nothing here is the only copy of
//! anything. A block that is missing is built again, and one that is written twice is as good.

use async_trait::async_trait;
use timeline::ConversationId;

use crate::error::Error;

/// Where one bucket of a block is kept.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BlockKey {
    /// Whose messages it is about.
    pub conversation: ConversationId,
    /// The version of the analyzer that took their texts apart.
    pub analyzer: u8,
    /// How long the block is: the number of its level.
    pub level: u8,
    /// Which part of the block's terms it has.
    pub bucket: u8,
    /// How many blocks of its level come before it.
    pub number: u64,
}

/// The search blocks. Nothing about them is promised in any order: a read may miss a write that
/// ended before it began, and whoever reads takes what is missing for not written.
#[async_trait]
pub trait Blocks: Send + Sync {
    /// The bytes under each of the keys, in their order; any number of keys, of any conversations,
    /// and a key as often as it is named.
    ///
    /// # Errors
    ///
    /// As the store's.
    async fn read_blocks(&self, keys: &[BlockKey]) -> Result<Vec<Option<Vec<u8>>>, Error>;

    /// Writes these bytes in place of what may be there; any number of blocks. Of a key that is
    /// named twice one of the two stays. Blocks that were written before an error stay as well.
    ///
    /// # Errors
    ///
    /// As the store's; the same call may be made again.
    async fn write_blocks(&self, blocks: &[(BlockKey, Vec<u8>)]) -> Result<(), Error>;
}

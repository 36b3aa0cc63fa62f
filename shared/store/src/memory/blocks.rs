//! The search blocks in memory.

use async_trait::async_trait;

use super::Memory;
use crate::blocks::{BlockKey, Blocks};
use crate::error::Error;

#[async_trait]
impl Blocks for Memory {
    async fn read_blocks(&self, keys: &[BlockKey]) -> Result<Vec<Option<Vec<u8>>>, Error> {
        let state = self.turn().await;
        Ok(keys.iter().map(|key| state.blocks.get(key).cloned()).collect())
    }

    async fn write_blocks(&self, blocks: &[(BlockKey, Vec<u8>)]) -> Result<(), Error> {
        self.turn().await.blocks.extend(blocks.iter().cloned());
        Ok(())
    }
}

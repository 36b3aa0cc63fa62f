//! Search blocks that get lost, rot, and are not taken.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard};

use async_trait::async_trait;
use chat::Seal;
use chat::search::SEAL_BYTES;
use store::{BlockKey, Blocks, Error};

/// Blocks in memory.
#[derive(Debug, Default)]
pub(crate) struct Shelf {
    blocks: Mutex<BTreeMap<BlockKey, Vec<u8>>>,
    /// Whether writes fail.
    pub(crate) refuses: AtomicBool,
    /// How many keys were read.
    reads: AtomicUsize,
}

impl Shelf {
    fn blocks(&self) -> MutexGuard<'_, BTreeMap<BlockKey, Vec<u8>>> {
        self.blocks.lock().unwrap()
    }

    /// How many blocks there are.
    pub(crate) fn len(&self) -> usize {
        self.blocks().len()
    }

    /// The blocks of a level.
    pub(crate) fn of_level(&self, level: u8) -> usize {
        self.blocks().keys().filter(|key| key.level == level).count()
    }

    /// How many keys were read since the last time.
    pub(crate) fn reads(&self) -> usize {
        self.reads.swap(0, Ordering::Relaxed)
    }

    /// All of it is gone.
    pub(crate) fn wipe(&self) {
        self.blocks().clear();
    }

    /// Loses or spoils one block in `one_in`.
    pub(crate) fn spoil(&self, rng: &mut fastrand::Rng, one_in: u32) {
        self.blocks().retain(|_, bytes| {
            match rng.u32(..2 * one_in) {
                0 => return false,
                1 => {
                    let place = rng.usize(..bytes.len());
                    bytes[place] ^= 1 << rng.u32(..8);
                }
                _ => {}
            }
            true
        });
    }
}

#[async_trait]
impl Blocks for Shelf {
    async fn read_blocks(&self, keys: &[BlockKey]) -> Result<Vec<Option<Vec<u8>>>, Error> {
        self.reads.fetch_add(keys.len(), Ordering::Relaxed);
        let blocks = self.blocks();
        Ok(keys.iter().map(|key| blocks.get(key).cloned()).collect())
    }

    async fn write_blocks(&self, blocks: &[(BlockKey, Vec<u8>)]) -> Result<(), Error> {
        if self.refuses.load(Ordering::Relaxed) {
            return Err(Error::Unavailable { operation: "write blocks", source: "refused".into() });
        }
        self.blocks().extend(blocks.iter().cloned());
        Ok(())
    }
}

/// A seal that anyone can break, and that differs where its parts do.
#[derive(Debug)]
pub(crate) struct Wax;

impl Seal for Wax {
    fn seal(&self, parts: &[&[u8]]) -> [u8; SEAL_BYTES] {
        let mut state = 0xcbf2_9ce4_8422_2325_u64;
        let mut mix = |byte: u8| {
            state = (state ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
            state ^= state >> 29;
        };
        for part in parts {
            part.len().to_be_bytes().into_iter().for_each(&mut mix);
            part.iter().copied().for_each(&mut mix);
        }
        let mut seal = [0; SEAL_BYTES];
        for eight in seal.chunks_mut(size_of::<u64>()) {
            state = state.wrapping_mul(0x9e37_79b9_7f4a_7c15);
            state ^= state >> 32;
            eight.copy_from_slice(&state.to_be_bytes());
        }
        seal
    }
}

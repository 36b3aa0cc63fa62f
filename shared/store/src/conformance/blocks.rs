//! Promises of the search blocks.

use timeline::ConversationId;

use super::{Store, tea, user};
use crate::blocks::BlockKey;

/// More keys than a database takes in one request.
const MANY: u64 = 230;

fn key(number: u64) -> BlockKey {
    BlockKey { conversation: tea(), analyzer: 1, level: 0, bucket: 0, number }
}

/// Bytes that follow from a number, of every value.
fn bytes(number: u64) -> Vec<u8> {
    (0..=255).map(|byte: u8| byte.wrapping_add(number.to_le_bytes()[0])).collect()
}

/// A block's bytes come back as they are under its own key; what was never written is missing.
pub async fn a_block_comes_back_under_its_own_key(store: &impl Store) {
    let written = BlockKey { analyzer: 1, level: 2, bucket: 31, ..key(7) };
    let coffee = ConversationId::direct(&user("ada"), &user("eve")).expect("two people");
    let others = [
        BlockKey { conversation: coffee, ..written.clone() },
        BlockKey { analyzer: 2, ..written.clone() },
        BlockKey { level: 3, ..written.clone() },
        BlockKey { bucket: 30, ..written.clone() },
        BlockKey { number: 8, ..written.clone() },
        BlockKey { level: 0, bucket: 0, ..written.clone() },
    ];
    let before = store.read_blocks(std::slice::from_ref(&written)).await.expect("a read");
    assert_eq!(before, [None]);
    store.write_blocks(&[(written.clone(), bytes(7))]).await.expect("a write");
    let found = store.read_blocks(std::slice::from_ref(&written)).await.expect("a read");
    assert_eq!(found, [Some(bytes(7))]);
    let found = store.read_blocks(&others).await.expect("a read");
    assert_eq!(found, vec![None; others.len()]);
}

/// Many blocks are written and read at once, each answer in its key's place, whatever is missing
/// and however often a key is named.
pub async fn many_blocks_are_answered_in_order(store: &impl Store) {
    let even = (0..MANY).filter(|number| number % 2 == 0);
    let blocks: Vec<_> = even.map(|number| (key(number), bytes(number))).collect();
    store.write_blocks(&blocks).await.expect("a write");
    let numbers: Vec<_> = (0..MANY).rev().chain([4, 5, 4]).collect();
    let keys: Vec<_> = numbers.iter().map(|number| key(*number)).collect();
    let found = store.read_blocks(&keys).await.expect("a read");
    let expected = numbers.iter().map(|number| (number % 2 == 0).then(|| bytes(*number)));
    assert_eq!(found, expected.collect::<Vec<_>>());
}

/// A block is replaced by the next write to its key.
pub async fn a_block_is_replaced(store: &impl Store) {
    store.write_blocks(&[(key(1), bytes(1)), (key(2), bytes(2))]).await.expect("a write");
    store.write_blocks(&[(key(2), bytes(9))]).await.expect("a write");
    let found = store.read_blocks(&[key(2), key(1)]).await.expect("a read");
    assert_eq!(found, [Some(bytes(9)), Some(bytes(1))]);
}

/// As many bytes as an item holds come back, and more of them than one request carries.
pub async fn long_blocks_come_back(store: &impl Store) {
    let long: Vec<u8> = bytes(3).repeat(399 * 4);
    let blocks: Vec<_> = (0..45).map(|number| (key(number), long.clone())).collect();
    store.write_blocks(&blocks).await.expect("a write");
    let keys: Vec<_> = blocks.iter().map(|(key, _)| key.clone()).collect();
    let found = store.read_blocks(&keys).await.expect("a read");
    assert!(found.iter().all(|found| found.as_ref() == Some(&long)));
    assert_eq!(found.len(), 45);
}

/// Nothing is asked for, or written, without complaint.
pub async fn no_blocks_are_no_error(store: &impl Store) {
    store.write_blocks(&[]).await.expect("a write of nothing");
    assert_eq!(store.read_blocks(&[]).await.expect("a read of nothing"), []);
}

//! The search blocks on DynamoDB.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use async_trait::async_trait;
use aws_sdk_dynamodb::error::BuildError;
use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::{AttributeValue, PutRequest, ReturnConsumedCapacity, WriteRequest};
use futures_util::{StreamExt, TryStreamExt, stream};
use store::{BlockKey, Blocks, Error, Freshness};
use timeline::limits;

use crate::Dynamo;
use crate::call::{failed, unbuilt};
use crate::item::{Item, number, text};
use crate::keys::{self, search};
use crate::timelines::BATCH_ROUNDS_MAX;

/// How many batches of one call are under way at once. Ours: as many reads as a search has keys are
/// a few batches, and a function's memory holds what they bring.
const BATCHES_AT_ONCE: usize = 8;

/// What a failed write was.
const WRITE: &str = "a write of search blocks";

#[async_trait]
impl Blocks for Dynamo {
    async fn read_blocks(&self, keys: &[BlockKey]) -> Result<Vec<Option<Vec<u8>>>, Error> {
        // A batch names no key twice.
        let unique: BTreeSet<_> = keys.iter().map(place).collect();
        let keyed: Vec<_> = unique.iter().map(item_key).collect();
        let batches: Vec<_> = keyed.chunks(limits::BATCH_KEYS_MAX).map(<[_]>::to_vec).collect();
        let table = &self.tables.search;
        let reads =
            batches.into_iter().map(|batch| self.get_by_keys(table, batch, Freshness::Eventual));
        let items: Vec<_> = stream::iter(reads).buffered(BATCHES_AT_ONCE).try_collect().await?;
        let mut found: HashMap<_, _> = items.into_iter().flatten().filter_map(to_block).collect();
        let mut answers = Vec::with_capacity(keys.len());
        let mut left = BTreeMap::new();
        keys.iter().for_each(|key| *left.entry(place(key)).or_insert(0_usize) += 1);
        for key in keys {
            let place = place(key);
            let times = left.get_mut(&place).expect("every key was counted");
            *times -= 1;
            // The last to ask for it takes it; whoever asks before gets a copy.
            answers.push(match times {
                0 => found.remove(&place),
                _ => found.get(&place).cloned(),
            });
        }
        Ok(answers)
    }

    async fn write_blocks(&self, blocks: &[(BlockKey, Vec<u8>)]) -> Result<(), Error> {
        // A batch names no key twice; the last of them stays.
        let unique: BTreeMap<_, _> =
            blocks.iter().map(|(key, bytes)| (place(key), bytes)).collect();
        let requests: Result<Vec<_>, _> = unique.iter().map(put).collect();
        let requests = requests.map_err(unbuilt(WRITE))?;
        let batches: Vec<_> = requests.chunks(limits::BATCH_PUTS_MAX).map(<[_]>::to_vec).collect();
        let writes = batches.into_iter().map(|batch| self.put_blocks(batch));
        stream::iter(writes).buffered(BATCHES_AT_ONCE).try_collect().await
    }
}

/// Where an item is: its partition and its number.
type Place = (String, u64);

impl Dynamo {
    async fn put_blocks(&self, requests: Vec<WriteRequest>) -> Result<(), Error> {
        let mut left = requests;
        for _ in 0..BATCH_ROUNDS_MAX {
            if left.is_empty() {
                return Ok(());
            }
            let written = self
                .client
                .batch_write_item()
                .request_items(&self.tables.search, left)
                .return_consumed_capacity(ReturnConsumedCapacity::Total)
                .send()
                .await
                .map_err(failed(WRITE))?;
            self.meter.write(written.consumed_capacity.unwrap_or_default());
            let mut unprocessed = written.unprocessed_items.unwrap_or_default();
            left = unprocessed.remove(&self.tables.search).unwrap_or_default();
        }
        Err(Error::Throttled { operation: WRITE, source: "blocks are left unwritten".into() })
    }
}

fn place(key: &BlockKey) -> Place {
    (keys::blocks(key), key.number)
}

fn item_key((partition, block): &Place) -> Item {
    Item::from([
        (search::PARTITION.to_owned(), text(partition)),
        (search::NUMBER.to_owned(), number(*block)),
    ])
}

fn put((place, bytes): (&Place, &&Vec<u8>)) -> Result<WriteRequest, BuildError> {
    let mut item = item_key(place);
    item.insert(search::BYTES.to_owned(), AttributeValue::B(Blob::new(bytes.as_slice())));
    let put = PutRequest::builder().set_item(Some(item)).build()?;
    Ok(WriteRequest::builder().put_request(put).build())
}

/// A block of an item. An item that is not as it was written is as good as missing.
fn to_block(mut item: Item) -> Option<(Place, Vec<u8>)> {
    let partition = item.remove(search::PARTITION);
    let (number, bytes) = (item.remove(search::NUMBER), item.remove(search::BYTES));
    match (partition, number, bytes) {
        (Some(AttributeValue::S(partition)), Some(AttributeValue::N(number)), Some(bytes)) => {
            let AttributeValue::B(bytes) = bytes else { return None };
            Some(((partition, number.parse().ok()?), bytes.into_inner()))
        }
        (_, _, _) => None,
    }
}

//! One mapping of a table's stream to a function: reads the stream, chooses by the filter, and
//! deals the records to lanes by their partition key.
//!
//! A lane hands over one batch after the other, so that the records of one partition key stay in
//! their order and a batch that fails holds up its own lane alone. There are as many lanes as the
//! mapping's parallelization factor.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;
use std::time::Duration;

use dynamodb::Stream;
use serde_json::Value;
use tokio::sync::mpsc::{self, UnboundedReceiver, UnboundedSender};
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::delivery::Delivery;
use crate::filter::Filter;
use crate::record::{self, Record};

/// Records that are read at a time: the most that `GetRecords` answers.
const PAGE_MAX: usize = 1000;

/// The longest event of a batch.
///
/// Theirs: "Lambda quotas", invocation payload, synchronous.
const EVENT_BYTES_MAX: usize = 6 * 1024 * 1024;

/// What an event has around its records.
const ENVELOPE_BYTES: usize = r#"{"Records":[]}"#.len();

/// Ours: how long a stream that cannot be read is left alone.
const READ_REST: Duration = Duration::from_secs(1);

/// One mapping.
#[derive(Debug)]
pub(crate) struct Feed {
    pub(crate) stream: Stream,
    pub(crate) filter: Filter,
    /// The attribute that is the table's partition key.
    pub(crate) partition_key: String,
    /// The sequence number after which reading goes on; `None` reads from the oldest record.
    pub(crate) position: Option<String>,
    pub(crate) delivery: Arc<Delivery>,
}

impl Feed {
    /// Serves the mapping until the gateway stops.
    pub(crate) async fn run(self) {
        let delivery = Arc::clone(&self.delivery);
        let mut lanes = JoinSet::new();
        let mut senders = Vec::new();
        for _ in 0..delivery.mapping.parallelization.max(1) {
            let (sender, records) = mpsc::unbounded_channel();
            lanes.spawn(Lane { delivery: Arc::clone(&delivery), records, carried: None }.run());
            senders.push(sender);
        }
        tokio::select! {
            () = self.read(&senders) => {}
            () = delivery.stopped() => {}
        }
        while lanes.join_next().await.is_some() {}
    }

    async fn read(mut self, lanes: &[UnboundedSender<Record>]) {
        let mut changes = self.stream.changes();
        loop {
            let room = self.delivery.progress.room().await;
            // Before the page is read, so that what is written meanwhile is a change after it.
            changes.mark_unchanged();
            let (stream, position) = (self.stream.clone(), self.position.clone());
            let page = move || stream.after(position.as_deref(), room.min(PAGE_MAX));
            match tokio::task::spawn_blocking(page).await {
                Ok(Ok(page)) if page.is_empty() => {
                    if changes.changed().await.is_err() {
                        return; // The store has ended.
                    }
                }
                Ok(Ok(page)) => self.deal(page, lanes),
                Ok(Err(error)) => {
                    let source = std::error::Error::source(&error).map(ToString::to_string);
                    tracing::warn!("{error}: {}", source.unwrap_or_default());
                    tokio::time::sleep(READ_REST).await;
                }
                Err(_) => return, // The runtime ends.
            }
        }
    }

    /// Puts each record of `page` in its lane; those that the filter refuses have ended.
    fn deal(&mut self, page: Vec<Value>, lanes: &[UnboundedSender<Record>]) {
        let Delivery { mapping, progress, .. } = &*self.delivery;
        let mut refused = Vec::new();
        for value in page {
            let value = record::shaped(value, &mapping.source);
            let sequence = record::sequence(&value).to_owned();
            let place = progress.begin(sequence.clone());
            self.position = Some(sequence);
            if self.filter.passes(&value) {
                let key = &value["dynamodb"]["Keys"][&self.partition_key];
                // A lane that is gone has been stopped: the record is read again another time.
                let _ = lanes[lane(key, lanes.len())].send(Record::new(place, &value));
            } else {
                refused.push(place);
            }
        }
        self.delivery.end_places(refused);
    }
}

/// The lane, of `count`, of the records with this partition key.
fn lane(key: &Value, count: usize) -> usize {
    let mut hasher = DefaultHasher::new();
    key.to_string().hash(&mut hasher);
    let count = u64::try_from(count).unwrap_or(u64::MAX);
    usize::try_from(hasher.finish() % count).unwrap_or_default()
}

/// A part of the shard, whose batches are handed over one after the other.
struct Lane {
    delivery: Arc<Delivery>,
    records: UnboundedReceiver<Record>,
    /// The record that did not fit the batch before.
    carried: Option<Record>,
}

impl Lane {
    async fn run(mut self) {
        let delivery = Arc::clone(&self.delivery);
        while !delivery.is_stopped() {
            let batch = tokio::select! {
                batch = self.gather() => batch,
                () = delivery.stopped() => return,
            };
            match batch {
                Some(batch) => delivery.deliver(batch).await,
                None => return,
            }
        }
    }

    /// Waits for a record, and then for more until the batch is full or its window ends; `None`
    /// where no record will come.
    async fn gather(&mut self) -> Option<Vec<Record>> {
        let first = match self.carried.take() {
            Some(record) => record,
            None => self.records.recv().await?,
        };
        let mapping = &self.delivery.mapping;
        let ends = Instant::now() + mapping.batching_window;
        let size = usize::try_from(mapping.batch_size).unwrap_or(usize::MAX);
        let mut bytes = ENVELOPE_BYTES + first.json.len();
        let mut batch = vec![first];
        while batch.len() < size {
            let next = match self.records.try_recv() {
                Ok(record) => Some(record),
                Err(_) => tokio::time::timeout_at(ends, self.records.recv()).await.ok().flatten(),
            };
            let Some(record) = next else { break };
            bytes += record.json.len() + ",".len();
            if bytes > EVENT_BYTES_MAX {
                self.carried = Some(record);
                break;
            }
            batch.push(record);
        }
        Some(batch)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_partition_key_has_one_lane_and_lanes_share_the_keys() {
        let key = |number: u32| json!({"S": format!("c~{number}")});
        let lanes: Vec<_> = (0..100).map(|number| lane(&key(number), 4)).collect();
        let again: Vec<_> = (0..100).map(|number| lane(&key(number), 4)).collect();
        assert_eq!(lanes, again);
        assert!((0..4).all(|lane| lanes.contains(&lane)), "{lanes:?}");
    }
}

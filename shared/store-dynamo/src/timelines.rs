//! The storage library on DynamoDB.

use std::collections::HashSet;

use async_trait::async_trait;
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::types::{
    KeysAndAttributes, ReturnConsumedCapacity, ReturnValue, ReturnValuesOnConditionCheckFailure,
};
use store::{Direction, Error, Freshness, Put, Revised, Scan, Timelines};
use timeline::{Body, Entry, Seq, TimelineId, limits};

use crate::Dynamo;
use crate::call::{failed, unbuilt};
use crate::item::{Item, Reader, entry_key, number, of_entry, text, to_entry};
use crate::keys::entry;

/// How often a batch is asked for what the store left out of it.
pub(crate) const BATCH_ROUNDS_MAX: usize = 8;

#[async_trait]
impl Timelines for Dynamo {
    async fn put(&self, timeline: &TimelineId, entry: &Entry) -> Result<Put<Entry>, Error> {
        let item = of_entry(timeline, entry);
        match self.put_if_absent(&self.tables.timeline, item, entry::SEQ).await? {
            Put::Stored => Ok(Put::Stored),
            Put::Occupied(other) => Ok(Put::Occupied(to_entry(&other)?.1)),
        }
    }

    async fn get(&self, timeline: &TimelineId, seq: Seq) -> Result<Option<Entry>, Error> {
        let item = self.get_by_key(&self.tables.timeline, entry_key(timeline, seq)).await?;
        Ok(item.as_ref().map(to_entry).transpose()?.map(|(_, entry)| entry))
    }

    async fn get_many(
        &self,
        places: &[(TimelineId, Seq)],
    ) -> Result<Vec<(TimelineId, Entry)>, Error> {
        if places.len() > limits::SEQS_MAX {
            return Err(Error::Invalid { reason: "too many sequences at once" });
        }
        let unique: HashSet<_> = places.iter().collect();
        let keys = unique.into_iter().map(|(timeline, seq)| entry_key(timeline, *seq)).collect();
        let items = self.get_by_keys(&self.tables.timeline, keys, Freshness::Strong).await?;
        items.iter().map(to_entry).collect()
    }

    async fn scan(&self, timeline: &TimelineId, scan: Scan) -> Result<Vec<Entry>, Error> {
        let mut entries = Vec::new();
        // DynamoDB refuses a range that ends before it begins, and a limit of nothing.
        if scan.is_empty() {
            return Ok(entries);
        }
        let mut start = None;
        loop {
            let left = i32::try_from(scan.max_count - entries.len()).unwrap_or(i32::MAX);
            let page = self
                .client
                .query()
                .table_name(&self.tables.timeline)
                .key_condition_expression("#c = :c AND #s BETWEEN :first AND :last")
                .expression_attribute_names("#c", entry::TIMELINE)
                .expression_attribute_names("#s", entry::SEQ)
                .expression_attribute_values(":c", text(timeline.as_str()))
                .expression_attribute_values(":first", number(scan.first.number()))
                .expression_attribute_values(":last", number(scan.last.number()))
                .scan_index_forward(scan.direction == Direction::Forward)
                .limit(left)
                .set_exclusive_start_key(start)
                .consistent_read(scan.freshness == Freshness::Strong)
                .return_consumed_capacity(ReturnConsumedCapacity::Total)
                .send()
                .await
                .map_err(failed("a scan of a timeline"))?;
            self.meter.read(page.consumed_capacity);
            for item in page.items.unwrap_or_default() {
                entries.push(to_entry(&item)?.1);
            }
            // Each page is at least one entry or the last, so this ends.
            start = page.last_evaluated_key;
            if start.is_none() || entries.len() >= scan.max_count {
                return Ok(entries);
            }
        }
    }

    async fn update(&self, timeline: &TimelineId, seq: Seq, body: &Body) -> Result<Entry, Error> {
        let updated = self
            .client
            .update_item()
            .table_name(&self.tables.timeline)
            .set_key(Some(entry_key(timeline, seq)))
            .update_expression("SET #b = :b, #w = :w")
            .condition_expression("attribute_exists(#b)")
            .expression_attribute_names("#b", entry::BODY)
            .expression_attribute_names("#w", entry::REVISION)
            .expression_attribute_values(":b", text(body.as_str()))
            .expression_attribute_values(":w", number(0))
            .return_values(ReturnValue::AllNew)
            .return_consumed_capacity(ReturnConsumedCapacity::Total)
            .send()
            .await;
        match updated {
            Ok(updated) => {
                self.meter.write(updated.consumed_capacity);
                Ok(to_entry(&updated.attributes.unwrap_or_default())?.1)
            }
            Err(error) if is_condition_of_update(error.as_service_error()) => {
                Err(Error::NotFound { item: "entry" })
            }
            Err(error) => Err(failed("an update of an entry")(error)),
        }
    }

    async fn revise(
        &self,
        timeline: &TimelineId,
        seq: Seq,
        body: &Body,
        by: Seq,
    ) -> Result<Revised, Error> {
        let revised = self
            .client
            .update_item()
            .table_name(&self.tables.timeline)
            .set_key(Some(entry_key(timeline, seq)))
            .update_expression("SET #b = :b, #w = :w")
            .condition_expression("attribute_exists(#b) AND (attribute_not_exists(#w) OR #w <= :w)")
            .expression_attribute_names("#b", entry::BODY)
            .expression_attribute_names("#w", entry::REVISION)
            .expression_attribute_values(":b", text(body.as_str()))
            .expression_attribute_values(":w", number(by.number()))
            .return_values(ReturnValue::UpdatedOld)
            .return_consumed_capacity(ReturnConsumedCapacity::Total)
            .send()
            .await;
        match revised {
            Ok(revised) => {
                self.meter.write(revised.consumed_capacity);
                let before = revised.attributes.unwrap_or_default();
                let before = Reader::new(&before, "entry").optional_seq(entry::REVISION)?;
                Ok(Revised::Done { before: before.filter(|before| *before != by) })
            }
            Err(error) if is_condition_of_update(error.as_service_error()) => {
                Ok(Revised::Superseded)
            }
            Err(error) => Err(failed("a replacement of a body")(error)),
        }
    }

    async fn recall(&self, timeline: &TimelineId, seq: Seq, by: Seq) -> Result<Option<Seq>, Error> {
        let recalled = self
            .client
            .update_item()
            .table_name(&self.tables.timeline)
            .set_key(Some(entry_key(timeline, seq)))
            .update_expression("SET #x = if_not_exists(#x, :x) REMOVE #b")
            .condition_expression("attribute_exists(#s)")
            .expression_attribute_names("#s", entry::SEQ)
            .expression_attribute_names("#x", entry::RECALLED)
            .expression_attribute_names("#b", entry::BODY)
            .expression_attribute_values(":x", number(by.number()))
            .return_values(ReturnValue::AllNew)
            .return_consumed_capacity(ReturnConsumedCapacity::Total)
            .send()
            .await;
        match recalled {
            Ok(recalled) => {
                self.meter.write(recalled.consumed_capacity);
                Ok(to_entry(&recalled.attributes.unwrap_or_default())?.1.revision)
            }
            Err(error) if is_condition_of_update(error.as_service_error()) => Ok(None),
            Err(error) => Err(failed("a recall of an entry")(error)),
        }
    }

    async fn delete(&self, timeline: &TimelineId, seq: Seq) -> Result<(), Error> {
        let deleted = self
            .client
            .update_item()
            .table_name(&self.tables.timeline)
            .set_key(Some(entry_key(timeline, seq)))
            .update_expression("REMOVE #b")
            .condition_expression("attribute_exists(#b)")
            .expression_attribute_names("#b", entry::BODY)
            .return_consumed_capacity(ReturnConsumedCapacity::Total)
            .send()
            .await;
        match deleted {
            Ok(deleted) => {
                self.meter.write(deleted.consumed_capacity);
                Ok(())
            }
            Err(error) if is_condition_of_update(error.as_service_error()) => Ok(()),
            Err(error) => Err(failed("a deletion of an entry")(error)),
        }
    }
}

/// Whether an update failed for its condition.
pub(crate) fn is_condition_of_update(error: Option<&UpdateItemError>) -> bool {
    error.is_some_and(UpdateItemError::is_conditional_check_failed_exception)
}

impl Dynamo {
    /// Puts an item where `absent`, an attribute of its key, shows that nothing is.
    pub(crate) async fn put_if_absent(
        &self,
        table: &str,
        item: Item,
        absent: &str,
    ) -> Result<Put<Item>, Error> {
        let put = self
            .client
            .put_item()
            .table_name(table)
            .set_item(Some(item))
            .condition_expression("attribute_not_exists(#key)")
            .expression_attribute_names("#key", absent)
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .return_consumed_capacity(ReturnConsumedCapacity::Total)
            .send()
            .await;
        match put {
            Ok(put) => {
                self.meter.write(put.consumed_capacity);
                Ok(Put::Stored)
            }
            Err(error) => match error.as_service_error() {
                Some(PutItemError::ConditionalCheckFailedException(failure)) => {
                    let other = failure.item.clone().unwrap_or_default();
                    Ok(Put::Occupied(other))
                }
                Some(_) | None => Err(failed("a put")(error)),
            },
        }
    }

    /// The item with this key.
    pub(crate) async fn get_by_key(&self, table: &str, key: Item) -> Result<Option<Item>, Error> {
        let found = self
            .client
            .get_item()
            .table_name(table)
            .set_key(Some(key))
            .consistent_read(true)
            .return_consumed_capacity(ReturnConsumedCapacity::Total)
            .send()
            .await
            .map_err(failed("a read by key"))?;
        self.meter.read(found.consumed_capacity);
        Ok(found.item)
    }

    /// The items with these keys, at most 100, in no order.
    pub(crate) async fn get_by_keys(
        &self,
        table: &str,
        keys: Vec<Item>,
        freshness: Freshness,
    ) -> Result<Vec<Item>, Error> {
        const OPERATION: &str = "a read by keys";
        let mut items = Vec::with_capacity(keys.len());
        let mut left = keys;
        for _ in 0..BATCH_ROUNDS_MAX {
            if left.is_empty() {
                return Ok(items);
            }
            let request = KeysAndAttributes::builder()
                .set_keys(Some(left))
                .consistent_read(freshness == Freshness::Strong)
                .build()
                .map_err(unbuilt(OPERATION))?;
            let found = self
                .client
                .batch_get_item()
                .request_items(table, request)
                .return_consumed_capacity(ReturnConsumedCapacity::Total)
                .send()
                .await
                .map_err(failed(OPERATION))?;
            self.meter.read(found.consumed_capacity.unwrap_or_default());
            let mut responses = found.responses.unwrap_or_default();
            items.extend(responses.remove(table).unwrap_or_default());
            let mut unprocessed = found.unprocessed_keys.unwrap_or_default();
            left = unprocessed.remove(table).map(|rest| rest.keys).unwrap_or_default();
        }
        Err(Error::Throttled { operation: OPERATION, source: "keys are left unprocessed".into() })
    }
}

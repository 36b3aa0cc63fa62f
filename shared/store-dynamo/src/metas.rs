//! The library's meta store on DynamoDB, in the directory table.

use async_trait::async_trait;
use aws_sdk_dynamodb::types::{AttributeValue, ReturnConsumedCapacity};
use store::{Error, Meta, Metas, Put};
use timeline::TimelineId;

use crate::Dynamo;
use crate::call::failed;
use crate::directory::key;
use crate::item::{Item, Reader, text};
use crate::keys::{self, directory};
use crate::timelines::is_condition_of_update;

/// How often an update meets another that creates or forgets what it updates.
const ROUNDS_MAX: usize = 8;

#[async_trait]
impl Metas for Dynamo {
    async fn insert(&self, timeline: &TimelineId, meta: &Meta) -> Result<(), Error> {
        match self
            .put_if_absent(&self.tables.directory, item(timeline, meta), directory::SORT)
            .await?
        {
            Put::Stored => Ok(()),
            Put::Occupied(_) => Err(Error::Conflict { item: "meta" }),
        }
    }

    async fn read(&self, timeline: &TimelineId) -> Result<Option<Meta>, Error> {
        let key = key(keys::timeline(timeline), keys::META);
        let item = self.get_by_key(&self.tables.directory, key).await?;
        item.as_ref().map(to_meta).transpose()
    }

    async fn update(&self, timeline: &TimelineId, fields: &Meta) -> Result<(), Error> {
        if fields.is_empty() {
            return Err(Error::Invalid { reason: "an update without a field" });
        }
        for _ in 0..ROUNDS_MAX {
            if self.merge(timeline, fields).await? {
                return Ok(());
            }
            let created = item(timeline, fields);
            let put = self.put_if_absent(&self.tables.directory, created, directory::SORT);
            if matches!(put.await?, Put::Stored) {
                return Ok(());
            }
        }
        Err(Error::Contended)
    }

    async fn forget(&self, timeline: &TimelineId) -> Result<(), Error> {
        let forgotten = self
            .client
            .delete_item()
            .table_name(&self.tables.directory)
            .set_key(Some(key(keys::timeline(timeline), keys::META)))
            .return_consumed_capacity(ReturnConsumedCapacity::Total)
            .send()
            .await
            .map_err(failed("a removal of a meta"))?;
        self.meter.write(forgotten.consumed_capacity);
        Ok(())
    }
}

impl Dynamo {
    /// Sets fields of a meta that exists; says whether it does.
    async fn merge(&self, timeline: &TimelineId, fields: &Meta) -> Result<bool, Error> {
        let mut update = self
            .client
            .update_item()
            .table_name(&self.tables.directory)
            .set_key(Some(key(keys::timeline(timeline), keys::META)))
            .condition_expression("attribute_exists(#f)")
            .expression_attribute_names("#f", directory::FIELDS)
            .return_consumed_capacity(ReturnConsumedCapacity::Total);
        let mut sets = Vec::with_capacity(fields.len());
        for (index, (name, value)) in fields.iter().enumerate() {
            sets.push(format!("#f.#n{index} = :v{index}"));
            update = update
                .expression_attribute_names(format!("#n{index}"), name)
                .expression_attribute_values(format!(":v{index}"), text(value));
        }
        match update.update_expression(format!("SET {}", sets.join(", "))).send().await {
            Ok(updated) => {
                self.meter.write(updated.consumed_capacity);
                Ok(true)
            }
            Err(error) if is_condition_of_update(error.as_service_error()) => Ok(false),
            Err(error) => Err(failed("an update of a meta")(error)),
        }
    }
}

fn item(timeline: &TimelineId, meta: &Meta) -> Item {
    let mut item = key(keys::timeline(timeline), keys::META);
    let fields = meta.iter().map(|(name, value)| (name.clone(), text(value)));
    item.insert(directory::FIELDS.to_owned(), AttributeValue::M(fields.collect()));
    item
}

fn to_meta(item: &Item) -> Result<Meta, Error> {
    let read = Reader::new(item, "meta");
    let Some(AttributeValue::M(fields)) = item.get(directory::FIELDS) else {
        return Err(read.corrupt(directory::FIELDS));
    };
    let fields = fields.iter().map(|(name, value)| {
        let value = value.as_s().map_err(|_| read.corrupt(directory::FIELDS))?;
        Ok((name.clone(), value.clone()))
    });
    fields.collect()
}

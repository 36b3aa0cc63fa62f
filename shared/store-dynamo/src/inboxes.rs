//! The sync library on DynamoDB.

use async_trait::async_trait;
use aws_sdk_dynamodb::operation::query::builders::QueryFluentBuilder;
use aws_sdk_dynamodb::types::ReturnConsumedCapacity;
use store::{Error, InboxEnd, InboxPage, InboxTail, Inboxes, Put};
use timeline::{InboxEntry, Seq, UserId, limits};

use crate::Dynamo;
use crate::call::failed;
use crate::item::{Item, Reader, inbox_key, number, of_inbox, text, to_inbox};
use crate::keys::inbox;
use crate::timelines::is_condition_of_update;

/// What a part of an inbox holds.
#[derive(Default)]
struct Part {
    entries: Vec<InboxEntry>,
    anchor: Option<Seq>,
}

impl Part {
    fn read(items: &[Item]) -> Result<Self, Error> {
        let mut part = Self::default();
        for item in items {
            let read = Reader::new(item, "anchor");
            if read.number(inbox::POSITION)? == limits::ANCHOR_NUMBER {
                part.anchor = Some(read.seq(inbox::BASE)?);
            } else {
                part.entries.push(to_inbox(item)?);
            }
        }
        Ok(part)
    }
}

impl Dynamo {
    fn query_inbox(&self, user: &UserId, first: Seq, max_count: usize) -> QueryFluentBuilder {
        self.client
            .query()
            .table_name(&self.tables.inbox)
            .key_condition_expression("#u = :u AND #q >= :q")
            .expression_attribute_names("#u", inbox::USER)
            .expression_attribute_names("#q", inbox::POSITION)
            .expression_attribute_values(":u", text(user.as_str()))
            .expression_attribute_values(":q", number(first.number()))
            .limit(i32::try_from(max_count).unwrap_or(i32::MAX))
            .consistent_read(true)
            .return_consumed_capacity(ReturnConsumedCapacity::Total)
    }
}

#[async_trait]
impl Inboxes for Dynamo {
    async fn tail(&self, user: &UserId) -> Result<InboxTail, Error> {
        // One more than the look-back: the anchor sorts last and comes first.
        let query = self.query_inbox(user, Seq::ZERO, limits::INBOX_LOOK_BACK + 1);
        let found = query
            .scan_index_forward(false)
            .send()
            .await
            .map_err(failed("a read of an inbox's tail"))?;
        self.meter.read(found.consumed_capacity);
        let mut part = Part::read(&found.items.unwrap_or_default())?;
        part.entries.truncate(limits::INBOX_LOOK_BACK);
        Ok(InboxTail { newest: part.entries, anchor: part.anchor.unwrap_or(Seq::ZERO) })
    }

    async fn after(
        &self,
        user: &UserId,
        cursor: Seq,
        max_count: usize,
    ) -> Result<InboxPage, Error> {
        // Three more than asked for: the entry at the cursor, which shows that the numbers went
        // that far, the one that shows whether there is more, and the anchor.
        let items_max = max_count + 3;
        let mut items = Vec::new();
        let mut start = None;
        let mut reached_end = false;
        while !reached_end && items.len() < items_max {
            let found = self
                .query_inbox(user, cursor, items_max - items.len())
                .set_exclusive_start_key(start)
                .send()
                .await
                .map_err(failed("a read of an inbox"))?;
            self.meter.read(found.consumed_capacity);
            items.extend(found.items.unwrap_or_default());
            start = found.last_evaluated_key;
            reached_end = start.is_none();
        }
        let Part { mut entries, anchor } = Part::read(&items)?;
        let anchor = anchor.unwrap_or(Seq::ZERO);
        let newest = entries.last();
        let position = newest.map_or(Seq::ZERO, |entry| entry.position).max(anchor);
        let end = InboxEnd { position, anchor, expires: newest.map(|entry| entry.expires) };
        entries.retain(|entry| entry.position > cursor);
        reached_end &= entries.len() <= max_count;
        entries.truncate(max_count);
        Ok(InboxPage { entries, end: reached_end.then_some(end) })
    }

    async fn put(&self, user: &UserId, entry: &InboxEntry) -> Result<Put<InboxEntry>, Error> {
        let item = of_inbox(user, entry);
        match self.put_if_absent(&self.tables.inbox, item, inbox::POSITION).await? {
            Put::Stored => Ok(Put::Stored),
            Put::Occupied(other) => Ok(Put::Occupied(to_inbox(&other)?)),
        }
    }

    async fn raise_anchor(&self, user: &UserId, position: Seq) -> Result<(), Error> {
        let raised = self
            .client
            .update_item()
            .table_name(&self.tables.inbox)
            .set_key(Some(inbox_key(user, limits::ANCHOR_NUMBER)))
            .update_expression("SET #base = :base")
            .condition_expression("attribute_not_exists(#base) OR #base < :base")
            .expression_attribute_names("#base", inbox::BASE)
            .expression_attribute_values(":base", number(position.number()))
            .return_consumed_capacity(ReturnConsumedCapacity::Total)
            .send()
            .await;
        match raised {
            Ok(raised) => {
                self.meter.write(raised.consumed_capacity);
                Ok(())
            }
            Err(error) if is_condition_of_update(error.as_service_error()) => Ok(()),
            Err(error) => Err(failed("a write of an inbox's anchor")(error)),
        }
    }
}

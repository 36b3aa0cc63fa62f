//! The directory and claims on DynamoDB.

use std::collections::HashMap;

use async_trait::async_trait;
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::operation::update_item::builders::UpdateItemFluentBuilder;
use aws_sdk_dynamodb::types::{
    AttributeValue, ReturnConsumedCapacity, ReturnValuesOnConditionCheckFailure,
};
use store::{
    Claims, Conversation, Directory, Enlisting, Error, Listing, MemberRow, Put, ReadPosition,
    Reading, Wish,
};
use timeline::{ConversationId, MessageId, Muted, Seq, UserId};

use crate::Dynamo;
use crate::call::failed;
use crate::conversation::{
    of_conversation, of_row, to_conversation, to_listing, to_read, to_reading, to_row,
};
use crate::item::{Item, Reader, large, number, text};
use crate::keys::{self, directory, pending};
use crate::timelines::is_condition_of_update;

/// How often a claim whose answer was lost is made again.
const CLAIMS_MAX: usize = 3;

#[async_trait]
impl Directory for Dynamo {
    async fn conversation(&self, id: &ConversationId) -> Result<Option<Conversation>, Error> {
        let key = key(keys::conversation(id), keys::META);
        let item = self.get_by_key(&self.tables.directory, key).await?;
        item.map(|item| to_conversation(id, &item)).transpose()
    }

    async fn create(&self, conversation: &Conversation) -> Result<Put<Conversation>, Error> {
        let item = of_conversation(conversation);
        match self.put_if_absent(&self.tables.directory, item, directory::SORT).await? {
            Put::Stored => Ok(Put::Stored),
            Put::Occupied(other) => Ok(Put::Occupied(to_conversation(&conversation.id, &other)?)),
        }
    }

    async fn replace(&self, conversation: &Conversation, before: u64) -> Result<(), Error> {
        let item = of_conversation(conversation);
        if self.put_version(item, "#v = :v", before).await? {
            return Ok(());
        }
        Err(Error::Conflict { item: "conversation" })
    }

    async fn settle(&self, id: &ConversationId, version: u64) -> Result<(), Error> {
        let update = self
            .update_directory(key(keys::conversation(id), keys::META))
            .update_expression("REMOVE #pe")
            .condition_expression("#pe.#v = :v")
            .expression_attribute_names("#pe", directory::PENDING)
            .expression_attribute_names("#v", pending::VERSION)
            .expression_attribute_values(":v", number(version));
        self.update_if(update).await
    }

    async fn member(&self, id: &ConversationId, user: &UserId) -> Result<Option<MemberRow>, Error> {
        let key = key(keys::conversation(id), &keys::member(user));
        let item = self.get_by_key(&self.tables.directory, key).await?;
        Ok(item.as_ref().map(to_row).transpose()?.map(|(_, row)| row))
    }

    async fn put_member(
        &self,
        id: &ConversationId,
        user: &UserId,
        row: &MemberRow,
    ) -> Result<(), Error> {
        let item = of_row(id, user, row);
        self.put_version(item, "attribute_not_exists(#v) OR #v < :v", row.version).await?;
        Ok(())
    }

    async fn members(
        &self,
        id: &ConversationId,
        after: Option<&UserId>,
        max_count: usize,
    ) -> Result<Vec<(UserId, MemberRow)>, Error> {
        let after = after.map(keys::member);
        let partition = keys::conversation(id);
        let items = self.page(partition, keys::MEMBER_PREFIX, after, max_count).await?;
        items.iter().map(to_row).collect()
    }

    async fn list(&self, user: &UserId, enlisting: &Enlisting) -> Result<(), Error> {
        // Where reading begins is written by the first write of a version alone.
        if enlisting.begins.is_some() {
            let update = self.listing_update(user, enlisting, enlisting.begins);
            let update = update.condition_expression("attribute_not_exists(#v) OR #v < :v");
            if self.update_when(update).await? {
                return Ok(());
            }
        }
        let update = self.listing_update(user, enlisting, None);
        self.update_if(update.condition_expression("attribute_not_exists(#v) OR #v <= :v")).await
    }

    async fn unlist(
        &self,
        user: &UserId,
        conversation: &ConversationId,
        version: u64,
    ) -> Result<(), Error> {
        let update = self
            .update_directory(key(keys::user(user), &keys::listing(conversation)))
            .update_expression("SET #v = :v, #go = :go")
            .condition_expression("attribute_not_exists(#v) OR #v <= :v")
            .expression_attribute_names("#v", directory::VERSION)
            .expression_attribute_names("#go", directory::GONE)
            .expression_attribute_values(":v", number(version))
            .expression_attribute_values(":go", AttributeValue::Bool(true));
        self.update_if(update).await
    }

    async fn listing(
        &self,
        user: &UserId,
        conversation: &ConversationId,
    ) -> Result<Option<Listing>, Error> {
        let key = key(keys::user(user), &keys::listing(conversation));
        let item = self.get_by_key(&self.tables.directory, key).await?;
        let is_there = |item: &Item| !Reader::new(item, "listing").is_set(directory::GONE);
        item.filter(is_there).as_ref().map(to_listing).transpose()
    }

    async fn mark_read(
        &self,
        user: &UserId,
        conversation: &ConversationId,
        position: ReadPosition,
    ) -> Result<Option<ReadPosition>, Error> {
        let marked = self
            .update_directory(key(keys::user(user), &keys::listing(conversation)))
            .update_expression("SET #rs = :rs, #rn = :rn")
            .condition_expression(
                "attribute_exists(#v) AND attribute_not_exists(#go) \
                 AND (attribute_not_exists(#rs) OR #rs < :rs)",
            )
            .expression_attribute_names("#v", directory::VERSION)
            .expression_attribute_names("#go", directory::GONE)
            .expression_attribute_names("#rs", directory::READ)
            .expression_attribute_names("#rn", directory::READ_COUNTABLE)
            .expression_attribute_values(":rs", number(position.seq.number()))
            .expression_attribute_values(":rn", number(position.countable))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .send()
            .await;
        match marked {
            Ok(marked) => {
                self.meter.write(marked.consumed_capacity);
                Ok(Some(position))
            }
            Err(error) => match error.as_service_error() {
                Some(UpdateItemError::ConditionalCheckFailedException(failure)) => {
                    let kept = failure.item.clone().unwrap_or_default();
                    let read = Reader::new(&kept, "listing");
                    let is_listed =
                        read.is_set(directory::VERSION) && !read.is_set(directory::GONE);
                    is_listed.then(|| to_read(&kept)).transpose()
                }
                Some(_) | None => Err(failed("a read position")(error)),
            },
        }
    }

    async fn wish(
        &self,
        user: &UserId,
        conversation: &ConversationId,
        wish: Wish,
    ) -> Result<(), Error> {
        let (name, value) = match wish {
            Wish::Mute(Muted::Yes) => (directory::MUTED, Some(AttributeValue::Bool(true))),
            Wish::Mute(Muted::No) => (directory::MUTED, None),
            Wish::Pin(since) => (directory::PINNED, since.map(|since| number(since.0))),
        };
        let update = self
            .update_directory(key(keys::user(user), &keys::listing(conversation)))
            .condition_expression("attribute_exists(#v) AND attribute_not_exists(#go)")
            .expression_attribute_names("#v", directory::VERSION)
            .expression_attribute_names("#go", directory::GONE)
            .expression_attribute_names("#wish", name);
        let update = match value {
            None => update.update_expression("REMOVE #wish"),
            Some(value) => update
                .update_expression("SET #wish = :wish")
                .expression_attribute_values(":wish", value),
        };
        self.update_if(update).await
    }

    async fn note_read(&self, id: &ConversationId, reading: &Reading) -> Result<(), Error> {
        let update = self
            .update_directory(key(keys::conversation(id), &keys::reading(&reading.user)))
            .update_expression("SET #rs = :rs, #rt = :rt")
            .condition_expression("attribute_not_exists(#rs) OR #rs < :rs")
            .expression_attribute_names("#rs", directory::READ)
            .expression_attribute_names("#rt", directory::READ_AT)
            .expression_attribute_values(":rs", number(reading.seq.number()))
            .expression_attribute_values(":rt", number(reading.at.0));
        self.update_if(update).await
    }

    async fn readings(
        &self,
        id: &ConversationId,
        after: Option<&UserId>,
        max_count: usize,
    ) -> Result<Vec<Reading>, Error> {
        let after = after.map(keys::reading);
        let partition = keys::conversation(id);
        let items = self.page(partition, keys::READING_PREFIX, after, max_count).await?;
        items.iter().map(to_reading).collect()
    }

    async fn conversations(
        &self,
        user: &UserId,
        after: Option<&ConversationId>,
        max_count: usize,
    ) -> Result<Vec<Listing>, Error> {
        let mut found = Vec::new();
        let mut after = after.map(keys::listing);
        while found.len() < max_count {
            let wanted = max_count - found.len();
            let partition = keys::user(user);
            let items = self.page(partition, keys::LISTING_PREFIX, after, wanted).await?;
            for item in &items {
                if !Reader::new(item, "listing").is_set(directory::GONE) {
                    found.push(to_listing(item)?);
                }
            }
            let Some(last) = items.last().filter(|_| items.len() == wanted) else { break };
            after = Some(Reader::new(last, "listing").text(directory::SORT)?.to_owned());
        }
        Ok(found)
    }
}

impl Dynamo {
    /// Puts an item if `condition` holds of `#v`, the version that is kept, and `:v`; whether it
    /// did.
    async fn put_version(&self, item: Item, condition: &str, version: u64) -> Result<bool, Error> {
        let put = self
            .client
            .put_item()
            .table_name(&self.tables.directory)
            .set_item(Some(item))
            .condition_expression(condition)
            .expression_attribute_names("#v", directory::VERSION)
            .expression_attribute_values(":v", number(version))
            .return_consumed_capacity(ReturnConsumedCapacity::Total)
            .send()
            .await;
        match put {
            Ok(put) => {
                self.meter.write(put.consumed_capacity);
                Ok(true)
            }
            Err(error)
                if error
                    .as_service_error()
                    .is_some_and(PutItemError::is_conditional_check_failed_exception) =>
            {
                Ok(false)
            }
            Err(error) => Err(failed("a put by version")(error)),
        }
    }

    fn update_directory(&self, key: Item) -> UpdateItemFluentBuilder {
        self.client
            .update_item()
            .table_name(&self.tables.directory)
            .set_key(Some(key))
            .return_consumed_capacity(ReturnConsumedCapacity::Total)
    }

    /// What lists a conversation; the version that is kept is `#v`, and its own `:v`.
    fn listing_update(
        &self,
        user: &UserId,
        enlisting: &Enlisting,
        begins: Option<ReadPosition>,
    ) -> UpdateItemFluentBuilder {
        let key = key(keys::user(user), &keys::listing(&enlisting.conversation));
        let mut update = self
            .update_directory(key)
            .expression_attribute_names("#v", directory::VERSION)
            .expression_attribute_names("#js", directory::JOINED)
            .expression_attribute_names("#l", directory::LARGE)
            .expression_attribute_names("#go", directory::GONE)
            .expression_attribute_values(":v", number(enlisting.version))
            .expression_attribute_values(":js", number(enlisting.joined.number()));
        let (mut set, mut remove) = ("SET #v = :v, #js = :js".to_owned(), "REMOVE #go".to_owned());
        match large(enlisting.diffusion) {
            None => remove.push_str(", #l"),
            Some(large) => {
                set.push_str(", #l = :l");
                update = update.expression_attribute_values(":l", large);
            }
        }
        if let Some(begins) = begins {
            set.push_str(", #rs = :rs, #rn = :rn");
            update = update
                .expression_attribute_names("#rs", directory::READ)
                .expression_attribute_names("#rn", directory::READ_COUNTABLE)
                .expression_attribute_values(":rs", number(begins.seq.number()))
                .expression_attribute_values(":rn", number(begins.countable));
        }
        update.update_expression(format!("{set} {remove}"))
    }

    /// Makes an update; that its condition does not hold is no error.
    async fn update_if(&self, update: UpdateItemFluentBuilder) -> Result<(), Error> {
        self.update_when(update).await.map(drop)
    }

    /// Makes an update; whether its condition held.
    async fn update_when(&self, update: UpdateItemFluentBuilder) -> Result<bool, Error> {
        match update.send().await {
            Ok(updated) => {
                self.meter.write(updated.consumed_capacity);
                Ok(true)
            }
            Err(error) if is_condition_of_update(error.as_service_error()) => Ok(false),
            Err(error) => Err(failed("an update of the directory")(error)),
        }
    }

    /// The items of a partition whose sort keys begin with `prefix` and come after `after`.
    pub(crate) async fn page(
        &self,
        partition: String,
        prefix: &str,
        after: Option<String>,
        max_count: usize,
    ) -> Result<Vec<Item>, Error> {
        let mut items = Vec::new();
        let mut start = after.map(|after| key(partition.clone(), &after));
        while items.len() < max_count {
            let page = self
                .client
                .query()
                .table_name(&self.tables.directory)
                .key_condition_expression("#p = :p AND begins_with(#k, :k)")
                .expression_attribute_names("#p", directory::PARTITION)
                .expression_attribute_names("#k", directory::SORT)
                .expression_attribute_values(":p", text(partition.clone()))
                .expression_attribute_values(":k", text(prefix))
                .limit(i32::try_from(max_count - items.len()).unwrap_or(i32::MAX))
                .set_exclusive_start_key(start)
                .consistent_read(true)
                .return_consumed_capacity(ReturnConsumedCapacity::Total)
                .send()
                .await
                .map_err(failed("a read of the directory"))?;
            self.meter.read(page.consumed_capacity);
            items.extend(page.items.unwrap_or_default());
            start = page.last_evaluated_key;
            if start.is_none() {
                break;
            }
        }
        Ok(items)
    }
}

#[async_trait]
impl Claims for Dynamo {
    async fn claim(
        &self,
        conversation: &ConversationId,
        author: &UserId,
        id: &MessageId,
        base: Seq,
    ) -> Result<Seq, Error> {
        let mut item = key(keys::conversation(conversation), &keys::claim(author, id));
        item.insert(directory::FROM.to_owned(), number(base.number()));
        let mut attempts = 1;
        loop {
            let put = self.put_if_absent(&self.tables.directory, item.clone(), directory::SORT);
            match put.await {
                Ok(Put::Stored) => return Ok(base),
                Ok(Put::Occupied(claim)) => {
                    return Reader::new(&claim, "claim").seq(directory::FROM);
                }
                Err(error) if error.is_ambiguous() && attempts < CLAIMS_MAX => attempts += 1,
                Err(error) => return Err(error),
            }
        }
    }
}

/// A key of the directory.
pub(crate) fn key(partition: String, sort: &str) -> Item {
    HashMap::from([
        (directory::PARTITION.to_owned(), text(partition)),
        (directory::SORT.to_owned(), text(sort)),
    ])
}

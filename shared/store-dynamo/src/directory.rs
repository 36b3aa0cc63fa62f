//! The directory and claims on DynamoDB.

use std::collections::{BTreeMap, HashMap};

use async_trait::async_trait;
use aws_sdk_dynamodb::types::{AttributeValue, ReturnConsumedCapacity};
use store::{Claims, Conversation, Directory, Error, Membership, Put};
use timeline::{ConversationId, MessageId, Seq, Timestamp, UserId};

use crate::Dynamo;
use crate::call::failed;
use crate::item::{Item, Reader, number, text};
use crate::keys::{self, directory};

/// How often a claim whose answer was lost is made again.
const CLAIMS_MAX: usize = 3;

#[async_trait]
impl Directory for Dynamo {
    async fn conversation(&self, id: &ConversationId) -> Result<Option<Conversation>, Error> {
        let key = key(keys::conversation(id), keys::META);
        let item = self.get_by_key(&self.tables.directory, key).await?;
        item.map(|item| to_conversation(id, &item)).transpose()
    }

    async fn list(
        &self,
        user: &UserId,
        conversation: &ConversationId,
        joined: Seq,
    ) -> Result<(), Error> {
        let mut item = key(keys::user(user), &keys::listing(conversation));
        item.insert(directory::JOINED.to_owned(), number(joined.number()));
        self.put_if_absent(&self.tables.directory, item, directory::SORT).await?;
        Ok(())
    }

    async fn create(&self, conversation: &Conversation) -> Result<(), Error> {
        let item = of_conversation(conversation);
        self.put_if_absent(&self.tables.directory, item, directory::SORT).await?;
        Ok(())
    }

    async fn conversations(
        &self,
        user: &UserId,
        after: Option<&ConversationId>,
        max_count: usize,
    ) -> Result<Vec<ConversationId>, Error> {
        let mut found = Vec::new();
        let mut start = after.map(|after| key(keys::user(user), &keys::listing(after)));
        while found.len() < max_count {
            let page = self
                .client
                .query()
                .table_name(&self.tables.directory)
                .key_condition_expression("#p = :p AND begins_with(#k, :k)")
                .expression_attribute_names("#p", directory::PARTITION)
                .expression_attribute_names("#k", directory::SORT)
                .expression_attribute_values(":p", text(keys::user(user)))
                .expression_attribute_values(":k", text(keys::LISTING_PREFIX))
                .limit(i32::try_from(max_count - found.len()).unwrap_or(i32::MAX))
                .set_exclusive_start_key(start)
                .consistent_read(true)
                .return_consumed_capacity(ReturnConsumedCapacity::Total)
                .send()
                .await
                .map_err(failed("a read of a user's conversations"))?;
            self.meter.read(page.consumed_capacity);
            for item in page.items.unwrap_or_default() {
                found.push(to_listing(&item)?);
            }
            start = page.last_evaluated_key;
            if start.is_none() {
                break;
            }
        }
        Ok(found)
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

fn of_conversation(conversation: &Conversation) -> Item {
    let mut item = key(keys::conversation(&conversation.id), keys::META);
    let members = conversation.members.iter().map(|(user, membership)| {
        let joined = number(membership.joined.number());
        let fields = HashMap::from([(directory::JOINED.to_owned(), joined)]);
        (user.as_str().to_owned(), AttributeValue::M(fields))
    });
    item.insert(directory::MEMBERS.to_owned(), AttributeValue::M(members.collect()));
    item.insert(directory::VERSION.to_owned(), number(conversation.version));
    item.insert(directory::MADE.to_owned(), number(conversation.made.0));
    item
}

fn to_conversation(id: &ConversationId, item: &Item) -> Result<Conversation, Error> {
    let read = Reader::new(item, "conversation");
    let Some(AttributeValue::M(kept)) = item.get(directory::MEMBERS) else {
        return Err(read.corrupt(directory::MEMBERS));
    };
    let mut members = BTreeMap::new();
    for (user, fields) in kept {
        let user = UserId::parse(user).map_err(|_| read.corrupt(directory::MEMBERS))?;
        let AttributeValue::M(fields) = fields else {
            return Err(read.corrupt(directory::MEMBERS));
        };
        let joined = Reader::new(fields, "member").seq(directory::JOINED)?;
        members.insert(user, Membership { joined });
    }
    Ok(Conversation {
        id: id.clone(),
        version: read.number(directory::VERSION)?,
        made: Timestamp(read.number(directory::MADE)?),
        members,
    })
}

fn to_listing(item: &Item) -> Result<ConversationId, Error> {
    let read = Reader::new(item, "listing");
    let id = read.text(directory::SORT)?.strip_prefix(keys::LISTING_PREFIX);
    let id = id.and_then(|id| ConversationId::parse(id).ok());
    id.ok_or_else(|| read.corrupt(directory::SORT))
}

//! The focuses on DynamoDB: rows of the directory that expire.

use async_trait::async_trait;
use aws_sdk_dynamodb::operation::delete_item::DeleteItemError;
use aws_sdk_dynamodb::types::ReturnConsumedCapacity;
use store::{Error, Focus, Focuses};
use timeline::{ConversationId, Timestamp, UserId};

use crate::Dynamo;
use crate::call::failed;
use crate::directory::key;
use crate::item::{Item, Reader, number, text};
use crate::keys::{self, directory};

#[async_trait]
impl Focuses for Dynamo {
    async fn focus(&self, conversation: &ConversationId, focus: &Focus) -> Result<(), Error> {
        let mut item = row_key(conversation, focus);
        item.insert(directory::CONNECTION.to_owned(), text(focus.connection.as_str()));
        item.insert(directory::EXPIRES.to_owned(), number(focus.expires.seconds()));
        let put = self
            .client
            .put_item()
            .table_name(&self.tables.directory)
            .set_item(Some(item))
            .return_consumed_capacity(ReturnConsumedCapacity::Total)
            .send()
            .await
            .map_err(failed("a put of a focus"))?;
        self.meter.write(put.consumed_capacity);
        Ok(())
    }

    async fn blur(&self, conversation: &ConversationId, focus: &Focus) -> Result<(), Error> {
        let deleted = self
            .client
            .delete_item()
            .table_name(&self.tables.directory)
            .set_key(Some(row_key(conversation, focus)))
            .condition_expression("#cn = :cn")
            .expression_attribute_names("#cn", directory::CONNECTION)
            .expression_attribute_values(":cn", text(focus.connection.as_str()))
            .return_consumed_capacity(ReturnConsumedCapacity::Total)
            .send()
            .await;
        match deleted {
            Ok(deleted) => {
                self.meter.write(deleted.consumed_capacity);
                Ok(())
            }
            Err(error)
                if error
                    .as_service_error()
                    .is_some_and(DeleteItemError::is_conditional_check_failed_exception) =>
            {
                Ok(())
            }
            Err(error) => Err(failed("a removal of a focus")(error)),
        }
    }

    async fn focused(
        &self,
        conversation: &ConversationId,
        user: Option<&UserId>,
        max_count: usize,
    ) -> Result<Vec<Focus>, Error> {
        let prefix = match user {
            Some(user) => keys::focuses(user),
            None => keys::FOCUS_PREFIX.to_owned(),
        };
        let partition = keys::conversation(conversation);
        let items = self.page(partition, &prefix, None, max_count).await?;
        items.iter().map(to_focus).collect()
    }
}

fn row_key(conversation: &ConversationId, focus: &Focus) -> Item {
    key(keys::conversation(conversation), &keys::focus(&focus.user, &focus.device))
}

fn to_focus(item: &Item) -> Result<Focus, Error> {
    let read = Reader::new(item, "focus");
    let whose = keys::of_focus(read.text(directory::SORT)?);
    let (user, device) = whose.ok_or_else(|| read.corrupt(directory::SORT))?;
    Ok(Focus {
        user,
        device,
        connection: read.connection(directory::CONNECTION)?,
        expires: Timestamp(read.number(directory::EXPIRES)?.saturating_mul(1_000)),
    })
}

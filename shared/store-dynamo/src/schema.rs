//! Set-up and drop of the tables, for those who have no template: the library's users and tests.

use aws_sdk_dynamodb::error::ProvideErrorMetadata;
use aws_sdk_dynamodb::types::{
    AttributeDefinition, BillingMode, KeySchemaElement, KeyType, ScalarAttributeType,
    TimeToLiveSpecification,
};
use store::Error;

use crate::Dynamo;
use crate::call::{failed, unbuilt};
use crate::keys::{connections, directory, entry, inbox, search};

/// A key attribute and its type.
type Key = (&'static str, ScalarAttributeType);

/// A table as the ports need it.
struct Table<'a> {
    name: &'a str,
    partition: Key,
    sort: Option<Key>,
    ttl: Option<&'static str>,
}

impl Dynamo {
    fn schema(&self) -> [Table<'_>; 5] {
        let tables = &self.tables;
        use ScalarAttributeType::{N, S};
        let (text, number) = (|name| (name, S), |name| (name, N));
        [
            Table {
                name: &tables.timeline,
                partition: text(entry::TIMELINE),
                sort: Some(number(entry::SEQ)),
                ttl: None,
            },
            Table {
                name: &tables.inbox,
                partition: text(inbox::USER),
                sort: Some(number(inbox::POSITION)),
                ttl: Some(inbox::EXPIRES),
            },
            Table {
                name: &tables.directory,
                partition: text(directory::PARTITION),
                sort: Some(text(directory::SORT)),
                ttl: Some(directory::EXPIRES),
            },
            Table {
                name: &tables.connections,
                partition: text(connections::USER),
                sort: None,
                ttl: Some(connections::EXPIRES),
            },
            Table {
                name: &tables.search,
                partition: text(search::PARTITION),
                sort: Some(number(search::NUMBER)),
                ttl: None,
            },
        ]
    }

    /// Creates the tables that are not there; doing it again changes nothing.
    ///
    /// On AWS a new table takes seconds to become active; until then calls fail as refused.
    ///
    /// # Errors
    ///
    /// As the store's.
    pub async fn set_up(&self) -> Result<(), Error> {
        for table in self.schema() {
            self.create(&table).await?;
        }
        Ok(())
    }

    /// Drops the tables with all they hold; doing it again changes nothing.
    ///
    /// # Errors
    ///
    /// As the store's.
    pub async fn drop_all(&self) -> Result<(), Error> {
        for table in self.schema() {
            match self.client.delete_table().table_name(table.name).send().await {
                Ok(_) => {}
                Err(error)
                    if error
                        .as_service_error()
                        .is_some_and(|error| error.is_resource_not_found_exception()) => {}
                Err(error) => return Err(failed("a drop of a table")(error)),
            }
        }
        Ok(())
    }

    async fn create(&self, table: &Table<'_>) -> Result<(), Error> {
        const OPERATION: &str = "a set-up of a table";
        let mut request = self
            .client
            .create_table()
            .table_name(table.name)
            .billing_mode(BillingMode::PayPerRequest);
        let partition = Some((&table.partition, KeyType::Hash));
        let sort = table.sort.as_ref().map(|sort| (sort, KeyType::Range));
        for ((name, kind), role) in partition.into_iter().chain(sort) {
            let key = KeySchemaElement::builder().attribute_name(*name).key_type(role).build();
            let attribute = AttributeDefinition::builder()
                .attribute_name(*name)
                .attribute_type(kind.clone())
                .build();
            request = request
                .key_schema(key.map_err(unbuilt(OPERATION))?)
                .attribute_definitions(attribute.map_err(unbuilt(OPERATION))?);
        }
        match request.send().await {
            Ok(_) => self.expire(table).await,
            Err(error)
                if error
                    .as_service_error()
                    .is_some_and(|error| error.is_resource_in_use_exception()) =>
            {
                // An earlier set-up may have ended between the two requests.
                self.expire(table).await
            }
            Err(error) => Err(failed(OPERATION)(error)),
        }
    }

    async fn expire(&self, table: &Table<'_>) -> Result<(), Error> {
        const OPERATION: &str = "a set-up of a table's time-to-live";
        let Some(attribute) = table.ttl else { return Ok(()) };
        let specification = TimeToLiveSpecification::builder()
            .enabled(true)
            .attribute_name(attribute)
            .build()
            .map_err(unbuilt(OPERATION))?;
        let expiring = self
            .client
            .update_time_to_live()
            .table_name(table.name)
            .time_to_live_specification(specification)
            .send()
            .await;
        match expiring {
            Ok(_) => Ok(()),
            // AWS answers so where it is enabled already; the embedded store accepts it again.
            Err(error) if error.code() == Some("ValidationException") => Ok(()),
            Err(error) => Err(failed(OPERATION)(error)),
        }
    }
}

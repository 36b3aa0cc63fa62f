//! The registry on DynamoDB: one item per user, one attribute per device.

use std::collections::HashMap;

use async_trait::async_trait;
use aws_sdk_dynamodb::types::{AttributeValue, ReturnConsumedCapacity, ReturnValue};
use store::{Connections, Error, Registered, Registration};
use timeline::{ConnectionId, DeviceId, Timestamp, UserId, limits};

use crate::Dynamo;
use crate::call::failed;
use crate::item::{Item, Reader, number, text};
use crate::keys::{self, connections};
use crate::timelines::is_condition_of_update;

#[async_trait]
impl Connections for Dynamo {
    async fn register(
        &self,
        user: &UserId,
        registration: &Registration,
    ) -> Result<Registered, Error> {
        // The row outlives every connection in it, so that expiry never makes a device deaf.
        let expires = registration.connected.plus(2 * limits::CONNECTION_MS_MAX).seconds();
        let registered = self
            .client
            .update_item()
            .table_name(&self.tables.connections)
            .set_key(Some(key(user)))
            .update_expression("SET #d = :row, #e = :e")
            .condition_expression("attribute_not_exists(#d) OR #d.#a < :a OR #d.#c = :c")
            .expression_attribute_names("#d", keys::device(&registration.device))
            .expression_attribute_names("#e", connections::EXPIRES)
            .expression_attribute_names("#a", connections::CONNECTED)
            .expression_attribute_names("#c", connections::CONNECTION)
            .expression_attribute_values(":row", of_registration(registration))
            .expression_attribute_values(":e", number(expires))
            .expression_attribute_values(":a", number(registration.connected.0))
            .expression_attribute_values(":c", text(registration.connection.as_str()))
            .return_values(ReturnValue::AllOld)
            .return_consumed_capacity(ReturnConsumedCapacity::Total)
            .send()
            .await;
        match registered {
            Ok(registered) => {
                self.meter.write(registered.consumed_capacity);
                let before = registered.attributes.unwrap_or_default();
                let before = to_registration(&before, &registration.device)?;
                let replaced = before
                    .map(|before| before.connection)
                    .filter(|connection| *connection != registration.connection);
                Ok(Registered { replaced })
            }
            Err(error) if is_condition_of_update(error.as_service_error()) => {
                Err(Error::Conflict { item: "registration" })
            }
            Err(error) => Err(failed("a registration")(error)),
        }
    }

    async fn unregister(
        &self,
        user: &UserId,
        device: &DeviceId,
        connection: &ConnectionId,
        made_before: Option<Timestamp>,
    ) -> Result<(), Error> {
        let mut update = self
            .client
            .update_item()
            .table_name(&self.tables.connections)
            .set_key(Some(key(user)))
            .update_expression("REMOVE #d")
            .expression_attribute_names("#d", keys::device(device))
            .expression_attribute_names("#c", connections::CONNECTION)
            .expression_attribute_values(":c", text(connection.as_str()))
            .return_consumed_capacity(ReturnConsumedCapacity::Total);
        update = match made_before {
            None => update.condition_expression("#d.#c = :c"),
            Some(before) => update
                .condition_expression("#d.#c = :c AND #d.#a < :a")
                .expression_attribute_names("#a", connections::CONNECTED)
                .expression_attribute_values(":a", number(before.0)),
        };
        match update.send().await {
            Ok(removed) => {
                self.meter.write(removed.consumed_capacity);
                Ok(())
            }
            Err(error) if is_condition_of_update(error.as_service_error()) => Ok(()),
            Err(error) => Err(failed("a removal of a registration")(error)),
        }
    }

    async fn of(&self, users: &[UserId]) -> Result<Vec<(UserId, Vec<Registration>)>, Error> {
        let items = match users {
            [] => Vec::new(),
            [user] => {
                self.get_by_key(&self.tables.connections, key(user)).await?.into_iter().collect()
            }
            users => {
                let keys = users.iter().map(key).collect();
                self.get_by_keys(&self.tables.connections, keys).await?
            }
        };
        let mut found = Vec::with_capacity(items.len());
        for item in items {
            let user = Reader::new(&item, "registration").user(connections::USER)?;
            let devices = to_registrations(&item)?;
            if !devices.is_empty() {
                found.push((user, devices));
            }
        }
        Ok(found)
    }
}

fn key(user: &UserId) -> Item {
    HashMap::from([(connections::USER.to_owned(), text(user.as_str()))])
}

fn of_registration(registration: &Registration) -> AttributeValue {
    AttributeValue::M(HashMap::from([
        (connections::CONNECTION.to_owned(), text(registration.connection.as_str())),
        (connections::CONNECTED.to_owned(), number(registration.connected.0)),
        (connections::TOKEN_EXPIRES.to_owned(), number(registration.expires.0)),
    ]))
}

/// Every device of a user's item, in the order of their names.
fn to_registrations(item: &Item) -> Result<Vec<Registration>, Error> {
    let mut devices = Vec::new();
    for attribute in item.keys() {
        let Some(name) = attribute.strip_prefix(connections::DEVICE_PREFIX) else { continue };
        let device = DeviceId::parse(name)
            .map_err(|_| Reader::new(item, "registration").corrupt("a device's name"))?;
        devices.extend(to_registration(item, &device)?);
    }
    devices.sort_by(|one, other| one.device.cmp(&other.device));
    Ok(devices)
}

/// One device of a user's item.
fn to_registration(item: &Item, device: &DeviceId) -> Result<Option<Registration>, Error> {
    let map = match item.get(&keys::device(device)) {
        None => return Ok(None),
        Some(AttributeValue::M(map)) => map,
        Some(_) => return Err(Reader::new(item, "registration").corrupt("a device's map")),
    };
    let read = Reader::new(map, "registration");
    Ok(Some(Registration {
        device: device.clone(),
        connection: read.connection(connections::CONNECTION)?,
        connected: Timestamp(read.number(connections::CONNECTED)?),
        expires: Timestamp(read.number(connections::TOKEN_EXPIRES)?),
    }))
}

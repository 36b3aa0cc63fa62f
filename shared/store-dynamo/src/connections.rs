//! The registry on DynamoDB: one item per user, one attribute per device and per tombstone.
//!
//! # Invariants
//!
//! * A device has a registration or a tombstone, never both: whatever writes one removes the other.
//! * The item expires no earlier than the last of its tombstones, and than four hours after its
//!   newest connection was made: its expiry is never set back. Expressions know no maximum, so a
//!   write that would set it back fails and is made again with the expiry that it met. That costs a
//!   second write unit while a tombstone stands whose token lives longer than those four hours.

use std::collections::{BTreeSet, HashMap};

use async_trait::async_trait;
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::operation::update_item::builders::UpdateItemFluentBuilder;
use aws_sdk_dynamodb::types::{
    AttributeValue, ReturnConsumedCapacity, ReturnValue, ReturnValuesOnConditionCheckFailure,
};
use store::{Connections, Error, Eviction, Freshness, Registered, Registration, Tombstone};
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
        let Registration { device, connection, connected, .. } = registration;
        let mut row_expires = row_expiry(registration);
        for _ in 0..=limits::REGISTRY_CONFLICTS_MAX {
            match self.put_registration(user, registration, row_expires).await? {
                Written::Over(item) => {
                    let before = to_registration(&item, device)?.map(|before| before.connection);
                    let mut others = to_registrations(&item)?;
                    others.retain(|other| other.device != *device);
                    let mut tombstones = to_tombstones(&item)?;
                    tombstones.retain(|tombstone| tombstone.device != *device);
                    let replaced = before.filter(|before| before != connection);
                    return Ok(Registered { replaced, others, tombstones });
                }
                Written::Refused(item) => {
                    let left = to_tombstone(&item, device)?;
                    if left.is_some_and(|left| left.expires >= registration.expires) {
                        return Err(Error::Kicked);
                    }
                    let newer = to_registration(&item, device)?.filter(|registered| {
                        registered.connection != *connection && registered.connected >= *connected
                    });
                    if newer.is_some() {
                        return Err(Error::Conflict { item: "registration" });
                    }
                    row_expires = row_expires.max(row_expiry_of(&item)?);
                }
            }
        }
        Err(Error::Contended)
    }

    async fn evict(&self, user: &UserId, eviction: Eviction<'_>) -> Result<bool, Error> {
        let Eviction { evicted, newcomer, tombstones, now } = eviction;
        let mut standing = tombstones.to_vec();
        let ends = standing.iter().map(|left| left.expires).chain([evicted.expires]);
        let mut row_expires = ends.map(expiry_after).fold(row_expiry(newcomer), u64::max);
        for _ in 0..=limits::REGISTRY_CONFLICTS_MAX {
            let faded = Tombstone::faded(&standing, now);
            match self.put_tombstone(user, evicted, &faded, row_expires).await? {
                Written::Over(_) => return Ok(true),
                Written::Refused(item) => match to_registration(&item, &evicted.device)? {
                    Some(registered) if registered.connection == evicted.connection => {
                        standing = to_tombstones(&item)?;
                        row_expires = row_expires.max(row_expiry_of(&item)?);
                    }
                    Some(_) => return Ok(false),
                    None => {
                        let left = to_tombstone(&item, &evicted.device)?;
                        return Ok(left.is_some_and(|left| left.expires >= evicted.expires));
                    }
                },
            }
        }
        Err(Error::Contended)
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

    async fn signals(
        &self,
        user: &UserId,
        device: &DeviceId,
        connection: &ConnectionId,
        now: Timestamp,
        gap_ms: u64,
    ) -> Result<bool, Error> {
        let written = self
            .client
            .update_item()
            .table_name(&self.tables.connections)
            .set_key(Some(key(user)))
            .update_expression("SET #d.#y = :now")
            .condition_expression(
                "#d.#c = :c AND \
                 (attribute_not_exists(#d.#y) OR #d.#y <= :before OR #d.#y = :now)",
            )
            .expression_attribute_names("#d", keys::device(device))
            .expression_attribute_names("#c", connections::CONNECTION)
            .expression_attribute_names("#y", connections::SIGNALED)
            .expression_attribute_values(":c", text(connection.as_str()))
            .expression_attribute_values(":now", number(now.0))
            .expression_attribute_values(":before", number(now.0.saturating_sub(gap_ms)))
            .return_consumed_capacity(ReturnConsumedCapacity::Total)
            .send()
            .await;
        match written {
            Ok(written) => {
                self.meter.write(written.consumed_capacity);
                Ok(true)
            }
            Err(error) if is_condition_of_update(error.as_service_error()) => Ok(false),
            Err(error) => Err(failed("a signal")(error)),
        }
    }

    async fn of(&self, users: &[UserId]) -> Result<Vec<(UserId, Vec<Registration>)>, Error> {
        // A batch names no key twice.
        let unique: BTreeSet<_> = users.iter().collect();
        let unique: Vec<_> = unique.into_iter().collect();
        let items = match unique.as_slice() {
            [] => Vec::new(),
            [user] => {
                self.get_by_key(&self.tables.connections, key(user)).await?.into_iter().collect()
            }
            users => {
                let keys = users.iter().map(|user| key(user)).collect();
                self.get_by_keys(&self.tables.connections, keys, Freshness::Strong).await?
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

/// What a conditional write to a row met.
enum Written {
    /// It was made; this was there before.
    Over(Item),
    /// Its condition did not hold; this is there, or nothing.
    Refused(Item),
}

impl Dynamo {
    /// Writes a registration where neither a newer connection, nor a tombstone of this login, nor a
    /// later expiry of the row stands.
    async fn put_registration(
        &self,
        user: &UserId,
        registration: &Registration,
        row_expires: u64,
    ) -> Result<Written, Error> {
        let update = self
            .update_row(user, row_expires)
            .update_expression("SET #d = :row, #e = :e REMOVE #k")
            .condition_expression(
                "(attribute_not_exists(#d) OR #d.#a < :a OR #d.#c = :c) AND \
                 (attribute_not_exists(#k) OR #k.#x < :x) AND \
                 (attribute_not_exists(#e) OR #e <= :e)",
            )
            .expression_attribute_names("#d", keys::device(&registration.device))
            .expression_attribute_names("#k", keys::tombstone(&registration.device))
            .expression_attribute_names("#a", connections::CONNECTED)
            .expression_attribute_names("#c", connections::CONNECTION)
            .expression_attribute_names("#x", connections::TOKEN_EXPIRES)
            .expression_attribute_values(":row", of_registration(registration))
            .expression_attribute_values(":a", number(registration.connected.0))
            .expression_attribute_values(":c", text(registration.connection.as_str()))
            .expression_attribute_values(":x", number(registration.expires.0));
        self.write_row(update, "a registration").await
    }

    /// Writes a tombstone where the registration stands, the row does not expire later, and those
    /// that have faded are no younger than they were.
    async fn put_tombstone(
        &self,
        user: &UserId,
        evicted: &Registration,
        faded: &[Tombstone],
        row_expires: u64,
    ) -> Result<Written, Error> {
        let mut removed = "#d".to_owned();
        let mut condition = "#d.#c = :c AND #e <= :e".to_owned();
        let mut update = self.update_row(user, row_expires);
        for (index, Tombstone { device, expires }) in faded.iter().enumerate() {
            let (name, value) = (format!("#f{index}"), format!(":f{index}"));
            removed.push_str(&format!(", {name}"));
            condition
                .push_str(&format!(" AND (attribute_not_exists({name}) OR {name}.#x <= {value})"));
            update = update
                .expression_attribute_names(name, keys::tombstone(device))
                .expression_attribute_values(value, number(expires.0));
        }
        if !faded.is_empty() {
            update = update.expression_attribute_names("#x", connections::TOKEN_EXPIRES);
        }
        let update = update
            .update_expression(format!("SET #k = :k, #e = :e REMOVE {removed}"))
            .condition_expression(condition)
            .expression_attribute_names("#d", keys::device(&evicted.device))
            .expression_attribute_names("#k", keys::tombstone(&evicted.device))
            .expression_attribute_names("#c", connections::CONNECTION)
            .expression_attribute_values(":k", of_tombstone(evicted.expires))
            .expression_attribute_values(":c", text(evicted.connection.as_str()));
        self.write_row(update, "an eviction").await
    }

    /// An update of a user's row that lets it expire then.
    fn update_row(&self, user: &UserId, row_expires: u64) -> UpdateItemFluentBuilder {
        self.client
            .update_item()
            .table_name(&self.tables.connections)
            .set_key(Some(key(user)))
            .expression_attribute_names("#e", connections::EXPIRES)
            .expression_attribute_values(":e", number(row_expires))
            .return_values(ReturnValue::AllOld)
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .return_consumed_capacity(ReturnConsumedCapacity::Total)
    }

    async fn write_row(
        &self,
        update: UpdateItemFluentBuilder,
        operation: &'static str,
    ) -> Result<Written, Error> {
        match update.send().await {
            Ok(written) => {
                self.meter.write(written.consumed_capacity);
                Ok(Written::Over(written.attributes.unwrap_or_default()))
            }
            Err(error) => match error.as_service_error() {
                Some(UpdateItemError::ConditionalCheckFailedException(failure)) => {
                    Ok(Written::Refused(failure.item.clone().unwrap_or_default()))
                }
                Some(_) | None => Err(failed(operation)(error)),
            },
        }
    }
}

fn key(user: &UserId) -> Item {
    HashMap::from([(connections::USER.to_owned(), text(user.as_str()))])
}

/// When a row may expire for all that this registration needs, in seconds: it outlives every
/// connection in it, so that expiry never makes a device deaf.
fn row_expiry(registration: &Registration) -> u64 {
    registration.connected.plus(2 * limits::CONNECTION_MS_MAX).seconds()
}

/// The first full second after `time`.
fn expiry_after(time: Timestamp) -> u64 {
    time.seconds().saturating_add(1)
}

/// When a row expires, in seconds; 0 if it is not there.
fn row_expiry_of(item: &Item) -> Result<u64, Error> {
    if item.is_empty() {
        return Ok(0);
    }
    Reader::new(item, "registration").number(connections::EXPIRES)
}

fn of_registration(registration: &Registration) -> AttributeValue {
    let mut map = HashMap::from([
        (connections::CONNECTION.to_owned(), text(registration.connection.as_str())),
        (connections::CONNECTED.to_owned(), number(registration.connected.0)),
        (connections::TOKEN_EXPIRES.to_owned(), number(registration.expires.0)),
    ]);
    if let Some(platform) = &registration.platform {
        map.insert(connections::PLATFORM.to_owned(), text(platform.as_str()));
    }
    AttributeValue::M(map)
}

fn of_tombstone(expires: Timestamp) -> AttributeValue {
    let map = [(connections::TOKEN_EXPIRES.to_owned(), number(expires.0))];
    AttributeValue::M(HashMap::from(map))
}

/// Every device of a user's item, in the order of their names.
fn to_registrations(item: &Item) -> Result<Vec<Registration>, Error> {
    let mut registrations = Vec::new();
    for device in devices(item, connections::DEVICE_PREFIX)? {
        registrations.extend(to_registration(item, &device)?);
    }
    Ok(registrations)
}

/// Every tombstone of a user's item, in the order of their devices' names.
fn to_tombstones(item: &Item) -> Result<Vec<Tombstone>, Error> {
    let mut tombstones = Vec::new();
    for device in devices(item, connections::TOMBSTONE_PREFIX)? {
        tombstones.extend(to_tombstone(item, &device)?);
    }
    Ok(tombstones)
}

/// The devices that a user's item has an attribute of this kind for, in the order of their names.
fn devices(item: &Item, prefix: &str) -> Result<Vec<DeviceId>, Error> {
    let names = item.keys().filter_map(|attribute| attribute.strip_prefix(prefix));
    let mut devices = names
        .map(DeviceId::parse)
        .collect::<Result<Vec<_>, _>>()
        .map_err(|_| Reader::new(item, "registration").corrupt("a device's name"))?;
    devices.sort();
    Ok(devices)
}

/// One device of a user's item.
fn to_registration(item: &Item, device: &DeviceId) -> Result<Option<Registration>, Error> {
    let Some(map) = map(item, &keys::device(device))? else { return Ok(None) };
    let read = Reader::new(map, "registration");
    Ok(Some(Registration {
        device: device.clone(),
        platform: read.platform(connections::PLATFORM)?,
        connection: read.connection(connections::CONNECTION)?,
        connected: Timestamp(read.number(connections::CONNECTED)?),
        expires: Timestamp(read.number(connections::TOKEN_EXPIRES)?),
    }))
}

/// One device's tombstone in a user's item.
fn to_tombstone(item: &Item, device: &DeviceId) -> Result<Option<Tombstone>, Error> {
    let Some(map) = map(item, &keys::tombstone(device))? else { return Ok(None) };
    let expires = Reader::new(map, "tombstone").number(connections::TOKEN_EXPIRES)?;
    Ok(Some(Tombstone { device: device.clone(), expires: Timestamp(expires) }))
}

/// The map that an attribute of a user's item is, if it is there.
fn map<'a>(item: &'a Item, attribute: &str) -> Result<Option<&'a Item>, Error> {
    match item.get(attribute) {
        None => Ok(None),
        Some(AttributeValue::M(map)) => Ok(Some(map)),
        Some(_) => Err(Reader::new(item, "registration").corrupt("a device's map")),
    }
}

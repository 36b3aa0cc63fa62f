//! The port to the registry: which device of whom listens on which connection.

use async_trait::async_trait;
use timeline::{ConnectionId, DeviceId, Timestamp, UserId};

use crate::error::Error;

/// A device's connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Registration {
    /// Which device.
    pub device: DeviceId,
    /// Where it listens.
    pub connection: ConnectionId,
    /// When the connection was made, by API Gateway's clock.
    pub connected: Timestamp,
    /// When the token that opened it expires; nothing is pushed after that.
    pub expires: Timestamp,
}

/// What a registration met.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Registered {
    /// The device's connection before, to be closed.
    pub replaced: Option<ConnectionId>,
}

/// The registry. One row per user, so one read finds all their devices; every read is strongly
/// consistent, because a push that misses a device which has just registered is lost to it.
#[async_trait]
pub trait Connections: Send + Sync {
    /// Registers a device's connection in place of its older one.
    ///
    /// Doing it again with the same connection is no error.
    ///
    /// # Errors
    ///
    /// [`Error::Conflict`] when a newer connection of the device is registered: connections are
    /// not always registered in the order in which they were made.
    async fn register(
        &self,
        user: &UserId,
        registration: &Registration,
    ) -> Result<Registered, Error>;

    /// Removes a device's registration if it still names `connection` and, where `made_before` is
    /// given, was made before that.
    ///
    /// # Errors
    ///
    /// As the store's; that it names another connection is none.
    async fn unregister(
        &self,
        user: &UserId,
        device: &DeviceId,
        connection: &ConnectionId,
        made_before: Option<Timestamp>,
    ) -> Result<(), Error>;

    /// The registered devices of each of `users`, at most 100 users.
    ///
    /// # Errors
    ///
    /// As the store's.
    async fn of(&self, users: &[UserId]) -> Result<Vec<(UserId, Vec<Registration>)>, Error>;
}

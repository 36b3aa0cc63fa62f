//! A device comes and goes.

use push::Push;
use store::{Connections, Registration};
use timeline::exchange::Caller;

use crate::error::Error;

/// What `connect` may touch.
#[derive(Clone, Copy)]
#[expect(missing_debug_implementations, reason = "a port has nothing to show")]
pub struct ConnectPorts<'a> {
    /// Who is listening, and where.
    pub connections: &'a dyn Connections,
    /// How the connection that is replaced is closed.
    pub push: &'a dyn Push,
}

/// What `disconnect` may touch.
#[derive(Clone, Copy)]
#[expect(missing_debug_implementations, reason = "a port has nothing to show")]
pub struct DisconnectPorts<'a> {
    /// Who is listening, and where.
    pub connections: &'a dyn Connections,
}

/// Registers the caller's connection as the one of their device and closes the one before it.
///
/// # Errors
///
/// Any error refuses the handshake: a device that is connected but not registered would be deaf.
/// [`Error::Replaced`] when a newer connection of the device is registered already.
pub async fn connect(ports: ConnectPorts<'_>, caller: &Caller) -> Result<(), Error> {
    let registration = Registration {
        device: caller.device.clone(),
        connection: caller.connection.clone(),
        connected: caller.connected,
        expires: caller.expires,
    };
    let registered = ports.connections.register(&caller.user, &registration).await;
    if matches!(registered, Err(store::Error::Conflict { .. })) {
        return Err(Error::Replaced);
    }
    let registered = registered.map_err(Error::store("register the connection"))?;
    if let Some(connection) = registered.replaced
        && let Err(error) = ports.push.close(&connection).await
    {
        // It stays open and unregistered; its next `sync` finds that out and closes it.
        let error = &error as &dyn std::error::Error;
        tracing::warn!(user = %caller.user, error, "the replaced connection is not closed");
    }
    Ok(())
}

/// Forgets the caller's connection, unless their device has another by now.
///
/// # Errors
///
/// As the store's.
pub async fn disconnect(ports: DisconnectPorts<'_>, caller: &Caller) -> Result<(), Error> {
    let (user, device, connection) = (&caller.user, &caller.device, &caller.connection);
    let removed = ports.connections.unregister(user, device, connection, None).await;
    removed.map_err(Error::store("forget the connection"))
}

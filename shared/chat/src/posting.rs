//! Posting a message to one device, and what becomes of a device that is gone.

use push::{Notice, Posted};
use store::{Focus, Registration};
use timeline::exchange::Marker;
use timeline::{Seq, UserId, limits};

use crate::fan_out::{FanOut, log};
use crate::ports::TellPorts;

/// A device that is told, and how it was found.
pub(crate) enum Listener {
    /// By its registration.
    Registered {
        /// Whose device.
        user: UserId,
        /// The registration.
        device: Registration,
    },
    /// By its focus on a large group.
    Focused(Focus),
}

/// Whether a device was reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reach {
    /// The gateway took the message for it.
    Delivered,
    /// Nobody is there.
    Gone,
    /// The gateway did not say.
    Unknown,
}

/// The message of a fan-out as it is pushed.
pub(crate) fn message(fan_out: &FanOut<'_>, position: Option<Seq>, own: Vec<Marker>) -> Notice {
    Notice::Message {
        conversation: fan_out.conversation.clone(),
        entry: Box::new(fan_out.entry.clone()),
        position,
        own,
    }
}

/// Posts to a device, and forgets one that is gone.
pub(crate) async fn post(
    ports: TellPorts<'_>,
    fan_out: &FanOut<'_>,
    listener: &Listener,
    notice: &Notice,
) -> Reach {
    let connection = match listener {
        Listener::Registered { device, .. } => &device.connection,
        Listener::Focused(focus) => &focus.connection,
    };
    match ports.push.post(connection, notice).await {
        Ok(Posted::Delivered) => Reach::Delivered,
        Ok(Posted::Gone) => {
            if let Err(error) = forget(ports, fan_out, listener).await {
                log(fan_out, &error, "a connection that is gone is not forgotten");
            }
            Reach::Gone
        }
        Err(error) => {
            log(fan_out, &error, "a device is not told");
            Reach::Unknown
        }
    }
}

/// Takes away what named a connection that is gone; of a registration only when it is not young.
async fn forget(
    ports: TellPorts<'_>,
    fan_out: &FanOut<'_>,
    listener: &Listener,
) -> Result<(), store::Error> {
    match listener {
        Listener::Registered { user, device } => {
            let now = ports.clock.now();
            let before = timeline::Timestamp(now.0.saturating_sub(limits::YOUNG_CONNECTION_MS));
            let (name, connection) = (&device.device, &device.connection);
            ports.connections.unregister(user, name, connection, Some(before)).await
        }
        // It was open when it said what it shows.
        Listener::Focused(focus) => ports.focuses.blur(fan_out.conversation, focus).await,
    }
}

//! What a device does just now: which conversation it shows.
//!
//! The messages of a large group are pushed only to the devices that show it.
//!
//! # Invariants
//!
//! * The focus is written *before* the membership is read again: of a focus and a removal, which
//!   takes the membership first and then the focuses, one sees the other.

use store::{Directory, Focus, Focuses, Members};
use timeline::exchange::{Caller, Signal, SignalKind, Signaled};
use timeline::limits;

use crate::clock::Clock;
use crate::error::Error;
use crate::members;

/// What `signal` may touch.
#[derive(Clone, Copy)]
#[expect(missing_debug_implementations, reason = "a port has nothing to show")]
pub struct SignalPorts<'a> {
    /// Who is in the conversation.
    pub directory: &'a dyn Directory,
    /// Who shows a large group.
    pub focuses: &'a dyn Focuses,
    /// When.
    pub clock: &'a dyn Clock,
}

/// Takes a device's signal.
///
/// # Errors
///
/// [`Error::NotMember`] when the caller may not see the conversation or it does not exist.
pub async fn signal(
    ports: SignalPorts<'_>,
    caller: &Caller,
    signal: Signal,
) -> Result<Signaled, Error> {
    let id = &signal.conversation;
    let end = ports.clock.now().plus(limits::FOCUS_MS).min(caller.expires).whole_seconds();
    let focus = Focus {
        user: caller.user.clone(),
        device: caller.device.clone(),
        connection: caller.connection.clone(),
        expires: end,
    };
    if signal.kind == SignalKind::Blur {
        let blurred = ports.focuses.blur(id, &focus).await;
        blurred.map_err(Error::store("end the focus"))?;
        return Ok(Signaled::default());
    }
    let conversation = ports.directory.conversation(id).await;
    let conversation = conversation.map_err(Error::store("read the conversation"))?;
    members::access(ports.directory, conversation.as_ref(), &caller.user).await?;
    let conversation = conversation.ok_or(Error::NotMember)?;
    if matches!(conversation.members, Members::Inline(_)) {
        // Everyone is pushed its messages.
        return Ok(Signaled::default());
    }
    let focused = ports.focuses.focus(id, &focus).await;
    focused.map_err(Error::store("write the focus"))?;
    if members::membership(ports.directory, &conversation, &caller.user).await?.is_none() {
        let blurred = ports.focuses.blur(id, &focus).await;
        blurred.map_err(Error::store("end the focus"))?;
        return Err(Error::NotMember);
    }
    Ok(Signaled { until: Some(end) })
}

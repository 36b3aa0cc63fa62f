//! What is a member's own about a conversation: whether they are left alone, and whether they keep
//! it at hand. Their list has it, and their other devices are told.

use store::{Conversation, Wish};
use timeline::exchange::Caller;
use timeline::group::Change;
use timeline::{Body, Kind, Muted, Pinned, Seq};

use crate::control::{self, Control};
use crate::error::Error;
use crate::ports::TellPorts;

/// Writes down what a change says of its caller's own, if it says anything, and tells their other
/// devices. Doing it again tells nothing new.
///
/// # Errors
///
/// As the store's; the same request may be made again.
pub(crate) async fn tell(
    ports: TellPorts<'_>,
    caller: &Caller,
    conversation: &Conversation,
    change: &Change,
) -> Result<(), Error> {
    let (kind, wish, body) = match change {
        Change::Mute(muted) => (Kind::MUTE, Wish::Mute(*muted), said(*muted == Muted::Yes)),
        Change::Pin(pinned) => {
            let is_pinned = *pinned == Pinned::Yes;
            let since = is_pinned.then(|| ports.clock.now());
            (Kind::PIN, Wish::Pin(since), said(is_pinned))
        }
        Change::Join
        | Change::Leave
        | Change::Add { .. }
        | Change::Remove { .. }
        | Change::Role { .. }
        | Change::Rename { .. } => return Ok(()),
    };
    let id = &conversation.id;
    let written = ports.directory.wish(&caller.user, id, wish).await;
    written.map_err(Error::store("write the list"))?;
    let control = Control { kind, conversation: id, seq: Seq::ZERO, body };
    control::tell(ports, caller, control).await
}

/// What the control says; a member's wish is on or off.
fn said(is_on: bool) -> Body {
    if is_on { Body::on() } else { Body::empty() }
}

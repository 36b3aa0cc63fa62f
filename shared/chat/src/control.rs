//! What one device of a user did, told to their others: by the user's own inbox, in order with the
//! messages.

use futures_util::future::join_all;
use push::Notice;
use store::deliver;
use timeline::exchange::Caller;
use timeline::{Body, ConversationId, Diffusion, InboxEntry, Kind, MessageId, Seq};

use crate::error::Error;
use crate::ports::TellPorts;

/// Something that a device did.
pub(crate) struct Control<'a> {
    /// One of [`Kind::CONTROLS`].
    pub(crate) kind: &'static str,
    /// About which conversation.
    pub(crate) conversation: &'a ConversationId,
    /// About which of its sequences; zero where it is about none.
    pub(crate) seq: Seq,
    /// What it says.
    pub(crate) body: Body,
}

/// Writes it into the caller's own inbox, unless it was the last thing there, and pushes it to
/// their other devices.
///
/// # Errors
///
/// As the store's; no failure of a push is one.
pub(crate) async fn tell(
    ports: TellPorts<'_>,
    caller: &Caller,
    control: Control<'_>,
) -> Result<(), Error> {
    let now = ports.clock.now();
    let entry_at = |position| InboxEntry {
        position,
        conversation: control.conversation.clone(),
        seq: control.seq,
        id: MessageId::NONE,
        author: caller.user.clone(),
        at: now,
        kind: Kind::event(control.kind),
        countable: 0,
        diffusion: Diffusion::Write,
        target: None,
        expires: ports.policy.inbox_life.end(now),
        body: Some(control.body.clone()),
    };
    let tail = ports.inboxes.tail(&caller.user).await.map_err(Error::store("read the inbox"))?;
    let position = deliver(ports.inboxes, ports.pace, &caller.user, &tail, entry_at).await;
    let entry = entry_at(position.map_err(Error::store("write the inbox"))?);
    let listening = ports.connections.of(std::slice::from_ref(&caller.user)).await;
    let devices = match listening {
        Ok(listening) => listening.into_iter().flat_map(|(_, devices)| devices),
        Err(error) => {
            let error = &error as &dyn std::error::Error;
            tracing::warn!(user = %caller.user, error, "the other devices are not told");
            return Ok(());
        }
    };
    let others =
        devices.filter(|device| device.connection != caller.connection && device.expires > now);
    let posts: Vec<_> = others
        .map(|device| {
            let notice = Notice::Control { entry: Box::new(entry.clone()) };
            async move { ports.push.post(&device.connection, &notice).await }
        })
        .collect();
    for posted in join_all(posts).await {
        if let Err(error) = posted {
            let error = &error as &dyn std::error::Error;
            tracing::warn!(user = %caller.user, error, "a device is not told");
        }
    }
    Ok(())
}

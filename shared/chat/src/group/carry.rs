//! The rest of a change's work, by whoever comes by: rows, listings, the event, and telling of it.
//!
//! Each step done twice is done once, so a change may be carried out by several at once.

use futures_util::{StreamExt, TryStreamExt, stream};
use store::{
    Conversation, Enlisting, MemberRow, Members, Pending, ReadPosition, append_freely, observe,
};
use timeline::{Draft, Kind, UserId, limits};

use crate::error::Error;
use crate::fan_out;
use crate::members;
use crate::metric;
use crate::ports::TellPorts;

const OPERATION: &str = "carry out a change of the group";

/// Does what the conversation's last change still has to do; the conversation without it.
///
/// # Errors
///
/// As the store's; what is left is left pending.
pub(crate) async fn out(
    ports: TellPorts<'_>,
    mut conversation: Conversation,
) -> Result<Conversation, Error> {
    let Some(pending) = conversation.pending.take() else { return Ok(conversation) };
    write_members(ports, &conversation, &pending).await?;
    if tell(ports, &conversation, &pending).await? {
        let settled = ports.directory.settle(&conversation.id, pending.version).await;
        if let Err(error) = settled {
            // All is done. Whoever comes next finds that, and settles it.
            let (id, error) = (&conversation.id, &error as &dyn std::error::Error);
            tracing::warn!(conversation = %id, error, "a change that is carried out stays pending");
        }
    }
    Ok(conversation)
}

/// Writes down a member's wish in their row, of a group that has rows.
///
/// # Errors
///
/// As the store's.
pub(crate) async fn remember(
    ports: TellPorts<'_>,
    conversation: &Conversation,
    user: &UserId,
) -> Result<(), Error> {
    if matches!(conversation.members, Members::Inline(_)) {
        return Ok(());
    }
    let membership = members::membership(ports.directory, conversation, user).await?;
    let Some(membership) = membership else { return Err(Error::NotMember) };
    let row = MemberRow { version: conversation.version, membership: Some(membership) };
    let put = ports.directory.put_member(&conversation.id, user, &row).await;
    put.map_err(Error::store(OPERATION))
}

/// Writes rows, where the group has any, and then listings; of who is out the focuses go last.
async fn write_members(
    ports: TellPorts<'_>,
    conversation: &Conversation,
    pending: &Pending,
) -> Result<(), Error> {
    let (id, version) = (&conversation.id, pending.version);
    let diffusion = conversation.members.diffusion();
    let has_rows = matches!(conversation.members, Members::Rows { .. });
    let is_listed = [Kind::JOIN, Kind::LEAVE].contains(&pending.kind.as_str());
    // Who joins has read what was there before.
    let is_joining = pending.kind.as_str() == Kind::JOIN;
    let begins = ReadPosition { seq: pending.base, countable: pending.countable };
    let writes = pending.members.iter().map(|(user, membership)| async move {
        if has_rows {
            let row = MemberRow { version, membership: *membership };
            ports.directory.put_member(id, user, &row).await?;
        }
        match membership {
            Some(membership) if is_listed => {
                let conversation = id.clone();
                let joined = membership.joined;
                let begins = is_joining.then_some(begins);
                let enlisting = Enlisting { conversation, version, joined, diffusion, begins };
                ports.directory.list(user, &enlisting).await
            }
            Some(_) => Ok(()),
            None => {
                ports.directory.unlist(user, id, version).await?;
                for focus in ports.focuses.focused(id, Some(user), limits::FOCUSED_MAX).await? {
                    ports.focuses.blur(id, &focus).await?;
                }
                Ok(())
            }
        }
    });
    let writes: Vec<_> = writes.collect();
    let writes = stream::iter(writes).buffer_unordered(limits::CONCURRENT_MAX);
    writes.try_collect::<()>().await.map_err(Error::store(OPERATION))
}

/// Keeps the event and tells of it; whether everyone was told.
async fn tell(
    ports: TellPorts<'_>,
    conversation: &Conversation,
    pending: &Pending,
) -> Result<bool, Error> {
    let timeline = conversation.id.timeline();
    let own = ports.inboxes.tail(&pending.author).await.map_err(Error::store(OPERATION))?;
    let draft = Draft {
        id: pending.id,
        author: pending.author.clone(),
        device: pending.device.clone(),
        at: pending.at,
        kind: pending.kind.clone(),
        version: pending.version,
        inbox_before: own.position(),
        diffusion: conversation.members.diffusion(),
        named: pending.named.clone(),
        target: None,
        body: pending.body.clone(),
    };
    let observed =
        observe(ports.timelines, &timeline, pending.base, &draft.author, &draft.id).await;
    let observed = match observed {
        // So much came since that nobody can tell whether the event is among it. The change is
        // made; that it is not told is the lesser evil.
        Err(store::Error::StaleBase { .. }) => return Ok(true),
        observed => observed.map_err(Error::store(OPERATION))?,
    };
    let appended = append_freely(ports.timelines, ports.pace, &timeline, observed, &draft).await;
    let appended = appended.map_err(Error::store(OPERATION))?;
    let entry = appended.entry();
    // What was kept between the base and the event, nobody whom it names has to read.
    if entry.seq.previous() > pending.base {
        members::begin(ports.directory, &conversation.id, entry).await?;
    }
    // Nothing fails the change any more: what is left is the stream's. The device that asked is
    // told as all are: the answer does not say where the event stands.
    match fan_out::redo(ports, conversation, entry, None, own).await {
        Ok(()) => Ok(true),
        Err(error) => {
            let (conversation, seq) = (&conversation.id, entry.seq);
            let (metric, error) = (metric::FAN_OUT_LEFT, &error as &dyn std::error::Error);
            tracing::warn!(metric, %conversation, %seq, error, "the fan-out is left to the stream");
            Ok(false)
        }
    }
}

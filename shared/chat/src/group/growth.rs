//! How a group becomes a large one: once, and for ever.
//!
//! ```text
//! 1  the `mode` event is kept and told, while inboxes are written    -> every member learns of it,
//!                                                                       in order
//! 2  each member has a row and a listing that say so, in the next version
//! 3  the conversation is replaced, if nobody changed it meanwhile    <- from here on it is large
//! ```
//!
//! A crash before 3 leaves a small group with an event too many: its members look at its timeline
//! as well as into their inboxes, and the next attempt begins anew. Rows that such an attempt wrote
//! are older than the version that made the group large, and say nothing.

use futures_util::{StreamExt, TryStreamExt, stream};
use store::{Conversation, Enlisting, MemberRow, Members, Outcome, append, observe};
use timeline::exchange::Caller;
use timeline::{Body, Diffusion, Draft, Kind, Seq, limits};

use crate::error::Error;
use crate::fan_out;
use crate::members;
use crate::ports::GroupPorts;

const OPERATION: &str = "make the group a large one";

/// Makes a group large whose timeline ended at `tail`. That somebody else changed it meanwhile is
/// no error: its caller looks again.
///
/// # Errors
///
/// As the store's.
pub(crate) async fn grow(
    ports: GroupPorts<'_>,
    caller: &Caller,
    kept: &Conversation,
    tail: Seq,
) -> Result<(), Error> {
    let Some(switched) = tell(ports, caller, kept, tail).await? else { return Ok(()) };
    let version = kept.version + 1;
    let everyone = members::inline(kept);
    let directory = ports.tell.directory;
    let writes = everyone.iter().map(|(user, membership)| async move {
        let row = MemberRow { version, membership: Some(*membership) };
        directory.put_member(&kept.id, user, &row).await?;
        let conversation = kept.id.clone();
        let joined = membership.joined;
        let diffusion = Diffusion::Read;
        let enlisting = Enlisting { conversation, version, joined, diffusion, begins: None };
        directory.list(user, &enlisting).await
    });
    let writes: Vec<_> = writes.collect();
    let writes = stream::iter(writes).buffer_unordered(limits::CONCURRENT_MAX);
    writes.try_collect::<()>().await.map_err(Error::store(OPERATION))?;
    let members = Members::Rows { switched, since: version, count: everyone.len() as u64 };
    let large = Conversation { version, members, pending: None, ..kept.clone() };
    match directory.replace(&large, kept.version).await {
        Ok(()) | Err(store::Error::Conflict { .. }) => Ok(()),
        Err(error) if error.is_ambiguous() => Ok(()),
        Err(error) => Err(Error::store(OPERATION)(error)),
    }
}

/// Keeps the `mode` event and tells every inbox of it; where it stands. Nowhere if the membership
/// changed meanwhile: whoever left is told of nothing after that.
async fn tell(
    ports: GroupPorts<'_>,
    caller: &Caller,
    kept: &Conversation,
    tail: Seq,
) -> Result<Option<Seq>, Error> {
    let tell = ports.tell;
    let timeline = kept.id.timeline();
    let own = tell.inboxes.tail(&caller.user).await.map_err(Error::store(OPERATION))?;
    let draft = Draft {
        id: ports.ids.next(),
        author: caller.user.clone(),
        device: caller.device.clone(),
        at: tell.clock.now(),
        kind: Kind::event(Kind::MODE),
        version: kept.version,
        inbox_before: own.position(),
        diffusion: Diffusion::Write,
        named: Vec::new(),
        target: None,
        body: Body::empty(),
    };
    let observed = observe(tell.timelines, &timeline, tail, &draft.author, &draft.id).await;
    let observed = observed.map_err(Error::store(OPERATION))?;
    let known = kept.version;
    let outcome = append(tell.timelines, tell.pace, &timeline, observed, &draft, known).await;
    let Outcome::Appended(appended) = outcome.map_err(Error::store(OPERATION))? else {
        return Ok(None);
    };
    let entry = appended.entry();
    fan_out::redo(tell, kept, entry, None, own).await?;
    Ok(Some(entry.seq))
}

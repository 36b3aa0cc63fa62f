//! Groups are made, changed, and their members listed.
//!
//! A change is one conditional write of the conversation, and the rest of its work is written with
//! it:
//!
//! ```text
//! 1  the conversation is read; what its last change left undone is done
//! 2  the timeline's tail is read: who joins is sent what comes after it
//! 3  the conversation is replaced, if nobody else did    <- the change is made
//! 4  rows of members, where the group is large; listings
//! 5  the event on the timeline, in the change's version
//! 6  everyone is told of the event
//! 7  what was pending is settled
//! ```
//!
//! A crash after 3 leaves a change that is made and not told; whoever asks about the group next
//! goes on from 4, and so does the caller when they repeat the request.
//!
//! # Invariants
//!
//! * The membership changes before its event is kept, and the event has the version that the change
//!   made. So whoever appends after the event sees in it that their own membership may have gone.
//! * Every operation but `create` is the same when repeated: it asks for a state, not for a step.
//!   `create` is, too, for it names the group.
//!
//! # Layout
//!
//! * `group`: what is asked, step by step.
//! * `plan`: who may change what, and into what.
//! * `carry`: the rest of a change's work.
//! * `growth`: how a group becomes large.
//! * `wishes`: what is a member's own: muting and pinning.

pub(crate) mod carry;
pub(crate) mod growth;
pub(crate) mod plan;
pub(crate) mod wishes;

use std::collections::BTreeMap;

use store::{Conversation, Members, Membership, Pending, Put, ReadPosition, append};
use timeline::exchange::Caller;
use timeline::group::{Change, Group, GroupRequest};
use timeline::{
    Admission, Body, ConversationId, Kind, MessageId, Muted, Role, Seq, Title, UserId, Visibility,
    limits,
};

use crate::error::Error;
use crate::members;
use crate::ports::GroupPorts;
use plan::Plan;

/// The version of a group as it is made.
const FIRST_VERSION: u64 = 1;

/// Does what is asked about a group, and says what it is then.
///
/// # Errors
///
/// [`Error::NotMember`] when the caller has no access or there is no such group,
/// [`Error::NotAllowed`] when their role does not allow it. After any other error the same request
/// may be made again.
pub async fn group(
    ports: GroupPorts<'_>,
    caller: &Caller,
    request: GroupRequest,
) -> Result<Group, Error> {
    match request {
        GroupRequest::Create { id, title, members, visibility, admission, body } => {
            let wanted = Wanted { id, title, members, visibility, admission, body };
            create(ports, caller, wanted).await
        }
        GroupRequest::Change { conversation, change } => {
            self::change(ports, caller, &conversation, &change).await
        }
        GroupRequest::Members { conversation, after, limit } => {
            let conversation = read(ports, &conversation).await?;
            let directory = ports.tell.directory;
            members::access(directory, Some(&conversation), &caller.user).await?;
            describe(ports, &conversation, after, limit).await
        }
    }
}

/// A group that is to be made.
struct Wanted {
    id: MessageId,
    title: Title,
    members: Vec<UserId>,
    visibility: Visibility,
    admission: Admission,
    body: Body,
}

async fn create(ports: GroupPorts<'_>, caller: &Caller, wanted: Wanted) -> Result<Group, Error> {
    let Wanted { id, title, members: others, visibility, admission, body } = wanted;
    let member = |role| Membership { joined: Seq::FIRST, role, muted: Muted::No };
    let mut everyone: BTreeMap<_, _> =
        others.into_iter().map(|user| (user, member(Role::Member))).collect();
    everyone.insert(caller.user.clone(), member(Role::Owner));
    let count = everyone.len() as u64;
    if count > ports.tell.policy.group_members_max {
        return Err(Error::Invalid { reason: "the group is full" });
    }
    let listed: Vec<_> = everyone.clone().into_iter().collect();
    let named = everyone.keys().filter(|user| **user != caller.user).cloned().collect();
    let members = if count > ports.tell.policy.inbox_members_max {
        Members::Rows { switched: Seq::ZERO, since: FIRST_VERSION, count }
    } else {
        Members::Inline(everyone)
    };
    let pending = Pending {
        version: FIRST_VERSION,
        id,
        author: caller.user.clone(),
        device: caller.device.clone(),
        at: ports.tell.clock.now(),
        kind: Kind::event(Kind::JOIN),
        named,
        body,
        base: Seq::ZERO,
        countable: 0,
        members: listed.iter().map(|(user, member)| (user.clone(), Some(*member))).collect(),
    };
    let made = Conversation {
        id: ConversationId::group(id),
        version: FIRST_VERSION,
        made: pending.at,
        title: Some(title),
        visibility,
        admission,
        members,
        pending: Some(pending),
    };
    let made = match members::create(ports.tell.directory, &made, &listed).await? {
        Put::Stored => made,
        Put::Occupied(kept) => kept,
    };
    // Made before, by this request or by somebody who happened to choose its name.
    let access = members::access(ports.tell.directory, Some(&made), &caller.user).await;
    match access {
        Ok(access) if access.membership.role == Role::Owner => {}
        Ok(_) | Err(Error::NotMember) => return Err(Error::IdReused),
        Err(error) => return Err(error),
    }
    let made = carry::out(ports.tell, made).await?;
    describe(ports, &made, None, limits::MEMBERS_PAGE_MAX).await
}

async fn change(
    ports: GroupPorts<'_>,
    caller: &Caller,
    id: &ConversationId,
    change: &Change,
) -> Result<Group, Error> {
    let mut leaves = false;
    for _ in 0..limits::AUTHORIZATIONS_MAX {
        let kept = read(ports, id).await?;
        leaves |= matches!(change, Change::Leave) && has_left(&kept, &caller.user);
        let kept = carry::out(ports.tell, kept).await?;
        // Who is out by an attempt whose answer was lost is not refused for it.
        let directory = ports.tell.directory;
        if leaves && members::membership(directory, &kept, &caller.user).await?.is_none() {
            return describe(ports, &kept, None, 0).await;
        }
        let newest = append::newest(ports.tell.timelines, &id.timeline()).await;
        let newest = newest.map_err(Error::store("read the timeline"))?;
        let tail = newest.map_or_else(ReadPosition::default, |entry| ReadPosition {
            seq: entry.seq,
            countable: entry.countable,
        });
        let next = match plan::plan(ports, caller, &kept, change, tail).await? {
            Plan::Nothing => {
                wishes::tell(ports.tell, caller, &kept, change).await?;
                return describe(ports, &kept, None, limits::MEMBERS_PAGE_MAX).await;
            }
            Plan::Grow => {
                growth::grow(ports, caller, &kept, tail.seq).await?;
                continue;
            }
            Plan::Change(next) => next,
        };
        leaves = matches!(change, Change::Leave);
        match ports.tell.directory.replace(&next, kept.version).await {
            Ok(()) => {}
            // Another change came first, or this one was made and its answer lost: look again.
            Err(store::Error::Conflict { .. }) => continue,
            Err(error) if error.is_ambiguous() => continue,
            Err(error) => return Err(Error::store("change the group")(error)),
        }
        if let Change::Mute(_) = change {
            carry::remember(ports.tell, &next, &caller.user).await?;
            wishes::tell(ports.tell, caller, &next, change).await?;
        }
        let made = carry::out(ports.tell, *next).await?;
        let limit = if leaves { 0 } else { limits::MEMBERS_PAGE_MAX };
        return describe(ports, &made, None, limit).await;
    }
    Err(Error::store("change the group")(store::Error::Contended))
}

/// Whether the last change of a conversation is that this user left, and is not carried out yet.
fn has_left(kept: &Conversation, user: &UserId) -> bool {
    kept.pending.as_ref().is_some_and(|pending| {
        pending.kind.as_str() == Kind::LEAVE
            && pending.author == *user
            && pending.named == [user.clone()]
    })
}

async fn read(ports: GroupPorts<'_>, id: &ConversationId) -> Result<Conversation, Error> {
    let conversation = ports.tell.directory.conversation(id).await;
    conversation.map_err(Error::store("read the conversation"))?.ok_or(Error::NotMember)
}

/// What members are told of a group, with a page of its members; none of them with a limit of 0.
async fn describe(
    ports: GroupPorts<'_>,
    conversation: &Conversation,
    after: Option<UserId>,
    limit: usize,
) -> Result<Group, Error> {
    let (members, page) = match limit {
        0 => (Vec::new(), None),
        limit => members::roster(ports.tell.directory, conversation, after, limit).await?,
    };
    Ok(Group {
        conversation: conversation.id.clone(),
        title: conversation.title.clone(),
        version: conversation.version,
        diffusion: conversation.members.diffusion(),
        visibility: conversation.visibility,
        admission: conversation.admission,
        count: conversation.members.count(),
        members: members.into_iter().map(|(user, member)| (user, member.role)).collect(),
        page,
    })
}

//! Who may see a conversation, and who is told of its messages.

use std::collections::BTreeMap;

use futures_util::future::{ready, try_join_all};
use futures_util::{StreamExt, TryStreamExt, stream};
use store::{
    Conversation, Directory, Enlisting, MemberRow, Members, Membership, Put, ReadPosition,
};
use timeline::{
    Admission, ConversationId, Diffusion, Entry, Kind, Muted, Party, Role, Seq, Timestamp, UserId,
    Visibility, limits,
};

use crate::error::Error;

/// The version of a direct conversation as it is made.
const DIRECT_VERSION: u64 = 1;

/// What lets somebody into a conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Access {
    /// Their membership.
    pub(crate) membership: Membership,
    /// The latest version of the conversation as of which they have it.
    pub(crate) known: u64,
}

/// The access of `user` to a conversation, as it is known.
///
/// # Errors
///
/// [`Error::NotMember`] when they have none, or there is no such conversation.
pub(crate) async fn access(
    directory: &dyn Directory,
    conversation: Option<&Conversation>,
    user: &UserId,
) -> Result<Access, Error> {
    let conversation = conversation.ok_or(Error::NotMember)?;
    let membership = membership(directory, conversation, user).await?.ok_or(Error::NotMember)?;
    // The rows of a large group are written after the conversation, and what is not yet written
    // counts as not known: its event makes an appender look again.
    let known = match (&conversation.members, &conversation.pending) {
        (Members::Rows { .. }, Some(pending)) => pending.version - 1,
        (Members::Rows { .. }, None) | (Members::Inline(_), _) => conversation.version,
    };
    Ok(Access { membership, known })
}

/// The membership of `user` in a conversation that has been read; of a large group their row is
/// read, after the conversation.
pub(crate) async fn membership(
    directory: &dyn Directory,
    conversation: &Conversation,
    user: &UserId,
) -> Result<Option<Membership>, Error> {
    match &conversation.members {
        Members::Inline(members) => Ok(members.get(user).copied()),
        Members::Rows { since, .. } => {
            let row = directory.member(&conversation.id, user).await;
            let row = row.map_err(Error::store("read the member"))?;
            Ok(row.and_then(|row| standing(row, *since)))
        }
    }
}

/// The first sequence of a conversation that a member may read.
pub(crate) fn floor(conversation: &Conversation, membership: &Membership) -> Seq {
    match conversation.visibility {
        Visibility::FromStart => Seq::FIRST,
        Visibility::FromJoin => membership.joined,
    }
}

/// What a row says, unless it is older than the group's rows are.
fn standing(row: MemberRow, since: u64) -> Option<Membership> {
    row.membership.filter(|_| row.version >= since)
}

/// Who is told of `entry` in their inbox, its author apart, in the order of ids; and whether they
/// are left alone while offline.
pub(crate) async fn audience(
    directory: &dyn Directory,
    conversation: &Conversation,
    entry: &Entry,
) -> Result<BTreeMap<UserId, Muted>, Error> {
    let mut told = match &conversation.members {
        Members::Inline(members) => members.clone(),
        Members::Rows { switched, .. } if entry.seq <= *switched => {
            every_row(directory, conversation).await?
        }
        Members::Rows { .. } => BTreeMap::new(),
    };
    told.retain(|_, membership| membership.joined <= entry.seq);
    let mut told: BTreeMap<_, _> =
        told.into_iter().map(|(user, membership)| (user, membership.muted)).collect();
    for user in &entry.named {
        told.entry(user.clone()).or_default();
    }
    told.remove(&entry.author);
    Ok(told)
}

async fn every_row(
    directory: &dyn Directory,
    conversation: &Conversation,
) -> Result<BTreeMap<UserId, Membership>, Error> {
    let mut all = BTreeMap::new();
    let mut after = None;
    loop {
        let (page, next) = roster(directory, conversation, after, limits::MEMBERS_PAGE_MAX).await?;
        all.extend(page);
        // Each page goes on after the one before it, so this ends with the rows.
        after = Some(match next {
            Some(next) => next,
            None => return Ok(all),
        });
    }
}

/// A page of a conversation's members in the order of ids, and after whom the next one goes on.
pub(crate) async fn roster(
    directory: &dyn Directory,
    conversation: &Conversation,
    after: Option<UserId>,
    limit: usize,
) -> Result<(Vec<(UserId, Membership)>, Option<UserId>), Error> {
    let mut found = Vec::new();
    match &conversation.members {
        Members::Inline(members) => {
            let rest = members.iter().filter(|(user, _)| after.as_ref().is_none_or(|a| *user > a));
            found.extend(rest.take(limit + 1).map(|(user, member)| (user.clone(), *member)));
        }
        Members::Rows { since, .. } => {
            let mut after = after;
            // Rows of those who are out take places on a page; the pages end with the rows.
            loop {
                let wanted = limit + 1 - found.len();
                let page = directory.members(&conversation.id, after.as_ref(), wanted).await;
                let page = page.map_err(Error::store("read the members"))?;
                let is_last = page.len() < wanted;
                after = page.last().map(|(user, _)| user.clone());
                let members = page.into_iter();
                found
                    .extend(members.filter_map(|(user, row)| Some((user, standing(row, *since)?))));
                if is_last || found.len() > limit {
                    break;
                }
            }
        }
    }
    let goes_on = found.len() > limit;
    found.truncate(limit);
    let next = found.last().filter(|_| goes_on).map(|(user, _)| user.clone());
    Ok((found, next))
}

/// A direct conversation as it is made by its first message; `None` for a group, which is not made
/// that way, and for other people's.
pub(crate) fn direct(id: &ConversationId, user: &UserId, now: Timestamp) -> Option<Conversation> {
    let Party::Direct(one, other) = id.party() else { return None };
    if *user != one && *user != other {
        return None;
    }
    let membership = Membership { joined: Seq::FIRST, role: Role::Member, muted: Muted::No };
    Some(Conversation {
        id: id.clone(),
        version: DIRECT_VERSION,
        made: now,
        title: None,
        visibility: Visibility::FromStart,
        admission: Admission::Closed,
        members: Members::Inline(BTreeMap::from([(one, membership), (other, membership)])),
        pending: None,
    })
}

/// Makes a conversation: on its members' lists first, so that one that exists is on all of them.
/// Doing it twice, or from two sides at once, is doing it once.
pub(crate) async fn create(
    directory: &dyn Directory,
    conversation: &Conversation,
    members: &[(UserId, Membership)],
) -> Result<Put<Conversation>, Error> {
    const OPERATION: &str = "make the conversation";
    let diffusion = conversation.members.diffusion();
    let version = conversation.version;
    let lists = members.iter().map(|(user, membership)| async move {
        let enlisting = Enlisting {
            conversation: conversation.id.clone(),
            version,
            joined: membership.joined,
            diffusion,
            begins: None,
        };
        if diffusion == Diffusion::Read {
            let row = MemberRow { version, membership: Some(*membership) };
            directory.put_member(&conversation.id, user, &row).await?;
        }
        directory.list(user, &enlisting).await
    });
    try_join_all(lists).await.map_err(Error::store(OPERATION))?;
    directory.create(conversation).await.map_err(Error::store(OPERATION))
}

/// Everyone of a conversation whose members it knows itself.
pub(crate) fn inline(conversation: &Conversation) -> Vec<(UserId, Membership)> {
    match &conversation.members {
        Members::Inline(members) => {
            members.iter().map(|(user, membership)| (user.clone(), *membership)).collect()
        }
        Members::Rows { .. } => Vec::new(),
    }
}

/// Who joins by an event has read what is before it: also what was kept while they were let in.
///
/// # Errors
///
/// As the store's; done again it changes nothing.
pub(crate) async fn begin(
    directory: &dyn Directory,
    conversation: &ConversationId,
    event: &Entry,
) -> Result<(), Error> {
    if event.kind.as_str() != Kind::JOIN {
        return Ok(());
    }
    let before = ReadPosition { seq: event.seq.previous(), countable: event.countable };
    let marks = event.named.iter().map(|user| directory.mark_read(user, conversation, before));
    let marks = stream::iter(marks.collect::<Vec<_>>()).buffer_unordered(limits::CONCURRENT_MAX);
    let marked = marks.try_for_each(|_| ready(Ok(()))).await;
    marked.map_err(Error::store("let somebody begin"))
}

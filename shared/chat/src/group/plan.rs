//! Who may change a group, and into what.

use store::{Conversation, Members, Membership, Pending};
use timeline::exchange::Caller;
use timeline::group::Change;
use timeline::{Admission, Body, Kind, Muted, Party, Role, Seq, UserId};

use crate::error::Error;
use crate::members;
use crate::ports::GroupPorts;

/// What a request comes to.
#[derive(Debug)]
pub(crate) enum Plan {
    /// It is so already.
    Nothing,
    /// The group must become a large one first.
    Grow,
    /// The conversation as it is to be.
    Change(Box<Conversation>),
}

/// What a change does beside writing memberships.
struct Event {
    kind: &'static str,
    named: Vec<UserId>,
    body: Body,
}

/// Plans a change of `kept`, whose timeline ended at `tail` before.
///
/// # Errors
///
/// [`Error::NotMember`], [`Error::NotAllowed`], [`Error::Invalid`] when it can never be done.
pub(crate) async fn plan(
    ports: GroupPorts<'_>,
    caller: &Caller,
    kept: &Conversation,
    change: &Change,
    tail: Seq,
) -> Result<Plan, Error> {
    let of = |user| members::membership(ports.tell.directory, kept, user);
    let me = of(&caller.user).await?;
    let is_group = matches!(kept.id.party(), Party::Group(_));
    let newcomer = Membership { joined: tail.next(), role: Role::Member, muted: Muted::No };
    let (event, memberships) = match change {
        Change::Mute(muted) => return mute(caller, kept, me.ok_or(Error::NotMember)?, *muted),
        Change::Join => match me {
            Some(_) => return Ok(Plan::Nothing),
            None if !is_group || kept.admission == Admission::Closed => {
                return Err(Error::NotMember);
            }
            None => (
                Event { kind: Kind::JOIN, named: vec![caller.user.clone()], body: Body::empty() },
                vec![(caller.user.clone(), Some(newcomer))],
            ),
        },
        Change::Leave => leave(caller, kept, me.ok_or(Error::NotMember)?, is_group)?,
        Change::Add { users, body } => {
            require(me, Role::Admin)?;
            let mut named = Vec::new();
            for user in users {
                if of(user).await?.is_none() {
                    named.push(user.clone());
                }
            }
            let joining = named.iter().map(|user| (user.clone(), Some(newcomer))).collect();
            (Event { kind: Kind::JOIN, named, body: body.clone() }, joining)
        }
        Change::Remove { user, body } => {
            let role = require(me, Role::Admin)?;
            if *user == caller.user {
                return Err(Error::Invalid { reason: "who goes by themselves leaves" });
            }
            let Some(them) = of(user).await? else { return Ok(Plan::Nothing) };
            if them.role >= role {
                return Err(Error::NotAllowed);
            }
            let named = vec![user.clone()];
            (Event { kind: Kind::LEAVE, named, body: body.clone() }, vec![(user.clone(), None)])
        }
        Change::Role { user, role, body } => {
            require(me, Role::Owner)?;
            let me = me.ok_or(Error::NotMember)?;
            let them = of(user).await?.ok_or(Error::Invalid { reason: "not a member" })?;
            if them.role == *role {
                return Ok(Plan::Nothing);
            }
            if *user == caller.user {
                return Err(Error::Invalid { reason: "the owner gives the ownership to another" });
            }
            let mut changed = vec![(user.clone(), Some(Membership { role: *role, ..them }))];
            if *role == Role::Owner {
                let admin = Membership { role: Role::Admin, ..me };
                changed.push((caller.user.clone(), Some(admin)));
            }
            let named = vec![user.clone()];
            (Event { kind: Kind::ROLE, named, body: body.clone() }, changed)
        }
        Change::Rename { title, body } => {
            require(me, Role::Admin)?;
            if kept.title.as_ref() == Some(title) {
                return Ok(Plan::Nothing);
            }
            let event = Event { kind: Kind::RENAME, named: Vec::new(), body: body.clone() };
            let renamed = Conversation { title: Some(title.clone()), ..kept.clone() };
            return Ok(changed(ports, caller, renamed, event, Vec::new(), tail));
        }
    };
    if memberships.is_empty() {
        return Ok(Plan::Nothing);
    }
    fitting(ports, caller, kept, event, memberships, tail)
}

/// A direct conversation has no owner, and so nobody in it may change it.
fn require(me: Option<Membership>, role: Role) -> Result<Role, Error> {
    let me = me.ok_or(Error::NotMember)?;
    if me.role < role { Err(Error::NotAllowed) } else { Ok(me.role) }
}

type Memberships = Vec<(UserId, Option<Membership>)>;

fn leave(
    caller: &Caller,
    kept: &Conversation,
    me: Membership,
    is_group: bool,
) -> Result<(Event, Memberships), Error> {
    if !is_group {
        return Err(Error::Invalid { reason: "a direct conversation is not left" });
    }
    if me.role == Role::Owner && kept.members.count() > 1 {
        return Err(Error::Invalid { reason: "the owner gives the ownership to another first" });
    }
    let named = vec![caller.user.clone()];
    let event = Event { kind: Kind::LEAVE, named, body: Body::empty() };
    Ok((event, vec![(caller.user.clone(), None)]))
}

fn mute(caller: &Caller, kept: &Conversation, me: Membership, muted: Muted) -> Result<Plan, Error> {
    if me.muted == muted {
        return Ok(Plan::Nothing);
    }
    let mut next = Conversation { version: kept.version + 1, pending: None, ..kept.clone() };
    if let Members::Inline(members) = &mut next.members {
        members.insert(caller.user.clone(), Membership { muted, ..me });
    }
    Ok(Plan::Change(Box::new(next)))
}

/// The conversation with these memberships, unless it is too small for them.
fn fitting(
    ports: GroupPorts<'_>,
    caller: &Caller,
    kept: &Conversation,
    event: Event,
    memberships: Memberships,
    tail: Seq,
) -> Result<Plan, Error> {
    let joining = if event.kind == Kind::JOIN { memberships.len() as u64 } else { 0 };
    let leaving = if event.kind == Kind::LEAVE { memberships.len() as u64 } else { 0 };
    let count = kept.members.count() + joining - leaving;
    if joining > 0 && count > ports.tell.policy.group_members_max {
        return Err(Error::Invalid { reason: "the group is full" });
    }
    let mut next = kept.clone();
    match &mut next.members {
        Members::Inline(_) if joining > 0 && count > ports.tell.policy.inbox_members_max => {
            return Ok(Plan::Grow);
        }
        Members::Inline(members) => {
            for (user, membership) in &memberships {
                match membership {
                    Some(membership) => members.insert(user.clone(), *membership),
                    None => members.remove(user),
                };
            }
        }
        Members::Rows { count: kept, .. } => *kept = count,
    }
    Ok(changed(ports, caller, next, event, memberships, tail))
}

/// The next version of a conversation, with what its change still has to do.
fn changed(
    ports: GroupPorts<'_>,
    caller: &Caller,
    mut next: Conversation,
    event: Event,
    members: Memberships,
    tail: Seq,
) -> Plan {
    next.version += 1;
    next.pending = Some(Pending {
        version: next.version,
        id: ports.ids.next(),
        author: caller.user.clone(),
        device: caller.device.clone(),
        at: ports.tell.clock.now(),
        kind: Kind::event(event.kind),
        named: event.named,
        body: event.body,
        base: tail,
        members,
    });
    Plan::Change(Box::new(next))
}

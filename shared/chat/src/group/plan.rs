//! Who may change a group, and into what.

use store::{Conversation, Members, Membership, Pending, ReadPosition};
use timeline::exchange::Caller;
use timeline::group::Change;
use timeline::{Admission, Body, Kind, Muted, Party, Role, Title, UserId};

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

/// Who asks, of which conversation, and when.
struct Asked<'a> {
    ports: GroupPorts<'a>,
    caller: &'a Caller,
    kept: &'a Conversation,
    /// Where its timeline ended.
    tail: ReadPosition,
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
    tail: ReadPosition,
) -> Result<Plan, Error> {
    let asked = Asked { ports, caller, kept, tail };
    let me = asked.membership(&caller.user).await?;
    let step = match change {
        Change::Mute(muted) => return asked.mute(me.ok_or(Error::NotMember)?, *muted),
        // Nobody else's business: see [`wishes`](super::wishes).
        Change::Pin(_) => return me.map(|_| Plan::Nothing).ok_or(Error::NotMember),
        Change::Rename { title, body } => return asked.rename(me, title, body),
        Change::Join => asked.join(me)?,
        Change::Leave => asked.leave(me.ok_or(Error::NotMember)?)?,
        Change::Add { users, body } => asked.add(me, users, body).await?,
        Change::Remove { user, body } => asked.remove(me, user, body).await?,
        Change::Role { user, role, body } => asked.give(me, user, *role, body).await?,
    };
    match step {
        Some((event, memberships)) if !memberships.is_empty() => asked.fit(event, memberships),
        Some(_) | None => Ok(Plan::Nothing),
    }
}

type Memberships = Vec<(UserId, Option<Membership>)>;

/// An event and the memberships that change with it; `None` when it is so already.
type Step = Option<(Event, Memberships)>;

impl Asked<'_> {
    async fn membership(&self, user: &UserId) -> Result<Option<Membership>, Error> {
        members::membership(self.ports.tell.directory, self.kept, user).await
    }

    /// The membership of who comes in now.
    fn newcomer(&self) -> Membership {
        Membership { joined: self.tail.seq.next(), role: Role::Member, muted: Muted::No }
    }

    fn is_group(&self) -> bool {
        matches!(self.kept.id.party(), Party::Group(_))
    }

    fn join(&self, me: Option<Membership>) -> Result<Step, Error> {
        if me.is_some() {
            return Ok(None);
        }
        if !self.is_group() || self.kept.admission == Admission::Closed {
            return Err(Error::NotMember);
        }
        let user = &self.caller.user;
        let event = Event { kind: Kind::JOIN, named: vec![user.clone()], body: Body::empty() };
        Ok(Some((event, vec![(user.clone(), Some(self.newcomer()))])))
    }

    fn leave(&self, me: Membership) -> Result<Step, Error> {
        if !self.is_group() {
            return Err(Error::Invalid { reason: "a direct conversation is not left" });
        }
        if me.role == Role::Owner && self.kept.members.count() > 1 {
            return Err(Error::Invalid {
                reason: "the owner gives the ownership to another first",
            });
        }
        let user = &self.caller.user;
        let event = Event { kind: Kind::LEAVE, named: vec![user.clone()], body: Body::empty() };
        Ok(Some((event, vec![(user.clone(), None)])))
    }

    async fn add(
        &self,
        me: Option<Membership>,
        users: &[UserId],
        body: &Body,
    ) -> Result<Step, Error> {
        require(me, Role::Admin)?;
        let mut named = Vec::new();
        for user in users {
            if self.membership(user).await?.is_none() {
                named.push(user.clone());
            }
        }
        let joining = named.iter().map(|user| (user.clone(), Some(self.newcomer()))).collect();
        Ok(Some((Event { kind: Kind::JOIN, named, body: body.clone() }, joining)))
    }

    async fn remove(
        &self,
        me: Option<Membership>,
        user: &UserId,
        body: &Body,
    ) -> Result<Step, Error> {
        let role = require(me, Role::Admin)?;
        if *user == self.caller.user {
            return Err(Error::Invalid { reason: "who goes by themselves leaves" });
        }
        let Some(them) = self.membership(user).await? else { return Ok(None) };
        if them.role >= role {
            return Err(Error::NotAllowed);
        }
        let event = Event { kind: Kind::LEAVE, named: vec![user.clone()], body: body.clone() };
        Ok(Some((event, vec![(user.clone(), None)])))
    }

    async fn give(
        &self,
        me: Option<Membership>,
        user: &UserId,
        role: Role,
        body: &Body,
    ) -> Result<Step, Error> {
        let me = me.ok_or(Error::NotMember)?;
        let them = self.membership(user).await?;
        // Before their own role is looked at: who gave the ownership away has it no more when they
        // ask again.
        if them.is_some_and(|them| them.role == role) {
            return Ok(None);
        }
        require(Some(me), Role::Owner)?;
        let them = them.ok_or(Error::Invalid { reason: "not a member of the group" })?;
        if *user == self.caller.user {
            return Err(Error::Invalid { reason: "the owner gives the ownership to another" });
        }
        let mut changed = vec![(user.clone(), Some(Membership { role, ..them }))];
        if role == Role::Owner {
            let admin = Membership { role: Role::Admin, ..me };
            changed.push((self.caller.user.clone(), Some(admin)));
        }
        let event = Event { kind: Kind::ROLE, named: vec![user.clone()], body: body.clone() };
        Ok(Some((event, changed)))
    }

    fn rename(&self, me: Option<Membership>, title: &Title, body: &Body) -> Result<Plan, Error> {
        require(me, Role::Admin)?;
        if self.kept.title.as_ref() == Some(title) {
            return Ok(Plan::Nothing);
        }
        let event = Event { kind: Kind::RENAME, named: Vec::new(), body: body.clone() };
        let renamed = Conversation { title: Some(title.clone()), ..self.kept.clone() };
        Ok(self.changed(renamed, event, Vec::new()))
    }

    fn mute(&self, me: Membership, muted: Muted) -> Result<Plan, Error> {
        if me.muted == muted {
            return Ok(Plan::Nothing);
        }
        let version = self.kept.version + 1;
        let mut next = Conversation { version, pending: None, ..self.kept.clone() };
        if let Members::Inline(members) = &mut next.members {
            members.insert(self.caller.user.clone(), Membership { muted, ..me });
        }
        Ok(Plan::Change(Box::new(next)))
    }

    /// The conversation with these memberships, unless it is too small for them.
    fn fit(&self, event: Event, memberships: Memberships) -> Result<Plan, Error> {
        let changing = memberships.len() as u64;
        let joining = if event.kind == Kind::JOIN { changing } else { 0 };
        let leaving = if event.kind == Kind::LEAVE { changing } else { 0 };
        let count = self.kept.members.count() + joining - leaving;
        let policy = self.ports.tell.policy;
        if joining > 0 && count > policy.group_members_max {
            return Err(Error::Invalid { reason: "the group is full" });
        }
        let mut next = self.kept.clone();
        match &mut next.members {
            Members::Inline(_) if joining > 0 && count > policy.inbox_members_max => {
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
        Ok(self.changed(next, event, memberships))
    }

    /// The next version of a conversation, with what its change still has to do.
    fn changed(&self, mut next: Conversation, event: Event, members: Memberships) -> Plan {
        next.version += 1;
        next.pending = Some(Pending {
            version: next.version,
            id: self.ports.ids.next(),
            author: self.caller.user.clone(),
            device: self.caller.device.clone(),
            at: self.ports.tell.clock.now(),
            kind: Kind::event(event.kind),
            named: event.named,
            body: event.body,
            base: self.tail.seq,
            countable: self.tail.countable,
            members,
        });
        Plan::Change(Box::new(next))
    }
}

/// A direct conversation has no owner, and so nobody in it may change it.
fn require(me: Option<Membership>, role: Role) -> Result<Role, Error> {
    let me = me.ok_or(Error::NotMember)?;
    if me.role < role { Err(Error::NotAllowed) } else { Ok(me.role) }
}

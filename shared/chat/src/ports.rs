//! What the routes that write messages may touch.

use push::{Alerts, Push};
use store::{Claims, Connections, Directory, Focuses, Inboxes, Pace, Timelines};
use timeline::MessageId;

use crate::clock::Clock;
use crate::policy::Policy;

/// What it takes to tell everyone of a message.
#[derive(Clone, Copy)]
#[expect(missing_debug_implementations, reason = "a port has nothing to show")]
pub struct TellPorts<'a> {
    /// Who is in the conversation.
    pub directory: &'a dyn Directory,
    /// Where messages are kept.
    pub timelines: &'a dyn Timelines,
    /// Where members find them.
    pub inboxes: &'a dyn Inboxes,
    /// Who is listening, and where.
    pub connections: &'a dyn Connections,
    /// Who shows a large group.
    pub focuses: &'a dyn Focuses,
    /// How those are told who are online.
    pub push: &'a dyn Push,
    /// How those are told who are not.
    pub alerts: &'a dyn Alerts,
    /// When.
    pub clock: &'a dyn Clock,
    /// How long to wait for others.
    pub pace: &'a dyn Pace,
    /// What the deployment decides.
    pub policy: &'a Policy,
}

/// What `send` may touch.
#[derive(Clone, Copy)]
#[expect(missing_debug_implementations, reason = "a port has nothing to show")]
pub struct SendPorts<'a> {
    /// What it takes to tell everyone.
    pub tell: TellPorts<'a>,
    /// What senders without a base go by.
    pub claims: &'a dyn Claims,
}

/// What `group` may touch.
#[derive(Clone, Copy)]
#[expect(missing_debug_implementations, reason = "a port has nothing to show")]
pub struct GroupPorts<'a> {
    /// What it takes to tell everyone.
    pub tell: TellPorts<'a>,
    /// What names events.
    pub ids: &'a dyn Ids,
}

/// A source of ids that nobody has used and nobody can guess.
pub trait Ids: Send + Sync {
    /// The next.
    fn next(&self) -> MessageId;
}

//! What a deployment decides.

use timeline::{InboxLife, limits};

/// What a deployment decides about conversations.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Policy {
    /// Up to how many members a group's messages are written to each member's inbox. A group that
    /// grows beyond it is read from its timeline from then on, however small it gets again.
    pub inbox_members_max: u64,
    /// The most members of a group.
    pub group_members_max: u64,
    /// How long an inbox keeps an entry.
    pub inbox_life: InboxLife,
    /// How long an author may take a message back or change it, in milliseconds.
    pub recall_ms: u64,
}

impl Default for Policy {
    /// Inboxes up to 100 members, groups up to 10,000, entries for 30 days, a day to take back.
    fn default() -> Self {
        Self {
            inbox_members_max: 100,
            group_members_max: 10_000,
            inbox_life: InboxLife::default(),
            recall_ms: limits::RECALL_MS_DEFAULT,
        }
    }
}

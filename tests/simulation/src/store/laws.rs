//! What must hold after every single write.

use store::{Conversation, InboxTail, Members, Memory, Scan, Timelines};
use timeline::{Entry, InboxEntry, Kind, Party, TimelineId, UserId};

use crate::machine::{Machine, run};

/// A timeline is dense, and an entry counts exactly what is before it.
pub(super) fn after_entry(
    machine: &Machine,
    memory: &Memory,
    timeline: &TimelineId,
    entry: &Entry,
) {
    let scan = Scan { max_count: 2, ..Scan::newest() };
    let newest = run(memory.scan(timeline, scan)).unwrap_or_default();
    let before = newest.get(1);
    if newest.first().map(|newest| newest.seq) != Some(entry.seq)
        || before.map_or(1, |before| before.seq.number() + 1) != entry.seq.number()
    {
        machine.violated(format!("{timeline} has a hole before {}", entry.seq));
    }
    let counts = before.map_or((0, 0), |before| (before.countable, before.recalls));
    let is_recall = entry.kind.as_str() == Kind::RECALL;
    let expected = (counts.0 + u64::from(!entry.kind.is_event()), counts.1 + u64::from(is_recall));
    if (entry.countable, entry.recalls) != expected {
        machine.violated(format!("{timeline} counts wrongly at {}", entry.seq));
    }
}

/// The positions of an inbox are dense, also after all of its entries expired.
pub(super) fn after_inbox(
    machine: &Machine,
    user: &UserId,
    before: &InboxTail,
    entry: &InboxEntry,
) {
    if entry.position != before.position().next() {
        machine.violated(format!(
            "the inbox of {user} goes from {} to {}",
            before.position(),
            entry.position
        ));
    }
}

/// A membership changed: who is in the group now, and from which place on.
pub(super) fn after_change(machine: &Machine, conversation: &Conversation) {
    if !matches!(conversation.id.party(), Party::Group(_)) {
        return;
    }
    if let Members::Inline(members) = &conversation.members {
        members.iter().for_each(|(user, member)| machine.joined(user, member.joined));
    }
    // Of a large group, what changed is still to be written in rows.
    let pending = conversation.pending.iter().flat_map(|pending| &pending.members);
    for (user, membership) in pending {
        if let Some(membership) = membership {
            machine.joined(user, membership.joined);
        }
    }
}

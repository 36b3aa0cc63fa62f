//! What happens to the world's one group, and what its members must have seen.

use engine::Command;
use timeline::{ConversationId, MessageId};

use super::{Event, PEACE, USERS, World};

/// How many times somebody comes or goes.
const MOVES: u64 = 6;

/// How many times somebody begins or ends looking.
const LOOKS: u64 = 8;

/// The group.
pub(super) fn id() -> ConversationId {
    ConversationId::parse(&format!("g~{}", cid())).unwrap()
}

fn cid() -> MessageId {
    MessageId::from_bytes(u128::from(u64::MAX).to_be_bytes())
}

fn request(op: &str) -> wire::Group {
    let conversation = Some(id().to_string()).filter(|_| op != "create");
    wire::Group { conversation, ..wire::Group::new(String::new(), op) }
}

impl World {
    /// Whether the group became large in the end, and whether somebody left it and is back.
    pub(crate) fn extent(&self) -> (bool, bool) {
        let Some(group) = self.server.groups.get(id().as_str()) else { return (false, false) };
        let is_back = |user: &&str| group.has_left(user) && group.is_member(user);
        (group.is_large(), USERS.iter().any(is_back))
    }

    /// Plans that `al` makes the group, and that others come and go and look.
    pub(super) fn plan_group(&mut self) {
        self.server.large_after = self.random.u64(2..18);
        let mut create = request("create");
        create.title = Some("tea".to_owned());
        create.cid = Some(cid().to_string());
        create.members = Some(vec!["bo".to_owned()]);
        create.open = Some(true);
        create.history = self.random.bool().then(|| "join".to_owned());
        // Asked for by both devices: a process that dies forgets what it was asked for.
        for index in 0..2 {
            let at = self.random.u64(0..15_000);
            self.plan(at, Event::Asked(index, Box::new(create.clone())));
        }
        for _ in 0..MOVES {
            let at = self.random.u64(5_000..PEACE);
            let (index, request) = self.some_move();
            self.plan(at, Event::Asked(index, Box::new(request)));
        }
        for _ in 0..LOOKS {
            let at = self.random.u64(0..PEACE);
            let index = self.random.usize(0..USERS.len());
            let look = if self.random.u8(0..3) > 0 { Command::Focus } else { Command::Blur };
            self.plan(at, Event::Looked(index, look(id())));
        }
    }

    fn some_move(&mut self) -> (usize, wire::Group) {
        // `al` stays: without them the group would be nobody's.
        let other = ["bo", "cy"][self.random.usize(0..2)];
        let theirs = USERS.iter().position(|user| *user == other).unwrap();
        match self.random.u8(0..5) {
            0 | 1 => (theirs, request("join")),
            2 => (theirs, request("leave")),
            3 => (0, wire::Group { user: Some(other.to_owned()), ..request("add") }),
            _ => (1, wire::Group { user: Some(other.to_owned()), ..request("remove") }),
        }
    }

    /// What a device must not have seen of the group, or should have.
    pub(super) fn group_violations(&self, index: usize) -> Vec<String> {
        let (id, user) = (id().to_string(), USERS[index]);
        let shown = self.devices[index].shown.iter().filter(|(shown, _)| *shown == id);
        let shown: Vec<u64> = shown.map(|(_, seq)| *seq).collect();
        let Some(group) = self.server.groups.get(&id) else {
            return shown.iter().map(|seq| format!("{index} saw {seq} of no group")).collect();
        };
        let tail = self.server.logs[&id].len() as u64;
        let mut violations = Vec::new();
        if !shown.is_sorted_by(|one, next| one < next) {
            violations.push(format!("device {index} saw {shown:?} in the group"));
        }
        let foreign = shown.iter().filter(|seq| **seq > tail || !group.was_visible(user, **seq));
        violations.extend(foreign.map(|seq| format!("device {index} saw {seq}, not its own")));
        if let Some(since) = group.since(user) {
            // What a user missed while they were out may stay missed on a device that asked for it
            // then; nothing else may.
            let first = if group.has_left(user) { since } else { group.first(user) };
            let owed: Vec<u64> = (first..=tail).filter(|seq| self.stands(&id, *seq)).collect();
            if !self.standing(&id, &shown).ends_with(&owed) {
                violations.push(format!("device {index} saw {shown:?}, owed {first} to {tail}"));
            }
        }
        violations
    }
}

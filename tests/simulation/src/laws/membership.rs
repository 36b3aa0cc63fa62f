//! Who is removed sees nothing new; who joins sees what they may.

use serde_json::{Value, json};
use store::{Directory, Members};
use timeline::{ConversationId, Entry, Kind, Party, Seq, UserId, Visibility};

use crate::laws::delivery::{shown, users};
use crate::machine::run;
use crate::script::group;
use crate::world::World;

impl World {
    /// The first event of a kind that names somebody, from a place on.
    fn event_of(&self, kind: &str, user: &str, from: u64) -> Option<u64> {
        let entries = self.entries(&group());
        let event = entries.iter().find(|entry| {
            entry.kind.as_str() == kind
                && entry.seq.number() >= from
                && entry.named.iter().any(|named| named.as_str() == user)
        });
        event.map(|event| event.seq.number())
    }

    /// From which place on and up to which event somebody was in the group; both count.
    pub(crate) fn stays(&self, user: &str) -> Vec<(u64, u64)> {
        let stays = self
            .machine
            .joined_from(user)
            .into_iter()
            .map(|from| (from, self.event_of(Kind::LEAVE, user, from).unwrap_or(u64::MAX)));
        stays.collect()
    }

    /// From which place on somebody is in the group, if they are.
    fn standing_in_group(&self, user: &str) -> Option<u64> {
        let id = UserId::parse(user).expect("a user");
        let kept = run(self.memory().conversation(&group())).ok()??;
        let membership = match &kept.members {
            Members::Inline(members) => members.get(&id).copied(),
            Members::Rows { since, .. } => {
                let row = run(self.memory().member(&group(), &id)).ok()?;
                row.filter(|row| row.version >= *since).and_then(|row| row.membership)
            }
        };
        membership.map(|membership| membership.joined.number())
    }

    /// After which event the group was large.
    pub(super) fn switched(&self) -> Option<Seq> {
        match run(self.memory().conversation(&group())).ok()??.members {
            Members::Rows { switched, .. } => Some(switched),
            Members::Inline(_) => None,
        }
    }

    fn sees_from_start(&self) -> bool {
        let kept = run(self.memory().conversation(&group()));
        kept.is_ok_and(|kept| kept.is_some_and(|kept| kept.visibility == Visibility::FromStart))
    }

    /// Whether somebody's inbox has to tell of an entry.
    pub(super) fn is_owed(&self, user: &str, id: &ConversationId, entry: &Entry) -> bool {
        if let Party::Direct(one, other) = id.party() {
            return [one, other].iter().any(|it| it.as_str() == user);
        }
        // What was kept while they were let in they read from the timeline. Who was put out is not
        // told any more of what somebody else has to finish.
        let Some(from) = self.standing_in_group(user) else { return false };
        // Of two who let a group grow at once, one is late.
        let is_late = self.switched().is_some_and(|switched| entry.seq > switched);
        let told_from = self.event_of(Kind::JOIN, user, from).unwrap_or(from);
        entry.seq.number() >= told_from && !is_late
    }

    /// From where on somebody's devices must show everything; nothing if they are out. Who was out
    /// for a while may lack what came meanwhile, unless their device is new.
    pub(super) fn first_owed(&self, user: &str, id: &ConversationId, is_new: bool) -> Option<u64> {
        match id.party() {
            Party::Direct(one, other) => {
                [one, other].iter().any(|it| it.as_str() == user).then_some(1)
            }
            Party::Group(_) => {
                let from = self.standing_in_group(user)?;
                // Who let the group grow by joining was told of that before they were in, and their
                // devices may have asked for what was before it, in vain.
                let grew = self.entries(id).iter().any(|entry| {
                    entry.kind.as_str() == Kind::MODE && entry.author.as_str() == user
                });
                let asked_once = self.stays(user).len() == 1 && !grew;
                let all = self.sees_from_start() && (is_new || asked_once);
                Some(if all { 1 } else { from })
            }
        }
    }

    /// Looks at what devices show that they must not.
    pub(crate) fn look_at_membership(&mut self) {
        let from_start = self.sees_from_start();
        for id in self.conversations() {
            let entries = self.entries(&id);
            for (index, device) in self.devices.iter().enumerate() {
                let user = device.user;
                let stays = self.stays(user);
                let is_own = |seq: u64| {
                    let entry = entries.iter().find(|entry| entry.seq.number() == seq);
                    entry.is_some_and(|entry| entry.author.as_str() == user)
                };
                // Who lets the group grow by joining it wrote the event before they were in.
                for seq in shown(device, &id).into_iter().filter(|seq| !is_own(*seq)) {
                    let may = match id.party() {
                        Party::Direct(one, other) => {
                            [one, other].iter().any(|it| it.as_str() == user)
                        }
                        Party::Group(_) => stays
                            .iter()
                            .any(|(from, to)| seq <= *to && (from_start || seq >= *from)),
                    };
                    if !may {
                        let law =
                            format!("device {index} of {user} shows {seq} of {id}: {stays:?}");
                        self.machine.violated(law);
                    }
                }
            }
        }
        for user in users() {
            for id in self.conversations() {
                let frame = json!({"action": "history", "id": "1", "conversation": id.as_str()});
                let answer = self.ask(user, &frame);
                let is_in = self.first_owed(user, &id, true).is_some();
                if is_in == (answer["error"] != Value::Null) {
                    self.machine.violated(format!("{user} in {id}: {is_in}, but {answer}"));
                }
            }
        }
    }
}

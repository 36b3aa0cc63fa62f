//! Every message is kept once and shown once, in order, on every device that may see it.

use std::collections::BTreeSet;

use store::Inboxes;
use timeline::{ConversationId, Entry, Kind, Seq, UserId};

use crate::device::Device;
use crate::event::Event;
use crate::machine::run;
use crate::script::group;
use crate::weather::Climate;
use crate::world::{USERS, World};

impl World {
    /// Looks at what is kept, and at what every device shows.
    pub(crate) fn look_at_delivery(&mut self) {
        self.look_at_kept();
        self.look_at_edits();
        self.look_at_inboxes();
        for index in 0..self.devices.len() {
            self.look_at_device(index, false);
            let engine = &self.devices[index].engine;
            if self.devices[index].is_away {
                continue;
            }
            if engine.outbox().count() > 0 || !engine.is_caught_up() {
                self.machine.violated(format!("device {index} is not at rest"));
            }
        }
    }

    fn look_at_kept(&self) {
        let entries = self.conversations().into_iter().flat_map(|id| self.entries(&id));
        let kept: Vec<(String, String)> =
            entries.map(|entry| (entry.author.to_string(), entry.id.to_string())).collect();
        let distinct: BTreeSet<_> = kept.iter().collect();
        if distinct.len() < kept.len() {
            self.machine.violated(format!("a message stands twice: {kept:?}"));
        }
        let known: BTreeSet<&str> = kept.iter().map(|(_, id)| id.as_str()).collect();
        for id in Self::written() {
            let is_pending = self.devices.iter().any(|device| {
                device.is_away && device.engine.outbox().any(|queued| queued.cid.to_string() == id)
            });
            if !known.contains(id.as_str()) && !self.refused.contains(&id) && !is_pending {
                self.machine.violated(format!("{id} is lost"));
            }
        }
    }

    /// What was taken back says nothing, and what was changed says what the newest change says.
    fn look_at_edits(&self) {
        for id in self.conversations() {
            let entries = self.entries(&id);
            let at = |seq: Seq| entries.iter().find(|entry| entry.seq == seq);
            for target in entries.iter().filter_map(|event| at(event.target?)) {
                let events = entries.iter().filter(|event| event.target == Some(target.seq));
                let (recalls, edits): (Vec<_>, Vec<_>) =
                    events.partition(|event| event.kind.as_str() == Kind::RECALL);
                let newest = edits.last();
                let is_so = match newest {
                    _ if !recalls.is_empty() => target.body.is_none(),
                    Some(edit) => target.body.is_some() && target.body == edit.body,
                    None => true,
                };
                if !is_so {
                    let seq = target.seq;
                    self.machine.violated(format!("{seq} of {id} is not as {newest:?} says"));
                }
            }
        }
    }

    /// The inbox of everyone tells of every message that it has to, as long as it has not expired.
    fn look_at_inboxes(&self) {
        if self.climate == Climate::Expiry {
            return;
        }
        for user in users() {
            let id = UserId::parse(user).expect("a user");
            let page = run(self.memory().after(&id, Seq::ZERO, 100_000)).unwrap_or_default();
            let positions: Vec<u64> =
                page.entries.iter().map(|entry| entry.position.number()).collect();
            if !positions.iter().copied().eq(1..=positions.len() as u64) {
                self.machine.violated(format!("the inbox of {user} has {positions:?}"));
            }
            for conversation in self.conversations() {
                for entry in self.entries(&conversation) {
                    let owed = entry.diffusion == timeline::Diffusion::Write
                        && self.is_owed(user, &conversation, &entry);
                    let is_told =
                        page.entries.iter().any(|told| told.tells_of(&conversation, entry.seq));
                    if owed && !is_told {
                        let seq = entry.seq;
                        self.machine.violated(format!(
                            "no inbox of {user} tells of {seq} in {conversation}"
                        ));
                    }
                }
            }
        }
    }

    /// A device shows what it owes, in order and once.
    fn look_at_device(&self, index: usize, is_new: bool) {
        let device = &self.devices[index];
        if device.is_away {
            return;
        }
        for id in self.conversations() {
            let shown = shown(device, &id);
            if !shown.is_sorted_by(|one, next| one < next) {
                self.machine.violated(format!("device {index} shows {shown:?} of {id}"));
            }
            let Some(first) = self.first_owed(device.user, &id, is_new) else { continue };
            let entries = self.entries(&id);
            let is_large = id == group() && self.is_large();
            if is_large && self.climate == Climate::NoPing {
                continue;
            }
            // A user's other devices are told of what they sent after the marker. A function that
            // is killed between the two leaves that to the next push, or to the keep-alive.
            let counts = |entry: &Entry| {
                let is_own = entry.author.as_str() == device.user;
                entry.body.is_some() && !(is_own && self.climate == Climate::NoPing)
            };
            let owed = entries.iter().filter(|entry| counts(entry) && entry.seq.number() >= first);
            let owed: Vec<u64> = owed.map(|entry| entry.seq.number()).collect();
            let counted: BTreeSet<u64> = entries
                .iter()
                .filter(|entry| counts(entry))
                .map(|entry| entry.seq.number())
                .collect();
            let standing: Vec<u64> =
                shown.iter().copied().filter(|seq| counted.contains(seq)).collect();
            if !standing.ends_with(&owed) {
                self.machine
                    .violated(format!("device {index} shows {standing:?} of {owed:?} in {id}"));
            }
        }
    }

    /// A device that is new now reads everything that its user may see.
    pub(crate) fn look_at_newcomers(&mut self, time_ms: u64) {
        let first = self.devices.len();
        for (number, user) in (0..).zip(users()) {
            self.devices.push(Device::new(user, "new", number));
            self.machine.plan(1, Event::Woken(first + number as usize));
        }
        self.run_until(self.machine.elapsed() + time_ms);
        for index in first..self.devices.len() {
            self.look_at_device(index, true);
        }
        self.devices.truncate(first);
    }

    pub(crate) fn is_large(&self) -> bool {
        self.switched().is_some()
    }
}

/// Everyone.
pub(super) fn users() -> BTreeSet<&'static str> {
    USERS.iter().map(|(user, _)| *user).collect()
}

/// What a device has shown of a conversation.
pub(super) fn shown(device: &Device, id: &ConversationId) -> Vec<u64> {
    let shown = device.shown.iter().filter(|(shown, _)| shown == id.as_str());
    shown.map(|(_, seq)| *seq).collect()
}

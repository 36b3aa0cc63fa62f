//! What is unread is the same on every device and on the server; nobody is said to have read what
//! they have not.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use timeline::{ConversationId, Seq};

use crate::laws::delivery::users;
use crate::world::World;

impl World {
    /// Looks at what counts as read.
    pub(crate) fn look_at_reading(&mut self) {
        let mut positions = BTreeMap::new();
        for user in users() {
            let listed = self.ask(user, &json!({"action": "conversations", "id": "1"}));
            let listed = &listed["ok"];
            let rows = listed["conversations"].as_array().cloned().unwrap_or_default();
            for row in &rows {
                self.look_at_row(user, row);
                let id = row["conversation"].as_str().unwrap_or_default().to_owned();
                positions.insert((user, id), row["read"].as_u64().unwrap_or_default());
            }
            for (index, device) in self.devices.iter().enumerate() {
                if device.user != user || device.is_away {
                    continue;
                }
                let (here, there) = (device.engine.total_unread(), &listed["unread"]);
                if *there != here {
                    self.machine.violated(format!("device {index} counts {here}, not {there}"));
                }
            }
        }
        self.look_at_receipts(&positions);
    }

    fn look_at_row(&self, user: &'static str, row: &Value) {
        let text = row["conversation"].as_str().unwrap_or_default();
        let id = ConversationId::parse(text).expect("a conversation of the list");
        let read = row["read"].as_u64().unwrap_or_default();
        let unread = self.entries(&id).into_iter().filter(|entry| {
            let is_message = !entry.kind.is_event() && entry.body.is_some();
            is_message && entry.author.as_str() != user && entry.seq.number() > read
        });
        let unread = unread.count() as u64;
        if row["unread"] != unread {
            self.machine.violated(format!("{user} has {unread} unread in {id}, but {row}"));
        }
        let wanted = self.wanted.get(&(user, id.to_string())).copied().unwrap_or_default();
        let is_back = self.first_owed(user, &id, true) == self.first_owed(user, &id, false);
        if read < wanted && is_back {
            self.machine.violated(format!("{user} has read {wanted} of {id}, but {row}"));
        }
        for (index, device) in self.devices.iter().enumerate() {
            if device.user != user || device.is_away {
                continue;
            }
            let (here, position) =
                (device.engine.unread(&id), device.engine.position(&id).number());
            if here != unread || position != read {
                let law = format!("device {index}: {here} unread after {position} of {id}: {row}");
                self.machine.violated(law);
            }
        }
    }

    /// Receipts are never ahead of what was read, on no device and in no answer.
    fn look_at_receipts(&mut self, positions: &BTreeMap<(&'static str, String), u64>) {
        for id in self.conversations() {
            for user in users() {
                if self.first_owed(user, &id, true).is_none() {
                    continue;
                }
                let frame = json!({"action": "receipts", "id": "1", "conversation": id.as_str()});
                let answer = self.ask(user, &frame);
                for reader in answer["ok"]["readers"].as_array().cloned().unwrap_or_default() {
                    let other = reader["user"].as_str().unwrap_or_default().to_owned();
                    let seq = reader["seq"].as_u64().unwrap_or_default();
                    if seq > self.read_at_most(&other, &id, positions) {
                        self.machine.violated(format!("{other} has not read {seq} of {id}"));
                    }
                }
            }
            for (index, device) in self.devices.iter().enumerate() {
                let others = users().into_iter().filter(|user| *user != device.user);
                let most = others.map(|other| self.read_at_most(other, &id, positions)).max();
                if device.engine.read_by(&id) > Seq::new(most.unwrap_or_default()).expect("a place")
                {
                    self.machine.violated(format!("device {index} is ahead of all in {id}"));
                }
            }
        }
    }

    /// How far somebody can have read: as far as they stand, or wanted before they left.
    fn read_at_most(
        &self,
        user: &str,
        id: &ConversationId,
        positions: &BTreeMap<(&'static str, String), u64>,
    ) -> u64 {
        let of = |known: &BTreeMap<(&'static str, String), u64>| {
            let mine = known.iter().filter(|((other, of), _)| *other == user && of == id.as_str());
            mine.map(|(_, seq)| *seq).max().unwrap_or_default()
        };
        of(positions).max(of(&self.wanted))
    }
}

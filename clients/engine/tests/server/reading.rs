//! What the model remembers of its users: how far they have read, and what was taken back.

use serde_json::{Value, json};
use timeline::{Kind, MessageId};
use wire::{ErrorCode, Message, Problem};

use super::{Effect, Server};

impl Server {
    /// How many messages a user has not read.
    pub(crate) fn unread(&self, user: &str, id: &str) -> u64 {
        let read = self.position(user, id);
        let is_unread = |message: &&Message| {
            let is_event = Kind::EVENTS.contains(&message.kind.as_str());
            message.seq > read && message.from != user && !is_event && message.body.is_some()
        };
        self.logs.get(id).map_or(0, |log| log.iter().filter(is_unread).count() as u64)
    }

    /// How far a user has read.
    pub(crate) fn position(&self, user: &str, id: &str) -> u64 {
        self.positions.get(&(user.to_owned(), id.to_owned())).copied().unwrap_or_default()
    }

    /// The conversations of a user.
    pub(crate) fn conversations_of(&self, user: &str) -> impl Iterator<Item = &String> {
        self.logs.keys().filter(move |id| self.is_mine(id, user))
    }

    /// Moves a position, forward only.
    pub(super) fn mark(&mut self, user: &str, id: &str, seq: u64) {
        let position = self.positions.entry((user.to_owned(), id.to_owned())).or_default();
        *position = seq.max(*position);
    }

    pub(super) fn read(&mut self, user: &str, frame: &str) -> Result<Value, Problem> {
        let asked = wire::Read::parse(frame).unwrap().fields;
        let (id, seq) = (asked.conversation.as_str(), asked.seq.number());
        if !self.is_mine(id, user) {
            return Err(Problem::new(ErrorCode::Forbidden, ""));
        }
        if seq > self.tail(id) {
            return Err(Problem::new(ErrorCode::Invalid, ""));
        }
        self.mark(user, id, seq);
        let stands = self.position(user, id);
        if stands == seq {
            let message = Message {
                q: None,
                conversation: id.to_owned(),
                seq,
                cid: MessageId::NONE.to_string(),
                from: user.to_owned(),
                at: 1,
                kind: Kind::READ.to_owned(),
                large: false,
                target: None,
                edited: None,
                body: serde_json::value::RawValue::from_string("{}".to_owned()).ok(),
            };
            self.effects.push(Effect::Entry { user: user.to_owned(), message });
            self.tell(user, id, seq);
        }
        Ok(json!({"seq": stands, "unread": self.unread(user, id)}))
    }

    /// Plans that the others learn how far a user has read, if they are there.
    fn tell(&mut self, user: &str, id: &str, seq: u64) {
        let told = json!({"event": "read", "conversation": id, "user": user, "seq": seq, "at": 1});
        let others = self.users_of(id).into_iter().filter(|other| other != user);
        let effects = others.map(|user| Effect::Told { user, text: told.to_string() });
        self.effects.extend(effects);
    }

    /// How far everybody else in a conversation has read.
    pub(super) fn receipts(&self, user: &str, frame: &str) -> Result<Value, Problem> {
        let asked = wire::Receipts::parse(frame).unwrap().fields;
        let id = asked.conversation.as_str();
        if !self.is_mine(id, user) {
            return Err(Problem::new(ErrorCode::Forbidden, ""));
        }
        let others = self.users_of(id).into_iter().filter(|other| other != user);
        let read = others.map(|other| (self.position(&other, id), other));
        let readers = read.filter(|(seq, _)| *seq > 0);
        let readers: Vec<Value> =
            readers.map(|(seq, user)| json!({"user": user, "seq": seq, "at": 1})).collect();
        Ok(json!({"count": readers.len(), "readers": readers}))
    }

    /// Who is in a conversation.
    pub(crate) fn users_of(&self, id: &str) -> Vec<String> {
        match self.groups.get(id) {
            Some(group) => group.members().map(str::to_owned).collect(),
            None => id.split('~').skip(1).map(str::to_owned).collect(),
        }
    }

    /// One conversation a page, so that there are several.
    pub(super) fn conversations(&self, user: &str, frame: &str) -> Value {
        let asked = wire::Conversations::parse(frame).unwrap().fields;
        let after = asked.after.map(|place| place.conversation.to_string()).unwrap_or_default();
        let mut rest = self.conversations_of(user).filter(|id| **id > after);
        let first = rest.next();
        let page = first.filter(|_| rest.next().is_some()).map(|id| format!("1~{id}"));
        let rows: Vec<Value> = first.into_iter().map(|id| self.row(user, id)).collect();
        let total: u64 = self.conversations_of(user).map(|id| self.unread(user, id)).sum();
        json!({"conversations": rows, "unread": total, "page": page})
    }

    fn row(&self, user: &str, id: &str) -> Value {
        let sort = if id.starts_with("d~") { "direct" } else { "group" };
        json!({"conversation": id, "type": sort, "tail": self.tail(id), "muted": false,
            "read": self.position(user, id), "unread": self.unread(user, id)})
    }

    pub(super) fn recall(&mut self, user: &str, frame: &str) -> Result<Value, Problem> {
        let asked = wire::Recall::parse(frame).unwrap().fields;
        let (id, seq) = (asked.conversation.as_str(), asked.seq.number());
        let (kind, body) = match &asked.body {
            None => (Kind::RECALL, "{}"),
            Some(body) => (Kind::EDIT, body.as_str()),
        };
        let base = asked.base.unwrap().number();
        let kept = self.keep(user, id, asked.message, base, (kind, Some(seq), body))?;
        let event = kept["seq"].as_u64().unwrap();
        let message = &mut self.logs.get_mut(id).unwrap()[seq as usize - 1];
        if asked.body.is_none() {
            message.body = None;
        } else if message.body.is_some() {
            message.edited = Some(event);
        }
        Ok(kept)
    }
}

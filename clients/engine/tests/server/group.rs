//! Groups of the model: who is in them since when, what is large, who looks.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use timeline::group::{Change, GroupRequest};
use timeline::{ConversationId, Kind, MessageId, Visibility};
use wire::{ErrorCode, Message, Problem};

use super::{Caller, Effect, Server};

/// How long a focus lasts, in milliseconds; short, so that it is renewed.
const FOCUS_MS: u64 = 40_000;

/// One group.
#[derive(Debug)]
pub(crate) struct Group {
    /// Since which sequence, and up to which if they left, each user was in it, time after time.
    stays: BTreeMap<String, Vec<(u64, Option<u64>)>>,
    /// Whether a member sees what was before.
    is_from_join: bool,
    /// After so many entries it becomes large.
    large_after: u64,
    /// Whether it is.
    is_large: bool,
    /// Who looks, by which device and connection, and until when.
    focused: BTreeMap<(usize, u64), (String, u64)>,
}

impl Group {
    /// Whether its messages are in no inbox.
    pub(crate) fn is_large(&self) -> bool {
        self.is_large
    }

    /// Whether a user is in it.
    pub(crate) fn is_member(&self, user: &str) -> bool {
        self.since(user).is_some()
    }

    /// Who is in it.
    pub(crate) fn members(&self) -> impl Iterator<Item = &str> {
        self.stays.keys().map(String::as_str).filter(|user| self.is_member(user))
    }

    /// Since when a user is in it, if they are.
    pub(crate) fn since(&self, user: &str) -> Option<u64> {
        let (since, until) = self.stays.get(user)?.last()?;
        until.is_none().then_some(*since)
    }

    /// The first sequence that a member sees.
    pub(crate) fn first(&self, user: &str) -> u64 {
        if self.is_from_join { self.since(user).unwrap_or(u64::MAX) } else { 1 }
    }

    /// Whether a user was in it once and left, whatever happened then.
    pub(crate) fn has_left(&self, user: &str) -> bool {
        self.stays.get(user).is_some_and(|stays| stays.iter().any(|(_, until)| until.is_some()))
    }

    /// Whether a user may ever have seen a sequence.
    pub(crate) fn was_visible(&self, user: &str, seq: u64) -> bool {
        let stays = self.stays.get(user).into_iter().flatten();
        let mut stays = stays.map(|(since, until)| {
            (if self.is_from_join { *since } else { 1 })..=until.unwrap_or(u64::MAX)
        });
        stays.any(|stay| stay.contains(&seq))
    }
}

impl Server {
    pub(super) fn group(&mut self, user: &str, frame: &str) -> Result<Value, Problem> {
        let id = match wire::Group::parse(frame, MessageId::from_bytes([0; 16])).unwrap().fields {
            GroupRequest::Create { id, members, visibility, body, .. } => {
                let name = format!("g~{id}");
                if !self.groups.contains_key(&name) {
                    let members = members.iter().map(ToString::to_string);
                    let stays =
                        members.chain([user.to_owned()]).map(|user| (user, vec![(1, None)]));
                    let group = Group {
                        stays: stays.collect(),
                        is_from_join: visibility == Visibility::FromJoin,
                        large_after: self.large_after,
                        is_large: false,
                        focused: BTreeMap::new(),
                    };
                    self.groups.insert(name.clone(), group);
                    self.event(&name, user, Kind::JOIN, body.as_str());
                }
                name
            }
            GroupRequest::Change { conversation, change } => {
                self.change(user, &conversation, change)?;
                conversation.to_string()
            }
            GroupRequest::Members { .. } => panic!("no device asks for members"),
        };
        Ok(json!({"conversation": id, "title": "x", "version": 1, "history": "start",
            "large": self.groups[&id].is_large, "open": true, "count": 1, "members": []}))
    }

    fn change(&mut self, user: &str, id: &ConversationId, change: Change) -> Result<(), Problem> {
        let forbidden = || Problem::new(ErrorCode::Forbidden, "");
        let group = self.groups.get(id.as_str()).ok_or_else(forbidden)?;
        if change != Change::Join && !group.is_member(user) {
            return Err(forbidden());
        }
        let users = |names: &[&str]| json!({"users": names}).to_string();
        match change {
            Change::Join => self.enter(user, id.as_str(), user, &users(&[])),
            Change::Leave => self.leave(user, id.as_str(), user, &users(&[])),
            Change::Add { users, body } => {
                self.enter(user, id.as_str(), users[0].as_str(), body.as_str());
            }
            Change::Remove { user: other, body } => {
                self.leave(user, id.as_str(), other.as_str(), body.as_str());
            }
            Change::Rename { body, .. } => {
                self.event(id.as_str(), user, Kind::RENAME, body.as_str());
            }
            Change::Role { .. } | Change::Mute(_) | Change::Pin(_) => {
                panic!("no device asks for this")
            }
        }
        Ok(())
    }

    fn enter(&mut self, actor: &str, id: &str, user: &str, body: &str) {
        let next = self.tail(id) + 1;
        let group = self.groups.get_mut(id).unwrap();
        if !group.is_member(user) {
            group.stays.entry(user.to_owned()).or_default().push((next, None));
            self.mark(user, id, next - 1);
            self.event(id, actor, Kind::JOIN, &named(body, user));
        }
    }

    fn leave(&mut self, actor: &str, id: &str, user: &str, body: &str) {
        let next = self.tail(id) + 1;
        let group = self.groups.get_mut(id).unwrap();
        if group.is_member(user) {
            group.stays.get_mut(user).unwrap().last_mut().unwrap().1 = Some(next);
            group.focused.retain(|_, (focused, _)| focused != user);
            self.event(id, actor, Kind::LEAVE, &named(body, user));
        }
    }

    fn event(&mut self, id: &str, from: &str, kind: &str, body: &str) {
        let cid = MessageId::from_bytes(u128::from(1_000 + self.tail(id)).to_be_bytes());
        self.append(id, from, &cid.to_string(), kind, None, body);
    }

    /// Lets a group that has grown become large; its members are told like of anything before.
    pub(super) fn grow(&mut self, id: &str, kind: &str) {
        let tail = self.tail(id);
        let Some(group) = self.groups.get(id) else { return };
        if !group.is_large && kind != Kind::MODE && tail >= group.large_after {
            self.event(id, "server", Kind::MODE, "{}");
            self.groups.get_mut(id).unwrap().is_large = true;
        }
    }

    pub(super) fn signal(&mut self, caller: Caller<'_>, frame: &str) -> Result<Value, Problem> {
        let until = self.now + FOCUS_MS;
        let signal: Value = serde_json::from_str(frame).unwrap();
        let id = signal["conversation"].as_str().unwrap();
        let forbidden = || Problem::new(ErrorCode::Forbidden, "");
        let clock = self.clock();
        let group = self.groups.get_mut(id).ok_or_else(forbidden)?;
        if !group.is_member(caller.user) {
            return Err(forbidden());
        }
        assert!(group.is_large, "only a large group is signaled");
        let device = (caller.device, caller.connection);
        if signal["kind"] == "focus" {
            group.focused.insert(device, (caller.user.to_owned(), until));
            return Ok(json!({"until": clock + FOCUS_MS}));
        }
        group.focused.remove(&device);
        Ok(json!({}))
    }

    /// Plans the pushes of a message of a large group.
    pub(super) fn push_to_focused(&mut self, message: &Message) {
        let Some(group) = self.groups.get(&message.conversation) else { return };
        let mut push = serde_json::to_value(message).unwrap();
        push["event"] = json!("message");
        let text = push.to_string();
        let focused = group.focused.iter().filter(|(_, (_, until))| *until > self.now);
        self.effects.extend(focused.map(|((device, connection), _)| Effect::Push {
            device: *device,
            connection: *connection,
            text: text.clone(),
        }));
    }
}

/// The body of an event; one that names nobody is about its author, who then is this user.
fn named(body: &str, user: &str) -> String {
    let mut body: Value = serde_json::from_str(body).unwrap();
    if body["users"].as_array().is_none_or(Vec::is_empty) {
        body["users"] = json!([user]);
    }
    body.to_string()
}

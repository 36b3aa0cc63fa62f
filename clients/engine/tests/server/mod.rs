//! A model of the server: logs, inboxes, groups, read positions, and the routes.

mod group;
mod reading;

use std::collections::BTreeMap;

use serde_json::{Value, json};
use timeline::exchange::{Destination, Outgoing, Part};
use timeline::{ConversationId, Kind, MessageId};
use wire::{ErrorCode, Message, Problem};

pub(crate) use group::Group;

/// How many entries an append verifies before its client must; small, so that it happens.
const VERIFY_MAX: u64 = 2;

/// How many entries a page holds; small, so that there are several.
const PAGE: usize = 2;

/// How far the server's clock is ahead of the world's, in milliseconds.
const CLOCK_AHEAD_MS: u64 = 1_000_000;

/// Something to be done after an answer.
#[derive(Clone, Debug)]
pub(crate) enum Effect {
    /// An entry for a user's inbox.
    Entry {
        /// Whose inbox.
        user: String,
        /// The message.
        message: Message,
    },
    /// A message of a large group for a device that looks at it.
    Push {
        /// Which device.
        device: usize,
        /// By which of its connections.
        connection: u64,
        /// The frame.
        text: String,
    },
    /// A read position, for whoever of these is there.
    Told {
        /// Which user.
        user: String,
        /// The frame.
        text: String,
    },
}

/// Who asks.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Caller<'a> {
    /// The user.
    pub(crate) user: &'a str,
    /// The device.
    pub(crate) device: usize,
    /// The device's connection.
    pub(crate) connection: u64,
}

/// Everything that is kept.
#[derive(Debug, Default)]
pub(crate) struct Server {
    /// The time.
    pub(crate) now: u64,
    /// How many entries a group that is made has before it becomes large.
    pub(crate) large_after: u64,
    /// Each conversation's messages.
    pub(crate) logs: BTreeMap<String, Vec<Message>>,
    /// Each group.
    pub(crate) groups: BTreeMap<String, Group>,
    /// How far each user has read each conversation.
    pub(crate) positions: BTreeMap<(String, String), u64>,
    inboxes: BTreeMap<String, Vec<Message>>,
    effects: Vec<Effect>,
}

impl Server {
    /// Answers a frame of a user; what is to be done after comes with it.
    pub(crate) fn answer(&mut self, caller: Caller<'_>, frame: &str) -> (String, Vec<Effect>) {
        let request: Value = serde_json::from_str(frame).unwrap();
        let outcome = match request["action"].as_str() {
            Some("send") => self.send(caller.user, frame),
            Some("sync") => Ok(self.sync(caller.user, frame)),
            Some("history") => self.history(caller.user, frame),
            Some("group") => self.group(caller.user, frame),
            Some("read") => self.read(caller.user, frame),
            Some("conversations") => Ok(self.conversations(caller.user, frame)),
            Some("receipts") => self.receipts(caller.user, frame),
            Some("recall") => self.recall(caller.user, frame),
            Some("signal") => self.signal(caller, frame),
            _ => Err(Problem::new(ErrorCode::NotFound, "")),
        };
        let answer = match outcome {
            Ok(ok) => json!({"re": request["id"], "ok": ok}),
            Err(problem) => json!({"re": request["id"], "error": problem}),
        };
        (answer.to_string(), std::mem::take(&mut self.effects))
    }

    /// Puts an entry in an inbox; the push that tells of it, with the own entries before it.
    pub(crate) fn diffuse(&mut self, user: &str, message: &Message) -> String {
        let inbox = self.inboxes.entry(user.to_owned()).or_default();
        inbox.push(message.clone());
        let q = inbox.len() as u64;
        let mut push = serde_json::to_value(message).unwrap();
        push["event"] = json!("message");
        push["q"] = json!(q);
        let own = inbox.iter().enumerate().rev().skip(1).map_while(|(index, own)| {
            let (q, id, seq) = (index + 1, &own.conversation, own.seq);
            let mut marker = json!({"q": q, "conversation": id, "seq": seq});
            if own.kind == Kind::READ {
                marker["kind"] = json!(own.kind);
            }
            (own.from == *user).then_some(marker)
        });
        push["own"] = Value::Array(own.collect());
        push.to_string()
    }

    fn send(&mut self, user: &str, frame: &str) -> Result<Value, Problem> {
        let Outgoing { destination, message, base, kind, body, .. } =
            wire::Send::parse(frame).unwrap().fields;
        let id = match destination {
            Destination::Conversation(id) => id,
            Destination::Person(to) => ConversationId::direct(&user.parse().unwrap(), &to)?,
        };
        let draft = (kind.as_str(), None, body.as_str());
        self.keep(user, id.as_str(), message, base.unwrap().number(), draft)
    }

    /// Keeps what a user writes, once: its kind, what it is about, and what it says.
    fn keep(
        &mut self,
        user: &str,
        id: &str,
        message: MessageId,
        base: u64,
        (kind, target, body): (&str, Option<u64>, &str),
    ) -> Result<Value, Problem> {
        let is_mine = self.is_mine(id, user);
        let log = self.logs.entry(id.to_owned()).or_default();
        let tail = log.len() as u64;
        if base > tail {
            return Err(Problem::new(ErrorCode::BaseAhead, "").with_tail(tail));
        }
        let cid = message.to_string();
        let is_it = |kept: &&Message| kept.from == user && kept.cid == cid;
        let verified = log.iter().skip(base as usize).take(VERIFY_MAX as usize);
        if let Some(kept) = verified.clone().find(is_it) {
            return Ok(json!({"conversation": id, "seq": kept.seq, "at": 1, "duplicate": true}));
        }
        if !is_mine {
            return Err(Problem::new(ErrorCode::Forbidden, ""));
        }
        if tail - base > VERIFY_MAX {
            return Err(Problem::new(ErrorCode::StaleBase, "").with_tail(tail));
        }
        self.append(id, user, &cid, kind, target, body);
        Ok(json!({"conversation": id, "seq": tail + 1, "at": 1, "duplicate": false}))
    }

    /// Appends a message, and plans who is told of it.
    fn append(
        &mut self,
        id: &str,
        from: &str,
        cid: &str,
        kind: &str,
        target: Option<u64>,
        body: &str,
    ) {
        let log = self.logs.entry(id.to_owned()).or_default();
        let large = self.groups.get(id).is_some_and(Group::is_large);
        let message = Message {
            q: None,
            conversation: id.to_owned(),
            seq: log.len() as u64 + 1,
            cid: cid.to_owned(),
            from: from.to_owned(),
            at: 1,
            kind: kind.to_owned(),
            large,
            target,
            edited: None,
            body: serde_json::value::RawValue::from_string(body.to_owned()).ok(),
        };
        log.push(message.clone());
        for user in self.told(&message) {
            self.effects.push(Effect::Entry { user, message: message.clone() });
        }
        self.push_to_focused(&message);
        self.grow(id, kind);
    }

    fn sync(&self, user: &str, frame: &str) -> Value {
        let sync = wire::Sync::parse(frame).unwrap().fields;
        let empty = Vec::new();
        let inbox = self.inboxes.get(user).unwrap_or(&empty);
        let tail = inbox.len();
        let Some(cursor) = sync.cursor else { return self.reset(user, tail, sync.page) };
        let cursor = cursor.number() as usize;
        assert!(cursor <= tail, "a cursor beyond the inbox");
        let page = inbox.iter().enumerate().skip(cursor).take(PAGE);
        let entries: Vec<Value> = page
            .map(|(index, message)| {
                let mut entry = serde_json::to_value(message).unwrap();
                entry["q"] = json!(index + 1);
                entry
            })
            .collect();
        let end = cursor + entries.len();
        let moved = sync.tails.iter().filter(|(id, known)| {
            self.is_mine(id.as_str(), user) && self.tail(id.as_str()) > known.number()
        });
        let moved: Vec<Value> = moved.map(|(id, _)| self.listed(id.as_str())).collect();
        json!({"entries": entries, "cursor": end, "more": end < tail, "reset": false,
            "conversations": moved, "tail": tail, "seen": self.clock()})
    }

    /// One conversation a page, so that there are several.
    fn reset(&self, user: &str, tail: usize, page: Option<ConversationId>) -> Value {
        let after = page.map(|id| id.to_string()).unwrap_or_default();
        let is_mine = |id: &&String| self.is_mine(id, user);
        let mut mine = self.logs.keys().filter(is_mine).filter(|id| **id > after);
        let first = mine.next();
        let tails: Vec<Value> = first.map(|id| self.listed(id)).into_iter().collect();
        let page = if mine.next().is_some() { first } else { None };
        json!({"entries": [], "cursor": tail, "more": page.is_some(), "reset": true,
            "conversations": tails, "tail": tail, "seen": self.clock(), "page": page})
    }

    fn listed(&self, id: &str) -> Value {
        let large = self.groups.get(id).is_some_and(Group::is_large);
        json!({"conversation": id, "tail": self.tail(id), "large": large})
    }

    fn history(&self, user: &str, frame: &str) -> Result<Value, Problem> {
        let lookup = wire::History::parse(frame).unwrap().fields;
        let (first, last, own) = match lookup.part {
            Part::Between(first, last) => (first, last, false),
            Part::Own(first, last) => (first, last, true),
            Part::Newest | Part::Before(_) | Part::After(_) | Part::Listed(_) => {
                panic!("only ranges are asked for")
            }
        };
        let id = lookup.conversation.as_str();
        if !self.is_mine(id, user) {
            return Err(Problem::new(ErrorCode::Forbidden, ""));
        }
        let empty = Vec::new();
        let log = self.logs.get(id).unwrap_or(&empty);
        let visible = self.groups.get(id).map_or(1, |group| group.first(user));
        let visible = if own { 1 } else { visible };
        let part = first.number().max(visible)..=last.number();
        let looked = log.iter().filter(|message| part.contains(&message.seq)).take(PAGE);
        let is_shown = |message: &&Message| {
            if own { message.from == user } else { message.body.is_some() }
        };
        let (messages, others): (Vec<&Message>, Vec<&Message>) = looked.partition(is_shown);
        let missing: Vec<u64> = others.iter().map(|message| message.seq).collect();
        let last = log.len() as u64;
        Ok(json!({"messages": messages, "first": last.min(visible), "last": last,
            "missing": missing, "more": false}))
    }

    fn tail(&self, id: &str) -> u64 {
        self.logs.get(id).map_or(0, Vec::len) as u64
    }

    fn clock(&self) -> u64 {
        self.now + CLOCK_AHEAD_MS
    }

    /// Whether a user is in a conversation.
    fn is_mine(&self, id: &str, user: &str) -> bool {
        match self.groups.get(id) {
            Some(group) => group.is_member(user),
            None => id.split('~').skip(1).any(|member| member == user),
        }
    }

    /// Whose inbox tells of a message.
    fn told(&self, message: &Message) -> Vec<String> {
        let Some(group) = self.groups.get(&message.conversation) else {
            return message.conversation.split('~').skip(1).map(str::to_owned).collect();
        };
        let is_move = matches!(message.kind.as_str(), Kind::JOIN | Kind::LEAVE);
        let body: Value = serde_json::from_str(message.body.as_ref().unwrap().get()).unwrap();
        let named = body["users"].as_array().into_iter().flatten().filter(|_| is_move);
        let mut told: Vec<String> = named.map(|user| user.as_str().unwrap().to_owned()).collect();
        if !message.large {
            told.extend(group.members().map(str::to_owned));
        }
        told.sort_unstable();
        told.dedup();
        told
    }
}

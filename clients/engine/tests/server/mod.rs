//! A model of the server: logs, inboxes, and the three routes.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use timeline::ConversationId;
use timeline::exchange::{Destination, Outgoing, Part};
use wire::{ErrorCode, Message, Problem};

/// How many entries an append verifies before its client must; small, so that it happens.
const VERIFY_MAX: u64 = 2;

/// How many entries a page holds; small, so that there are several.
const PAGE: usize = 2;

/// Something to be done after an answer: an entry for a user's inbox.
#[derive(Clone, Debug)]
pub(crate) struct Diffusion {
    /// Whose inbox.
    pub(crate) user: String,
    /// The message.
    pub(crate) message: Message,
}

/// Everything that is kept.
#[derive(Debug, Default)]
pub(crate) struct Server {
    /// Each conversation's messages.
    pub(crate) logs: BTreeMap<String, Vec<Message>>,
    inboxes: BTreeMap<String, Vec<(String, u64)>>,
}

impl Server {
    /// Answers a frame of a user; what is to be diffused comes with it.
    pub(crate) fn answer(&mut self, user: &str, frame: &str) -> (String, Vec<Diffusion>) {
        let request: Value = serde_json::from_str(frame).unwrap();
        let mut diffusions = Vec::new();
        let outcome = match request["action"].as_str() {
            Some("send") => self.send(user, frame, &mut diffusions),
            Some("sync") => Ok(self.sync(user, frame)),
            Some("history") => Ok(self.history(frame)),
            _ => Err(Problem::new(ErrorCode::NotFound, "")),
        };
        let answer = match outcome {
            Ok(ok) => json!({"re": request["id"], "ok": ok}),
            Err(problem) => json!({"re": request["id"], "error": problem}),
        };
        (answer.to_string(), diffusions)
    }

    /// Puts an entry in an inbox; the push that tells of it, with the own entries before it.
    pub(crate) fn diffuse(&mut self, diffusion: &Diffusion) -> Option<String> {
        let Diffusion { user, message } = diffusion;
        let entry = (message.conversation.clone(), message.seq);
        let inbox = self.inboxes.entry(user.clone()).or_default();
        inbox.push(entry);
        let q = inbox.len() as u64;
        let mut push = serde_json::to_value(message).unwrap();
        push["event"] = json!("message");
        push["q"] = json!(q);
        let own = inbox.iter().enumerate().rev().skip(1).map_while(|(index, (id, seq))| {
            let own = &self.logs[id][*seq as usize - 1];
            let marker = json!({"q": index + 1, "conversation": id, "seq": seq});
            (own.from == *user).then_some(marker)
        });
        push["own"] = Value::Array(own.collect());
        Some(push.to_string())
    }

    fn send(
        &mut self,
        user: &str,
        frame: &str,
        diffusions: &mut Vec<Diffusion>,
    ) -> Result<Value, Problem> {
        let Outgoing { destination, message, base, kind, body } =
            wire::Send::parse(frame).unwrap().fields;
        let id = match destination {
            Destination::Conversation(id) => id,
            Destination::Person(to) => ConversationId::direct(&user.parse().unwrap(), &to)?,
        };
        let log = self.logs.entry(id.to_string()).or_default();
        let (base, tail) = (base.unwrap().number(), log.len() as u64);
        if base > tail {
            return Err(Problem::new(ErrorCode::BaseAhead, "").with_tail(tail));
        }
        let cid = message.to_string();
        let is_it = |kept: &&Message| kept.from == user && kept.cid == cid;
        let verified = log.iter().skip(base as usize).take(VERIFY_MAX as usize);
        if let Some(kept) = verified.clone().find(is_it) {
            let ok =
                json!({"conversation": id.as_str(), "seq": kept.seq, "at": 1, "duplicate": true});
            return Ok(ok);
        }
        if tail - base > VERIFY_MAX {
            return Err(Problem::new(ErrorCode::StaleBase, "").with_tail(tail));
        }
        let kept = Message {
            q: None,
            conversation: id.to_string(),
            seq: tail + 1,
            cid,
            from: user.to_owned(),
            at: 1,
            kind: kind.to_string(),
            large: false,
            body: serde_json::value::RawValue::from_string(body.as_str().to_owned()).ok(),
        };
        log.push(kept.clone());
        for member in members(&id) {
            diffusions.push(Diffusion { user: member, message: kept.clone() });
        }
        Ok(json!({"conversation": id.as_str(), "seq": tail + 1, "at": 1, "duplicate": false}))
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
            .map(|(index, (id, seq))| {
                let mut entry = serde_json::to_value(&self.logs[id][*seq as usize - 1]).unwrap();
                entry["q"] = json!(index + 1);
                entry
            })
            .collect();
        let end = cursor + entries.len();
        json!({"entries": entries, "cursor": end, "more": end < tail, "reset": false,
            "conversations": [], "tail": tail, "seen": 1})
    }

    /// One conversation a page, so that there are several.
    fn reset(&self, user: &str, tail: usize, page: Option<ConversationId>) -> Value {
        let after = page.map(|id| id.to_string()).unwrap_or_default();
        let is_mine =
            |id: &&String| members(&ConversationId::parse(id).unwrap()).any(|m| m == user);
        let mut mine = self.logs.keys().filter(is_mine).filter(|id| **id > after);
        let first = mine.next();
        let tails: Vec<Value> = first
            .map(|id| json!({"conversation": id, "tail": self.logs[id].len()}))
            .into_iter()
            .collect();
        let page = if mine.next().is_some() { first } else { None };
        json!({"entries": [], "cursor": tail, "more": page.is_some(), "reset": true,
            "conversations": tails, "tail": tail, "seen": 1, "page": page})
    }

    fn history(&self, frame: &str) -> Value {
        let lookup = wire::History::parse(frame).unwrap().fields;
        let Part::Between(first, last) = lookup.part else { panic!("only ranges are asked for") };
        let empty = Vec::new();
        let log = self.logs.get(lookup.conversation.as_str()).unwrap_or(&empty);
        let part =
            log.iter().filter(|message| (first.number()..=last.number()).contains(&message.seq));
        let messages: Vec<&Message> = part.take(PAGE).collect();
        let last = log.len();
        json!({"messages": messages, "first": last.min(1), "last": last, "missing": [],
            "more": false})
    }
}

/// Who is in a direct conversation.
fn members(id: &ConversationId) -> impl Iterator<Item = String> {
    id.as_str().split('~').skip(1).map(str::to_owned).collect::<Vec<_>>().into_iter()
}

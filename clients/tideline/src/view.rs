//! What `chat` shows: conversations, messages, what is being written, and the connection.

use std::collections::BTreeMap;

use engine::{Change, Link};
use timeline::{ConversationId, Party, UserId};
use wire::Message;

use crate::story;

/// Everything on the screen, without a screen.
#[derive(Debug)]
pub(crate) struct View {
    me: UserId,
    conversations: BTreeMap<ConversationId, Vec<Entry>>,
    /// What groups are called.
    titles: BTreeMap<ConversationId, String>,
    /// The conversation that is open.
    pub(crate) selected: ConversationId,
    /// What is being written.
    pub(crate) input: String,
    /// What the status line says of the connection.
    pub(crate) status: &'static str,
}

/// A message as it is shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    /// Who wrote it; an event's text says so itself.
    pub(crate) from: Option<String>,
    /// What it says.
    pub(crate) text: String,
    /// Its own id.
    cid: String,
    /// Its place; 0 until it has one.
    seq: u64,
    /// How far it is.
    pub(crate) mark: Mark,
}

/// How far a message is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mark {
    /// Another's: there is nothing to say.
    None,
    /// It waits to be kept.
    Waiting,
    /// The server keeps it.
    Kept,
    /// The server refused it.
    Refused,
}

impl Mark {
    /// How it is drawn.
    pub(crate) fn symbol(self) -> &'static str {
        match self {
            Self::None => " ",
            Self::Waiting => "…",
            Self::Kept => "✓",
            Self::Refused => "✗",
        }
    }
}

impl View {
    /// A view of one conversation, with nothing in it.
    pub(crate) fn new(me: UserId, selected: ConversationId) -> Self {
        let conversations = BTreeMap::from([(selected.clone(), Vec::new())]);
        let titles = BTreeMap::new();
        Self { me, conversations, titles, selected, input: String::new(), status: "connecting" }
    }

    /// Adds a message that is kept; the own one that waited for it becomes it.
    pub(crate) fn message(&mut self, message: &Message) {
        let Ok(id) = ConversationId::parse(&message.conversation) else { return };
        let is_own = message.from == self.me.as_str();
        if let Some(title) = story::title(message) {
            self.titles.insert(id.clone(), title);
        }
        let (from, text) = match story::sentence(message) {
            Some(sentence) => (None, sentence),
            None => (Some(message.from.clone()), story::text(message)),
        };
        let is_event = from.is_none();
        let entry = Entry {
            from,
            text,
            cid: message.cid.clone(),
            seq: message.seq,
            mark: if is_own && !is_event { Mark::Kept } else { Mark::None },
        };
        let entries = self.conversations.entry(id).or_default();
        if is_own {
            entries.retain(|other| other.mark == Mark::None || other.cid != entry.cid);
        }
        // What waits stays below what is kept.
        let place = entries.iter().take_while(|other| other.mark != Mark::Waiting).count();
        entries.insert(place, entry);
    }

    /// Adds an own message that waits to be kept.
    pub(crate) fn waiting(&mut self, id: &ConversationId, cid: String, text: String) {
        let from = Some(self.me.as_str().to_owned());
        let entry = Entry { from, text, cid, seq: 0, mark: Mark::Waiting };
        self.conversations.entry(id.clone()).or_default().push(entry);
    }

    /// Takes a change of the engine.
    pub(crate) fn change(&mut self, change: &Change) {
        match change {
            Change::Message(message) => self.message(message),
            Change::Acked(acked) => self.mark(&acked.cid.to_string(), Mark::Kept),
            Change::Failed { cid, .. } => self.mark(&cid.to_string(), Mark::Refused),
            Change::Link(link) => {
                self.status = match link {
                    Link::Connecting => "connecting",
                    Link::Open => "connected",
                    Link::Lost { .. } => "reconnecting",
                    Link::Refused { .. } => "refused",
                    Link::Kicked { .. } => "kicked",
                    Link::Closed => "offline",
                }
            }
            Change::Restarted { conversation, seq } => {
                let entries = self.conversations.entry(conversation.clone()).or_default();
                entries.retain(|entry| entry.seq <= seq.number());
            }
            // What is read and unread is not shown here.
            Change::Control(_) | Change::Read(_) | Change::Signal(_) => {}
            Change::Grouped { outcome, .. } => {
                if let Ok(group) = outcome
                    && let (Ok(id), Some(title)) =
                        (ConversationId::parse(&group.conversation), &group.title)
                {
                    self.titles.insert(id, title.clone());
                }
            }
            Change::Fetched { .. }
            | Change::Conversations { .. }
            | Change::Receipts { .. }
            | Change::Recalled { .. }
            | Change::Told { .. } => {}
        }
    }

    /// The messages of the open conversation.
    pub(crate) fn entries(&self) -> &[Entry] {
        self.conversations.get(&self.selected).map(Vec::as_slice).unwrap_or_default()
    }

    /// The names of all conversations, and whether each is open.
    pub(crate) fn names(&self) -> impl Iterator<Item = (String, bool)> {
        self.conversations.keys().map(|id| (self.name(id), *id == self.selected))
    }

    /// What a conversation is called: the other person, or the group's title; its id until that is
    /// known.
    pub(crate) fn name(&self, id: &ConversationId) -> String {
        match id.party() {
            Party::Direct(one, other) if one == self.me => other.to_string(),
            Party::Direct(one, _) => one.to_string(),
            Party::Group(group) => {
                self.titles.get(id).cloned().unwrap_or_else(|| group.to_string())
            }
        }
    }

    /// Opens the conversation after the open one, in the order of the list.
    pub(crate) fn select_next(&mut self) {
        let mut after = self.conversations.keys().skip_while(|id| **id != self.selected).skip(1);
        if let Some(next) = after.next() {
            self.selected = next.clone();
        }
    }

    /// Opens the conversation before the open one.
    pub(crate) fn select_previous(&mut self) {
        let mut before = self.conversations.keys().take_while(|id| **id != self.selected);
        if let Some(previous) = before.by_ref().last() {
            self.selected = previous.clone();
        }
    }

    fn mark(&mut self, cid: &str, mark: Mark) {
        let entries = self.conversations.values_mut().flatten();
        for entry in entries.filter(|entry| entry.mark != Mark::None && entry.cid == cid) {
            entry.mark = mark;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(seq: u64, from: &str, cid: &str) -> Message {
        Message {
            q: None,
            conversation: "d~al~bo".into(),
            seq,
            cid: cid.into(),
            from: from.into(),
            at: 1,
            kind: "text".into(),
            large: false,
            target: None,
            edited: None,
            body: Some(wire::text_body(&format!("{from} {seq}"))),
        }
    }

    /// The open conversation, a line a message.
    fn lines(view: &View) -> Vec<String> {
        view.entries().iter().map(|e| format!("{} {}", e.mark.symbol(), e.text)).collect()
    }

    fn view() -> View {
        View::new("al".parse().unwrap(), ConversationId::parse("d~al~bo").unwrap())
    }

    #[test]
    fn an_own_message_waits_below_and_becomes_the_kept_one() {
        let mut view = view();
        let id = view.selected.clone();
        view.waiting(&id, "c1".into(), "mine".into());
        view.message(&message(1, "bo", "c1"));
        assert_eq!(lines(&view), ["  bo 1", "… mine"]);
        view.message(&message(2, "al", "c1"));
        assert_eq!(lines(&view), ["  bo 1", "✓ al 2"]);
    }

    #[test]
    fn what_the_server_took_back_is_shown_no_more() {
        let mut view = view();
        view.message(&message(1, "bo", "c1"));
        view.message(&message(2, "bo", "c2"));
        let (conversation, seq) = (view.selected.clone(), timeline::Seq::FIRST);
        view.waiting(&conversation, "c3".into(), "mine".into());
        view.change(&Change::Restarted { conversation, seq });
        assert_eq!(lines(&view), ["  bo 1", "… mine"]);
    }

    #[test]
    fn a_withdrawn_message_shows_its_kind() {
        let mut view = view();
        view.message(&Message { body: None, ..message(1, "bo", "c1") });
        assert_eq!(lines(&view), ["  [text]"]);
    }

    #[test]
    fn a_group_is_called_by_its_newest_title_and_its_events_are_lines() {
        let id = "g~01935b2e-7c1a-7def-8123-000000000001";
        let mut view = View::new("al".parse().unwrap(), ConversationId::parse(id).unwrap());
        let event = |seq, from: &str, kind: &str, body: &str| Message {
            conversation: id.into(),
            kind: kind.into(),
            body: serde_json::value::RawValue::from_string(body.to_owned()).ok(),
            ..message(seq, from, "c1")
        };
        assert_eq!(view.name(&view.selected), id[2..]);
        view.message(&event(1, "al", "join", r#"{"users":["bo"],"title":"tea"}"#));
        assert_eq!(view.name(&view.selected), "tea");
        view.message(&event(2, "bo", "rename", r#"{"title":"chai"}"#));
        assert_eq!(view.name(&view.selected), "chai");
        let made = "  al made the group tea with bo";
        assert_eq!(lines(&view), [made, "  bo renamed the group to chai"]);
    }

    #[test]
    fn conversations_are_named_and_walked_through() {
        let mut view = view();
        view.message(&Message { conversation: "d~al~cy".into(), ..message(1, "cy", "c1") });
        let names: Vec<(String, bool)> = view.names().collect();
        assert_eq!(names, [("bo".to_owned(), true), ("cy".to_owned(), false)]);
        view.select_next();
        view.select_next();
        assert_eq!(view.selected.as_str(), "d~al~cy");
        view.select_previous();
        view.select_previous();
        assert_eq!(view.selected.as_str(), "d~al~bo");
    }
}

//! What happens to a group and to messages, in sentences.

use serde_json::value::RawValue;
use timeline::Kind;
use timeline::limits::UNREAD_MAX;
use wire::{Event, Message};

/// What is shown in place of a message that was taken back.
pub(crate) const RECALLED: &str = "message recalled";

/// What is shown after a message that was changed.
pub(crate) const EDITED: &str = "(edited)";

/// How many messages are not read, as it is shown: nothing of none, and no number beyond 99.
pub(crate) fn badge(unread: u64) -> Option<String> {
    let max = UNREAD_MAX as u64;
    match unread {
        0 => None,
        unread if unread < max => Some(unread.to_string()),
        _ => Some(format!("{}+", max - 1)),
    }
}

/// The message that an event takes back or changes; `None` for whatever is not one.
pub(crate) fn target(event: &Message) -> Option<u64> {
    let is_revision = event.kind == Kind::RECALL || event.kind == Kind::EDIT;
    event.target.filter(|_| is_revision)
}

/// Does what an event says: to the message that it is about, or to an earlier edit of that, which
/// says nothing any more; whether it said something else before.
pub(crate) fn revise(message: &mut Message, event: &Message) -> bool {
    let before = message.body.as_ref().map(|body| body.get().to_owned());
    let is_earlier_edit = target(message).is_some();
    if event.kind == Kind::RECALL || is_earlier_edit {
        message.body = None;
    } else if before.is_some() && event.body.is_some() && message.edited < Some(event.seq) {
        message.body.clone_from(&event.body);
        message.edited = Some(event.seq);
    }
    before.is_some() && before.as_deref() != message.body.as_ref().map(|body| body.get())
}

/// What an event says, as a line of its own; `None` for whatever is not one.
pub(crate) fn sentence(message: &Message) -> Option<String> {
    let from = &message.from;
    if let Some(target) = target(message) {
        return Some(match &message.body {
            _ if message.kind == Kind::RECALL => format!("{from} recalled message {target}"),
            Some(_) => format!("{from} changed message {target}: {}", words(message)),
            None => format!("{from} changed message {target}"),
        });
    }
    let is_alone = |users: &[String]| users.iter().all(|user| user == from);
    Some(match Event::read(message)? {
        Event::Join { users, title: Some(title) } if is_alone(&users) => {
            format!("{from} made the group {title}")
        }
        Event::Join { users, title: Some(title) } => {
            format!("{from} made the group {title} with {}", users.join(", "))
        }
        Event::Join { users, title: None } if is_alone(&users) => format!("{from} joined"),
        Event::Join { users, title: None } => format!("{from} added {}", users.join(", ")),
        Event::Leave { users } if is_alone(&users) => format!("{from} left"),
        Event::Leave { users } => format!("{from} removed {}", users.join(", ")),
        Event::Rename { title } => format!("{from} renamed the group to {title}"),
        Event::Role { user, role } => format!("{from} gave {user} the role {role}"),
        Event::Mode => "this is a large group now".to_owned(),
    })
}

/// What the group is called from this event on, if it says so.
pub(crate) fn title(message: &Message) -> Option<String> {
    match Event::read(message)? {
        Event::Join { title, .. } => title,
        Event::Rename { title } => Some(title),
        Event::Leave { .. } | Event::Role { .. } | Event::Mode => None,
    }
}

/// A message as a line: an event's sentence, or who says what.
pub(crate) fn line(message: &Message) -> String {
    match sentence(message) {
        Some(sentence) => format!("* {sentence}"),
        None => format!("{}: {}", message.from, text(message)),
    }
}

/// What a message says: of one that is no text its kind, of one that was taken back that it was.
pub(crate) fn text(message: &Message) -> String {
    match (&message.body, message.edited) {
        (None, _) => RECALLED.to_owned(),
        (Some(_), None) => words(message),
        (Some(_), Some(_)) => format!("{} {EDITED}", words(message)),
    }
}

/// The words of a message, or those that an edit puts in their place; if there are none, its kind.
pub(crate) fn words(message: &Message) -> String {
    let words = match (target(message), &message.body) {
        (Some(_), Some(body)) => said(body),
        (Some(_), None) | (None, _) => message.text(),
    };
    words.unwrap_or_else(|| format!("[{}]", message.kind))
}

/// The text of a body, whatever it is the body of; `None` if it has none.
pub(crate) fn said(body: &RawValue) -> Option<String> {
    let body: serde_json::Value = serde_json::from_str(body.get()).ok()?;
    body["text"].as_str().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use crate::sample;

    use super::*;

    fn message(kind: &str, body: &str) -> Message {
        Message {
            kind: kind.into(),
            body: RawValue::from_string(body.to_owned()).ok(),
            ..sample::text(1, "alice", "")
        }
    }

    fn told(kind: &str, body: &str) -> (String, Option<String>) {
        let message = message(kind, body);
        (line(&message), title(&message))
    }

    /// An event about the message, so far along.
    fn event(seq: u64, kind: &str, body: &str) -> Message {
        Message { seq, target: Some(1), ..message(kind, body) }
    }

    #[test]
    fn a_message_is_told_as_it_was_changed_last_until_it_is_taken_back() {
        let mut kept = message("text", r#"{"text":"at 5"}"#);
        let edits = [(4, "at 7", true), (3, "at 6", false), (4, "at 7", false)];
        for (seq, words, is_new) in edits {
            let event = event(seq, "edit", &format!(r#"{{"text":"{words}"}}"#));
            assert_eq!(revise(&mut kept, &event), is_new, "{words} at {seq}");
        }
        assert_eq!(line(&kept), "alice: at 7 (edited)");
        let mut edit = event(4, "edit", r#"{"text":"at 7"}"#);
        assert_eq!(line(&edit), "* alice changed message 1: at 7");
        let recall = event(5, "recall", "{}");
        assert!(revise(&mut kept, &recall) && revise(&mut edit, &recall));
        assert!(!revise(&mut kept, &recall));
        assert!(!revise(&mut kept, &event(6, "edit", r#"{"text":"late"}"#)));
        assert_eq!(line(&kept), "alice: message recalled");
        assert_eq!(line(&edit), "* alice changed message 1");
        assert_eq!(line(&recall), "* alice recalled message 1");
    }

    #[test]
    fn each_event_is_a_sentence_and_a_text_is_its_authors() {
        for (kind, body, expected) in [
            ("join", r#"{"users":["bob"],"title":"tea"}"#, "* alice made the group tea with bob"),
            ("join", r#"{"title":"tea"}"#, "* alice made the group tea"),
            ("join", r#"{"users":["bob","cy"]}"#, "* alice added bob, cy"),
            ("join", "{}", "* alice joined"),
            ("leave", r#"{"users":["alice"]}"#, "* alice left"),
            ("leave", r#"{"users":["bob"]}"#, "* alice removed bob"),
            ("rename", r#"{"title":"chai"}"#, "* alice renamed the group to chai"),
            ("role", r#"{"user":"bob","role":"admin"}"#, "* alice gave bob the role admin"),
            ("mode", "{}", "* this is a large group now"),
            ("rename", "{}", "alice: [rename]"),
            ("text", r#"{"text":"hello"}"#, "alice: hello"),
        ] {
            assert_eq!(told(kind, body).0, expected);
        }
    }

    #[test]
    fn a_badge_ends_at_99() {
        let badges = [0, 1, 99, 100, 10_000].map(|unread| badge(unread).unwrap_or_default());
        assert_eq!(badges, ["", "1", "99", "99+", "99+"]);
    }

    #[test]
    fn a_group_is_called_what_its_first_event_or_a_renaming_says() {
        assert_eq!(told("join", r#"{"title":"tea"}"#).1.as_deref(), Some("tea"));
        assert_eq!(told("rename", r#"{"title":"chai"}"#).1.as_deref(), Some("chai"));
        assert_eq!(told("text", r#"{"text":"x","title":"no"}"#).1, None);
    }
}

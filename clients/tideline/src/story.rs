//! What happens to a group, in sentences.

use wire::{Event, Message};

/// What an event says, as a line of its own; `None` for whatever is not one.
pub(crate) fn sentence(message: &Message) -> Option<String> {
    let from = &message.from;
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

/// What a message says; of one that says nothing, its kind.
pub(crate) fn text(message: &Message) -> String {
    message.text().unwrap_or_else(|| format!("[{}]", message.kind))
}

#[cfg(test)]
mod tests {
    use serde_json::value::RawValue;

    use super::*;

    fn told(kind: &str, body: &str) -> (String, Option<String>) {
        let message = Message {
            q: None,
            conversation: "g~01935b2e-7c1a-7def-8123-000000000001".into(),
            seq: 1,
            cid: "01935b2e-7c1a-7def-8123-456789abcdef".into(),
            from: "alice".into(),
            at: 1,
            kind: kind.into(),
            large: false,
            target: None,
            edited: None,
            body: RawValue::from_string(body.to_owned()).ok(),
        };
        (line(&message), title(&message))
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
    fn a_group_is_called_what_its_first_event_or_a_renaming_says() {
        assert_eq!(told("join", r#"{"title":"tea"}"#).1.as_deref(), Some("tea"));
        assert_eq!(told("rename", r#"{"title":"chai"}"#).1.as_deref(), Some("chai"));
        assert_eq!(told("text", r#"{"text":"x","title":"no"}"#).1, None);
    }
}

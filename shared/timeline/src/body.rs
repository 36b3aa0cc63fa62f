//! What a message says: its kind and its body.

use std::fmt;

use crate::limits;

/// Why a kind is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a kind is 1 to 32 of a-z 0-9 . _ - and none that the server itself writes")]
pub struct InvalidKind;

/// What sort of entry it is: `text`, `image`, whatever a client invents, or an event.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Kind(String);

impl Kind {
    /// The kind of a plain text message, whose body is `{"text":…}`.
    pub const TEXT: &'static str = "text";

    /// The kinds that only the server writes: they tell of the conversation itself, never count as
    /// unread, and no client may send them.
    pub const EVENTS: [&'static str; 7] =
        [Self::JOIN, Self::LEAVE, Self::RENAME, Self::ROLE, Self::RECALL, Self::EDIT, Self::MODE];

    /// The kind of the event that tells who came in.
    pub const JOIN: &'static str = "join";

    /// The kind of the event that tells who went.
    pub const LEAVE: &'static str = "leave";

    /// The kind of the event that tells what the group is called now.
    pub const RENAME: &'static str = "rename";

    /// The kind of the event that tells who may what now.
    pub const ROLE: &'static str = "role";

    /// The kind of the event after which a group's messages are read from its timeline.
    pub const MODE: &'static str = "mode";

    /// The kind of the event that takes a message back.
    pub const RECALL: &'static str = "recall";

    /// The kind of the event that changes what a message says.
    pub const EDIT: &'static str = "edit";

    /// The kind of the inbox entry that tells how far one has read.
    pub const READ: &'static str = "read";

    /// The kind of the inbox entry that tells that one wants to be left alone, or not.
    pub const MUTE: &'static str = "mute";

    /// The kind of the inbox entry that tells that one keeps a conversation at hand, or not.
    pub const PIN: &'static str = "pin";

    /// The kinds that stand in a user's own inbox alone: they tell their other devices what one of
    /// them did, and no timeline has them.
    pub const CONTROLS: [&'static str; 3] = [Self::READ, Self::MUTE, Self::PIN];

    /// A plain text message.
    pub fn text() -> Self {
        Self(Self::TEXT.to_owned())
    }

    /// The kind of an event or a control: one of [`Kind::EVENTS`] or [`Kind::CONTROLS`].
    pub fn event(name: &'static str) -> Self {
        let is_own = Self::EVENTS.contains(&name) || Self::CONTROLS.contains(&name);
        debug_assert!(is_own, "{name} is no event");
        Self(name.to_owned())
    }

    /// Parses the kind of a message that a client sends.
    ///
    /// # Errors
    ///
    /// [`InvalidKind`] when it breaks the alphabet or the length, or is an event's.
    pub fn parse(text: &str) -> Result<Self, InvalidKind> {
        let kind = Self::stored(text)?;
        if kind.is_event() || kind.is_control() { Err(InvalidKind) } else { Ok(kind) }
    }

    /// Takes the kind of an entry that is kept, events included.
    ///
    /// # Errors
    ///
    /// [`InvalidKind`] when it breaks the alphabet or the length.
    pub fn stored(text: &str) -> Result<Self, InvalidKind> {
        let allowed =
            |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"._-".contains(&byte);
        if text.is_empty() || text.len() > limits::KIND_BYTES_MAX || !text.bytes().all(allowed) {
            return Err(InvalidKind);
        }
        Ok(Self(text.to_owned()))
    }

    /// Whether it tells of the conversation itself; such an entry never counts as unread.
    pub fn is_event(&self) -> bool {
        Self::EVENTS.contains(&self.0.as_str())
    }

    /// Whether it stands in its author's inbox alone.
    pub fn is_control(&self) -> bool {
        Self::CONTROLS.contains(&self.0.as_str())
    }

    /// The kind's text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Why a body is refused: it is longer than [`limits::BODY_BYTES_MAX`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a body is at most {} bytes", limits::BODY_BYTES_MAX)]
pub struct InvalidBody;

/// A message's body: a JSON object's text, kept and returned byte for byte.
#[derive(Clone, PartialEq, Eq)]
pub struct Body(String);

impl Body {
    /// Takes a body; that it is JSON is the caller's word, its length is checked here.
    ///
    /// # Errors
    ///
    /// [`InvalidBody`] when it is longer than [`limits::BODY_BYTES_MAX`].
    pub fn parse(text: &str) -> Result<Self, InvalidBody> {
        if text.len() > limits::BODY_BYTES_MAX {
            return Err(InvalidBody);
        }
        Ok(Self(text.to_owned()))
    }

    /// The body of an event that says nothing beside its kind and its author.
    pub fn empty() -> Self {
        Self("{}".to_owned())
    }

    /// The body of a control that switches something on; the empty one switches it off.
    pub fn on() -> Self {
        Self(r#"{"on":true}"#.to_owned())
    }

    /// The body's text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Says how long it is, never what it says: bodies do not belong in a log.
impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Body({} bytes)", self.0.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_cannot_send_an_event() {
        assert!(Kind::parse("text").is_ok());
        assert!(Kind::parse("my.app-sticker_2").is_ok());
        for event in Kind::EVENTS {
            assert_eq!(Kind::parse(event), Err(InvalidKind), "{event} was taken");
            assert!(Kind::stored(event).unwrap().is_event());
        }
        for control in Kind::CONTROLS {
            assert_eq!(Kind::parse(control), Err(InvalidKind), "{control} was taken");
            assert!(Kind::stored(control).unwrap().is_control());
        }
        for wrong in ["", "Text", "a b", &"k".repeat(33)] {
            assert_eq!(Kind::parse(wrong), Err(InvalidKind), "{wrong:?} was taken");
        }
    }

    #[test]
    fn a_body_is_bounded_and_keeps_quiet() {
        assert!(Body::parse(&"b".repeat(limits::BODY_BYTES_MAX)).is_ok());
        assert_eq!(Body::parse(&"b".repeat(limits::BODY_BYTES_MAX + 1)), Err(InvalidBody));
        assert_eq!(format!("{:?}", Body::parse("secret").unwrap()), "Body(6 bytes)");
    }
}

//! Who and what: one type per kind of id, parsed once.

use std::fmt;
use std::str::FromStr;

use uuid::Uuid;

use crate::limits;

/// Why a text is no id of the kind asked for.
///
/// It names the kind and the rule, never the text, which may be a secret in the wrong place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a valid {kind}: {rule}")]
pub struct InvalidId {
    /// What the text was to be.
    pub kind: &'static str,
    /// What it must look like.
    pub rule: &'static str,
}

macro_rules! text_id {
    ($(#[$doc:meta])* $name:ident, $kind:literal, $rule:literal, $max:expr, $allowed:expr) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(String);

        impl $name {
            /// Parses the text of an id.
            ///
            /// # Errors
            ///
            /// [`InvalidId`] with the rule that the text breaks.
            pub fn parse(text: &str) -> Result<Self, InvalidId> {
                let allowed: fn(u8) -> bool = $allowed;
                if text.is_empty() || text.len() > $max || !text.bytes().all(allowed) {
                    return Err(InvalidId { kind: $kind, rule: $rule });
                }
                Ok(Self(text.to_owned()))
            }

            /// The id's text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl FromStr for $name {
            type Err = InvalidId;

            fn from_str(text: &str) -> Result<Self, InvalidId> {
                Self::parse(text)
            }
        }
    };
}

text_id!(
    /// A person, as the token's `sub` names them. It has no `~`, so ids can be joined by it.
    UserId,
    "user id",
    "1 to 64 of A-Z a-z 0-9 . _ @ : -",
    limits::USER_ID_BYTES_MAX,
    |byte| byte.is_ascii_alphanumeric() || b"._@:-".contains(&byte)
);

text_id!(
    /// One installation of a client, stable over reconnects.
    DeviceId,
    "device",
    "1 to 64 of A-Z a-z 0-9 _ -",
    limits::DEVICE_ID_BYTES_MAX,
    |byte| byte.is_ascii_alphanumeric() || b"_-".contains(&byte)
);

text_id!(
    /// What a device runs on, as its client names it: `ios`, `web`. The names are the clients' own.
    Platform,
    "platform",
    "1 to 16 of a-z 0-9 -",
    limits::PLATFORM_BYTES_MAX,
    |byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-'
);

text_id!(
    /// A WebSocket connection, as API Gateway names it; opaque.
    ConnectionId,
    "connection id",
    "1 to 128 visible ASCII characters",
    limits::CONNECTION_ID_BYTES_MAX,
    |byte| byte.is_ascii_graphic()
);

text_id!(
    /// A timeline of any kind: the key under which its entries are kept together.
    TimelineId,
    "timeline id",
    "1 to 255 visible ASCII characters",
    limits::TIMELINE_ID_BYTES_MAX,
    |byte| byte.is_ascii_graphic()
);

/// The id that a client gave its request; its answer carries it as `re`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestId(String);

impl RequestId {
    /// Parses a request's id: 1 to 64 bytes of any text.
    ///
    /// # Errors
    ///
    /// [`InvalidId`] when it is empty or longer.
    pub fn parse(text: &str) -> Result<Self, InvalidId> {
        if text.is_empty() || text.len() > limits::REQUEST_ID_BYTES_MAX {
            return Err(InvalidId { kind: "request id", rule: "1 to 64 bytes" });
        }
        Ok(Self(text.to_owned()))
    }

    /// The id's text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A message's own id, chosen by its author's client and kept across retries (`cid`).
///
/// It identifies a message only together with its author.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MessageId(Uuid);

impl MessageId {
    /// The id of what is no message.
    pub const NONE: Self = Self(Uuid::nil());

    /// The id with these 16 bytes.
    pub fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(Uuid::from_bytes(bytes))
    }

    /// Parses a hyphenated UUID. Clients use version 7; any version is accepted.
    ///
    /// # Errors
    ///
    /// [`InvalidId`] when the text is not 36 characters of a UUID.
    pub fn parse(text: &str) -> Result<Self, InvalidId> {
        let error = InvalidId { kind: "cid", rule: "a hyphenated UUID" };
        if text.len() != limits::MESSAGE_ID_TEXT_BYTES {
            return Err(error);
        }
        Uuid::parse_str(text).map(Self).map_err(|_| error)
    }

    /// The 16 bytes that are kept.
    pub fn as_bytes(&self) -> &[u8; 16] {
        self.0.as_bytes()
    }
}

impl fmt::Display for MessageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0.as_hyphenated(), f)
    }
}

/// Whose conversation it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Party {
    /// The two people of a direct conversation, in byte order.
    Direct(UserId, UserId),
    /// A group, whose members the directory knows.
    Group(Uuid),
}

impl Party {
    /// Whom `user` has a direct conversation with; `None` of other people's, and of a group.
    pub fn other(self, user: &UserId) -> Option<UserId> {
        match self {
            Self::Direct(one, other) if one == *user => Some(other),
            Self::Direct(one, other) if other == *user => Some(one),
            Self::Direct(..) | Self::Group(_) => None,
        }
    }
}

/// A conversation; opaque to clients.
///
/// `d~<smaller user id>~<larger user id>` is direct, `g~<UUID>` a group. The same two people have
/// one direct conversation, whoever starts it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConversationId(String);

impl ConversationId {
    /// The direct conversation of two people.
    ///
    /// # Errors
    ///
    /// [`InvalidId`] when both are the same person.
    pub fn direct(one: &UserId, other: &UserId) -> Result<Self, InvalidId> {
        let (smaller, larger) = if one <= other { (one, other) } else { (other, one) };
        if smaller == larger {
            return Err(InvalidId { kind: "direct conversation", rule: "two different people" });
        }
        Ok(Self(format!("d~{smaller}~{larger}")))
    }

    /// The group of this name.
    pub fn group(name: MessageId) -> Self {
        Self(format!("g~{name}"))
    }

    /// Parses the text of a conversation's id.
    ///
    /// # Errors
    ///
    /// [`InvalidId`] when it is neither of the two forms, or its people are not in byte order.
    pub fn parse(text: &str) -> Result<Self, InvalidId> {
        Self::split(text).map(|_| Self(text.to_owned()))
    }

    /// Whose conversation it is.
    pub fn party(&self) -> Party {
        Self::split(&self.0).expect("a conversation id is split when it is made")
    }

    /// The id's text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The timeline on which the conversation's messages are kept.
    pub fn timeline(&self) -> TimelineId {
        TimelineId(self.0.clone())
    }

    fn split(text: &str) -> Result<Party, InvalidId> {
        let error = InvalidId { kind: "conversation", rule: "an id that the server gave" };
        if let Some(people) = text.strip_prefix("d~") {
            let (one, other) = people.split_once('~').ok_or(error)?;
            let one = UserId::parse(one).map_err(|_| error)?;
            let other = UserId::parse(other).map_err(|_| error)?;
            return if one < other { Ok(Party::Direct(one, other)) } else { Err(error) };
        }
        let group = text.strip_prefix("g~").ok_or(error)?;
        let id = Uuid::parse_str(group).map_err(|_| error)?;
        // One spelling only: two spellings of one group would be two timelines.
        if id.as_hyphenated().to_string() == group { Ok(Party::Group(id)) } else { Err(error) }
    }
}

impl fmt::Display for ConversationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn user(text: &str) -> UserId {
        UserId::parse(text).unwrap()
    }

    #[test]
    fn both_sides_name_one_direct_conversation() {
        let one = ConversationId::direct(&user("bob"), &user("alice")).unwrap();
        assert_eq!(one, ConversationId::direct(&user("alice"), &user("bob")).unwrap());
        assert_eq!(one.as_str(), "d~alice~bob");
        assert_eq!(one.party(), Party::Direct(user("alice"), user("bob")));
        assert!(ConversationId::direct(&user("bob"), &user("bob")).is_err());
    }

    #[test]
    fn a_conversation_has_one_spelling() {
        let group = "g~01935b2e-7c1a-7def-8123-456789abcdef";
        assert_eq!(ConversationId::parse(group).unwrap().as_str(), group);
        for wrong in [
            "",
            "d~",
            "d~alice",
            "d~bob~alice",
            "d~alice~alice",
            "d~alice~bob~eve",
            "d~al ice~bob",
            "g~01935B2E-7C1A-7DEF-8123-456789ABCDEF",
            "g~01935b2e7c1a7def8123456789abcdef",
            "x~alice~bob",
        ] {
            assert!(ConversationId::parse(wrong).is_err(), "{wrong:?} was taken");
        }
    }

    #[test]
    fn ids_keep_their_alphabets_and_lengths() {
        assert!(UserId::parse(&"a".repeat(64)).is_ok());
        assert!(UserId::parse("a.b_c@d:e-F9").is_ok());
        for wrong in ["", "a~b", "a b", "ä", "a/b", &"a".repeat(65)] {
            assert!(UserId::parse(wrong).is_err(), "{wrong:?} was taken");
        }
        assert!(DeviceId::parse("web_1-a").is_ok());
        for wrong in ["", "a.b", "a~", &"d".repeat(65)] {
            assert!(DeviceId::parse(wrong).is_err(), "{wrong:?} was taken");
        }
        assert!(Platform::parse("desktop-2").is_ok());
        for wrong in ["", "iOS", "a_b", "a.b", &"p".repeat(17)] {
            assert!(Platform::parse(wrong).is_err(), "{wrong:?} was taken");
        }
        assert!(ConnectionId::parse("R0oX_fdD0-wCH6w=").is_ok());
        assert!(ConnectionId::parse("a b").is_err());
        assert!(MessageId::parse("01935b2e-7c1a-7def-8123-456789abcdef").is_ok());
        assert!(MessageId::parse("01935b2e7c1a7def8123456789abcdef").is_err());
    }
}

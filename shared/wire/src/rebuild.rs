//! What an operator asks of the index function, and what it answers: no frames, but JSON as well.

use serde::{Deserialize, Serialize};
use timeline::rebuild::{RebuildRequest, RebuildScope};
use timeline::{ConversationId, Seq, UserId};

use crate::code::{ErrorCode, Problem};
use crate::frame;
use crate::send::seq;

/// What is asked for, as it travels.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rebuild {
    /// A part of the index that is to be built anew.
    pub rebuild: Part,
}

/// A part of the index: of a conversation, of a user's conversations, or of those from one on.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Part {
    /// Of all of this user's conversations.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub user: Option<String>,
    /// Of this conversation; with a user, the one to begin with.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub conversation: Option<String>,
    /// Of the messages after this one of the conversation.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub after: Option<u64>,
}

impl Rebuild {
    /// Reads what is asked for.
    ///
    /// # Errors
    ///
    /// A [`Problem`] that says what is wrong with it.
    pub fn parse(text: &str) -> Result<RebuildRequest, Problem> {
        let read: Self = serde_json::from_str(text).map_err(|_| {
            let usage = r#"ask {"rebuild":{"conversation":…}} or {"rebuild":{"user":…}}"#;
            Problem::new(ErrorCode::Malformed, usage)
        })?;
        let Part { user, conversation, after } = read.rebuild;
        let conversation = conversation.as_deref().map(ConversationId::parse).transpose()?;
        let user = user.as_deref().map(UserId::parse).transpose()?;
        let after = after.map(seq).transpose()?.unwrap_or(Seq::ZERO);
        let scope = match (user, conversation) {
            (Some(user), from) => RebuildScope::User { user, from },
            (None, Some(id)) => RebuildScope::Conversation(id),
            (None, None) => {
                return Err(Problem::new(ErrorCode::Invalid, "name a conversation or a user"));
            }
        };
        Ok(RebuildRequest { scope, after })
    }
}

impl From<RebuildRequest> for Rebuild {
    fn from(request: RebuildRequest) -> Self {
        let after = (request.after > Seq::ZERO).then(|| request.after.number());
        let (user, conversation) = match request.scope {
            RebuildScope::Conversation(id) => (None, Some(id)),
            RebuildScope::User { user, from } => (Some(user), from),
        };
        let text = |id: ConversationId| id.as_str().to_owned();
        let user = user.map(|user| user.as_str().to_owned());
        Self { rebuild: Part { user, conversation: conversation.map(text), after } }
    }
}

/// What came of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rebuilt {
    /// How many blocks of 64 messages were built.
    pub blocks: usize,
    /// What to ask next; absent once all of it is done.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub next: Option<Rebuild>,
}

impl From<timeline::rebuild::Rebuilt> for Rebuilt {
    fn from(rebuilt: timeline::rebuild::Rebuilt) -> Self {
        Self { blocks: rebuilt.blocks, next: rebuilt.next.map(Rebuild::from) }
    }
}

impl Rebuilt {
    /// The answer's text.
    pub fn to_json(&self) -> String {
        frame::to_json(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_asked_next_is_what_can_be_asked() {
        for text in [
            r#"{"rebuild":{"conversation":"d~ada~bob"}}"#,
            r#"{"rebuild":{"conversation":"d~ada~bob","after":63}}"#,
            r#"{"rebuild":{"user":"ada"}}"#,
            r#"{"rebuild":{"user":"ada","conversation":"d~ada~bob","after":63}}"#,
        ] {
            let request = Rebuild::parse(text).unwrap();
            assert_eq!(frame::to_json(&Rebuild::from(request)), text);
        }
    }

    #[test]
    fn what_is_asked_names_somebody_and_nothing_else() {
        for (text, code) in [
            (r#"{"rebuild":{}}"#, ErrorCode::Invalid),
            (r#"{"rebuild":{"user":"a~b"}}"#, ErrorCode::Invalid),
            (r#"{"rebuild":{"user":"ada","after":9007199254740991}}"#, ErrorCode::Invalid),
            (r#"{"rebuild":{"user":"ada","all":true}}"#, ErrorCode::Malformed),
            (r#"{"rebuild":{"user":"ada"},"all":true}"#, ErrorCode::Malformed),
            ("{}", ErrorCode::Malformed),
            ("", ErrorCode::Malformed),
        ] {
            assert_eq!(Rebuild::parse(text).unwrap_err().code, code.number(), "{text}");
        }
    }
}

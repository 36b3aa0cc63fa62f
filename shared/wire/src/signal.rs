//! `signal`: what a device does just now; never a message.

use serde::{Deserialize, Serialize};
use timeline::ConversationId;
use timeline::exchange::{Signal as Asked, SignalKind, Signaled as Done};

use crate::code::{ErrorCode, Problem, Refusal};
use crate::frame::{self, Request, action};

/// The frame as it travels.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Signal {
    /// Always [`action::SIGNAL`].
    pub action: String,
    /// The request's id.
    pub id: String,
    /// The conversation.
    pub conversation: String,
    /// One of [`Signal::KINDS`].
    pub kind: String,
}

impl Signal {
    /// Every kind: `focus` has this device pushed the messages of a large group, `blur` ends that;
    /// `typing` tells the others that somebody types; `presence` asks who of them is online.
    pub const KINDS: [(&'static str, SignalKind); 4] = [
        ("focus", SignalKind::Focus),
        ("blur", SignalKind::Blur),
        ("typing", SignalKind::Typing),
        ("presence", SignalKind::Presence),
    ];

    /// Reads a frame of this route.
    ///
    /// # Errors
    ///
    /// A [`Refusal`] that says which rule the frame breaks.
    pub fn parse(text: &str) -> Result<Request<Asked>, Refusal> {
        frame::parse(text, |signal: Self| {
            let Some((_, kind)) = Self::KINDS.iter().find(|(name, _)| *name == signal.kind) else {
                let kinds: Vec<_> = Self::KINDS.iter().map(|(name, _)| *name).collect();
                let message = format!("the kinds are {}", kinds.join(", "));
                return Err(Problem::new(ErrorCode::Invalid, message));
            };
            let conversation = ConversationId::parse(&signal.conversation)?;
            Ok((signal.id, Asked { conversation, kind: *kind }))
        })
    }

    /// The frame's text, as a client sends it.
    pub fn to_json(&self) -> String {
        frame::to_json(self)
    }

    /// The frame of a kind.
    pub fn new(id: String, conversation: String, kind: &str) -> Self {
        Self { action: action::SIGNAL.to_owned(), id, conversation, kind: kind.to_owned() }
    }
}

/// What a `signal` is answered with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Signaled {
    /// Until when a focus lasts, in milliseconds since 1970 UTC; then the device signals again.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub until: Option<u64>,
    /// Which members are online, in the order of ids, where `presence` was asked; without the
    /// caller.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub online: Option<Vec<String>>,
}

impl From<Done> for Signaled {
    fn from(done: Done) -> Self {
        let online = done.online.map(|users| users.iter().map(ToString::to_string).collect());
        Self { until: done.until.map(|until| until.0), online }
    }
}

//! What every frame has: an action and an id going up, `re` with `ok` or `error` coming down.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use timeline::{RequestId, limits};

use crate::code::{ErrorCode, Problem, Refusal};

/// Names of the protocol itself.
pub mod protocol {
    /// The subprotocol that a client offers and the server picks.
    pub const NAME: &str = "tideline.v1";
    /// What a token offered as a subprotocol begins with.
    pub const TOKEN_PREFIX: &str = "token.";
    /// The query parameter that names the device.
    pub const DEVICE: &str = "device";
    /// The query parameter that names what the device runs on; optional.
    pub const PLATFORM: &str = "platform";
    /// The query parameter for a token, the last resort.
    pub const TOKEN: &str = "token";
}

/// Names of the routes, as the `action` of a frame has them.
pub mod action {
    /// Sends a message.
    pub const SEND: &str = "send";
    /// Reads the inbox after a cursor.
    pub const SYNC: &str = "sync";
    /// Reads a range of one conversation.
    pub const HISTORY: &str = "history";
    /// Makes and changes groups, and lists their members.
    pub const GROUP: &str = "group";
    /// Says what a device does just now.
    pub const SIGNAL: &str = "signal";
    /// Says how far I have read.
    pub const READ: &str = "read";
    /// Asks who has read what.
    pub const RECEIPTS: &str = "receipts";
    /// Takes a message back, or changes it.
    pub const RECALL: &str = "recall";
    /// Lists my conversations.
    pub const CONVERSATIONS: &str = "conversations";
    /// Searches my conversations.
    pub const SEARCH: &str = "search";
    /// Every route that a frame can name.
    pub const ALL: [&str; 10] =
        [SEND, SYNC, HISTORY, GROUP, SIGNAL, READ, RECEIPTS, RECALL, CONVERSATIONS, SEARCH];
}

/// A request of some route: its id and the route's own fields.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request<T> {
    /// What the answer will carry as `re`.
    pub id: RequestId,
    /// The route's fields, parsed.
    pub fields: T,
}

/// The two fields that every request has; the route's own come beside them.
#[derive(Deserialize)]
struct Head {
    action: Option<serde_json::Value>,
    id: Option<serde_json::Value>,
}

/// The id of a frame that may be anything, if it has a readable one.
pub fn readable_id(frame: &str) -> Option<RequestId> {
    let head: Head = serde_json::from_str(frame).ok()?;
    RequestId::parse(head.id?.as_str()?).ok()
}

/// The action of a frame that may be anything, if it has one.
pub fn action_of(frame: &str) -> Option<String> {
    let head: Head = serde_json::from_str(frame).ok()?;
    head.action?.as_str().map(str::to_owned)
}

/// Reads a frame as `T`, whose structure has `action`, `id` and the route's fields, and lets
/// `convert` turn it into the model.
pub(crate) fn parse<T: DeserializeOwned, M>(
    frame: &str,
    convert: impl FnOnce(T) -> Result<(String, M), Problem>,
) -> Result<Request<M>, Refusal> {
    let re = readable_id(frame);
    let refuse = |problem| Refusal { re: re.clone(), problem };
    if frame.len() > limits::FRAME_BYTES_MAX {
        let message = format!("a frame is at most {} bytes", limits::FRAME_BYTES_MAX);
        return Err(refuse(Problem::new(ErrorCode::TooLarge, message)));
    }
    let read: T = serde_json::from_str(frame)
        .map_err(|error| refuse(Problem::new(ErrorCode::Malformed, shape(&error))))?;
    let (id, fields) = convert(read).map_err(&refuse)?;
    let id = RequestId::parse(&id).map_err(|error| refuse(error.into()))?;
    Ok(Request { id, fields })
}

/// Says where and how a frame is wrong; serde's own text may repeat what was sent.
fn shape(error: &serde_json::Error) -> String {
    let (line, column) = (error.line(), error.column());
    let what = match error.classify() {
        serde_json::error::Category::Data => "has a wrong, missing or unknown field",
        serde_json::error::Category::Syntax
        | serde_json::error::Category::Eof
        | serde_json::error::Category::Io => "is not JSON",
    };
    format!("the frame {what} (line {line}, column {column})")
}

/// The answer to a request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer<T> {
    /// The request's id; `None` when it had no readable one.
    pub re: Option<String>,
    /// What was asked for.
    #[serde(skip_serializing_if = "Option::is_none", default = "none")]
    pub ok: Option<T>,
    /// Why it was not given.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub error: Option<Problem>,
}

fn none<T>() -> Option<T> {
    None
}

impl<T> Answer<T> {
    /// The answer that gives what was asked for.
    pub fn ok(re: &RequestId, ok: T) -> Self {
        Self { re: Some(re.as_str().to_owned()), ok: Some(ok), error: None }
    }
}

impl Answer<serde_json::Value> {
    /// The answer that says why not.
    pub fn refused(refusal: Refusal) -> Self {
        let re = refusal.re.map(|id| id.as_str().to_owned());
        Self { re, ok: None, error: Some(refusal.problem) }
    }
}

impl<T: Serialize> Answer<T> {
    /// The frame's text.
    pub fn to_json(&self) -> String {
        to_json(self)
    }
}

/// The text of a frame of ours.
pub(crate) fn to_json<T: Serialize>(frame: &T) -> String {
    serde_json::to_string(frame).expect("a frame's keys are text and its numbers finite")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_found_in_what_is_otherwise_wrong() {
        let id = |frame| readable_id(frame).map(|id| id.as_str().to_owned());
        assert_eq!(id(r#"{"action":"nowhere","id":"7","x":{}}"#), Some("7".into()));
        for none in ["", "7", "[]", r#"{"id":7}"#, r#"{"id":""}"#, r#"{"id":"7""#, r#"{"id":null}"#]
        {
            assert_eq!(id(none), None, "{none}");
        }
    }
}

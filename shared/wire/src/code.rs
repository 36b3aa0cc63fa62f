//! What a client is told when it does not get what it asked for.

use serde::{Deserialize, Serialize};
use timeline::{InvalidBody, InvalidId, InvalidKind, RequestId, limits};

/// A reason of refusal. Numbers follow HTTP's classes; a number is never given a second meaning.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ErrorCode {
    /// 400: no frame of this protocol, or a field that the route does not have.
    Malformed,
    /// 401: the token that opened the connection has expired; the connection is closed.
    Expired,
    /// 403: not yours, or not there: the two look the same.
    Forbidden,
    /// 404: no such route, or no such message of yours.
    NotFound,
    /// 409: other messages may hide a first attempt; look through (base, tail] and try again.
    StaleBase,
    /// 409: the base lies beyond the tail: the server's log went back, start afresh.
    BaseAhead,
    /// 409: the same id was sent before with another content.
    Conflict,
    /// 413: larger than the protocol allows.
    TooLarge,
    /// 422: well-formed, but no value that the field may have.
    Invalid,
    /// 429: too much at once; wait and repeat the same request.
    SlowMode,
    /// 500: our fault.
    Internal,
    /// 503: try the same request again.
    Unavailable,
}

impl ErrorCode {
    /// Every code, with its number and its name.
    pub const ALL: [(Self, u16, &'static str); 12] = [
        (Self::Malformed, 400, "malformed"),
        (Self::Expired, 401, "expired"),
        (Self::Forbidden, 403, "forbidden"),
        (Self::NotFound, 404, "not_found"),
        (Self::StaleBase, 409, "stale_base"),
        (Self::BaseAhead, 409, "base_ahead"),
        (Self::Conflict, 409, "conflict"),
        (Self::TooLarge, 413, "too_large"),
        (Self::Invalid, 422, "invalid"),
        (Self::SlowMode, 429, "slow_mode"),
        (Self::Internal, 500, "internal"),
        (Self::Unavailable, 503, "unavailable"),
    ];

    /// The code's number.
    pub fn number(self) -> u16 {
        self.row().1
    }

    /// The code's name, which tells codes of one number apart.
    pub fn name(self) -> &'static str {
        self.row().2
    }

    /// The code with this name; unknown names are told by their number's class.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().find(|row| row.2 == name).map(|row| row.0)
    }

    fn row(self) -> (Self, u16, &'static str) {
        *Self::ALL.iter().find(|row| row.0 == self).expect("every code has its row in ALL")
    }
}

/// The `error` of an answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    /// The number, by HTTP's classes.
    pub code: u16,
    /// The name, which tells codes of one number apart.
    pub name: String,
    /// A sentence for the developer of the client.
    pub message: String,
    /// How long to wait before the same request may succeed, in milliseconds; absent where trying
    /// again does not help.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry_after_ms: Option<u64>,
    /// The conversation's tail, with `stale_base` and `base_ahead`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tail: Option<u64>,
}

impl Problem {
    /// A problem with its sentence and nothing else.
    pub fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        let retry = match code {
            ErrorCode::SlowMode | ErrorCode::Unavailable => Some(limits::RETRY_AFTER_MS),
            ErrorCode::Malformed
            | ErrorCode::Expired
            | ErrorCode::Forbidden
            | ErrorCode::NotFound
            | ErrorCode::StaleBase
            | ErrorCode::BaseAhead
            | ErrorCode::Conflict
            | ErrorCode::TooLarge
            | ErrorCode::Invalid
            | ErrorCode::Internal => None,
        };
        Self {
            code: code.number(),
            name: code.name().to_owned(),
            message: message.into(),
            retry_after_ms: retry,
            tail: None,
        }
    }

    /// The same problem, telling the conversation's tail.
    #[must_use]
    pub fn with_tail(mut self, tail: u64) -> Self {
        self.tail = Some(tail);
        self
    }

    /// The code it stands for, if this version of the protocol knows it.
    pub fn error_code(&self) -> Option<ErrorCode> {
        ErrorCode::from_name(&self.name)
    }
}

impl From<InvalidId> for Problem {
    fn from(error: InvalidId) -> Self {
        Self::new(ErrorCode::Invalid, error.to_string())
    }
}

impl From<InvalidKind> for Problem {
    fn from(error: InvalidKind) -> Self {
        Self::new(ErrorCode::Invalid, error.to_string())
    }
}

impl From<InvalidBody> for Problem {
    fn from(error: InvalidBody) -> Self {
        Self::new(ErrorCode::TooLarge, error.to_string())
    }
}

/// A frame that was refused, with the id to answer to as far as one could be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The request's id, if the frame had a readable one.
    pub re: Option<RequestId>,
    /// Why.
    pub problem: Problem,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_lead_back() {
        for (code, number, name) in ErrorCode::ALL {
            assert_eq!((code.number(), code.name()), (number, name));
            assert_eq!(ErrorCode::from_name(name), Some(code));
        }
        assert_eq!(ErrorCode::from_name("teapot"), None);
    }
}

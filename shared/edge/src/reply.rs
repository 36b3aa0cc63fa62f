//! What goes out: the function's answer to API Gateway.

use aws_lambda_events::apigw::ApiGatewayProxyResponse;
use timeline::RequestId;
use wire::{Answer, Synced, protocol};

use crate::event::{Event, PROTOCOL_HEADER};

/// The status of everything that was done. Of a frame's answer no client sees it.
const OK: i64 = 200;

/// The function's answer to API Gateway.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Reply {
    status: i64,
    body: Option<String>,
    protocol: Option<&'static str>,
}

impl Reply {
    /// Nothing: everything was posted, or there is nothing to say.
    pub fn empty() -> Self {
        Self { status: OK, body: None, protocol: None }
    }

    /// A frame, on a two-way route.
    pub fn frame(text: String) -> Self {
        Self { status: OK, body: Some(text), protocol: None }
    }

    /// The answer of `sync`.
    pub fn synced(re: &RequestId, caught: timeline::exchange::Caught) -> Self {
        Self::frame(Answer::ok(re, Synced::from(caught)).to_json())
    }

    /// The answer of `history`.
    pub fn found(re: &RequestId, found: timeline::exchange::Found) -> Self {
        Self::frame(Answer::ok(re, wire::Messages::from(found)).to_json())
    }

    /// The answer of `group`.
    pub fn grouped(re: &RequestId, group: timeline::group::Group) -> Self {
        Self::frame(Answer::ok(re, wire::Grouped::from(group)).to_json())
    }

    /// The answer of `read`.
    pub fn read(re: &RequestId, read: timeline::lists::Read) -> Self {
        Self::frame(Answer::ok(re, wire::ReadUpTo::from(read)).to_json())
    }

    /// The answer of `receipts`.
    pub fn receipts(re: &RequestId, receipts: timeline::lists::Receipts) -> Self {
        Self::frame(Answer::ok(re, wire::Readers::from(receipts)).to_json())
    }

    /// The answer of `recall`.
    pub fn kept(re: &RequestId, kept: timeline::exchange::Kept) -> Self {
        Self::frame(Answer::ok(re, wire::Sent::from(kept)).to_json())
    }

    /// The answer of `conversations`.
    pub fn listed(re: &RequestId, listed: timeline::lists::Conversations) -> Self {
        Self::frame(Answer::ok(re, wire::Listed::from(listed)).to_json())
    }

    /// The answer of `search`.
    pub fn hits(re: &RequestId, hits: timeline::search::Hits) -> Self {
        Self::frame(Answer::ok(re, wire::Matches::from(hits)).to_json())
    }

    /// The answer of `signal`.
    pub fn signaled(re: &RequestId, signaled: timeline::exchange::Signaled) -> Self {
        Self::frame(Answer::ok(re, wire::Signaled::from(signaled)).to_json())
    }

    /// A handshake that is accepted: it picks our subprotocol if the client offers it, for browsers
    /// fail on a connection that picks none of theirs.
    pub fn accept(event: &Event) -> Self {
        let protocol = event.offers_protocol().then_some(protocol::NAME);
        Self { status: OK, body: None, protocol }
    }

    /// A handshake that is refused with this status.
    pub fn refuse(status: u16) -> Self {
        Self { status: i64::from(status), body: None, protocol: None }
    }
}

/// What API Gateway is given.
pub type Response = ApiGatewayProxyResponse;

impl From<Reply> for ApiGatewayProxyResponse {
    fn from(reply: Reply) -> Self {
        let mut response = Self::default();
        response.status_code = reply.status;
        response.body = reply.body.map(Into::into);
        if let Some(protocol) = reply.protocol {
            let value = protocol.parse().expect("the protocol's name is a header's value");
            response.headers.insert(PROTOCOL_HEADER, value);
        }
        response
    }
}

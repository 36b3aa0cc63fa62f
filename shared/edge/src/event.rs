//! What comes in: an event of the WebSocket API, and who sent it.

use aws_lambda_events::apigw::ApiGatewayWebsocketProxyRequest;
use push::Push;
use serde_json::Value;
use timeline::exchange::Caller;
use timeline::{ConnectionId, DeviceId, Platform, Timestamp, UserId};
use wire::protocol;

use crate::answering::{Acknowledged, Answering};
use crate::failure::Failure;

/// Names in the authorizer's context, which rides on every event of a connection.
pub mod context {
    /// The user id.
    pub const USER: &str = "user";
    /// The device.
    pub const DEVICE: &str = "device";
    /// What the device runs on; absent if it does not say.
    pub const PLATFORM: &str = "platform";
    /// When the token expires: milliseconds since 1970 UTC.
    pub const EXPIRES: &str = "expires";
}

/// The header by which subprotocols are offered and picked (RFC 6455, section 11.3.4).
pub(crate) const PROTOCOL_HEADER: &str = "sec-websocket-protocol";

/// An event of the WebSocket API.
#[derive(Clone, Debug)]
pub struct Event {
    request: ApiGatewayWebsocketProxyRequest,
    now: Timestamp,
    acknowledged: Acknowledged,
}

impl Event {
    /// The event as it came at `now`.
    pub fn new(request: ApiGatewayWebsocketProxyRequest, now: Timestamp) -> Self {
        Self { request, now, acknowledged: Acknowledged::default() }
    }

    /// Who sent it, by the token that opened the connection.
    ///
    /// # Errors
    ///
    /// [`Failure::Expired`] once the token has; [`Failure::Malformed`] when the event carries no
    /// identity, which no event behind our authorizer lacks.
    pub fn caller(&self) -> Result<Caller, Failure> {
        let caller = self.identity().ok_or(Failure::Malformed)?;
        if caller.expires <= self.now {
            return Err(Failure::Expired);
        }
        Ok(caller)
    }

    /// Who sent it, however old the token is: whoever leaves may leave late.
    pub fn identity(&self) -> Option<Caller> {
        let context = &self.request.request_context;
        let fields = &context.authorizer.fields;
        let text = |name| fields.get(name).and_then(Value::as_str);
        Some(Caller {
            user: UserId::parse(text(context::USER)?).ok()?,
            device: DeviceId::parse(text(context::DEVICE)?).ok()?,
            platform: text(context::PLATFORM).map(Platform::parse).transpose().ok()?,
            connection: self.connection()?,
            connected: Timestamp(u64::try_from(context.connected_at).ok()?),
            expires: Timestamp(text(context::EXPIRES)?.parse().ok()?),
        })
    }

    /// The connection it came over.
    pub fn connection(&self) -> Option<ConnectionId> {
        ConnectionId::parse(self.request.request_context.connection_id.as_deref()?).ok()
    }

    /// The frame; empty if there is none.
    pub fn body(&self) -> &str {
        self.request.body.as_deref().unwrap_or_default()
    }

    /// `push`, for a one-way route: the frame whose message was acknowledged by it is not refused
    /// afterwards, whatever becomes of the rest of the work.
    pub(crate) fn answering<'a>(&self, push: &'a dyn Push) -> Answering<'a> {
        Answering { push, acknowledged: self.acknowledged.clone() }
    }

    /// Whether the frame's message was acknowledged.
    pub(crate) fn is_acknowledged(&self) -> bool {
        self.acknowledged.is_set()
    }

    /// Why a frame that no route claims is refused: it is none of the protocol's, or its action is
    /// none of ours.
    pub fn unclaimed(&self) -> Failure {
        match wire::action_of(self.body()) {
            Some(_) => Failure::NoRoute,
            None => Failure::Malformed,
        }
    }

    /// Whether the client offers our subprotocol.
    pub fn offers_protocol(&self) -> bool {
        let headers = self.request.headers.get_all(PROTOCOL_HEADER);
        let offered = headers.iter().filter_map(|value| value.to_str().ok());
        offered.flat_map(|value| value.split(',')).any(|name| name.trim() == protocol::NAME)
    }
}

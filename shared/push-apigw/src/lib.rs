//! The push port on API Gateway's `@connections`.
//!
//! A notice becomes a text frame here, in the protocol's form. A connection counts as gone whenever
//! the gateway answers 410, typed or not: emulators and proxies lose the header that types it.

use async_trait::async_trait;
use aws_sdk_apigatewaymanagement::Client;
use aws_sdk_apigatewaymanagement::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_apigatewaymanagement::primitives::Blob;
use push::{Error, Notice, Posted, Push};
use timeline::ConnectionId;
use wire::{Answer, Kicked, Marker, Message, Sent};

/// The status of a connection that is closed, or still opening.
const GONE: u16 = 410;
/// The status of too many posts, or of a client that reads too slowly.
const TOO_MANY: u16 = 429;

/// `@connections` of one API's stage.
#[derive(Clone, Debug)]
pub struct ApiGateway {
    client: Client,
}

impl ApiGateway {
    /// The stage that `client`'s endpoint names. The client's own retries are the only ones.
    pub fn new(client: Client) -> Self {
        Self { client }
    }
}

#[async_trait]
impl Push for ApiGateway {
    async fn post(&self, connection: &ConnectionId, notice: &Notice) -> Result<Posted, Error> {
        let request = self.client.post_to_connection().connection_id(connection.as_str());
        match request.data(Blob::new(frame(notice))).send().await {
            Ok(_) => Ok(Posted::Delivered),
            Err(error) if status(&error) == Some(GONE) => Ok(Posted::Gone),
            Err(error) => Err(failed(error)),
        }
    }

    async fn close(&self, connection: &ConnectionId) -> Result<(), Error> {
        let request = self.client.delete_connection().connection_id(connection.as_str());
        match request.send().await {
            Ok(_) => Ok(()),
            Err(error) if status(&error) == Some(GONE) => Ok(()),
            Err(error) => Err(failed(error)),
        }
    }
}

/// The text of a notice, as it is posted.
pub fn frame(notice: &Notice) -> String {
    match notice {
        Notice::Message { conversation, entry, position, own } => wire::Push {
            message: Message::of_push(conversation, entry, *position),
            own: own.iter().map(Marker::from).collect(),
        }
        .to_json(),
        Notice::Kept { re, kept } => Answer::ok(re, Sent::from(kept.clone())).to_json(),
        Notice::Control { entry } => {
            wire::Push { message: Message::of_inbox(entry), own: Vec::new() }.to_json()
        }
        Notice::Read { conversation, user, seq, at } => wire::ReadBy {
            conversation: conversation.as_str().to_owned(),
            user: user.as_str().to_owned(),
            seq: seq.number(),
            at: at.0,
        }
        .to_json(),
        Notice::Typing { conversation, user, at } => wire::SignalBy {
            conversation: conversation.as_str().to_owned(),
            user: user.as_str().to_owned(),
            kind: "typing".to_owned(),
            at: at.0,
        }
        .to_json(),
        Notice::Kicked { reason } => Kicked { reason: *reason }.to_json(),
        Notice::Frame(text) => text.clone(),
    }
}

type Response = aws_sdk_apigatewaymanagement::config::http::HttpResponse;

fn status<E>(error: &SdkError<E, Response>) -> Option<u16> {
    error.raw_response().map(|response| response.status().as_u16())
}

fn failed<E>(error: SdkError<E, Response>) -> Error
where
    E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
{
    match status(&error) {
        Some(TOO_MANY) => Error::Throttled { source: error.into() },
        Some(400..500) => Error::Refused { source: error.into() },
        Some(_) | None => Error::Unavailable { source: error.into() },
    }
}

//! One WebSocket connection, as a task that reports what happens to it.
//!
//! A deployment is reached by TLS, and believed if the machine's own roots vouch for it.

use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use timeline::{DeviceId, Platform};
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::handshake::client::Request;
use tokio_tungstenite::tungstenite::http::header::{
    AUTHORIZATION, HeaderValue, SEC_WEBSOCKET_PROTOCOL,
};
use tokio_tungstenite::tungstenite::{self, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};

use crate::error::Error;

/// How long a handshake may take. Ours; an authorizer that starts cold takes seconds.
const HANDSHAKE_MAX: Duration = Duration::from_secs(15);

/// What an address begins with, the latter for TLS.
const SCHEMES: [&str; 2] = ["ws://", "wss://"];

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// What happens to a connection.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Event {
    /// It is open.
    Open,
    /// A frame arrived.
    Frame(String),
    /// The handshake was refused with this HTTP status.
    Refused(u16),
    /// It could not be made, for this reason.
    Failed(String),
    /// It is closed.
    Closed,
}

/// A connection, open or opening. It is dropped with this value.
#[derive(Debug)]
pub(crate) struct Link {
    frames: mpsc::UnboundedSender<String>,
    task: JoinHandle<()>,
}

impl Link {
    /// Opens a connection; its events come with its number.
    pub(crate) fn open(
        request: Request,
        number: u64,
        events: mpsc::UnboundedSender<(u64, Event)>,
    ) -> Self {
        let (frames, outgoing) = mpsc::unbounded_channel();
        let task = tokio::spawn(async move {
            let last = run(request, number, &events, outgoing).await;
            // Nobody listens any more when the program ends.
            let _ = events.send((number, last));
        });
        Self { frames, task }
    }

    /// Sends a frame; if the connection is gone, its event says so.
    pub(crate) fn send(&self, frame: String) {
        let _ = self.frames.send(frame);
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// The handshake of a device.
///
/// # Errors
///
/// [`Error::Url`] when the address or the token cannot be part of one.
pub(crate) fn request(
    url: &str,
    device: &DeviceId,
    platform: Option<&Platform>,
    token: &str,
) -> Result<Request, Error> {
    let unusable = |source| Error::Url { url: url.to_owned(), source };
    if !SCHEMES.iter().any(|scheme| url.starts_with(scheme)) {
        return Err(unusable("the address begins with ws:// or wss://".into()));
    }
    let joint = if url.contains('?') { '&' } else { '?' };
    let mut full = format!("{url}{joint}{}={device}", wire::protocol::DEVICE);
    if let Some(platform) = platform {
        full.push_str(&format!("&{}={platform}", wire::protocol::PLATFORM));
    }
    let mut request = full.into_client_request().map_err(|error| unusable(error.into()))?;
    let mut bearer = HeaderValue::from_str(&format!("Bearer {token}"))
        .map_err(|_| unusable("the token has letters that no token has".into()))?;
    bearer.set_sensitive(true);
    let headers = request.headers_mut();
    headers.insert(AUTHORIZATION, bearer);
    headers.insert(SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_static(wire::protocol::NAME));
    Ok(request)
}

/// Lives as long as the connection; its last event.
async fn run(
    request: Request,
    number: u64,
    events: &mpsc::UnboundedSender<(u64, Event)>,
    outgoing: mpsc::UnboundedReceiver<String>,
) -> Event {
    // The SDK of the workspace has the same provider of TLS; whose turn it is to name it does not
    // matter, so an error, that it is named already, is none.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let handshake = tokio_tungstenite::connect_async(request);
    match tokio::time::timeout(HANDSHAKE_MAX, handshake).await {
        Ok(Ok((socket, _))) => {
            let _ = events.send((number, Event::Open));
            // However it ended, what follows is the same.
            let _ = exchange(socket, number, events, outgoing).await;
            Event::Closed
        }
        Ok(Err(tungstenite::Error::Http(response))) => Event::Refused(response.status().as_u16()),
        Ok(Err(error)) => Event::Failed(error.to_string()),
        Err(_) => Event::Failed(format!("no answer in {} seconds", HANDSHAKE_MAX.as_secs())),
    }
}

async fn exchange(
    mut socket: Socket,
    number: u64,
    events: &mpsc::UnboundedSender<(u64, Event)>,
    mut outgoing: mpsc::UnboundedReceiver<String>,
) -> Result<(), tungstenite::Error> {
    loop {
        tokio::select! {
            incoming = socket.next() => match incoming {
                Some(Ok(Message::Text(text))) => {
                    let _ = events.send((number, Event::Frame(text.as_str().to_owned())));
                }
                Some(Ok(Message::Close(_))) | None => return Ok(()),
                Some(Ok(_)) => {}
                Some(Err(error)) => return Err(error),
            },
            frame = outgoing.recv() => match frame {
                Some(frame) => socket.send(Message::text(frame)).await?,
                None => return socket.close(None).await,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_handshake_names_device_token_and_protocol() {
        let device = DeviceId::parse("desk").unwrap();
        let handshake =
            |platform| request("ws://127.0.0.1:3001/v1", &device, platform, "abc").unwrap();
        let request = handshake(None);
        assert_eq!(request.uri().to_string(), "ws://127.0.0.1:3001/v1?device=desk");
        let platform = Platform::parse("web").unwrap();
        let address = handshake(Some(&platform)).uri().to_string();
        assert_eq!(address, "ws://127.0.0.1:3001/v1?device=desk&platform=web");
        assert_eq!(request.headers()[AUTHORIZATION], "Bearer abc");
        assert_eq!(request.headers()[SEC_WEBSOCKET_PROTOCOL], "tideline.v1");
    }

    #[test]
    fn a_deployment_is_reached_by_tls() {
        let device = DeviceId::parse("desk").unwrap();
        let address = "wss://abc.execute-api.us-east-1.amazonaws.com/v1";
        let request = request(address, &device, None, "abc").unwrap();
        assert_eq!(request.uri().to_string(), format!("{address}?device=desk"));
    }

    #[test]
    fn an_address_of_another_kind_is_refused_at_once() {
        let device = DeviceId::parse("desk").unwrap();
        for wrong in ["http://127.0.0.1:3001/v1", "127.0.0.1:3001", "ws://", "wss://", "wss:", ""] {
            assert!(request(wrong, &device, None, "abc").is_err(), "{wrong}");
        }
        assert!(request("ws://127.0.0.1:3001/v1", &device, None, "a\nb").is_err());
    }
}

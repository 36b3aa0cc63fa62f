//! An open socket: its frames in, its frames out, its timers, and its end.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream::{SplitSink, SplitStream};
use futures_util::{SinkExt, StreamExt};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::error::ProtocolError;
use tokio_tungstenite::tungstenite::protocol::frame::coding::{CloseCode, Data, OpCode};
use tokio_tungstenite::tungstenite::protocol::frame::{CloseFrame, Frame};
use tokio_tungstenite::tungstenite::protocol::{Role, WebSocketConfig};
use tokio_tungstenite::tungstenite::{Error, Message, Utf8Bytes};

use crate::connection::Connection;
use crate::dispatch::{self, MESSAGE_BYTES_MAX};
use crate::event::{Ending, Event};
use crate::order::Order;
use crate::server::Shared;
use crate::stage::DISCONNECT;

/// The longest frame that API Gateway carries, either way.
///
/// Theirs: "Quotas for configuring and running a WebSocket API", frame size.
const FRAME_BYTES_MAX: usize = 32 * 1024;

/// What is buffered for a connection; enough for several messages of usual length.
const BUFFER_BYTES: usize = 16 * 1024;

/// How long a client that does not read is waited for when its connection is closed.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(2);

/// What is still read, and thrown away, from a client after its connection was closed.
const DRAIN_BYTES_MAX: usize = 16 * 1024 * 1024;

type Sink = SplitSink<WebSocketStream<TcpStream>, Message>;
type Stream = SplitStream<WebSocketStream<TcpStream>>;

/// Who ended a connection.
enum Closed {
    ByClient(Ending),
    ByGateway(Ending),
}

/// Serves a connection from its 101 to the end of its `$disconnect`.
pub(crate) async fn serve(
    shared: &Arc<Shared>,
    connection: &Arc<Connection>,
    stream: TcpStream,
    messages: mpsc::Receiver<Utf8Bytes>,
    already_read: Vec<u8>,
) {
    let config = WebSocketConfig::default()
        .read_buffer_size(BUFFER_BYTES)
        .write_buffer_size(BUFFER_BYTES)
        .max_frame_size(Some(FRAME_BYTES_MAX))
        .max_message_size(Some(MESSAGE_BYTES_MAX));
    let socket =
        WebSocketStream::from_partially_read(stream, already_read, Role::Server, Some(config));
    let (sink, mut stream) = socket.await.split();
    let (close, closing) = oneshot::channel();
    let mut writer = tokio::spawn(write(sink, messages, closing));
    let closed = tokio::select! {
        closed = read(shared, connection, &mut stream) => closed,
        ending = connection.asked_to_close() => Closed::ByGateway(ending),
        () = expire(shared, connection) => Closed::ByGateway(going_away()),
    };
    shared.registry.remove(connection.id());
    shared.meter.closed(connection.opened.elapsed());
    let ending = match closed {
        Closed::ByClient(ending) => {
            // Also to a client that is still there, where the connection is cut.
            writer.abort();
            drop(stream);
            ending
        }
        Closed::ByGateway(ending) => {
            // A writer that is gone has lost the connection already.
            let _ = close.send(ending.clone());
            match tokio::time::timeout(CLOSE_TIMEOUT, &mut writer).await {
                Ok(Ok(Some(sink))) => drop(tokio::spawn(linger(sink, stream))),
                Ok(_) => {}
                Err(_) => writer.abort(),
            }
            ending
        }
    };
    disconnect(shared, connection, &ending).await;
}

/// The end of a connection that was idle or old; also that of one whose gateway stops.
pub(crate) fn going_away() -> Ending {
    Ending { code: 1001, reason: "Going away".to_owned() }
}

async fn disconnect(shared: &Shared, connection: &Connection, ending: &Ending) {
    let Some(route) = connection.stage.route(DISCONNECT) else { return };
    if shared.faults.loses_disconnect() {
        return;
    }
    let Event { body, .. } = connection.facts.disconnect(ending);
    // Nobody hears how it went; failures are on the console.
    let _ = dispatch::bounded(&route.pool, body, route.timeout, || async {}).await;
}

/// Waits until the connection has lived its life, or no message has passed for too long.
async fn expire(shared: &Shared, connection: &Connection) {
    let opened = Instant::from_std(connection.opened);
    let lifetime = opened + shared.lifetime;
    loop {
        let quiet = crate::timestamp::Timestamp::now().0.saturating_sub(connection.last_active().0);
        let left = shared.idle_timeout.saturating_sub(Duration::from_millis(quiet));
        let idle = Instant::now() + left;
        if left.is_zero() || Instant::now() >= lifetime {
            return;
        }
        tokio::time::sleep_until(idle.min(lifetime)).await;
    }
}

/// Hands frames to their routes until the connection ends.
async fn read(shared: &Arc<Shared>, connection: &Arc<Connection>, stream: &mut Stream) -> Closed {
    let mut order = Order::new(shared, connection);
    let mut client = None;
    while let Some(frame) = stream.next().await {
        match frame {
            Ok(Message::Text(text)) => {
                connection.touch();
                shared.meter.received(text.len());
                order.take(text).await;
                if shared.faults.cuts_connection() {
                    break;
                }
            }
            Ok(Message::Binary(_)) => return refuse(1003, "Binary frames are not supported"),
            Ok(Message::Close(frame)) => client = Some(client_ending(frame)),
            // The library answers pings; neither resets the idle timer, as far as is known.
            Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_)) => {}
            Err(Error::Capacity(_)) => return refuse(1009, "Message too big"),
            Err(Error::Utf8(_)) => return refuse(1007, "Invalid UTF-8"),
            Err(Error::Protocol(ProtocolError::ResetWithoutClosingHandshake)) => break,
            Err(Error::Protocol(_)) => return refuse(1002, "Protocol error"),
            Err(_) => break,
        }
    }
    Closed::ByClient(client.unwrap_or_else(cut))
}

fn refuse(code: u16, reason: &str) -> Closed {
    Closed::ByGateway(Ending { code, reason: reason.to_owned() })
}

/// The end of a connection that was cut; how API Gateway reports it is not documented, 1006 is what
/// the protocol has for it.
fn cut() -> Ending {
    Ending { code: 1006, reason: "Connection closed abnormally".to_owned() }
}

fn client_ending(frame: Option<CloseFrame>) -> Ending {
    match frame {
        Some(frame) => Ending { code: frame.code.into(), reason: frame.reason.as_str().to_owned() },
        None => Ending { code: 1005, reason: "Client-side close frame status not set".to_owned() },
    }
}

/// Writes what is queued, and at the end the close frame; gives the sink back after that.
async fn write(
    mut sink: Sink,
    mut messages: mpsc::Receiver<Utf8Bytes>,
    mut closing: oneshot::Receiver<Ending>,
) -> Option<Sink> {
    loop {
        tokio::select! {
            biased;
            Some(text) = messages.recv() => {
                feed(&mut sink, text).await.ok()?;
                while let Ok(text) = messages.try_recv() {
                    feed(&mut sink, text).await.ok()?;
                }
                sink.flush().await.ok()?;
            }
            ending = &mut closing => {
                let Ending { code, reason } = ending.ok()?;
                let frame = CloseFrame { code: CloseCode::from(code), reason: reason.into() };
                sink.send(Message::Close(Some(frame))).await.ok()?;
                return Some(sink);
            }
        }
    }
}

/// Writes one message, in several frames where it is longer than one may be.
async fn feed(sink: &mut Sink, text: Utf8Bytes) -> Result<(), Error> {
    if text.len() <= FRAME_BYTES_MAX {
        return sink.feed(Message::Text(text)).await;
    }
    let mut rest = Bytes::from(text);
    let mut kind = Data::Text;
    while !rest.is_empty() {
        let part = rest.split_to(rest.len().min(FRAME_BYTES_MAX));
        let frame = Frame::message(part, OpCode::Data(kind), rest.is_empty());
        sink.feed(Message::Frame(frame)).await?;
        kind = Data::Continue;
    }
    Ok(())
}

/// Lets the client read its close frame: a socket that is dropped with bytes unread is reset, and
/// a reset takes away what the client has not read yet.
async fn linger(sink: Sink, stream: Stream) {
    let Ok(socket) = stream.reunite(sink) else { return };
    // The client is gone, or it is not: there is nothing left to do for it.
    let _ = tokio::time::timeout(CLOSE_TIMEOUT, drain(socket.into_inner())).await;
}

async fn drain(mut stream: TcpStream) -> io::Result<()> {
    stream.shutdown().await?;
    let mut buffer = vec![0; BUFFER_BYTES];
    let mut drained = 0;
    while drained < DRAIN_BYTES_MAX {
        match stream.read(&mut buffer).await? {
            0 => break,
            count => drained += count,
        }
    }
    Ok(())
}

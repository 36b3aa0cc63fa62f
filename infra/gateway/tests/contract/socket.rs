//! A WebSocket client over raw TCP: it sees what a library hides, and can break the rules.

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;

use crate::http::Answer;
use crate::local::within;

/// A frame that continues the message before it.
pub(crate) const CONTINUATION: u8 = 0;
/// A text frame.
pub(crate) const TEXT: u8 = 1;
/// A binary frame.
pub(crate) const BINARY: u8 = 2;
const CLOSE: u8 = 8;
/// A ping.
pub(crate) const PING: u8 = 9;
const PONG: u8 = 10;

/// The mask of every frame: RFC 6455 wants one, and says nothing of a test's.
const MASK: [u8; 4] = [0x12, 0x34, 0x56, 0x78];

/// A handshake that is still being made up.
pub(crate) struct Handshake {
    address: String,
    path: String,
    headers: Vec<(String, String)>,
}

/// A connection after its handshake, refused or not.
pub(crate) struct Socket {
    /// How the handshake was answered.
    pub(crate) answer: Answer,
    stream: BufReader<TcpStream>,
}

/// What came from the server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Received {
    /// A whole text message, and the sizes of its frames.
    Text(String, Vec<usize>),
    /// A pong and what it carries.
    Pong(Vec<u8>),
    /// A close frame, with code and reason if it has them.
    Close(Option<(u16, String)>),
    /// A frame of another opcode, which nothing should send.
    Other(u8),
    /// The end of the stream.
    End,
}

impl Handshake {
    /// A handshake for `path`, query string included, with the headers every client sends.
    pub(crate) fn new(address: &str, path: &str) -> Self {
        let handshake =
            Self { address: address.to_owned(), path: path.to_owned(), headers: Vec::new() };
        handshake
            .header("Host", address)
            .header("Upgrade", "websocket")
            .header("Connection", "Upgrade")
            .header("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==")
            .header("Sec-WebSocket-Version", "13")
    }

    /// Adds a header, spelled as it is.
    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Sends it and reads the answer, whatever it is.
    pub(crate) async fn send(self) -> Socket {
        within(async {
            let mut stream = BufReader::new(TcpStream::connect(&self.address).await.unwrap());
            let mut head = format!("GET {} HTTP/1.1\r\n", self.path);
            for (name, value) in &self.headers {
                head.push_str(&format!("{name}: {value}\r\n"));
            }
            head.push_str("\r\n");
            stream.write_all(head.as_bytes()).await.unwrap();
            let mut answer = Answer::read_head(&mut stream).await;
            if answer.status != 101 {
                answer.read_body(&mut stream).await;
            }
            Socket { answer, stream }
        })
        .await
    }

    /// Sends it; it must be accepted.
    pub(crate) async fn open(self) -> Socket {
        let socket = self.send().await;
        assert_eq!(socket.status(), 101, "{:?}", socket.answer);
        socket
    }
}

impl Socket {
    /// The status of the handshake.
    pub(crate) fn status(&self) -> u16 {
        self.answer.status
    }

    /// Sends a text message in one frame.
    pub(crate) async fn say(&mut self, text: &str) {
        self.send(true, TEXT, text.as_bytes()).await;
    }

    /// Sends one frame, masked, whatever it is.
    pub(crate) async fn send(&mut self, is_last: bool, opcode: u8, payload: &[u8]) {
        let mut frame = vec![u8::from(is_last) << 7 | opcode];
        match payload.len() {
            length @ 0..=125 => frame.push(0x80 | u8::try_from(length).unwrap()),
            length => match u16::try_from(length) {
                Ok(length) => {
                    frame.push(0x80 | 126);
                    frame.extend(length.to_be_bytes());
                }
                Err(_) => {
                    frame.push(0x80 | 127);
                    frame.extend(u64::try_from(length).unwrap().to_be_bytes());
                }
            },
        }
        frame.extend(MASK);
        frame.extend(payload.iter().zip(MASK.iter().cycle()).map(|(byte, mask)| byte ^ mask));
        self.write(&frame).await;
    }

    /// Sends bytes as they are.
    pub(crate) async fn write(&mut self, bytes: &[u8]) {
        // A server that refuses a frame may hang up in the middle of it.
        let _ = within(self.stream.write_all(bytes)).await;
    }

    /// Sends a close frame with `payload`.
    pub(crate) async fn close(&mut self, payload: &[u8]) {
        self.send(true, CLOSE, payload).await;
    }

    /// Receives what comes next.
    pub(crate) async fn receive(&mut self) -> Received {
        within(async {
            let mut text = Vec::new();
            let mut sizes = Vec::new();
            loop {
                let Ok((is_last, opcode, payload)) = self.frame().await else {
                    return Received::End;
                };
                match opcode {
                    TEXT | CONTINUATION => {
                        sizes.push(payload.len());
                        text.extend(payload);
                        if is_last {
                            return Received::Text(String::from_utf8(text).unwrap(), sizes);
                        }
                    }
                    PONG => return Received::Pong(payload),
                    CLOSE => return Received::Close(close_of(&payload)),
                    opcode => return Received::Other(opcode),
                }
            }
        })
        .await
    }

    async fn frame(&mut self) -> std::io::Result<(bool, u8, Vec<u8>)> {
        let head = self.stream.read_u16().await?;
        let [first, second] = head.to_be_bytes();
        assert_eq!(second & 0x80, 0, "a server never masks");
        assert_eq!(first & 0x70, 0, "no extension was agreed on");
        let length = match second {
            126 => usize::from(self.stream.read_u16().await?),
            127 => usize::try_from(self.stream.read_u64().await?).unwrap(),
            length => usize::from(length),
        };
        let mut payload = vec![0; length];
        self.stream.read_exact(&mut payload).await?;
        Ok((first & 0x80 != 0, first & 0x0f, payload))
    }

    /// Receives a text message; anything else fails the test.
    pub(crate) async fn text(&mut self) -> String {
        let received = self.receive().await;
        let Received::Text(text, _) = received else {
            panic!("{received:?} instead of a text message");
        };
        text
    }

    /// Receives a text message that is JSON.
    pub(crate) async fn json(&mut self) -> Value {
        let text = self.text().await;
        serde_json::from_str(&text).unwrap_or_else(|_| panic!("{text} is not JSON"))
    }

    /// Receives a close frame that must come next, answers it, and waits for the end.
    pub(crate) async fn closed(&mut self) -> Option<(u16, String)> {
        let received = self.receive().await;
        let Received::Close(close) = received else {
            panic!("{received:?} instead of a close frame");
        };
        let payload = close.as_ref().map(|(code, _)| code.to_be_bytes().to_vec());
        self.close(&payload.unwrap_or_default()).await;
        assert_eq!(self.receive().await, Received::End);
        close
    }

    /// Closes with `payload` in the close frame and gives the text messages that still came.
    pub(crate) async fn leave_with(mut self, payload: &[u8]) -> Vec<String> {
        self.close(payload).await;
        let mut texts = Vec::new();
        loop {
            match self.receive().await {
                Received::Text(text, _) => texts.push(text),
                Received::End => return texts,
                Received::Pong(_) | Received::Close(_) | Received::Other(_) => {}
            }
        }
    }

    /// Closes without a code and gives the text messages that still came.
    pub(crate) async fn leave(self) -> Vec<String> {
        self.leave_with(&[]).await
    }
}

fn close_of(payload: &[u8]) -> Option<(u16, String)> {
    let (code, reason) = payload.split_first_chunk()?;
    Some((u16::from_be_bytes(*code), String::from_utf8(reason.to_vec()).unwrap()))
}

//! One HTTP/1.1 exchange on a connection of its own, read and written byte for byte.

use serde_json::Value;
use tokio::io::{AsyncBufRead, AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;

use crate::local::within;

/// A request that is still being made up.
pub(crate) struct Request {
    method: String,
    path: String,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

/// What was answered.
#[derive(Clone, Debug, Default)]
pub(crate) struct Answer {
    /// The status.
    pub(crate) status: u16,
    /// The headers, as they were spelled.
    pub(crate) headers: Vec<(String, String)>,
    /// The body.
    pub(crate) body: Vec<u8>,
}

impl Request {
    /// A request without a body for `path`, which is sent as it is.
    pub(crate) fn new(method: &str, path: &str) -> Self {
        Self { method: method.to_owned(), path: path.to_owned(), headers: vec![], body: vec![] }
    }

    /// Adds a header.
    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Adds what an SDK signs with; the signature itself is made up.
    pub(crate) fn signed(self) -> Self {
        self.header("x-amz-date", "20260101T000000Z").header(
            "authorization",
            "AWS4-HMAC-SHA256 Credential=TEST/20260101/us-east-1/execute-api/aws4_request, \
             SignedHeaders=host;x-amz-date, Signature=00",
        )
    }

    /// Sets the body.
    pub(crate) fn body(mut self, body: &[u8]) -> Self {
        self.body = body.to_vec();
        self
    }

    /// Sends it to `address` and reads the answer.
    pub(crate) async fn send(self, address: &str) -> Answer {
        within(async {
            let mut stream = BufReader::new(TcpStream::connect(address).await.unwrap());
            let Self { method, path, headers, body } = self;
            let mut head = format!("{method} {path} HTTP/1.1\r\nhost: {address}\r\n");
            for (name, value) in headers {
                head.push_str(&format!("{name}: {value}\r\n"));
            }
            head.push_str(&format!("content-length: {}\r\nconnection: close\r\n\r\n", body.len()));
            stream.write_all(head.as_bytes()).await.unwrap();
            // A server may answer, and hang up, before it has read a body that it refuses.
            let _ = stream.write_all(&body).await;
            let mut answer = Answer::read_head(&mut stream).await;
            answer.read_body(&mut stream).await;
            answer
        })
        .await
    }
}

impl Answer {
    /// Reads the status line and the headers.
    pub(crate) async fn read_head(stream: &mut (impl AsyncBufRead + Unpin)) -> Self {
        let mut answer = Self::default();
        let mut line = String::new();
        stream.read_line(&mut line).await.unwrap();
        answer.status = line.split(' ').nth(1).expect("a status line").parse().unwrap();
        loop {
            line.clear();
            stream.read_line(&mut line).await.unwrap();
            let Some((name, value)) = line.trim_end().split_once(':') else {
                return answer;
            };
            answer.headers.push((name.to_owned(), value.trim().to_owned()));
        }
    }

    /// Reads as much of a body as the headers promise.
    pub(crate) async fn read_body(&mut self, stream: &mut (impl AsyncBufRead + Unpin)) {
        let length = self.header("content-length").map(|length| length.parse().unwrap());
        let length = if self.status == 204 { 0 } else { length.unwrap_or(0) };
        self.body = vec![0; length];
        stream.read_exact(&mut self.body).await.unwrap();
    }

    /// The value of the first header of this name, in any case.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut headers = self.headers.iter();
        let found = headers.find(|(header, _)| header.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }

    /// The body as text.
    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.body.clone()).unwrap()
    }

    /// The body as JSON.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }
}

/// `text` with everything but letters, digits, `-`, `.`, `_` and `~` percent-encoded.
pub(crate) fn percent_encoded(text: &str) -> String {
    let encode = |byte: u8| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
            char::from(byte).to_string()
        }
        _ => format!("%{byte:02X}"),
    };
    text.bytes().map(encode).collect()
}

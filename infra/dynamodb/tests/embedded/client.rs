//! A client of the protocol that does nothing behind the test's back: no retries, no pool.

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use serde_json::Value;

/// Generous: only a server that hangs takes this long.
const ANSWER_MAX: Duration = Duration::from_secs(60);

/// One connection.
pub(crate) struct Client {
    stream: TcpStream,
    caller: String,
}

/// One answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: String,
}

impl Answer {
    /// The answer's JSON; null where there is none.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_default()
    }

    /// What follows the `#` of an error's type.
    pub(crate) fn error(&self) -> String {
        let json = self.json();
        let kind = json["__type"].as_str().unwrap_or_default();
        kind.rsplit('#').next().unwrap_or_default().to_owned()
    }
}

impl Client {
    pub(crate) fn new(endpoint: &str, caller: &str) -> Self {
        let stream = TcpStream::connect(endpoint.trim_start_matches("http://")).unwrap();
        stream.set_read_timeout(Some(ANSWER_MAX)).unwrap();
        Self { stream, caller: caller.to_owned() }
    }

    /// Makes a request that must be answered with success.
    pub(crate) fn ok(&mut self, operation: &str, body: &Value) -> Value {
        let answer = self.ask(operation, body).unwrap();
        assert_eq!(answer.status, 200, "{operation} {body}: {}", answer.body);
        answer.json()
    }

    /// Makes a request; nothing if the connection was closed without an answer.
    pub(crate) fn ask(&mut self, operation: &str, body: &Value) -> Option<Answer> {
        self.send(operation, body);
        self.read()
    }

    /// Makes a request and does not wait for the answer.
    pub(crate) fn send(&mut self, operation: &str, body: &Value) {
        let service = match operation {
            "GetRecords" | "GetShardIterator" | "ListStreams" | "DescribeStream" => {
                "DynamoDBStreams"
            }
            _ => "DynamoDB",
        };
        let caller = &self.caller;
        let head = format!(
            "X-Amz-Target: {service}_20120810.{operation}\r\n\
             Content-Type: application/x-amz-json-1.0\r\nX-Amz-Date: 20260101T000000Z\r\n\
             Authorization: AWS4-HMAC-SHA256 Credential={caller}/20260101/us-east-1/dynamodb/\
             aws4_request, SignedHeaders=host, Signature=0\r\n"
        );
        self.write("POST", &head, &body.to_string());
    }

    /// Sends exactly this.
    pub(crate) fn raw(&mut self, method: &str, head: &str, body: &str) -> Option<Answer> {
        self.write(method, head, body);
        self.read()
    }

    fn write(&mut self, method: &str, head: &str, body: &str) {
        let length = body.len();
        let request = format!(
            "{method} / HTTP/1.1\r\nHost: localhost\r\nContent-Length: {length}\r\n{head}\r\n{body}"
        );
        // A server that refuses a long body answers, or closes, before it has read the whole.
        let _sent = self.stream.write_all(request.as_bytes());
    }

    fn read(&mut self) -> Option<Answer> {
        let mut bytes = Vec::new();
        let end = loop {
            if let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
                break end + 4;
            }
            self.more(&mut bytes)?;
        };
        let head = String::from_utf8(bytes[..end].to_vec()).unwrap().to_lowercase();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
        let length: usize = length.unwrap().parse().unwrap();
        while bytes.len() < end + length {
            self.more(&mut bytes)?;
        }
        let body = String::from_utf8(bytes[end..].to_vec()).unwrap();
        Some(Answer { status, head, body })
    }

    fn more(&mut self, bytes: &mut Vec<u8>) -> Option<()> {
        let mut buffer = [0; 65536];
        match self.stream.read(&mut buffer) {
            Ok(0) => None,
            Ok(count) => {
                bytes.extend_from_slice(&buffer[..count]);
                Some(())
            }
            Err(error) if error.kind() == ErrorKind::ConnectionReset => None,
            Err(error) => panic!("no answer: {error}"),
        }
    }
}

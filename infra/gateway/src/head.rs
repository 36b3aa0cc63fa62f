//! The head of an HTTP request, with the case and the order of its headers kept.
//!
//! HTTP libraries fold header names to lower case; events carry them as the client sent them.

use std::io;

use bytes::{Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt};

/// The longest head that is read.
///
/// Ours; API Gateway takes 10,240 bytes of headers and 4,096 of URL.
const HEAD_BYTES_MAX: usize = 16 * 1024;

/// Headers in one head.
const HEADERS_MAX: usize = 100;

/// A request's head.
#[derive(Clone, Debug, Default)]
pub(crate) struct Head {
    pub(crate) method: String,
    /// As sent, without the query string.
    pub(crate) path: String,
    /// As sent, without the question mark.
    pub(crate) query: Option<String>,
    /// In the order and case they were sent in.
    pub(crate) headers: Vec<(String, String)>,
}

/// A head and every byte that was read to get it.
#[derive(Debug)]
pub(crate) struct Received {
    pub(crate) head: Head,
    /// The head's bytes and whatever came with them.
    pub(crate) bytes: Bytes,
    /// Where the head ends in `bytes`.
    pub(crate) length: usize,
}

impl Head {
    /// Gives the first header of that name, in whatever case it was sent.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut headers = self.headers.iter();
        headers.find(|(sent, _)| sent.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    /// Whether the client asks for a WebSocket.
    pub(crate) fn is_upgrade(&self) -> bool {
        let has = |name, token: &str| {
            let value = self.header(name).unwrap_or_default();
            value.split(',').any(|part| part.trim().eq_ignore_ascii_case(token))
        };
        self.method == "GET" && has("upgrade", "websocket") && has("connection", "upgrade")
    }

    /// Gives the query's parameters, decoded, in the order they were sent in.
    pub(crate) fn parameters(&self) -> Vec<(String, String)> {
        let query = self.query.as_deref().unwrap_or_default();
        form_urlencoded::parse(query.as_bytes()).into_owned().collect()
    }
}

/// Reads one head; `None` where the client hung up before it was whole.
pub(crate) async fn receive(stream: &mut (impl AsyncRead + Unpin)) -> io::Result<Option<Received>> {
    let mut buffer = BytesMut::with_capacity(2048);
    loop {
        if stream.read_buf(&mut buffer).await? == 0 {
            return Ok(None);
        }
        if let Some((head, length)) = parse(&buffer)? {
            return Ok(Some(Received { head, bytes: buffer.freeze(), length }));
        }
        if buffer.len() > HEAD_BYTES_MAX {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "the head is too long"));
        }
    }
}

fn parse(bytes: &[u8]) -> io::Result<Option<(Head, usize)>> {
    let mut headers = [httparse::EMPTY_HEADER; HEADERS_MAX];
    let mut request = httparse::Request::new(&mut headers);
    let parsed = request.parse(bytes);
    let status = parsed.map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))?;
    let httparse::Status::Complete(length) = status else { return Ok(None) };
    let target = request.path.unwrap_or_default();
    let (path, query) = match target.split_once('?') {
        Some((path, query)) => (path, Some(query.to_owned())),
        None => (target, None),
    };
    let text = |value: &[u8]| String::from_utf8_lossy(value).into_owned();
    let headers = request.headers.iter();
    let head = Head {
        method: request.method.unwrap_or_default().to_owned(),
        path: path.to_owned(),
        query: query.filter(|query| !query.is_empty()),
        headers: headers.map(|header| (header.name.to_owned(), text(header.value))).collect(),
    };
    Ok(Some((head, length)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn case_and_order_survive() {
        let request = b"GET /v1?a=1&b=%20x HTTP/1.1\r\nhOsT: here\r\nUPGRADE: WebSocket\r\n\
            Connection: keep-alive, Upgrade\r\n\r\nmore";
        let received = receive(&mut request.as_slice()).await.unwrap().unwrap();
        let head = received.head;
        assert_eq!((head.method.as_str(), head.path.as_str()), ("GET", "/v1"));
        assert_eq!(head.parameters(), [("a".into(), "1".into()), ("b".into(), " x".into())]);
        let names: Vec<_> = head.headers.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["hOsT", "UPGRADE", "Connection"]);
        assert!(head.is_upgrade());
        assert_eq!(&received.bytes[received.length..], b"more");
    }

    #[tokio::test]
    async fn a_request_that_asks_for_no_socket_is_no_upgrade() {
        let request = b"POST /v1/@connections/x HTTP/1.1\r\nHost: here\r\n\r\n";
        let received = receive(&mut request.as_slice()).await.unwrap().unwrap();
        assert!(!received.head.is_upgrade());
        assert_eq!(received.head.query, None);
    }

    #[tokio::test]
    async fn what_is_not_http_is_an_error() {
        assert!(receive(&mut b"\x16\x03\x01 hello\r\n\r\n".as_slice()).await.is_err());
        assert!(receive(&mut b"GET / HTT".as_slice()).await.unwrap().is_none());
    }
}

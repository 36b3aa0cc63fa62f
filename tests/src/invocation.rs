//! Invoking a function directly, as `aws lambda invoke` does.

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::within;

/// Invokes a function of the gateway at `url`, a WebSocket URL, with an event; an error of the
/// function is its own JSON.
pub(crate) async fn invoke(url: &str, function: &str, event: &Value) -> Result<Value, Value> {
    let address = url.strip_prefix("ws://").and_then(|rest| rest.split('/').next()).unwrap();
    let body = event.to_string();
    let request = format!(
        "POST /2015-03-31/functions/{function}/invocations HTTP/1.1\r\nhost: {address}\r\n\
         authorization: AWS4-HMAC-SHA256 Credential=TEST/20260101/us-east-1/lambda/aws4_request\r\n\
         content-length: {}\r\nconnection: close\r\n\r\n{body}",
        body.len(),
    );
    let exchange = async {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        answer
    };
    let answer = within(exchange).await;
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("HTTP/1.1 200"), "{answer}");
    let body = serde_json::from_str(body).unwrap();
    if head.contains("x-amz-function-error") { Err(body) } else { Ok(body) }
}

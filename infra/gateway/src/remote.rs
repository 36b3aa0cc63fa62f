//! Functions that somebody else runs: invoked by Lambda's own API, as `sam local start-lambda` and
//! AWS serve it.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response, StatusCode, header};
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::body::Incoming;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use crate::BoxError;
use crate::pool::{Failure, Outcome, Report};

/// How long an answer is waited for, whatever the function's own time-out is: a first invocation
/// may have to start a container. Ours: longer than any route waits.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(60);

/// The longest answer.
///
/// Theirs: "Lambda quotas", invocation payload.
const ANSWER_BYTES_MAX: usize = 6 * 1024 * 1024;

/// Where functions are invoked: `http://HOST:PORT`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LambdaEndpoint {
    authority: String,
}

/// A text that is no [`LambdaEndpoint`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an endpoint of Lambda is spelled http://HOST:PORT")]
pub struct ParseLambdaEndpointError;

impl FromStr for LambdaEndpoint {
    type Err = ParseLambdaEndpointError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let rest = text.strip_prefix("http://").ok_or(ParseLambdaEndpointError)?;
        let authority = rest.strip_suffix('/').unwrap_or(rest);
        let (host, port) = authority.rsplit_once(':').ok_or(ParseLambdaEndpointError)?;
        let is_whole = !host.is_empty() && !authority.contains('/') && port.parse::<u16>().is_ok();
        if !is_whole {
            return Err(ParseLambdaEndpointError);
        }
        Ok(Self { authority: authority.to_owned() })
    }
}

impl fmt::Display for LambdaEndpoint {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "http://{}", self.authority)
    }
}

impl LambdaEndpoint {
    /// Invokes `function` and waits for its answer.
    pub(crate) async fn invoke(&self, function: &str, event: Bytes) -> Outcome {
        match tokio::time::timeout(ANSWER_TIMEOUT, self.exchange(function, event)).await {
            Err(_) => Err(Failure::TimedOut),
            Ok(Ok(outcome)) => outcome,
            Ok(Err(error)) => {
                tracing::warn!("{function} cannot be invoked at {self}: {error}");
                Err(Failure::NotStarted)
            }
        }
    }

    /// Source: "Invoke", of the API reference of Lambda.
    async fn exchange(&self, function: &str, event: Bytes) -> Result<Outcome, BoxError> {
        let stream = TcpStream::connect(&self.authority).await?;
        // Without it a small event waits for the acknowledgment of the head.
        stream.set_nodelay(true)?;
        let (mut sender, connection) =
            hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
        // It ends with the answer; what is wrong with it is told there.
        let connection = tokio::spawn(connection);
        let request = Request::post(format!("/2015-03-31/functions/{function}/invocations"))
            .header(header::HOST, &self.authority)
            .header(header::CONTENT_TYPE, "application/json")
            .header(header::CONTENT_LENGTH, event.len())
            .header("X-Amz-Invocation-Type", "RequestResponse")
            .body(Full::new(event))?;
        let outcome = read(sender.send_request(request).await?).await;
        connection.abort();
        outcome
    }
}

async fn read(answer: Response<Incoming>) -> Result<Outcome, BoxError> {
    let status = answer.status();
    let failed = answer.headers().contains_key("x-amz-function-error");
    let body = match Limited::new(answer.into_body(), ANSWER_BYTES_MAX).collect().await {
        Ok(body) => body.to_bytes(),
        Err(error) if error.is::<LengthLimitError>() => return Ok(Err(Failure::TooLarge)),
        Err(error) => return Err(error),
    };
    if status != StatusCode::OK {
        return Err(format!("the answer has status {status}").into());
    }
    let report = Report::read(&body);
    // The runtime interface emulator says it in the text alone.
    Ok(if failed || report.is_failure() { Err(report.failure(None)) } else { Ok(body) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_endpoint_is_a_host_and_a_port() {
        for text in ["http://127.0.0.1:3002", "http://localhost:9/"] {
            let endpoint: LambdaEndpoint = text.parse().unwrap();
            assert_eq!(endpoint.to_string(), text.trim_end_matches('/'));
        }
        for text in ["127.0.0.1:3002", "http://host", "http://:1", "http://h:99999", "http://h:1/x"]
        {
            assert_eq!(text.parse::<LambdaEndpoint>(), Err(ParseLambdaEndpointError), "{text}");
        }
    }
}

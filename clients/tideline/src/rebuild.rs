//! `rebuild-index`: what messages are found by is built anew, step by step.
//!
//! The function is invoked as `aws lambda invoke` does ("Invoke", AWS Lambda API reference), but
//! without a signature: a local gateway wants a key to be named and checks nothing else.

use std::time::Duration;

use http::{Request, StatusCode, header};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Bytes;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde::{Deserialize, Serialize};
use wire::{Rebuild, Rebuilt};

use crate::arguments::RebuildArguments;
use crate::error::Error;
use crate::print;

/// How long a step may take: the longest that a function may run, 15 minutes ("Lambda quotas").
const STEP_MAX: Duration = Duration::from_secs(900);

/// The most steps. Ours: each builds what takes thousands of messages.
const STEPS_MAX: usize = 1_000_000;

/// The longest answer, in bytes. Ours: it is a count and a conversation.
const ANSWER_BYTES_MAX: usize = 65_536;

/// Names a key, which no request without is served for, and carries no signature.
const AUTHORIZATION: &str =
    "AWS4-HMAC-SHA256 Credential=local/20260101/us-east-1/lambda/aws4_request";

/// What tells that the function has failed, though the status is 200.
const FUNCTION_ERROR: &str = "x-amz-function-error";

type Invoker = Client<HttpConnector, Full<Bytes>>;

/// What is printed.
#[derive(Serialize)]
struct Done {
    /// How many blocks were built.
    blocks: usize,
    /// In how many steps.
    steps: usize,
}

/// Why a function failed, as Lambda says it.
#[derive(Deserialize)]
struct Failure {
    #[serde(alias = "errorMessage", default)]
    message: String,
}

/// Asks until all of it is done, and prints how many blocks were built.
pub(crate) async fn run(arguments: RebuildArguments) -> Result<(), Error> {
    let address = address(&arguments.lambda, &arguments.function)?;
    let client: Invoker = Client::builder(TokioExecutor::new()).build_http();
    let mut asked = Rebuild::from(arguments.request());
    let (mut blocks, mut steps) = (0_usize, 0);
    while steps < STEPS_MAX {
        let rebuilt = step(&client, &address, &asked).await?;
        blocks = blocks.saturating_add(rebuilt.blocks);
        steps += 1;
        match rebuilt.next {
            None => return print::json(&Done { blocks, steps }),
            // Who is told to ask the same again would never be done.
            Some(next) if next == asked => break,
            Some(next) => {
                print::note(&format!("{blocks} blocks; {}", place(&next)));
                asked = next;
            }
        }
    }
    Err(Error::Endless { blocks })
}

/// Where a function is invoked.
fn address(lambda: &str, function: &str) -> Result<String, Error> {
    let unusable = |source| Error::Url { url: lambda.to_owned(), source };
    if !lambda.starts_with("http://") {
        return Err(unusable("the address of a local gateway begins with http://".into()));
    }
    let lambda = lambda.trim_end_matches('/');
    let address = format!("{lambda}/2015-03-31/functions/{function}/invocations");
    address.parse::<http::Uri>().map_err(|error| unusable(error.into()))?;
    Ok(address)
}

async fn step(client: &Invoker, address: &str, asked: &Rebuild) -> Result<Rebuilt, Error> {
    let unusable = |source| Error::Url { url: address.to_owned(), source };
    let body = serde_json::to_vec(asked).expect("a request has text for keys");
    let request = Request::post(address)
        .header(header::AUTHORIZATION, AUTHORIZATION)
        .header(header::CONTENT_TYPE, "application/json")
        .body(Full::from(body))
        .map_err(|error| unusable(error.into()))?;
    let exchange = async {
        let response = client.request(request).await.map_err(|error| unusable(error.into()))?;
        let (head, body) = response.into_parts();
        let body = Limited::new(body, ANSWER_BYTES_MAX).collect().await.map_err(unusable)?;
        Ok((head, body.to_bytes()))
    };
    let exchange = tokio::time::timeout(STEP_MAX, exchange).await;
    let (head, body) = exchange.unwrap_or(Err(Error::Timeout))?;
    if head.status != StatusCode::OK || head.headers.contains_key(FUNCTION_ERROR) {
        let failure = serde_json::from_slice(&body).map(|Failure { message }| message);
        let message = failure.unwrap_or_default();
        return Err(Error::Function { status: head.status.as_u16(), message });
    }
    serde_json::from_slice(&body).map_err(|source| Error::Answer { source })
}

/// Where it goes on.
fn place(next: &Rebuild) -> String {
    let conversation = next.rebuild.conversation.as_deref().unwrap_or("?");
    match next.rebuild.after {
        Some(after) => format!("goes on in {conversation} after message {after}"),
        None => format!("goes on with {conversation}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_function_is_invoked_at_a_local_gateway() {
        let expected = "http://127.0.0.1:3001/2015-03-31/functions/IndexFunction/invocations";
        for gateway in ["http://127.0.0.1:3001", "http://127.0.0.1:3001/"] {
            assert_eq!(address(gateway, "IndexFunction").unwrap(), expected);
        }
        for wrong in ["https://lambda.us-east-1.amazonaws.com", "127.0.0.1:3001", "http://", ""] {
            assert!(address(wrong, "IndexFunction").is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_step_says_where_the_next_one_begins() {
        let place = |text: &str| place(&serde_json::from_str(text).unwrap());
        let next = r#"{"rebuild":{"user":"al","conversation":"d~al~bo","after":63}}"#;
        assert_eq!(place(next), "goes on in d~al~bo after message 63");
        let next = r#"{"rebuild":{"user":"al","conversation":"d~al~bo"}}"#;
        assert_eq!(place(next), "goes on with d~al~bo");
    }
}

//! What is not DynamoDB: `@connections` and SNS, answered from here.

use std::collections::BTreeSet;

use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::http::StatusCode;
use aws_smithy_types::body::SdkBody;
use serde_json::{Value, json};

use crate::plan::Fault;
use crate::seen::{Seen, Service};

/// The connections that are open, and everything that arrived.
#[derive(Debug, Default)]
pub(crate) struct Outside {
    /// The connections that take a post.
    pub(crate) open: BTreeSet<String>,
    /// Frames that arrived, by connection, in order.
    pub(crate) frames: Vec<(String, Value)>,
    /// Connections that were closed, in order.
    pub(crate) closed: Vec<String>,
    /// Batches of alerts that arrived.
    pub(crate) batches: Vec<String>,
}

impl Outside {
    /// Takes a request and answers it.
    pub(crate) fn apply(&mut self, seen: &Seen) -> HttpResponse {
        match (seen.service, seen.operation.as_str()) {
            (Service::Sns, _) => {
                self.batches.push(seen.body.clone());
                let body = "<PublishBatchResponse><PublishBatchResult><Successful/><Failed/>\
                            </PublishBatchResult></PublishBatchResponse>";
                response(200, body)
            }
            _ if !self.open.contains(&seen.key) => refusal(seen, Fault::Status(410)),
            (_, "Close") => {
                self.open.remove(&seen.key);
                self.closed.push(seen.key.clone());
                response(204, "")
            }
            (_, _) => {
                let frame = serde_json::from_str(&seen.body).unwrap();
                self.frames.push((seen.key.clone(), frame));
                response(200, "")
            }
        }
    }
}

/// How the service that a request goes to says that it refuses.
pub(crate) fn refusal(seen: &Seen, fault: Fault) -> HttpResponse {
    let (status, code) = match (seen.service, fault) {
        (_, Fault::Untyped(status)) => return response(status, "{}"),
        (Service::Connections, Fault::Refused(code)) => (429, code),
        (_, Fault::Refused(code)) => (400, code),
        (Service::Connections, Fault::Status(410)) => (410, "GoneException"),
        (Service::Connections, Fault::Status(429)) => (429, "LimitExceededException"),
        (Service::Sns, Fault::Status(status @ 429)) => (status, "Throttled"),
        (Service::Sns, Fault::Status(status)) => (status, "InternalError"),
        (_, Fault::Status(status @ 503)) => (status, "ServiceUnavailable"),
        (_, Fault::Status(status)) => (status, "InternalServerError"),
        (_, fault) => unreachable!("{fault:?} has no answer"),
    };
    match seen.service {
        Service::DynamoDb => {
            let kind = format!("com.amazonaws.dynamodb.v20120810#{code}");
            response(status, &json!({ "__type": kind, "message": "as planned" }).to_string())
        }
        Service::Connections => {
            let mut response = response(status, &json!({ "message": "as planned" }).to_string());
            response.headers_mut().insert("x-amzn-errortype", code);
            response
        }
        Service::Sns => {
            let error = format!("<Error><Code>{code}</Code><Message>as planned</Message></Error>");
            response(status, &format!("<ErrorResponse>{error}</ErrorResponse>"))
        }
    }
}

fn response(status: u16, body: &str) -> HttpResponse {
    HttpResponse::new(StatusCode::try_from(status).unwrap(), SdkBody::from(body))
}

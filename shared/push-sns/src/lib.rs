//! The port to those without a live device, on a FIFO topic of Amazon SNS.
//!
//! The user who is to be told is the message group, so that each user's alerts are delivered in
//! their order, and the alert's id is the deduplication id: what is published again within five
//! minutes is accepted and not delivered again. Both belong together: the topic's scope of
//! deduplication is the message group, for every member of a conversation has an alert of the same
//! id (`FifoThroughputScope: MessageGroup` in the template).

use async_trait::async_trait;
use aws_sdk_sns::Client;
use aws_sdk_sns::error::{BoxError, BuildError, ProvideErrorMetadata, SdkError};
use aws_sdk_sns::types::{BatchResultErrorEntry, PublishBatchRequestEntry};
use push::{Alert, Alerts, Error, Silent};
use timeline::limits;

/// The status of too many requests.
const TOO_MANY: u16 = 429;

/// The codes by which SNS says the same, whatever the status ("Common Error Types", Amazon SNS API
/// reference; `Throttling` is what it says in practice).
const THROTTLING: [&str; 4] = ["KMSThrottling", "Throttled", "Throttling", "ThrottlingException"];

/// The alerts of a deployment: by its topic, as client and ARN, or by nothing where it has none.
pub fn alerts(topic: Option<(Client, String)>) -> Box<dyn Alerts> {
    match topic {
        Some((client, arn)) => Box::new(Sns::new(client, arn)),
        None => Box::new(Silent),
    }
}

/// One FIFO topic.
#[derive(Clone, Debug)]
pub struct Sns {
    client: Client,
    topic: String,
}

impl Sns {
    /// The topic of that ARN. The client's own retries are the only ones.
    pub fn new(client: Client, topic: String) -> Self {
        Self { client, topic }
    }

    async fn publish_batch(&self, alerts: &[Alert]) -> Result<(), Error> {
        let entries: Result<Vec<_>, _> = alerts.iter().enumerate().map(entry).collect();
        let entries = entries.map_err(|error| Error::Refused { source: error.into() })?;
        let request = self.client.publish_batch().topic_arn(&self.topic);
        let request = request.set_publish_batch_request_entries(Some(entries));
        let answer = request.send().await.map_err(failed)?;
        answer.failed().iter().map(failed_alone).max_by_key(rank).map_or(Ok(()), Err)
    }
}

#[async_trait]
impl Alerts for Sns {
    /// Stops at the first batch of which anything fails: what comes after it in a user's order may
    /// not come before.
    async fn publish(&self, alerts: &[Alert]) -> Result<(), Error> {
        for batch in alerts.chunks(limits::ALERT_BATCH_MAX) {
            self.publish_batch(batch).await?;
        }
        Ok(())
    }
}

/// One message of a batch, in which it goes by its index.
fn entry((index, alert): (usize, &Alert)) -> Result<PublishBatchRequestEntry, BuildError> {
    let Alert { user, conversation, entry } = alert;
    PublishBatchRequestEntry::builder()
        .id(index.to_string())
        .message(wire::Alert::of(user, conversation, entry).to_json())
        .message_group_id(user.as_str())
        .message_deduplication_id(alert.id())
        .build()
}

/// An entry that was refused while others of its batch may have been taken.
#[derive(Debug)]
struct Unpublished {
    code: String,
    message: String,
}

impl std::fmt::Display for Unpublished {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{}: {}", self.code, self.message)
    }
}

impl std::error::Error for Unpublished {}

fn failed_alone(entry: &BatchResultErrorEntry) -> Error {
    let (code, message) = (entry.code(), entry.message().unwrap_or_default());
    let source = Unpublished { code: code.to_owned(), message: message.to_owned() }.into();
    match entry.sender_fault() {
        _ if THROTTLING.contains(&code) => Error::Throttled { source },
        true => Error::Refused { source },
        false => Error::Unavailable { source },
    }
}

/// Of several failures the one is told that another attempt is least likely to cure.
fn rank(error: &Error) -> u8 {
    match error {
        Error::Throttled { .. } => 0,
        Error::Unavailable { .. } => 1,
        Error::Refused { .. } => 2,
    }
}

type Response = aws_sdk_sns::config::http::HttpResponse;

fn failed<E>(error: SdkError<E, Response>) -> Error
where
    E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
{
    let status = error.raw_response().map(|response| response.status().as_u16());
    let throttles = error.code().is_some_and(|code| THROTTLING.contains(&code));
    let source: BoxError = error.into();
    match status {
        _ if throttles => Error::Throttled { source },
        Some(TOO_MANY) => Error::Throttled { source },
        Some(400..500) => Error::Refused { source },
        Some(_) | None => Error::Unavailable { source },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(code: &str, sender_fault: bool, expected: &str) {
        let entry = BatchResultErrorEntry::builder().id("0").code(code).sender_fault(sender_fault);
        let error = failed_alone(&entry.message("why").build().unwrap());
        let source = std::error::Error::source(&error).unwrap().to_string();
        assert_eq!(source, format!("{code}: why"));
        assert_eq!(error.to_string(), expected, "{code}");
    }

    #[test]
    fn a_part_of_a_batch_fails_by_what_can_be_done() {
        check("Throttling", true, "throttled while telling someone");
        check("InternalError", false, "no answer while telling someone");
        check("InvalidParameter", true, "refused while telling someone");
    }

    #[test]
    fn of_several_failures_the_gravest_is_told() {
        let entry = |code: &str, sender_fault| {
            let entry = BatchResultErrorEntry::builder().id("0").code(code);
            entry.sender_fault(sender_fault).build().unwrap()
        };
        let entries = [
            entry("InternalError", false),
            entry("InvalidParameter", true),
            entry("Throttling", true),
        ];
        let told = entries.iter().map(failed_alone).max_by_key(rank);
        assert!(matches!(told, Some(Error::Refused { .. })), "{told:?}");
    }
}

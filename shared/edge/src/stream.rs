//! The loop of a function behind a table's stream, and of one that operators invoke as well.
//!
//! Source of the contract: "Configuring partial batch response with DynamoDB and Lambda", AWS
//! Lambda developer guide. The records from the first that failed on are delivered again, so each
//! must bear to be done twice; an answer that is no report counts as success of all.

use aws_lambda_events::dynamodb;
use aws_lambda_events::streams::{DynamoDbBatchItemFailure, DynamoDbEventResponse};
use futures_util::{StreamExt, stream};
use lambda_runtime::{Diagnostic, LambdaEvent, service_fn};
use serde_json::Value;

use crate::boot::BootError;
use crate::failure::Failure;
use crate::metrics;

/// How many records of a batch are worked on at once: most wait for one read, and what waits for
/// a message to become old waits together.
const CONCURRENT_MAX: usize = 4;

/// The name of a record that tells of a new item.
const INSERT: &str = "INSERT";

/// The member that every event of a stream has.
const RECORDS: &str = "Records";

/// An item that was put where none was.
#[derive(Clone, Debug)]
pub struct Inserted {
    /// The item as it was then.
    pub image: serde_dynamo::Item,
}

/// Serves a table's stream: every new item goes through `handle`; those that fail are reported, to
/// be delivered again.
///
/// # Errors
///
/// [`BootError::Runtime`] when the runtime gives up.
pub async fn serve_stream<H, F>(handle: H) -> Result<(), BootError>
where
    H: Fn(Inserted) -> F + Clone + Send + 'static,
    F: Future<Output = Result<(), Failure>> + Send + 'static,
{
    let service = service_fn(move |event: LambdaEvent<dynamodb::Event>| {
        let handle = handle.clone();
        async move { Ok::<_, lambda_runtime::Error>(deliver(event.payload, handle).await) }
    });
    lambda_runtime::run_concurrent(service).await.map_err(BootError::Runtime)
}

/// Serves a table's stream as [`serve_stream`] does; whatever else the function is invoked with
/// goes through `asked`, as JSON text, and its answer is the invocation's. What fails is an error
/// of the function, by the name and the sentence of its [`Failure::problem`].
///
/// # Errors
///
/// [`BootError::Runtime`] when the runtime gives up.
pub async fn serve_stream_and_invocations<H, F, A, G>(handle: H, asked: A) -> Result<(), BootError>
where
    H: Fn(Inserted) -> F + Clone + Send + 'static,
    F: Future<Output = Result<(), Failure>> + Send + 'static,
    A: Fn(String) -> G + Clone + Send + 'static,
    G: Future<Output = Result<String, Failure>> + Send + 'static,
{
    let service = service_fn(move |event: LambdaEvent<Value>| {
        let (handle, asked) = (handle.clone(), asked.clone());
        async move {
            let payload = event.payload;
            if payload.get(RECORDS).is_some() {
                let batch = serde_json::from_value(payload).map_err(|_| Failure::Malformed);
                let response = deliver(batch.map_err(|failure| told(&failure))?, handle).await;
                return serde_json::to_value(response).map_err(|_| told(&Failure::Malformed));
            }
            let answer = asked(payload.to_string()).await.map_err(|failure| told(&failure))?;
            serde_json::from_str(&answer).map_err(|_| told(&Failure::Malformed))
        }
    });
    lambda_runtime::run_concurrent(service).await.map_err(BootError::Runtime)
}

fn told(failure: &Failure) -> Diagnostic {
    failure.log();
    let problem = failure.problem();
    Diagnostic { error_type: problem.name, error_message: problem.message }
}

/// Puts every new item of a batch through `handle`, and reports those that failed.
pub async fn deliver<H, F>(event: dynamodb::Event, handle: H) -> DynamoDbEventResponse
where
    H: Fn(Inserted) -> F,
    F: Future<Output = Result<(), Failure>>,
{
    let inserts = event.records.into_iter().filter(|record| record.event_name == INSERT);
    let outcomes: Vec<_> = inserts
        .map(|record| {
            let sequence = record.change.sequence_number;
            let outcome = handle(Inserted { image: record.change.new_image });
            async move { (sequence, outcome.await) }
        })
        .collect();
    let mut outcomes = stream::iter(outcomes).buffered(CONCURRENT_MAX);
    let mut response = DynamoDbEventResponse::default();
    while let Some((sequence, outcome)) = outcomes.next().await {
        if let Err(failure) = outcome {
            let (metric, error) = (metrics::RECORD_LEFT, &failure as &dyn std::error::Error);
            tracing::error!(metric, error, "a record is not done");
            let mut failed = DynamoDbBatchItemFailure::default();
            failed.item_identifier = sequence;
            response.batch_item_failures.push(failed);
        }
    }
    response
}

//! The loops of functions behind the WebSocket API.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use aws_lambda_events::apigw::{ApiGatewayProxyResponse, ApiGatewayWebsocketProxyRequest};
use chat::Clock;
use futures_util::future::{Either, select};
use lambda_runtime::{LambdaEvent, service_fn};
use push::{Notice, Push};
use wire::{Answer, Refusal, readable_id};

use crate::boot::BootError;
use crate::event::Event;
use crate::failure::Failure;
use crate::reply::Reply;
use crate::wall::WallClock;

/// How long the work on a frame may take: less than the function's own time-out, so that the client
/// is told, with its request's id.
pub const DEADLINE: Duration = Duration::from_secs(6);

/// How a route's answers reach the client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// The function posts them itself.
    OneWay,
    /// They are what the function returns.
    TwoWay,
}

/// Serves a route: every frame goes through `handle`; what fails is answered as
/// [`Failure::problem`] says, with the frame's id.
///
/// # Errors
///
/// [`BootError::Runtime`] when the runtime gives up.
pub async fn serve<H, F>(
    direction: Direction,
    push: impl Push + 'static,
    handle: H,
) -> Result<(), BootError>
where
    H: Fn(Event) -> F + Clone + Send + 'static,
    F: Future<Output = Result<Reply, Failure>> + Send + 'static,
{
    let push: Arc<dyn Push> = Arc::new(push);
    let service = service_fn(move |event: LambdaEvent<ApiGatewayWebsocketProxyRequest>| {
        let (handle, push) = (handle.clone(), Arc::clone(&push));
        async move {
            let event = Event::new(event.payload, WallClock.now());
            let deadline = tokio::time::sleep(DEADLINE);
            let reply = answer(direction, &*push, event, deadline, handle).await;
            Ok::<ApiGatewayProxyResponse, lambda_runtime::Error>(reply.into())
        }
    });
    lambda_runtime::run_concurrent(service).await.map_err(BootError::Runtime)
}

/// Answers a frame: by what `handle` makes of it, or else by why it does not.
///
/// Work that is under way when `deadline` has come is given up, and the client is told, unless its
/// message was acknowledged: what is left of that is the stream's.
pub async fn answer<H, F>(
    direction: Direction,
    push: &dyn Push,
    event: Event,
    deadline: impl Future<Output = ()>,
    handle: H,
) -> Reply
where
    H: FnOnce(Event) -> F,
    F: Future<Output = Result<Reply, Failure>>,
{
    let outcome = match select(pin!(handle(event.clone())), pin!(deadline)).await {
        Either::Left((outcome, _)) => outcome,
        Either::Right(((), _)) => Err(Failure::Deadline),
    };
    match outcome {
        Ok(reply) => reply,
        Err(failure) => refuse(direction, push, &event, &failure).await,
    }
}

/// Serves `$connect` or `$disconnect`: what fails refuses the handshake with the status that
/// [`Failure::problem`] says.
///
/// # Errors
///
/// [`BootError::Runtime`] when the runtime gives up.
pub async fn serve_handshake<H, F>(handle: H) -> Result<(), BootError>
where
    H: Fn(Event) -> F + Clone + Send + 'static,
    F: Future<Output = Result<Reply, Failure>> + Send + 'static,
{
    let service = service_fn(move |event: LambdaEvent<ApiGatewayWebsocketProxyRequest>| {
        let handle = handle.clone();
        async move {
            let event = Event::new(event.payload, WallClock.now());
            Ok::<_, lambda_runtime::Error>(answer_handshake(handle(event)).await)
        }
    });
    lambda_runtime::run_concurrent(service).await.map_err(BootError::Runtime)
}

/// What the function of `$connect` or `$disconnect` returns, from the work on an event.
pub async fn answer_handshake(
    work: impl Future<Output = Result<Reply, Failure>>,
) -> ApiGatewayProxyResponse {
    let reply = work.await.unwrap_or_else(|failure| {
        failure.log();
        Reply::refuse(failure.problem().code)
    });
    reply.into()
}

/// Tells the client why not, and closes the connection where that is the consequence.
async fn refuse(direction: Direction, push: &dyn Push, event: &Event, failure: &Failure) -> Reply {
    failure.log();
    if event.is_acknowledged() {
        return Reply::empty();
    }
    let refusal = Refusal { re: readable_id(event.body()), problem: failure.problem() };
    let frame = Answer::refused(refusal).to_json();
    let closes = failure.closes();
    if direction == Direction::TwoWay && !closes {
        return Reply::frame(frame);
    }
    let Some(connection) = event.connection() else { return Reply::empty() };
    // Before it closes a connection it has to post even on a two-way route: what it returned would
    // come too late.
    if let Err(error) = push.post(&connection, &Notice::Frame(frame)).await {
        tracing::warn!(error = &error as &dyn std::error::Error, "a refusal is not told");
    }
    if closes && let Err(error) = push.close(&connection).await {
        tracing::warn!(error = &error as &dyn std::error::Error, "a connection is not closed");
    }
    Reply::empty()
}

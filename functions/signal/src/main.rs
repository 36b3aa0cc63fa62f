//! `signal`: what a device does just now.
//!
//! Wiring only. What happens is in `chat::signal`; JSON is in `wire::signal`; keys are in
//! `store_dynamo::keys`; Lambda is in `edge`. The ports named here are what its policy in
//! `template.yaml` grants.

use chat::SignalPorts;
use edge::{BootError, Direction, Event, Failure, Reply, WallClock};
use push_apigw::ApiGateway;
use store_dynamo::Dynamo;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), BootError> {
    let boot = edge::boot()?;
    let store = Dynamo::new(boot.dynamodb, boot.tables);
    let handle = move |event| handle(store.clone(), event);
    edge::serve(Direction::TwoWay, ApiGateway::new(boot.management), handle).await
}

async fn handle(store: Dynamo, event: Event) -> Result<Reply, Failure> {
    let caller = event.caller()?;
    let request = wire::Signal::parse(event.body())?;
    let ports = SignalPorts { directory: &store, focuses: &store, clock: &WallClock };
    let signaled = chat::signal(ports, &caller, request.fields).await?;
    Ok(Reply::signaled(&request.id, signaled))
}

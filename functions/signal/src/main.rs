//! `signal`: what a device does just now.
//!
//! Wiring only. What happens is in `chat::signal`; JSON is in `wire::signal`; keys are in
//! `store_dynamo::keys`; Lambda is in `edge`. The ports named here are what its policy in
//! `template.yaml` grants.

use std::sync::Arc;

use chat::SignalPorts;
use edge::{BootError, Direction, Event, Failure, Reply, WallClock};
use push_apigw::ApiGateway;
use store_dynamo::Dynamo;

struct Parts {
    store: Dynamo,
    push: ApiGateway,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), BootError> {
    let boot = edge::boot()?;
    let push = ApiGateway::new(boot.management);
    let store = Dynamo::new(boot.dynamodb, boot.tables);
    let parts = Arc::new(Parts { store, push: push.clone() });
    let handle = move |event| handle(Arc::clone(&parts), event);
    edge::serve(Direction::TwoWay, push, handle).await
}

async fn handle(parts: Arc<Parts>, event: Event) -> Result<Reply, Failure> {
    let ports = SignalPorts {
        directory: &parts.store,
        focuses: &parts.store,
        connections: &parts.store,
        push: &parts.push,
        clock: &WallClock,
    };
    edge::route::signal(ports, &event).await
}

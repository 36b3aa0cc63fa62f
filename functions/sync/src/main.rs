//! `sync`: what came into the caller's inbox after their device's cursor.
//!
//! Wiring only. What happens is in `chat::sync`; JSON is in `wire::sync`; keys are in
//! `store_dynamo::keys`; Lambda is in `edge`. The ports named here are what its policy in
//! `template.yaml` grants.

use chat::{Policy, SyncPorts};
use edge::{BootError, Direction, Event, Failure, Reply, WallClock};
use push_apigw::ApiGateway;
use store_dynamo::Dynamo;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), BootError> {
    let boot = edge::boot()?;
    let policy = boot.environment.policy()?;
    let store = Dynamo::new(boot.dynamodb, boot.tables);
    let handle = move |event| handle(store.clone(), policy, event);
    edge::serve(Direction::TwoWay, ApiGateway::new(boot.management), handle).await
}

async fn handle(store: Dynamo, policy: Policy, event: Event) -> Result<Reply, Failure> {
    let ports = SyncPorts {
        directory: &store,
        timelines: &store,
        inboxes: &store,
        connections: &store,
        clock: &WallClock,
        policy: &policy,
    };
    edge::route::sync(ports, &event).await
}

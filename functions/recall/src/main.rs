//! `recall`: a message is taken back, or changed.
//!
//! Wiring only. What happens is in `chat::recall`; JSON is in `wire::recall`; keys are in
//! `store_dynamo::keys`; Lambda is in `edge`. The ports named here are what its policy in
//! `template.yaml` grants.

use std::sync::Arc;

use chat::{Policy, SendPorts, TellPorts};
use edge::{BootError, Direction, Event, Failure, Reply, Wall, WallClock};
use push::Silent;
use push_apigw::ApiGateway;
use store_dynamo::Dynamo;

struct Parts {
    store: Dynamo,
    push: ApiGateway,
    policy: Policy,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), BootError> {
    let boot = edge::boot()?;
    let policy = boot.environment.policy()?;
    let push = ApiGateway::new(boot.management);
    let store = Dynamo::new(boot.dynamodb, boot.tables);
    let parts = Arc::new(Parts { store, push: push.clone(), policy });
    let handle = move |event| handle(Arc::clone(&parts), event);
    edge::serve(Direction::TwoWay, push, handle).await
}

async fn handle(parts: Arc<Parts>, event: Event) -> Result<Reply, Failure> {
    let tell = TellPorts {
        directory: &parts.store,
        timelines: &parts.store,
        inboxes: &parts.store,
        connections: &parts.store,
        focuses: &parts.store,
        push: &parts.push,
        // Nobody is notified of this.
        alerts: &Silent,
        clock: &WallClock,
        pace: &Wall,
        policy: &parts.policy,
    };
    edge::route::recall(SendPorts { tell, claims: &parts.store }, &event).await
}

//! `connect`: remembers which device listens where, before the handshake ends, and kicks those that
//! there is no room for.
//!
//! Wiring only. What happens is in `chat::connect`; keys are in `store_dynamo::keys`; Lambda is in
//! `edge`. The ports named here are what its policy in `template.yaml` grants.

use std::sync::Arc;

use chat::{ConnectPorts, DevicePolicy};
use edge::{BootError, Event, Failure, Reply, WallClock};
use push_apigw::ApiGateway;
use store_dynamo::Dynamo;

struct Parts {
    store: Dynamo,
    push: ApiGateway,
    policy: DevicePolicy,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), BootError> {
    let boot = edge::boot()?;
    let parts = Arc::new(Parts {
        store: Dynamo::new(boot.dynamodb, boot.tables),
        push: ApiGateway::new(boot.management),
        policy: boot.environment.device_policy()?,
    });
    edge::serve_handshake(move |event| handle(Arc::clone(&parts), event)).await
}

async fn handle(parts: Arc<Parts>, event: Event) -> Result<Reply, Failure> {
    let ports = ConnectPorts {
        connections: &parts.store,
        push: &parts.push,
        clock: &WallClock,
        policy: parts.policy,
    };
    edge::route::connect(ports, &event).await
}

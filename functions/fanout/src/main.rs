//! `fanout`: finishes what interrupted fan-outs left, by the stream of the timeline table.
//!
//! Wiring only. What happens is in `chat::complete`; records are read by `store_dynamo::stream`;
//! Lambda is in `edge`. The ports named here are what its policy in `template.yaml` grants.

use std::sync::Arc;

use chat::{Policy, TellPorts};
use edge::{BootError, Failure, Inserted, Wall, WallClock};
use push::Alerts;
use push_apigw::ApiGateway;
use store_dynamo::Dynamo;

struct Parts {
    store: Dynamo,
    push: ApiGateway,
    alerts: Box<dyn Alerts>,
    policy: Policy,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), BootError> {
    let boot = edge::boot()?;
    let policy = boot.environment.policy()?;
    let alerts = push_sns::alerts(boot.topic()?.map(edge::Topic::into_parts));
    let push = ApiGateway::new(boot.management);
    let store = Dynamo::new(boot.dynamodb, boot.tables);
    let parts = Arc::new(Parts { store, push, alerts, policy });
    edge::serve_stream(move |inserted| handle(Arc::clone(&parts), inserted)).await
}

async fn handle(parts: Arc<Parts>, inserted: Inserted) -> Result<(), Failure> {
    let (timeline, entry) = store_dynamo::stream::entry(inserted.image)?;
    let ports = TellPorts {
        directory: &parts.store,
        timelines: &parts.store,
        inboxes: &parts.store,
        connections: &parts.store,
        focuses: &parts.store,
        push: &parts.push,
        alerts: &*parts.alerts,
        clock: &WallClock,
        pace: &Wall,
        policy: &parts.policy,
    };
    Ok(chat::complete(ports, &timeline, &entry).await?)
}

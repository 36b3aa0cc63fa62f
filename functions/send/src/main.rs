//! `send`: a message is kept on its conversation's timeline, acknowledged, and told to everyone.
//!
//! Wiring only. What happens is in `chat::send`; JSON is in `wire::send`; keys are in
//! `store_dynamo::keys`; Lambda is in `edge`. The ports named here are what its policy in
//! `template.yaml` grants.

use std::sync::Arc;

use chat::{Policy, SendPorts, TellPorts};
use edge::{BootError, Direction, Event, Failure, Reply, Wall, WallClock};
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
    let parts = Arc::new(Parts { store, push: push.clone(), alerts, policy });
    let handle = move |event| handle(Arc::clone(&parts), event);
    edge::serve(Direction::OneWay, push, handle).await
}

async fn handle(parts: Arc<Parts>, event: Event) -> Result<Reply, Failure> {
    let caller = event.caller()?;
    let request = wire::Send::parse(event.body())?;
    let push = event.answering(&parts.push);
    let tell = TellPorts {
        directory: &parts.store,
        timelines: &parts.store,
        inboxes: &parts.store,
        connections: &parts.store,
        focuses: &parts.store,
        push: &push,
        alerts: &*parts.alerts,
        clock: &WallClock,
        pace: &Wall,
        policy: &parts.policy,
    };
    chat::send(SendPorts { tell, claims: &parts.store }, &caller, &request.id, request.fields)
        .await?;
    Ok(Reply::empty())
}

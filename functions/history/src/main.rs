//! `history`: a part of one conversation, for roaming and for filling holes.
//!
//! Wiring only. What happens is in `chat::history`; JSON is in `wire::history`; keys are in
//! `store_dynamo::keys`; Lambda is in `edge`. The ports named here are what its policy in
//! `template.yaml` grants.

use chat::HistoryPorts;
use edge::{BootError, Direction, Event, Failure, Reply};
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
    let ports = HistoryPorts { directory: &store, timelines: &store };
    edge::route::history(ports, &event).await
}

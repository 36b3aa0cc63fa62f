//! `disconnect`: forgets where a device listened.
//!
//! Wiring only. What happens is in `chat::connect`; keys are in `store_dynamo::keys`; Lambda is in
//! `edge`. The ports named here are what its policy in `template.yaml` grants.

use chat::DisconnectPorts;
use edge::{BootError, Event, Failure, Reply};
use store_dynamo::Dynamo;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), BootError> {
    let boot = edge::boot()?;
    let store = Dynamo::new(boot.dynamodb, boot.tables);
    edge::serve_handshake(move |event| handle(store.clone(), event)).await
}

async fn handle(store: Dynamo, event: Event) -> Result<Reply, Failure> {
    edge::route::disconnect(DisconnectPorts { connections: &store }, &event).await
}

//! `search`: what the caller's messages say.
//!
//! Wiring only. What happens is in `chat::search`; JSON is in `wire::search`; keys are in
//! `store_dynamo::keys`; Lambda is in `edge`. The ports named here are what its policy in
//! `template.yaml` grants.

use std::sync::Arc;

use chat::{SearchBounds, SearchPorts};
use edge::{BootError, Direction, Event, Failure, HmacSeal, Reply};
use push_apigw::ApiGateway;
use store_dynamo::Dynamo;

struct Parts {
    store: Dynamo,
    seal: HmacSeal,
    bounds: SearchBounds,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), BootError> {
    let boot = edge::boot()?;
    let seal = boot.environment.seal()?;
    let store = Dynamo::new(boot.dynamodb, boot.tables);
    let parts = Arc::new(Parts { store, seal, bounds: SearchBounds::default() });
    let handle = move |event| handle(Arc::clone(&parts), event);
    edge::serve(Direction::TwoWay, ApiGateway::new(boot.management), handle).await
}

async fn handle(parts: Arc<Parts>, event: Event) -> Result<Reply, Failure> {
    let ports = SearchPorts {
        directory: &parts.store,
        timelines: &parts.store,
        blocks: &parts.store,
        searched: wire::searched_text,
        seal: &parts.seal,
        bounds: &parts.bounds,
    };
    edge::route::search(ports, &event).await
}

//! `index`: builds the blocks that messages are found by, by the stream of the timeline table.
//!
//! Wiring only. What happens is in `chat::index`; records are read by `store_dynamo::stream`; what
//! of a body is searched is in `wire`; Lambda is in `edge`. The ports named here are what its
//! policy in `template.yaml` grants.

use chat::IndexPorts;
use edge::{BootError, Failure, Inserted};
use store_dynamo::Dynamo;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), BootError> {
    let boot = edge::boot()?;
    let store = Dynamo::new(boot.dynamodb, boot.tables);
    edge::serve_stream(move |inserted| handle(store.clone(), inserted)).await
}

async fn handle(store: Dynamo, inserted: Inserted) -> Result<(), Failure> {
    let (timeline, entry) = store_dynamo::stream::entry(inserted.image)?;
    let ports = IndexPorts { timelines: &store, blocks: &store, searched: wire::searched_text };
    Ok(chat::index(ports, &timeline, entry.seq).await?)
}

//! `index`: builds the blocks that messages are found by, by the stream of the timeline table, and
//! anew when an operator asks.
//!
//! Wiring only. What happens is in `chat::index`; records are read by `store_dynamo::stream`; JSON
//! is in `wire`; Lambda is in `edge`. The ports named here are what its policy in `template.yaml`
//! grants.

use chat::{IndexPorts, RebuildPorts};
use edge::{BootError, Failure, Inserted};
use store_dynamo::Dynamo;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), BootError> {
    let boot = edge::boot()?;
    let store = Dynamo::new(boot.dynamodb, boot.tables);
    let asked = store.clone();
    edge::serve_stream_and_invocations(
        move |inserted| handle(store.clone(), inserted),
        move |text| rebuild(asked.clone(), text),
    )
    .await
}

fn ports(store: &Dynamo) -> IndexPorts<'_> {
    IndexPorts { timelines: store, blocks: store, searched: wire::searched_text }
}

async fn handle(store: Dynamo, inserted: Inserted) -> Result<(), Failure> {
    let (timeline, entry) = store_dynamo::stream::entry(inserted.image)?;
    Ok(chat::index(ports(&store), &timeline, entry.seq).await?)
}

async fn rebuild(store: Dynamo, text: String) -> Result<String, Failure> {
    let ports = RebuildPorts { index: ports(&store), directory: &store };
    edge::route::rebuild(ports, &text).await
}

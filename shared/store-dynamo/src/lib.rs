//! The store's ports on DynamoDB.
//!
//! # Layout
//!
//! * [`keys`]: the only place that spells a key or an attribute.
//! * `item`: items to the model and back.
//! * `conversation`: conversations, members and listings to items and back.
//! * [`stream`]: a record of the timeline's stream.
//! * `call`: what every request has in common: its meter and what its failure means.
//! * `timelines`, `inboxes`, `connections`, `directory`, `focuses`, `metas`, `blocks`: one file per
//!   port.
//! * `schema`: set-up and drop of the tables, for those who have no template.
//!
//! # Invariants
//!
//! * One call of a port is one request, but for scans over several pages, batch reads that the
//!   store cuts short, and search blocks, of which there may be any number. Every read is strongly
//!   consistent, but for scans that ask for less, and for search blocks.
//! * Every write carries a condition, but for a focus, of which the newest counts, and for a search
//!   block, which anyone would write alike. A put that fails
//!   returns the item that was in the way, in the same request, where its caller needs it.
//! * No `Scan`, no transaction, and no `DeleteItem` on the timeline table.
//! * SDK errors end here.

mod blocks;
mod call;
mod connections;
mod conversation;
mod directory;
mod focuses;
mod inboxes;
mod item;
pub mod keys;
mod metas;
mod schema;
pub mod stream;
mod timelines;

use aws_sdk_dynamodb::Client;
use store::Tables;

pub use call::{Consumed, Units};

/// The store on DynamoDB. Cheap to clone; clones share their meter.
#[derive(Clone, Debug)]
pub struct Dynamo {
    client: Client,
    tables: Tables,
    meter: call::Meter,
}

impl Dynamo {
    /// The store in these tables, through this client.
    ///
    /// The client's retries are safe: a request that is repeated repeats the same write at the same
    /// place under the same condition.
    pub fn new(client: Client, tables: Tables) -> Self {
        Self { client, tables, meter: call::Meter::default() }
    }

    /// What the store has reported as consumed through this value and its clones.
    pub fn consumed(&self) -> Consumed {
        self.meter.consumed()
    }
}

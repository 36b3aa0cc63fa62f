//! The embedded store through its HTTP surface: what it answers, counts, keeps and breaks.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::sync::Arc;

use dynamodb::{Embedded, Faults, NoFaults, Options};
use serde_json::json;
use template::model::Table;

use crate::client::Client;

mod answers;
mod client;
mod faults;
mod metering;
mod store;

/// A store in memory with the table `Box`, and a client of it.
fn start(faults: Arc<dyn Faults>) -> (Embedded, Client) {
    let embedded = Embedded::start(&Options::default(), faults).unwrap();
    embedded.create_tables([&table()]).unwrap();
    let client = Client::new(&embedded.endpoint(), "AdaFunction");
    (embedded, client)
}

fn quiet() -> (Embedded, Client) {
    start(Arc::new(NoFaults))
}

fn table() -> Table {
    Table {
        id: "Box".to_owned(),
        create: json!({
            "TableName": "Box",
            "BillingMode": "PAY_PER_REQUEST",
            "AttributeDefinitions": [
                { "AttributeName": "pk", "AttributeType": "S" },
                { "AttributeName": "sk", "AttributeType": "N" },
                { "AttributeName": "by", "AttributeType": "S" },
            ],
            "KeySchema": [
                { "AttributeName": "pk", "KeyType": "HASH" },
                { "AttributeName": "sk", "KeyType": "RANGE" },
            ],
            "GlobalSecondaryIndexes": [{
                "IndexName": "index",
                "KeySchema": [{ "AttributeName": "by", "KeyType": "HASH" }],
                "Projection": { "ProjectionType": "KEYS_ONLY" },
            }],
            "StreamSpecification": { "StreamEnabled": true, "StreamViewType": "NEW_IMAGE" },
        }),
        ttl_attribute: Some("exp".to_owned()),
    }
}

//! The embedded DynamoDB alone, and the store's adapter on it.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, LazyLock};

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::{BehaviorVersion, Credentials, Region};
use dynamodb::{Embedded, NoFaults, Options};
use store::Tables;
use store_dynamo::Dynamo;

/// One for the whole test binary: tables have names of their own.
static EMBEDDED: LazyLock<Embedded> =
    LazyLock::new(|| Embedded::start(&Options::default(), Arc::new(NoFaults)).unwrap());

/// Where it listens.
pub fn endpoint() -> String {
    EMBEDDED.endpoint()
}

/// A client of DynamoDB at `endpoint`.
pub fn client(endpoint: &str) -> Client {
    let config = aws_sdk_dynamodb::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("us-east-1"))
        .credentials_provider(Credentials::new("test", "test", None, None, "test"))
        .http_client(aws_smithy_http_client::Builder::new().build_http())
        .endpoint_url(endpoint);
    Client::from_conf(config.build())
}

/// What a store is made of: a client, and names that no other store's tables have.
pub fn parts() -> (Client, Tables) {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    (client(&endpoint()), Tables::prefixed(&format!("test-{number}-")))
}

/// A store in which nothing has been kept, without tables yet.
pub fn without_tables() -> Dynamo {
    let (client, tables) = parts();
    Dynamo::new(client, tables)
}

/// A store in which nothing has been kept.
pub async fn fresh() -> Dynamo {
    let store = without_tables();
    store.set_up().await.unwrap();
    store
}

//! When the registry's rows may expire: what the database takes away by itself must be worthless.

use std::collections::HashMap;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::AttributeValue;
use store::{Connections, Eviction, Registration, Tables};
use store_dynamo::{Dynamo, keys};
use timeline::{ConnectionId, DeviceId, Timestamp, UserId, limits};

/// The year 2100: the embedded database expires rows by its own clock.
const NOW: Timestamp = Timestamp(4_102_444_800_000);

struct Rows {
    store: Dynamo,
    client: Client,
    tables: Tables,
    ada: UserId,
}

impl Rows {
    async fn new() -> Self {
        let (client, tables) = tests::embedded::parts();
        let store = Dynamo::new(client.clone(), tables.clone());
        store.set_up().await.unwrap();
        Self { store, client, tables, ada: UserId::parse("ada").unwrap() }
    }

    async fn register(&self, registration: &Registration) {
        self.store.register(&self.ada, registration).await.unwrap();
    }

    async fn evict(&self, evicted: &Registration, newcomer: &Registration) {
        let eviction = Eviction { evicted, newcomer, tombstones: &[], now: NOW };
        assert!(self.store.evict(&self.ada, eviction).await.unwrap());
    }

    /// When Ada's row expires.
    async fn expires(&self) -> Timestamp {
        let key = (keys::connections::USER.to_owned(), AttributeValue::S("ada".to_owned()));
        let read = self.client.get_item().table_name(&self.tables.connections);
        let read = read.set_key(Some(HashMap::from([key]))).consistent_read(true);
        let item = read.send().await.unwrap().item.unwrap();
        let seconds: u64 = item[keys::connections::EXPIRES].as_n().unwrap().parse().unwrap();
        Timestamp(seconds * 1_000)
    }
}

/// A device that connected so long after now, with a token that is good for so long.
fn device(name: &str, later: u64, life: u64) -> Registration {
    Registration {
        device: DeviceId::parse(name).unwrap(),
        platform: None,
        connection: ConnectionId::parse(name).unwrap(),
        connected: NOW.plus(later),
        expires: NOW.plus(later + life),
    }
}

#[tokio::test]
async fn a_row_outlives_its_connections() {
    let rows = Rows::new().await;
    for (name, later) in [("desk", 60_000), ("phone", 120_000), ("late", 0)] {
        rows.register(&device(name, later, limits::DAY_MS)).await;
        assert!(rows.expires().await >= NOW.plus(later + limits::CONNECTION_MS_MAX), "{name}");
    }
    // The newest connection is not the last that was registered.
    assert!(rows.expires().await >= NOW.plus(120_000 + limits::CONNECTION_MS_MAX));
}

#[tokio::test]
async fn a_row_outlives_its_tombstones() {
    for life in [60_000, limits::DAY_MS + 1, 30 * limits::DAY_MS + 999] {
        let rows = Rows::new().await;
        let (desk, phone) = (device("desk", 0, life), device("phone", 1_000, limits::DAY_MS));
        let tablet = device("tablet", 2_000, limits::DAY_MS);
        for registration in [&desk, &phone, &tablet] {
            rows.register(registration).await;
        }
        rows.evict(&desk, &tablet).await;
        assert!(rows.expires().await >= desk.expires, "after its own eviction");
        // Neither another eviction nor another registration sets that back.
        rows.evict(&phone, &tablet).await;
        assert!(rows.expires().await >= desk.expires.max(phone.expires), "after the next eviction");
        rows.register(&device("laptop", 3_000, limits::DAY_MS)).await;
        assert!(rows.expires().await >= desk.expires.max(phone.expires), "after a registration");
    }
}

//! Set-up and drop of the tables.

use store::{Error, Scan, Timelines};
use timeline::{Seq, TimelineId};

/// Both may be repeated, in any state; what was kept survives a set-up and not a drop.
#[tokio::test]
async fn set_up_and_drop_are_idempotent() {
    let store = tests::embedded::without_tables();
    store.drop_all().await.unwrap();
    for _ in 0..2 {
        store.set_up().await.unwrap();
    }
    let id = TimelineId::parse("tea").unwrap();
    assert_eq!(store.scan(&id, Scan::newest()).await.unwrap(), []);
    for _ in 0..2 {
        store.drop_all().await.unwrap();
    }
    let gone = store.get(&id, Seq::FIRST).await;
    assert!(matches!(gone, Err(Error::Refused { .. })), "{gone:?}");
    store.set_up().await.unwrap();
    assert_eq!(store.get(&id, Seq::FIRST).await.unwrap(), None);
}

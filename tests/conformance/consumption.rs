//! What an operation costs, as the store reports it.

use store::{Immediately, Mode, Queue, Timelines};
use store_dynamo::{Dynamo, Units};
use timeline::{Body, DeviceId, Diffusion, Draft, Kind, MessageId, Seq, Timestamp, UserId};

fn draft(number: u8) -> Draft {
    let text = "x".repeat(120);
    Draft {
        id: MessageId::from_bytes([number; 16]),
        author: UserId::parse("ada").unwrap(),
        device: DeviceId::parse("desk").unwrap(),
        at: Timestamp(1_763_917_045_123),
        kind: Kind::text(),
        version: 1,
        inbox_before: Seq::ZERO,
        diffusion: Diffusion::Write,
        named: Vec::new(),
        body: Body::parse(&format!(r#"{{"text":"{text}"}}"#)).unwrap(),
    }
}

/// What `work` consumed in all.
async fn consumed(store: &Dynamo, work: impl AsyncFnOnce()) -> Units {
    let total = || {
        store.consumed().values().fold(Units::default(), |sum, units| Units {
            read: sum.read + units.read,
            write: sum.write + units.write,
            requests: sum.requests + units.requests,
        })
    };
    let before = total();
    work().await;
    let after = total();
    Units {
        read: after.read - before.read,
        write: after.write - before.write,
        requests: after.requests - before.requests,
    }
}

#[tokio::test]
async fn an_uncontended_append_is_one_write_unit_and_one_read_unit() {
    let store = tests::embedded::fresh().await;
    let id = timeline::TimelineId::parse("tea").unwrap();
    let queue = Queue::new(&store, &Immediately, Mode::Automatic, &id);
    for number in 1..=20 {
        let base = Seq::new(u64::from(number) - 1).unwrap();
        let units = consumed(&store, async || {
            queue.append(&draft(number), base).await.unwrap();
        })
        .await;
        let read = if number == 1 { units.read } else { 1.0 };
        assert_eq!(units, Units { read, write: 1.0, requests: 2 }, "append {number}");
        assert!(units.read <= 1.0);
    }
}

#[tokio::test]
async fn a_hundred_messages_are_read_in_one_query() {
    let store = tests::embedded::fresh().await;
    let id = timeline::TimelineId::parse("tea").unwrap();
    for number in 1..=100 {
        let entry = draft(number).at(Seq::new(u64::from(number)).unwrap());
        Timelines::put(&store, &id, &entry).await.unwrap();
    }
    let units = consumed(&store, async || {
        let scan = store::Scan::since(Seq::FIRST, 100);
        assert_eq!(store.scan(&id, scan).await.unwrap().len(), 100);
    })
    .await;
    assert_eq!(units.requests, 1);
    assert!(units.read <= 7.0, "{units:?}");
}

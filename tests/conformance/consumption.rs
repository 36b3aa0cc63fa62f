//! What an operation costs, as the store reports it.

use chat::{IndexPorts, Policy, TellPorts};
use futures_util::StreamExt;
use push::Tape;
use store::{Immediately, Inboxes, Mode, Put, Queue, Timelines};
use store_dynamo::{Dynamo, Units};
use timeline::{
    Body, ConversationId, DeviceId, Diffusion, Draft, InboxEntry, Kind, MessageId, Seq, Timestamp,
    UserId,
};

use crate::corpus::{Corpus, Language};

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
        target: None,
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

/// Nearly every message's marker stands when the stream's consumer comes by.
#[tokio::test]
async fn the_look_at_a_finished_fan_out_is_one_read_unit() {
    let store = tests::embedded::fresh().await;
    let author = UserId::parse("ada").unwrap();
    let tea = ConversationId::direct(&author, &UserId::parse("bob").unwrap()).unwrap();
    let now = Timestamp(4_102_444_800_000);
    let entries: Vec<_> = (1..=20)
        .map(|number| {
            let mut entry = draft(number).at(Seq::new(u64::from(number)).unwrap());
            (entry.at, entry.inbox_before) = (now, entry.seq.previous());
            entry
        })
        .collect();
    for entry in &entries {
        let told = InboxEntry::of(entry, &tea, entry.seq, now.plus(60_000));
        Inboxes::put(&store, &author, &told).await.unwrap();
    }
    let (tape, policy) = (Tape::default(), Policy::default());
    let ports = TellPorts {
        directory: &store,
        timelines: &store,
        inboxes: &store,
        connections: &store,
        focuses: &store,
        push: &tape,
        alerts: &tape,
        clock: &edge::WallClock,
        pace: &Immediately,
        policy: &policy,
    };
    for entry in entries.iter().rev().take(10) {
        let units = consumed(&store, async || {
            chat::complete(ports, &tea.timeline(), entry).await.unwrap();
        })
        .await;
        assert_eq!((units.write, units.requests), (0.0, 1));
        assert!(units.read <= 1.0, "{units:?}");
    }
}

/// What the stream writes to the index, by the longest blocks but one: messages of some ten words,
/// as people write them.
#[tokio::test]
async fn the_index_is_at_most_6_write_units_a_hundred_messages() {
    let store = tests::embedded::fresh().await;
    let tea = ConversationId::parse("d~ada~bob").unwrap();
    let texts = Corpus::new(Language::English, 1).messages(4_095);
    let entries: Vec<_> = (1..)
        .zip(&texts)
        .map(|(number, text)| {
            let body = serde_json::json!({ "text": text }).to_string();
            let body = Body::parse(&body).unwrap();
            Draft { body, ..draft(1) }.at(Seq::new(number).unwrap())
        })
        .collect();
    let timeline = tea.timeline();
    let puts = entries.iter().map(|entry| Timelines::put(&store, &timeline, entry));
    let puts: Vec<_> = puts.collect();
    let puts = futures_util::stream::iter(puts).buffer_unordered(32);
    puts.for_each(|put| async { assert_eq!(put.unwrap(), Put::Stored) }).await;
    let ports = IndexPorts { timelines: &store, blocks: &store, searched: wire::searched_text };
    let units = consumed(&store, async || {
        for entry in &entries {
            chat::index(ports, &timeline, entry.seq).await.unwrap();
        }
    })
    .await;
    let each = |units: f64| units / entries.len() as f64;
    assert!(each(units.write) <= 0.06, "{} write units a message", each(units.write));
    assert!(each(units.read) <= 0.06, "{} read units a message", each(units.read));
}

//! A message is sent, and sent again: the whole route.

use std::sync::Arc;

use chat::{DevicePolicy, Policy, SendPorts, TellPorts};
use push::Silent;
use store::explorer::{Checked, Explorer, Line, Scene, Violation, at_once};
use store::pace::Immediately;
use store::{Scan, Timelines};
use timeline::exchange::{Caller, Destination, Outgoing};
use timeline::{Entry, RequestId, Seq, Timestamp, limits};

use crate::harbor::{
    Arrival, At, Case, Gateway, Harbor, KEEPSAKES, KEPT, Outcome, Wire, connect_and_sync, inbox,
    marked, message, person, reached, require, tea,
};

const NOW: Timestamp = Timestamp(KEPT.0 + limits::FAN_OUT_PATIENCE_MS);

const DESK: Arrival = Arrival { device: "desk", name: "desk", at: Timestamp(NOW.0 - 60_000) };
const PHONE: Arrival = Arrival { device: "phone", name: "phone", at: Timestamp(NOW.0 - 1_000) };

/// Ada sends a message by production's code, which knows of nothing before it.
async fn sent(line: Line<Harbor>, number: u64) -> Outcome {
    let (store, policy) = (Checked::new(&line), Policy::default());
    let (keepsakes, gateway) = (Arc::clone(&KEEPSAKES), Gateway(line.clone()));
    let tell = TellPorts {
        directory: &*keepsakes,
        timelines: &store,
        inboxes: &store,
        connections: &store,
        focuses: &*keepsakes,
        push: &gateway,
        alerts: &Silent,
        clock: &At(NOW),
        pace: &Immediately,
        policy: &policy,
    };
    let Entry { id, kind, body, .. } = message(number);
    let outgoing = Outgoing {
        destination: Destination::Person(person("bob")),
        message: id,
        base: Some(Seq::ZERO),
        kind,
        target: None,
        body: body.unwrap(),
    };
    let caller = Caller { user: person("ada"), ..DESK.caller() };
    let request = RequestId::parse("7").unwrap();
    let sent = chat::send(SendPorts { tell, claims: &store }, &caller, &request, outgoing).await;
    sent.map_or(Outcome::Failed, |()| Outcome::Happened)
}

fn attempts(faults: u8, count: usize) -> Case {
    let mut harbor = Harbor::default();
    harbor.lines.insert(DESK.connection(), Wire::default());
    Explorer::new(harbor, faults).actor("an attempt", count, |line| sent(line, 1))
}

/// Law: what was acknowledged is kept, once, and each inbox tells of it once.
fn kept(scene: &Scene<'_, Harbor, Outcome>) -> Result<(), Violation> {
    let Harbor { memory, lines, .. } = scene.world;
    let scan = Scan::since(Seq::FIRST, 100);
    let entries = at_once(memory.scan(&tea().timeline(), scan)).unwrap();
    if entries.len() > 1 {
        return Err(Violation::new("DUPLICATE", format!("{} entries", entries.len())));
    }
    let wire = &lines[&DESK.connection()];
    if wire.pushed.iter().any(|number| entries.iter().all(|it| it.seq.number() != *number)) {
        return Err(Violation::new("ACKED BUT LOST", format!("{:?}", wire.pushed)));
    }
    for name in ["ada", "bob"] {
        let told = inbox(scene.world, name);
        if told.len() > 1 {
            return Err(Violation::new("DUPLICATE", format!("{name}'s inbox tells of {told:?}")));
        }
    }
    Ok(())
}

#[test]
fn a_message_that_is_sent_twice_is_kept_and_told_once() {
    let report = attempts(1, 2).law(kept).law(marked).explore();
    require("a message is sent twice, 1 lost", 2_000_000, &report);
}

#[test]
fn a_device_that_comes_while_a_message_is_sent_misses_nothing() {
    let case = attempts(1, 1).actor("the phone", 1, |line| async move {
        let store = Checked::new(&line);
        connect_and_sync(line, &store, PHONE, DevicePolicy::default()).await
    });
    let report = case.law(kept).law(marked).law(reached).explore();
    require("a device comes while a message is sent, 1 lost", 35_000, &report);
}

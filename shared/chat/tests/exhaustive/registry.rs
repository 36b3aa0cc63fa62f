//! Who is registered, and whom a fan-out reaches.

use std::collections::BTreeSet;

use chat::DevicePolicy;
use push::Push;
use store::explorer::{Checked, Effect, Explorer, Line, at_once};
use store::pace::Immediately;
use store::{Connections, Inboxes, deliver};
use timeline::{InboxEntry, Seq, Timestamp, limits};

use crate::harbor::{
    Arrival, Case, Gateway, Harbor, KEPT, Outcome, Wire, arrive, connect_and_sync, fan_out, leave,
    lose, marked, message, person, reached, refute, require, tea,
};
use crate::lax::{Lax, Laxity};

/// When fan-outs happen in these tests: their messages are old enough to be finished by anybody.
const NOW: Timestamp = Timestamp(KEPT.0 + 2 * limits::FAN_OUT_PATIENCE_MS);

const FIRST: Arrival = Arrival { device: "phone", name: "first", at: Timestamp(NOW.0 - 2_000) };
const SECOND: Arrival = Arrival { device: "phone", name: "second", at: Timestamp(NOW.0 - 1_000) };

/// A connection that is not young.
const OLD: Arrival = Arrival {
    device: "phone",
    name: "old",
    at: Timestamp(NOW.0 - 2 * limits::YOUNG_CONNECTION_MS),
};

fn empty(faults: u8) -> Case {
    Explorer::new(Harbor::default(), faults)
}

/// A world in which the old connection is open.
fn long_since_open(faults: u8) -> Case {
    let mut harbor = Harbor::default();
    at_once(harbor.memory.register(&person("bob"), &OLD.registration())).unwrap();
    harbor.lines.insert(OLD.connection(), Wire::default());
    let lost = |line: Line<Harbor>| async move { lose(&line, OLD).await };
    Explorer::new(harbor, faults).environment("the network", lost)
}

fn telling(case: Case, number: u64, count: usize) -> Case {
    case.actor(&format!("the fan-out of {number}"), count, move |line| async move {
        fan_out(&line, &Checked::new(&line), number, NOW).await
    })
}

fn coming(case: Case, arrival: Arrival) -> Case {
    case.actor(&format!("the phone on {}", arrival.name), 1, move |line| async move {
        let store = Checked::new(&line);
        connect_and_sync(line, &store, arrival, DevicePolicy::default()).await
    })
}

fn leaving(case: Case, arrival: Arrival) -> Case {
    case.actor(&format!("the end of {}", arrival.name), 1, move |line| async move {
        leave(&line, &Checked::new(&line), arrival).await
    })
}

#[test]
fn a_device_that_comes_is_told_by_a_push_or_by_its_sync() {
    let report = telling(coming(empty(2), FIRST), 1, 2).law(reached).law(marked).explore();
    require("a device comes during a fan-out and its repeat, 2 lost", 150_000, &report);
}

#[test]
fn a_device_that_comes_is_told_of_two_messages() {
    let case = telling(telling(coming(empty(1), FIRST), 1, 1), 2, 1);
    let report = case.law(reached).law(marked).explore();
    require("a device comes during two fan-outs, 1 lost", 150_000, &report);
}

#[test]
fn a_device_that_comes_back_is_told_on_its_newer_connection() {
    let case = leaving(coming(coming(empty(1), FIRST), SECOND), FIRST);
    let report = telling(case, 1, 1).law(reached).law(marked).explore();
    require("a device comes twice and leaves once, 1 lost", 100_000, &report);
}

#[test]
fn a_connection_that_is_found_gone_takes_no_other_with_it() {
    let case = leaving(coming(long_since_open(2), SECOND), OLD);
    let report = telling(case, 1, 1).law(reached).law(marked).explore();
    require("a device comes back while its old connection goes, 2 lost", 40_000, &report);
}

#[test]
fn registering_in_any_order_makes_deaf() {
    let case = [FIRST, SECOND].into_iter().fold(empty(0), |case, arrival| {
        case.actor(&format!("the phone on {}", arrival.name), 1, move |line| async move {
            let lax = Lax { line: line.clone(), laxity: Laxity::Order };
            connect_and_sync(line, &lax, arrival, DevicePolicy::default()).await
        })
    });
    refute("registration without order", "DEAF", &case.law(reached).explore());
}

#[test]
fn leaving_in_any_case_makes_deaf() {
    let case = coming(coming(empty(0), FIRST), SECOND);
    let case = case.actor("the end of first", 1, |line| async move {
        let lax = Lax { line: line.clone(), laxity: Laxity::Connection };
        leave(&line, &lax, FIRST).await
    });
    refute("an unconditional disconnect", "DEAF", &case.law(reached).explore());
}

fn telling_laxly(case: Case, laxity: Laxity) -> Case {
    case.actor("the fan-out of 1", 1, move |line| async move {
        let lax = Lax { line: line.clone(), laxity };
        fan_out(&line, &lax, 1, NOW).await
    })
}

#[test]
fn forgetting_young_connections_makes_deaf() {
    let case = telling_laxly(coming(empty(0), FIRST), Laxity::Youth);
    refute("a young connection is forgotten", "DEAF", &case.law(reached).explore());
}

#[test]
fn forgetting_any_connection_for_one_that_is_gone_makes_deaf() {
    let case = telling_laxly(coming(long_since_open(0), SECOND), Laxity::Connection);
    refute("any connection is forgotten", "DEAF", &case.law(reached).explore());
}

/// Who listens is read first, and then the inbox is written.
#[test]
fn looking_before_writing_tells_nobody() {
    let case = coming(empty(0), FIRST).actor("the fan-out of 1", 1, |line| async move {
        let (store, users) = (Checked::new(&line), [person("bob")]);
        let Ok(listening) = store.of(&users).await else { return Outcome::Failed };
        let Ok(tail) = store.tail(&users[0]).await else { return Outcome::Failed };
        let entry = message(1);
        let told = |position| InboxEntry::of(&entry, &tea(), position, NOW.plus(limits::DAY_MS));
        let Ok(position) = deliver(&store, &Immediately, &users[0], &tail, told).await else {
            return Outcome::Failed;
        };
        for device in listening.into_iter().flat_map(|(_, devices)| devices) {
            let (conversation, entry) = (tea(), Box::new(entry.clone()));
            let (position, own) = (Some(position), Vec::new());
            let notice = push::Notice::Message { conversation, entry, position, own };
            Gateway(line.clone()).post(&device.connection, &notice).await.unwrap();
        }
        Outcome::Complete(1)
    });
    refute("the registry is read before the inbox", "NOT TOLD", &case.law(reached).explore());
}

/// The inbox is read first, and then the device registers.
#[test]
fn syncing_before_registering_misses() {
    let case = telling(empty(0), 1, 1).actor("the phone on first", 1, |line| async move {
        let store = Checked::new(&line);
        let page = store.after(&person("bob"), Seq::ZERO, limits::PAGE_ENTRIES_MAX).await;
        let Ok(page) = page else { return Outcome::Failed };
        let told: BTreeSet<_> = page.entries.iter().map(|entry| entry.seq.number()).collect();
        if !arrive(&line, &store, FIRST, DevicePolicy::default()).await {
            return Outcome::Gone;
        }
        let synced = line.call(Effect::Sure, "goes on", (), |_: &mut Harbor| ()).await;
        synced.map_or(Outcome::Failed, |()| Outcome::Synced(FIRST, told))
    });
    refute("a sync before the registration", "NOT TOLD", &case.law(reached).explore());
}

/// The author's inbox is written first.
#[test]
fn marking_before_telling_marks_too_much() {
    let case = empty(0).actor("the fan-out of 1", 1, |line| async move {
        let store = Checked::new(&line);
        for user in ["ada", "bob"].map(person) {
            let Ok(tail) = store.tail(&user).await else { return Outcome::Failed };
            let entry = message(1);
            let told = |at| InboxEntry::of(&entry, &tea(), at, NOW.plus(limits::DAY_MS));
            if deliver(&store, &Immediately, &user, &tail, told).await.is_err() {
                return Outcome::Failed;
            }
        }
        Outcome::Complete(1)
    });
    refute("the marker is written first", "MARKED BUT UNTOLD", &case.law(marked).explore());
}

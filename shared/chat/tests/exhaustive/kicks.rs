//! Two devices of which there is room for one.

use chat::{Clock, DevicePolicy, PerPlatform};
use push::{Notice, Push};
use store::explorer::{Checked, Explorer, Line, Scene, Violation};
use store::{Connections, Eviction, Registered};
use timeline::exchange::KickReason;
use timeline::{Timestamp, limits};

use crate::harbor::{
    Arrival, At, Case, Gateway, Harbor, KEPT, Outcome, connect_and_sync, fan_out, leave, listening,
    lose, person, reached, refute, registered, require,
};

const NOW: Timestamp = Timestamp(KEPT.0 + 2 * limits::FAN_OUT_PATIENCE_MS);

const PHONE: Arrival = Arrival { device: "phone", name: "first", at: Timestamp(NOW.0 - 2_000) };
const TABLET: Arrival = Arrival { device: "tablet", name: "second", at: Timestamp(NOW.0 - 1_000) };

const ONE: DevicePolicy = DevicePolicy { devices_max: 1, per_platform: PerPlatform::Any };

fn coming(case: Case, arrival: Arrival) -> Case {
    case.actor(&format!("the {}", arrival.device), 1, move |line| async move {
        let store = Checked::new(&line);
        connect_and_sync(line, &store, arrival, ONE).await
    })
}

fn both(faults: u8) -> Case {
    coming(coming(Explorer::new(Harbor::default(), faults), PHONE), TABLET)
}

fn telling(case: Case) -> Case {
    case.actor("the fan-out of 1", 1, |line| async move {
        fan_out(&line, &Checked::new(&line), 1, NOW).await
    })
}

/// Law: no device is told that it was kicked while its connection is registered.
fn told_afterwards(scene: &Scene<'_, Harbor, Outcome>) -> Result<(), Violation> {
    for arrival in [PHONE, TABLET] {
        let wire = scene.world.lines.get(&arrival.connection());
        let own = registered(scene.world, &arrival.device());
        let is_registered = own.is_some_and(|own| own.connection == arrival.connection());
        if is_registered && wire.is_some_and(|wire| wire.is_kicked) {
            return Err(Violation::new("KICKED BUT REGISTERED", arrival.name));
        }
    }
    Ok(())
}

/// Law where nothing is lost: of two that have come one is registered.
fn one_stays(scene: &Scene<'_, Harbor, Outcome>) -> Result<(), Violation> {
    let (count, is_over) = (listening(scene.world).len(), scene.outcomes.len() == 2);
    if is_over && count != 1 {
        return Err(Violation::new("NOT ONE", format!("{count} are registered")));
    }
    Ok(())
}

#[test]
fn of_two_that_come_at_once_one_stays() {
    let report = both(0).law(reached).law(told_afterwards).law(one_stays).explore();
    require("two devices for one place", 400, &report);
}

#[test]
fn who_is_not_evicted_is_reached() {
    let report = telling(both(1)).law(reached).law(told_afterwards).explore();
    require("two devices for one place, and a fan-out, 1 lost", 100_000, &report);
    let case = telling(both(0)).actor("the end of first", 1, |line| async move {
        leave(&line, &Checked::new(&line), PHONE).await
    });
    let report = case.law(reached).law(told_afterwards).explore();
    require("two devices for one place, one of them leaves, and a fan-out", 100_000, &report);
}

/// The device is told, and then it is evicted.
#[test]
fn telling_before_evicting_kicks_who_is_registered() {
    let case = coming(Explorer::new(Harbor::default(), 0), PHONE);
    let case = case.actor("the tablet", 1, |line: Line<Harbor>| async move {
        let (store, gateway, bob) = (Checked::new(&line), Gateway(line.clone()), person("bob"));
        let newcomer = TABLET.registration();
        let registered = store.register(&bob, &newcomer).await;
        let Ok(Registered { others, tombstones, .. }) = registered else { return Outcome::Failed };
        for evicted in &others {
            let kicked = Notice::Kicked { reason: KickReason::Limit };
            gateway.post(&evicted.connection, &kicked).await.unwrap();
            let (tombstones, now) = (&*tombstones, At(NOW).now());
            let eviction = Eviction { evicted, newcomer: &newcomer, tombstones, now };
            if store.evict(&bob, eviction).await.is_err() {
                return Outcome::Failed;
            }
        }
        lose(&line, TABLET).await
    });
    let report = case.law(told_afterwards).explore();
    refute("told before it is evicted", "KICKED BUT REGISTERED", &report);
}

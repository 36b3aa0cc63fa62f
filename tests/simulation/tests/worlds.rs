//! Worlds in which everything goes wrong that may: a few here, by the thousand in `simulate`.

use std::thread;

use simulation::{Climate, Outcome, Trace, simulate};

/// How many worlds of each climate.
const WORLDS: u64 = 60;

/// Worlds of a climate, on two threads.
fn worlds(climate: Climate) -> Vec<Outcome> {
    thread::scope(|scope| {
        let halves = [0, 1].map(|half| {
            scope.spawn(move || {
                let seeds = (0..WORLDS).filter(|seed| seed % 2 == half);
                seeds.map(|seed| (seed, simulate(seed, climate, Trace::default()))).collect()
            })
        });
        let worlds: Vec<(u64, Outcome)> = halves
            .into_iter()
            .flat_map(|half| -> Vec<_> { half.join().expect("a half of the worlds") })
            .collect();
        let broken = worlds.iter().filter(|(_, outcome)| !outcome.violations.is_empty());
        let broken: Vec<_> = broken.map(|(seed, outcome)| (seed, &outcome.violations)).collect();
        let name = climate.name();
        assert!(
            broken.is_empty(),
            "replay with simulate --climate {name} --first SEED --seeds 1 --trace: {broken:#?}"
        );
        worlds.into_iter().map(|(_, outcome)| outcome).collect()
    })
}

#[test]
fn nothing_is_lost_when_nothing_goes_wrong() {
    let worlds = worlds(Climate::Calm);
    assert_eq!(worlds.iter().map(|outcome| outcome.kills).sum::<u64>(), 0);
}

#[test]
fn nothing_is_lost_when_everything_goes_wrong() {
    let worlds = worlds(Climate::Full);
    // Worlds in which nothing of the kind happens would prove nothing.
    let count = |is: fn(&Outcome) -> bool| worlds.iter().filter(|outcome| is(outcome)).count();
    let large = count(|outcome| outcome.large);
    assert!((10..=50).contains(&large), "{large} large groups");
    assert!(count(|outcome| outcome.kills >= 2) >= 30);
    assert!(count(|outcome| outcome.unread > 0) >= 30);
    assert!(count(|outcome| outcome.recalled > 0) >= 30);
    assert!(count(|outcome| outcome.stays > 4) >= 5, "nobody comes back");
    assert!(count(|outcome| outcome.kept >= 15) >= 50);
}

#[test]
fn nothing_is_lost_when_requests_fail_often() {
    let worlds = worlds(Climate::Harsh);
    assert!(worlds.iter().map(|outcome| outcome.kills).sum::<u64>() > 10 * WORLDS);
}

#[test]
fn pushes_alone_bring_everything_to_who_stays_connected() {
    worlds(Climate::NoPing);
}

#[test]
fn inboxes_may_expire_while_devices_are_away() {
    worlds(Climate::Expiry);
}

#[test]
fn a_seed_makes_the_same_run_to_the_byte() {
    for climate in Climate::ALL {
        for seed in 0..3 {
            let (one, other) = (
                simulate(seed, climate, Trace::default()),
                simulate(seed, climate, Trace::default()),
            );
            assert_eq!(one, other, "{} {seed}", climate.name());
        }
        let digest = |seed| simulate(seed, climate, Trace::default()).digest;
        assert_ne!(digest(0), digest(1), "{}", climate.name());
    }
}

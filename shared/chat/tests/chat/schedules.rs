//! Random schedules of two people on three devices: calls that interleave, crash and are repeated,
//! devices that sync now and then or not for weeks. Once everything was repeated and every device
//! has caught up, each has exactly the timeline.

use std::collections::BTreeMap;
use std::pin::Pin;
use std::task::{Context, Waker};

use proptest::prelude::*;
use timeline::exchange::{Caller, Catchup, Outgoing, Part};
use timeline::{MessageId, Seq, Timestamp, limits};

use crate::sync::listed_tails;
use crate::town::{Town, direct, from, lookup, message, run, text};

/// More pages than any device of a test has to read.
const PAGES_MAX: usize = 1_000;

/// One step of a schedule. Devices and calls are taken modulo how many there are.
#[derive(Clone, Debug)]
enum Step {
    /// A device composes a message and begins its first call.
    Compose(usize),
    /// A message that was composed is called for again.
    Repeat(usize),
    /// A call goes on for so many polls.
    Poll(usize, usize),
    /// A call ends where it stands.
    Crash(usize),
    /// A device reads one page.
    Sync(usize, usize),
    /// Days pass, and the database takes away what has expired.
    Days(u64),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => any::<usize>().prop_map(Step::Compose),
        3 => any::<usize>().prop_map(Step::Repeat),
        8 => (any::<usize>(), 1..8_usize).prop_map(|(call, polls)| Step::Poll(call, polls)),
        2 => any::<usize>().prop_map(Step::Crash),
        4 => (any::<usize>(), 1..4_usize).prop_map(|(device, limit)| Step::Sync(device, limit)),
        1 => (1..20_u64).prop_map(Step::Days),
    ]
}

/// A device as far as these tests need one: where it stands and what it knows.
struct Device {
    caller: Caller,
    cursor: Option<Seq>,
    seen: Option<Timestamp>,
    messages: BTreeMap<Seq, MessageId>,
}

impl Device {
    /// The highest sequence that it knows.
    fn base(&self) -> u64 {
        self.messages.keys().next_back().map_or(0, |seq| seq.number())
    }

    /// Reads one page, and after a reset the whole conversation. Whether there is more.
    fn sync(&mut self, town: &Town, limit: usize) -> bool {
        let catchup = Catchup { cursor: self.cursor, seen: self.seen, limit, ..from(None) };
        let caught = town.sync(&self.caller, catchup);
        (self.cursor, self.seen) = (Some(caught.cursor), Some(caught.seen));
        for entry in &caught.entries {
            let before = self.messages.insert(entry.seq, entry.id);
            assert!(before.is_none_or(|id| id == entry.id), "{} changed", entry.seq);
        }
        // One without a message may be listed and not made: there is nothing to read in it yet.
        let filled = listed_tails(&caught).into_iter().filter(|(_, tail)| *tail > Seq::ZERO);
        for (conversation, tail) in filled {
            let found = town.history(&self.caller, lookup(&conversation, Part::Newest, 100));
            let found = found.unwrap();
            assert!(found.last >= tail && !found.more);
            self.messages.extend(found.entries.iter().map(|entry| (entry.seq, entry.id)));
        }
        caught.more
    }

    fn catch_up(&mut self, town: &Town) {
        let more = (0..PAGES_MAX).find(|_| !self.sync(town, limits::PAGE_ENTRIES_MAX));
        assert!(more.is_some(), "the inbox never ends");
    }
}

/// A message as its device keeps it until it is acknowledged.
struct Composed {
    caller: Caller,
    outgoing: Outgoing,
}

type Call<'a> = Pin<Box<dyn Future<Output = Result<(), chat::Error>> + 'a>>;

fn play(schedule: Vec<Step>) {
    let town = Town::new();
    let online = |(user, name)| Device {
        caller: town.online(user, name),
        cursor: None,
        seen: None,
        messages: BTreeMap::new(),
    };
    let mut devices = [("alice", "desk"), ("alice", "phone"), ("bob", "phone")].map(online);
    let mut composed = Vec::new();
    let mut calls: Vec<Call<'_>> = Vec::new();
    for step in schedule {
        match step {
            Step::Compose(device) => {
                let device = &devices[device % devices.len()];
                let message = compose(device, composed.len() as u64 + 1);
                calls.push(call(&town, &message));
                composed.push(message);
            }
            Step::Repeat(index) if !composed.is_empty() => {
                calls.push(call(&town, &composed[index % composed.len()]));
            }
            Step::Poll(index, polls) if !calls.is_empty() => go_on(&mut calls, index, polls),
            Step::Crash(index) if !calls.is_empty() => {
                drop(calls.swap_remove(index % calls.len()));
            }
            Step::Repeat(_) | Step::Poll(..) | Step::Crash(_) => {}
            Step::Sync(device, limit) => {
                devices[device % 3].sync(&town, limit);
            }
            Step::Days(days) => {
                // No call lives for a day.
                calls.clear();
                town.wait(days * limits::DAY_MS);
                run(town.store.expire(chat::Clock::now(&town.dial)));
            }
        }
    }
    drop(calls);
    for message in &composed {
        run(call(&town, message)).expect("a repeat that nothing disturbs");
    }
    require_everything(&town, &mut devices, composed.len());
}

fn compose(device: &Device, number: u64) -> Composed {
    let to = if device.caller.user.as_str() == "alice" { "bob" } else { "alice" };
    let outgoing = text(to, number, Some(device.base()));
    Composed { caller: device.caller.clone(), outgoing }
}

fn call<'a>(town: &'a Town, message: &Composed) -> Call<'a> {
    let (caller, outgoing) = (message.caller.clone(), message.outgoing.clone());
    Box::pin(async move { town.attempt(&caller, outgoing).await })
}

fn go_on(calls: &mut Vec<Call<'_>>, index: usize, polls: usize) {
    let index = index % calls.len();
    let mut context = Context::from_waker(Waker::noop());
    for _ in 0..polls {
        if calls[index].as_mut().poll(&mut context).is_ready() {
            drop(calls.swap_remove(index));
            return;
        }
    }
}

/// Every message stands once on a dense timeline, and every device has that timeline.
fn require_everything(town: &Town, devices: &mut [Device], count: usize) {
    let entries = town.entries(&direct("alice", "bob"));
    let timeline: BTreeMap<_, _> = entries.iter().map(|entry| (entry.seq, entry.id)).collect();
    assert!((1..).zip(timeline.keys()).all(|(number, seq)| number == seq.number()));
    let mut ids: Vec<_> = timeline.values().copied().collect();
    ids.sort_unstable();
    assert_eq!(ids, (1..=count as u64).map(message).collect::<Vec<_>>());
    for device in devices {
        device.catch_up(town);
        assert_eq!(device.messages, timeline, "{}", device.caller.connection);
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 1_000,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn every_device_ends_with_the_timeline(
        schedule in proptest::collection::vec(step(), 1..60)
    ) {
        play(schedule);
    }
}

//! Who has to go when a device comes, and what a cut leaves behind.

use std::pin::pin;
use std::task::{Context, Waker};

use async_trait::async_trait;
use chat::{ConnectPorts, DevicePolicy, Error, PerPlatform};
use store::{Connections, Eviction, Registered, Registration};
use timeline::exchange::Caller;
use timeline::{ConnectionId, DeviceId, Platform, Timestamp, UserId, limits};

use crate::telling::Silent;
use crate::town::{Town, again, caller, from, poll, run, text};

/// One device of each platform.
const ONE: DevicePolicy =
    DevicePolicy { devices_max: limits::DEVICES_DEFAULT, per_platform: PerPlatform::One };

/// At most two devices.
const TWO: DevicePolicy = DevicePolicy { devices_max: 2, per_platform: PerPlatform::Any };

async fn arrive(town: &Town, policy: DevicePolicy, caller: &Caller) -> Result<(), Error> {
    chat::connect(ConnectPorts { policy, ..town.connect_ports() }, caller).await
}

/// Bob's device of a platform, or of none, connected now.
fn on(town: &Town, device: &str, platform: &str) -> Caller {
    let platform = Some(platform).filter(|platform| !platform.is_empty());
    let platform = platform.map(|platform| Platform::parse(platform).unwrap());
    Caller { platform, connected: chat::Clock::now(&town.dial), ..caller("bob", device) }
}

/// Bob's devices come one after the other, a second apart; the last one.
fn come(town: &Town, policy: DevicePolicy, devices: &[(&str, &str)]) -> Caller {
    let mut last = None;
    for (device, platform) in devices {
        town.wait(1_000);
        let device = on(town, device, platform);
        run(arrive(town, policy, &device)).unwrap();
        last = Some(device);
    }
    last.expect("some device comes")
}

#[test]
fn a_second_device_of_a_platform_kicks_the_first_and_others_stay() {
    let town = Town::new();
    come(&town, ONE, &[("phone", "ios"), ("laptop", "web")]);
    assert_eq!(town.told(), [""; 0]);
    come(&town, ONE, &[("phone2", "ios")]);
    assert_eq!(town.told(), ["bob/phone: kicked for Platform", "bob/phone: closed"]);
    assert_eq!(town.listening("bob"), ["bob/laptop", "bob/phone2"]);
}

#[test]
fn any_number_of_a_platform_may_be_online_where_the_policy_says_so() {
    let town = Town::new();
    come(&town, DevicePolicy::default(), &[("phone", "ios"), ("phone2", "ios")]);
    assert_eq!(town.told(), [""; 0]);
    assert_eq!(town.listening("bob"), ["bob/phone", "bob/phone2"]);
}

#[test]
fn devices_that_name_no_platform_are_of_none() {
    let town = Town::new();
    come(&town, ONE, &[("one", ""), ("other", ""), ("phone", "ios")]);
    assert_eq!(town.told(), [""; 0]);
    assert_eq!(town.listening("bob"), ["bob/one", "bob/other", "bob/phone"]);
}

#[test]
fn a_device_that_connects_again_is_not_kicked_by_itself() {
    let town = Town::new();
    let phone = come(&town, ONE, &[("phone", "ios")]);
    run(arrive(&town, ONE, &again(&phone, "bob/phone/2", 1))).unwrap();
    assert_eq!(town.told(), ["bob/phone: closed"]);
    assert_eq!(town.listening("bob"), ["bob/phone/2"]);
}

#[test]
fn one_too_many_kicks_the_one_that_was_there_longest() {
    let town = Town::new();
    // The order of their names is not the order in which they came.
    come(&town, TWO, &[("b", ""), ("c", ""), ("a", "")]);
    assert_eq!(town.told(), ["bob/b: kicked for Limit", "bob/b: closed"]);
    come(&town, TWO, &[("d", "")]);
    assert_eq!(town.told(), ["bob/c: kicked for Limit", "bob/c: closed"]);
    assert_eq!(town.listening("bob"), ["bob/a", "bob/d"]);
}

#[test]
fn the_default_is_five_devices() {
    let town = Town::new();
    let devices = ["a", "b", "c", "d", "e", "f"].map(|device| (device, ""));
    come(&town, DevicePolicy::default(), &devices[..5]);
    assert_eq!(town.told(), [""; 0]);
    come(&town, DevicePolicy::default(), &devices[5..]);
    assert_eq!(town.told(), ["bob/a: kicked for Limit", "bob/a: closed"]);
}

#[test]
fn who_goes_for_their_platform_makes_room_for_another() {
    let town = Town::new();
    let policy = DevicePolicy { per_platform: PerPlatform::One, ..TWO };
    come(&town, policy, &[("laptop", "web"), ("phone", "ios"), ("phone2", "ios")]);
    assert_eq!(town.told(), ["bob/phone: kicked for Platform", "bob/phone: closed"]);
    assert_eq!(town.listening("bob"), ["bob/laptop", "bob/phone2"]);
}

#[test]
fn several_go_at_once_where_a_policy_became_stricter() {
    let town = Town::new();
    come(&town, DevicePolicy::default(), &[("a", "ios"), ("b", ""), ("c", ""), ("d", "ios")]);
    let policy = DevicePolicy { per_platform: PerPlatform::One, ..TWO };
    come(&town, policy, &[("e", "ios")]);
    let mut kicked: Vec<_> = town.told().into_iter().filter(|line| line.contains("for")).collect();
    kicked.sort();
    let expected =
        ["bob/a: kicked for Platform", "bob/b: kicked for Limit", "bob/d: kicked for Platform"];
    assert_eq!(kicked, expected);
    assert_eq!(town.listening("bob"), ["bob/c", "bob/e"]);
}

#[test]
fn a_kicked_devices_token_is_dead_and_a_newer_one_is_not() {
    let town = Town::new();
    let phone = on(&town, "phone", "ios");
    run(arrive(&town, ONE, &phone)).unwrap();
    come(&town, ONE, &[("phone2", "ios")]);
    town.told();
    let back = again(&phone, "bob/phone/2", 5_000);
    let error = run(arrive(&town, ONE, &back)).unwrap_err();
    assert!(matches!(error, Error::Kicked), "{error:?}");
    assert_eq!(town.told(), [""; 0], "who is refused kicks nobody");
    run(arrive(&town, ONE, &Caller { expires: phone.expires.plus(1), ..back })).unwrap();
    assert_eq!(town.told(), ["bob/phone2: kicked for Platform", "bob/phone2: closed"]);
    assert_eq!(town.listening("bob"), ["bob/phone/2"]);
}

#[test]
fn what_is_dead_is_kicked_by_nobody_and_counts_for_nothing() {
    let lives = [
        ("its token has expired", 1_000, 1_000),
        ("its connection is too old", limits::DAY_MS, limits::CONNECTION_MS_MAX),
    ];
    for (why, life, age) in lives {
        let town = Town::new();
        let desk = on(&town, "desk", "web");
        let desk = Caller { expires: desk.connected.plus(life), ..desk };
        run(arrive(&town, TWO, &desk)).unwrap();
        town.wait(age - 1);
        let expires = desk.connected.plus(limits::DAY_MS);
        let phone = Caller { expires, ..on(&town, "phone", "ios") };
        run(arrive(&town, TWO, &phone)).unwrap();
        town.wait(1);
        let policy = DevicePolicy { per_platform: PerPlatform::One, ..TWO };
        run(arrive(&town, policy, &Caller { expires, ..on(&town, "tablet", "web") })).unwrap();
        assert_eq!(town.told(), [""; 0], "{why}");
        assert_eq!(town.listening("bob"), ["bob/phone", "bob/tablet"], "{why}");
        // It was not kicked: the same token would come back, if it were good.
        run(arrive(&town, DevicePolicy::default(), &again(&desk, "bob/desk/2", age))).unwrap();
    }
}

#[test]
fn what_is_dead_is_left_alone_while_there_is_room() {
    let town = Town::new();
    let desk = on(&town, "desk", "web");
    run(arrive(&town, TWO, &Caller { expires: desk.connected.plus(1), ..desk })).unwrap();
    come(&town, TWO, &[("phone", "")]);
    assert_eq!(town.listening("bob"), ["bob/desk", "bob/phone"]);
}

#[test]
fn what_still_lives_by_a_millisecond_is_kicked() {
    let town = Town::new();
    let desk = on(&town, "desk", "web");
    run(arrive(&town, ONE, &Caller { expires: desk.connected.plus(1_001), ..desk })).unwrap();
    come(&town, ONE, &[("laptop", "web")]);
    assert_eq!(town.told(), ["bob/desk: kicked for Platform", "bob/desk: closed"]);
}

/// It can be neither told nor closed: it opens a moment later, syncs, and finds out.
#[test]
fn a_kicked_connection_that_was_still_opening_ends_with_its_first_sync() {
    let town = Town::new();
    let phone = come(&town, ONE, &[("phone", "ios")]);
    town.tape.lose(&phone.connection);
    come(&town, ONE, &[("phone2", "ios")]);
    let told = town.told();
    assert!(!told.contains(&"bob/phone: kicked for Platform".to_owned()), "{told:?}");
    for cursor in [None, Some(0)] {
        let error = run(town.syncing(&phone, from(cursor))).unwrap_err();
        assert!(matches!(error, Error::Replaced), "{error:?}");
    }
}

#[test]
fn nothing_is_pushed_to_a_kicked_device_that_is_still_connected() {
    let town = Town::new();
    come(&town, ONE, &[("phone", "ios")]);
    town.wait(1_000);
    let second = on(&town, "phone2", "ios");
    run(chat::connect(
        ConnectPorts { policy: ONE, push: &Silent, ..town.connect_ports() },
        &second,
    ))
    .unwrap();
    assert_eq!(town.told(), [""; 0]);
    let told = town.send(&caller("alice", "desk"), text("bob", 1, Some(0)));
    assert_eq!(told, ["alice/desk: kept 1", "bob/phone2: 1=1 by alice"]);
}

/// A registry whose evictions and removals fail.
struct Stubborn<'a>(&'a Town);

#[async_trait]
impl Connections for Stubborn<'_> {
    async fn register(
        &self,
        user: &UserId,
        registration: &Registration,
    ) -> Result<Registered, store::Error> {
        self.0.store.register(user, registration).await
    }

    async fn evict(&self, _: &UserId, _: Eviction<'_>) -> Result<bool, store::Error> {
        Err(store::Error::Contended)
    }

    async fn unregister(
        &self,
        _: &UserId,
        _: &DeviceId,
        _: &ConnectionId,
        _: Option<Timestamp>,
    ) -> Result<(), store::Error> {
        Err(store::Error::Contended)
    }

    async fn signals(
        &self,
        _: &UserId,
        _: &DeviceId,
        _: &ConnectionId,
        _: Timestamp,
        _: u64,
    ) -> Result<bool, store::Error> {
        Err(store::Error::Contended)
    }

    async fn of(&self, users: &[UserId]) -> Result<Vec<(UserId, Vec<Registration>)>, store::Error> {
        self.0.store.of(users).await
    }
}

#[test]
fn a_device_that_cannot_be_evicted_is_not_told_and_goes_with_the_next_that_comes() {
    let town = Town::new();
    let dead = on(&town, "dead", "");
    run(arrive(&town, TWO, &Caller { expires: dead.connected.plus(1), ..dead })).unwrap();
    come(&town, ONE, &[("phone", "ios")]);
    town.wait(1_000);
    let policy = DevicePolicy { per_platform: PerPlatform::One, ..TWO };
    let stubborn = Stubborn(&town);
    let ports = ConnectPorts { connections: &stubborn, policy, ..town.connect_ports() };
    run(chat::connect(ports, &on(&town, "phone2", "ios"))).unwrap();
    assert_eq!(town.told(), [""; 0]);
    assert_eq!(town.listening("bob"), ["bob/dead", "bob/phone", "bob/phone2"]);
    come(&town, policy, &[("laptop", "web")]);
    assert_eq!(town.told(), ["bob/phone: kicked for Limit", "bob/phone: closed"]);
    assert_eq!(town.listening("bob"), ["bob/laptop", "bob/phone2"]);
}

/// A town where Bob's phone, tablet and desk are online, and another phone comes: of the platform
/// that the first two are of.
fn crowded() -> (Town, Caller) {
    let town = Town::new();
    come(&town, DevicePolicy::default(), &[("phone", "ios"), ("tablet", "ios"), ("desk", "web")]);
    town.wait(1_000);
    let newcomer = on(&town, "phone2", "ios");
    (town, newcomer)
}

/// The newcomer and the desk are registered, and the tokens of the others are dead.
fn require_settled(town: &Town, newcomer: &str, case: &str) {
    assert_eq!(town.listening("bob"), ["bob/desk", newcomer], "{case}");
    for device in ["phone", "tablet"] {
        let back = again(&caller("bob", device), &format!("bob/{device}/again"), 60_000);
        let error = run(arrive(town, ONE, &back)).unwrap_err();
        assert!(matches!(error, Error::Kicked), "{device}, {case}: {error:?}");
    }
}

/// It leaves, or comes back, after the newcomer was registered and before it is evicted.
#[test]
fn a_device_that_moves_meanwhile_is_not_kicked() {
    for comes_back in [false, true] {
        let town = Town::new();
        let phone = come(&town, ONE, &[("phone", "ios")]);
        let newcomer = on(&town, "phone2", "ios");
        let mut arriving = pin!(arrive(&town, ONE, &newcomer));
        let mut context = Context::from_waker(Waker::noop());
        while !town.listening("bob").contains(&"bob/phone2".to_owned()) {
            assert!(arriving.as_mut().poll(&mut context).is_pending());
        }
        let back = again(&phone, "bob/phone/2", 1);
        if comes_back {
            run(arrive(&town, DevicePolicy::default(), &back)).unwrap();
        } else {
            town.disconnect(&phone);
        }
        town.told();
        run(arriving).unwrap();
        assert_eq!(town.told(), [""; 0], "comes back: {comes_back}");
        run(arrive(&town, DevicePolicy::default(), &back)).unwrap();
        assert_eq!(town.listening("bob"), ["bob/phone/2", "bob/phone2"]);
    }
}

#[test]
fn a_handshake_that_ends_at_any_await_is_finished_by_the_next() {
    let mut polls = 0;
    loop {
        let (town, newcomer) = crowded();
        let done = poll(arrive(&town, ONE, &newcomer), polls).is_some();
        for line in town.told() {
            let connection = line.split(':').next().unwrap().to_owned();
            assert!(!town.listening("bob").contains(&connection), "{line} after {polls} polls");
        }
        // A handshake that was cut is refused, so the device connects anew.
        run(arrive(&town, ONE, &again(&newcomer, "bob/phone2/2", 1_000))).unwrap();
        require_settled(&town, "bob/phone2/2", &format!("cut after {polls} polls"));
        if done {
            break;
        }
        polls += 1;
    }
    assert!(polls >= 2, "only {polls} awaits were met");
}

#[test]
fn a_handshake_that_goes_on_after_its_repeat_changes_nothing() {
    for polls in 0.. {
        let (town, newcomer) = crowded();
        let mut stalled = pin!(arrive(&town, ONE, &newcomer));
        let mut context = Context::from_waker(Waker::noop());
        let done = (0..polls).any(|_| stalled.as_mut().poll(&mut context).is_ready());
        run(arrive(&town, ONE, &newcomer)).unwrap();
        if done {
            assert!(polls >= 2, "only {polls} awaits were met");
            return;
        }
        run(stalled).unwrap();
        require_settled(&town, "bob/phone2", &format!("stalled after {polls} polls"));
    }
}

/// Of two that come at once and may not both stay, the one that was registered last does.
#[test]
fn of_two_newcomers_at_once_exactly_one_stays() {
    for head_start in 0..8 {
        let town = Town::new();
        let (one, other) = (on(&town, "phone", "ios"), on(&town, "tablet", "ios"));
        let mut first = pin!(arrive(&town, ONE, &one));
        let mut second = pin!(arrive(&town, ONE, &other));
        let mut context = Context::from_waker(Waker::noop());
        let mut done = [false; 2];
        for turn in 0..64 {
            if !done[0] && (turn < head_start || turn % 2 == 0) {
                done[0] = first.as_mut().poll(&mut context).is_ready();
            }
            if !done[1] && turn >= head_start {
                done[1] = second.as_mut().poll(&mut context).is_ready();
            }
        }
        assert_eq!(done, [true; 2]);
        assert_eq!(town.listening("bob").len(), 1, "head start {head_start}");
    }
}

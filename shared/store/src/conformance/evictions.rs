//! What the registry promises about devices that have to go.

use timeline::{Platform, Timestamp, limits};

use super::registry::{listening, registration};
use super::{NOW, Store, user};
use crate::connections::{Eviction, Registered, Registration, Tombstone};
use crate::error::Error;

async fn register(store: &impl Store, registration: &Registration) -> Registered {
    store.register(&user("ada"), registration).await.expect("a registration")
}

/// Lets one of Ada's devices go for another that came after it; whether it is out.
async fn evict_at(
    store: &impl Store,
    evicted: &Registration,
    tombstones: &[Tombstone],
    now: Timestamp,
) -> bool {
    let newcomer = registration("newcomer", "c-new", evicted.connected.since(NOW) + 2_000);
    let eviction = Eviction { evicted, newcomer: &newcomer, tombstones, now };
    store.evict(&user("ada"), eviction).await.expect("an eviction")
}

async fn evict(store: &impl Store, evicted: &Registration) -> bool {
    evict_at(store, evicted, &[], NOW).await
}

/// The same device on another connection, whose token expires then. It is made when the newcomer of
/// [`evict_at`] was, so that each finds the other's row as old as its own.
fn again(before: &Registration, connection: &str, expires: Timestamp) -> Registration {
    let device = before.device.as_str();
    let connected = before.connected.since(NOW) + 2_000;
    Registration { expires, ..registration(device, connection, connected) }
}

/// Ada's tombstones, as the registration of one more device meets them.
async fn tombstones(store: &impl Store) -> Vec<Tombstone> {
    let witness = registration("witness", "c-witness", 1_000);
    register(store, &witness).await.tombstones
}

/// A registration meets the user's other devices, whole, and nobody else's.
pub async fn a_registration_tells_who_else_is_registered(store: &impl Store) {
    let desk = registration("desk", "c1", 1_000);
    let platform = Platform::parse("ios").expect("a platform");
    let phone = Registration { platform: Some(platform), ..registration("phone", "c2", 2_000) };
    assert_eq!(register(store, &phone).await.others, []);
    assert_eq!(register(store, &desk).await.others, std::slice::from_ref(&phone));
    let tablet = registration("tablet", "c3", 3_000);
    for _ in 0..2 {
        let registered = register(store, &tablet).await;
        assert_eq!(registered.others, [desk.clone(), phone.clone()]);
        assert_eq!(registered.tombstones, []);
    }
    let other = store.register(&user("bob"), &desk).await.expect("a registration");
    assert_eq!(other.others, []);
    assert_eq!(listening(store, "ada").await, [desk, phone, tablet]);
}

/// Nothing is pushed to an evicted device, and neither its token nor an older one brings it back.
pub async fn an_evicted_device_is_out_and_its_token_is_dead(store: &impl Store) {
    let (desk, phone) = (registration("desk", "c1", 1_000), registration("phone", "c2", 2_000));
    register(store, &desk).await;
    register(store, &phone).await;
    assert!(evict(store, &desk).await);
    assert_eq!(listening(store, "ada").await, std::slice::from_ref(&phone));
    for expires in [desk.expires, Timestamp(desk.expires.0 - 1)] {
        let back = store.register(&user("ada"), &again(&desk, "c3", expires)).await;
        assert!(matches!(back, Err(Error::Kicked)), "{back:?}");
    }
    let same = store.register(&user("ada"), &desk).await;
    assert!(matches!(same, Err(Error::Kicked)), "{same:?}");
    assert_eq!(listening(store, "ada").await, [phone]);
}

/// A token that was issued later lets the device in, and the tombstone has done its work.
pub async fn a_newer_login_comes_back_and_clears_its_tombstone(store: &impl Store) {
    let desk = registration("desk", "c1", 1_000);
    register(store, &desk).await;
    assert!(evict(store, &desk).await);
    let left = Tombstone { device: desk.device.clone(), expires: desk.expires };
    assert_eq!(tombstones(store).await, [left]);
    let back = again(&desk, "c2", desk.expires.plus(1));
    let registered = register(store, &back).await;
    assert_eq!((registered.replaced, registered.tombstones), (None, Vec::new()));
    assert_eq!(tombstones(store).await, []);
    let older = again(&back, "c3", desk.expires);
    assert_eq!(register(store, &older).await.replaced, Some(back.connection));
}

/// Of two devices and two users with the same names each is on its own.
pub async fn a_tombstone_is_of_one_device_of_one_user(store: &impl Store) {
    let desk = registration("desk", "c1", 1_000);
    register(store, &desk).await;
    store.register(&user("bob"), &desk).await.expect("a registration");
    assert!(evict(store, &desk).await);
    register(store, &Registration { expires: desk.expires, ..registration("desk2", "c2", 1_000) })
        .await;
    store.register(&user("bob"), &desk).await.expect("a registration");
    assert_eq!(listening(store, "bob").await, [desk]);
}

/// A device that has connected again since is another newcomer, and stays.
pub async fn an_eviction_spares_a_newer_connection(store: &impl Store) {
    let desk = registration("desk", "c1", 1_000);
    register(store, &desk).await;
    let newer = again(&desk, "c2", desk.expires);
    register(store, &newer).await;
    assert!(!evict(store, &desk).await);
    assert_eq!(listening(store, "ada").await, std::slice::from_ref(&newer));
    assert_eq!(tombstones(store).await, []);
}

/// A device that had left is not kicked, and its token stays good.
pub async fn an_eviction_of_nobody_leaves_nothing(store: &impl Store) {
    let desk = registration("desk", "c1", 1_000);
    assert!(!evict(store, &desk).await);
    register(store, &desk).await;
    store.unregister(&user("ada"), &desk.device, &desk.connection, None).await.expect("a removal");
    assert!(!evict(store, &desk).await);
    assert_eq!(tombstones(store).await, []);
    register(store, &desk).await;
}

/// An eviction whose answer was lost is repeated, and still knows that it was made.
pub async fn evicting_again_is_the_same_answer(store: &impl Store) {
    let (desk, phone) = (registration("desk", "c1", 1_000), registration("phone", "c2", 2_000));
    register(store, &desk).await;
    register(store, &phone).await;
    for _ in 0..2 {
        assert!(evict(store, &desk).await);
    }
    assert!(evict(store, &phone).await);
    assert!(evict(store, &desk).await);
    let names: Vec<_> = tombstones(store).await.into_iter().map(|left| left.device).collect();
    assert_eq!(names, [desk.device, phone.device]);
}

/// What no token can ask for any more is not kept for ever.
pub async fn expired_tombstones_go_with_the_next_eviction(store: &impl Store) {
    let (desk, phone) = (registration("desk", "c1", 1_000), registration("phone", "c2", 2_000));
    let laptop = registration("laptop", "c3", 3_000);
    for device in [&desk, &phone, &laptop] {
        register(store, device).await;
    }
    assert!(evict(store, &desk).await);
    let seen = tombstones(store).await;
    assert!(evict_at(store, &phone, &seen, Timestamp(desk.expires.0 - 1)).await);
    let seen = tombstones(store).await;
    assert_eq!(seen.len(), 2);
    assert!(evict_at(store, &laptop, &seen, desk.expires).await);
    let left: Vec<_> = tombstones(store).await.into_iter().map(|left| left.device).collect();
    assert_eq!(left, [laptop.device, phone.device]);
}

/// However many devices somebody makes up, their row does not grow: the tombstones that would be
/// worth nothing first make room.
pub async fn tombstones_are_bounded(store: &impl Store) {
    let count = limits::TOMBSTONES_MAX + 2;
    for number in 0..count {
        let name = format!("device-{number:03}");
        let device = registration(&name, &format!("c{number}"), 1_000 + number as u64);
        let registered = register(store, &device).await;
        assert!(evict_at(store, &device, &registered.tombstones, NOW).await);
    }
    let left = tombstones(store).await;
    assert_eq!(left.len(), limits::TOMBSTONES_MAX);
    assert_eq!(left.first().map(|left| left.device.as_str()), Some("device-002"));
}

/// What was written since the newcomer's registration is not overwritten by what that saw.
pub async fn an_eviction_that_knows_too_little_forgets_nothing(store: &impl Store) {
    let (desk, phone) = (registration("desk", "c1", 1_000), registration("phone", "c2", 20_000));
    register(store, &phone).await;
    register(store, &desk).await;
    assert!(evict(store, &desk).await);
    let seen = tombstones(store).await;
    // The desk comes back and is evicted again, with a token that lives longer.
    let back = again(&desk, "c4", desk.expires.plus(60_000));
    register(store, &back).await;
    assert!(evict(store, &back).await);
    let renewed = Tombstone { device: back.device.clone(), expires: back.expires };
    // To whoever knows the first tombstone alone, it has faded.
    assert!(evict_at(store, &phone, &seen, desk.expires).await);
    assert!(tombstones(store).await.contains(&renewed));
    let laptop = registration("laptop", "c3", 30_000);
    register(store, &laptop).await;
    assert!(evict_at(store, &laptop, &[], desk.expires).await);
    assert!(tombstones(store).await.contains(&renewed));
}

/// Leaving is not being kicked.
pub async fn a_device_that_leaves_may_come_back_with_its_token(store: &impl Store) {
    let desk = registration("desk", "c1", 1_000);
    register(store, &desk).await;
    store.unregister(&user("ada"), &desk.device, &desk.connection, None).await.expect("a removal");
    register(store, &desk).await;
    assert_eq!(listening(store, "ada").await, [desk]);
}

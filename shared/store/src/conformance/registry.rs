//! What the registry, the directory, claims and the meta store promise.

use timeline::{ConnectionId, DeviceId};

use super::{NOW, Store, tea, user};
use crate::connections::{Connections, Registration};
use crate::error::Error;
use crate::meta::{Meta, Metas};

pub(super) fn registration(device: &str, connection: &str, connected: u64) -> Registration {
    Registration {
        device: DeviceId::parse(device).expect("a device"),
        platform: None,
        connection: ConnectionId::parse(connection).expect("a connection"),
        connected: NOW.plus(connected),
        expires: NOW.plus(connected + 3_600_000),
    }
}

pub(super) async fn listening(store: &dyn Connections, name: &str) -> Vec<Registration> {
    let found = store.of(&[user(name)]).await.expect("the registered");
    let mut devices: Vec<_> = found.into_iter().flat_map(|(_, devices)| devices).collect();
    devices.sort_by(|one, other| one.device.cmp(&other.device));
    devices
}

/// A device has one connection, its newest; the one it had is told, to be closed.
pub async fn a_newer_connection_replaces_the_older(store: &impl Store) {
    let (older, newer) = (registration("desk", "c1", 1_000), registration("desk", "c2", 2_000));
    let registered = store.register(&user("ada"), &older).await.expect("a registration");
    assert_eq!(registered.replaced, None);
    let registered = store.register(&user("ada"), &newer).await.expect("a registration");
    assert_eq!(registered.replaced, Some(older.connection));
    assert_eq!(listening(store, "ada").await, [newer]);
}

/// A late registration of an older connection must not make the device deaf.
pub async fn an_older_connection_never_replaces_the_newer(store: &impl Store) {
    let (older, newer) = (registration("desk", "c1", 1_000), registration("desk", "c2", 2_000));
    store.register(&user("ada"), &newer).await.expect("a registration");
    let late = store.register(&user("ada"), &older).await;
    assert!(matches!(late, Err(Error::Conflict { .. })), "{late:?}");
    assert_eq!(listening(store, "ada").await, [newer]);
}

/// A registration whose answer was lost may be repeated.
pub async fn registering_again_is_no_error(store: &impl Store) {
    let desk = registration("desk", "c1", 1_000);
    for _ in 0..2 {
        let registered = store.register(&user("ada"), &desk).await.expect("a registration");
        assert_eq!(registered.replaced, None);
    }
    assert_eq!(listening(store, "ada").await, [desk]);
}

/// Devices of one user, and users, are apart.
pub async fn devices_do_not_disturb_each_other(store: &impl Store) {
    let (desk, phone) = (registration("desk", "c1", 1_000), registration("pho-ne_1", "c2", 500));
    store.register(&user("ada"), &desk).await.expect("a registration");
    store.register(&user("ada"), &phone).await.expect("a registration");
    store.register(&user("bob"), &desk).await.expect("a registration");
    assert_eq!(listening(store, "ada").await, [desk.clone(), phone]);
    let found = store.of(&[user("eve"), user("bob")]).await.expect("the registered");
    assert_eq!(found, [(user("bob"), vec![desk])]);
    assert_eq!(store.of(&[]).await.expect("nobody"), []);
}

/// A disconnect that comes late must not remove the connection made since.
pub async fn only_the_named_connection_is_removed(store: &impl Store) {
    let (older, newer) = (registration("desk", "c1", 1_000), registration("desk", "c2", 2_000));
    let (ada, desk) = (user("ada"), newer.device.clone());
    store.unregister(&ada, &desk, &older.connection, None).await.expect("nothing to do");
    store.register(&ada, &newer).await.expect("a registration");
    store.unregister(&ada, &desk, &older.connection, None).await.expect("nothing to do");
    assert_eq!(listening(store, "ada").await, std::slice::from_ref(&newer));
    store.unregister(&ada, &desk, &newer.connection, None).await.expect("a removal");
    assert_eq!(listening(store, "ada").await, []);
}

/// A connection that is still opening is answered "gone": that alone does not remove it.
pub async fn a_young_connection_is_not_removed(store: &impl Store) {
    let desk = registration("desk", "c1", 1_000);
    let (ada, device) = (user("ada"), desk.device.clone());
    store.register(&ada, &desk).await.expect("a registration");
    for (before, left) in [(1_000, 1), (1_001, 0)] {
        let before = Some(NOW.plus(before));
        store.unregister(&ada, &device, &desk.connection, before).await.expect("no error");
        assert_eq!(listening(store, "ada").await.len(), left);
    }
}

/// Signals lie apart, and only the connection that is registered makes any.
pub async fn a_device_signals_no_oftener_than_it_may(store: &impl Store) {
    let desk = registration("desk", "c1", 1_000);
    let ada = user("ada");
    let signals = async |connection: &str, at: u64| {
        let connection = ConnectionId::parse(connection).expect("a connection");
        let made = store.signals(&ada, &desk.device, &connection, NOW.plus(at), 1_000).await;
        made.expect("an answer")
    };
    assert!(!signals("c1", 1_000).await, "it is not registered");
    store.register(&ada, &desk).await.expect("a registration");
    for _ in 0..2 {
        assert!(signals("c1", 1_000).await, "a repeated request does not refuse itself");
    }
    assert!(!signals("c1", 1_999).await);
    assert!(signals("c1", 2_000).await);
    assert!(!signals("c2", 5_000).await, "another connection's");
    // It is no change of the registration.
    assert_eq!(listening(store, "ada").await.len(), 1);
    let (device, connection) = (&desk.device, &desk.connection);
    store.unregister(&ada, device, connection, None).await.expect("a removal");
    assert!(!signals("c1", 9_000).await);
}

/// A device that was registered again has not signaled yet, on whatever connection; and a device's
/// signals are no other's, though connections be named alike.
pub async fn a_registration_begins_signals_anew(store: &impl Store) {
    let (desk, phone) = (registration("desk", "c1", 1_000), registration("phone", "c1", 1_000));
    let newer = registration("desk", "c2", 2_000);
    let ada = user("ada");
    let signals = async |of: &Registration, at: u64| {
        let made = store.signals(&ada, &of.device, &of.connection, NOW.plus(at), 1_000).await;
        made.expect("an answer")
    };
    for registration in [&desk, &desk, &phone, &newer] {
        store.register(&ada, registration).await.expect("a registration");
        assert!(signals(registration, 3_000).await, "{registration:?}");
        assert!(!signals(registration, 3_001).await, "{registration:?}");
    }
}

/// Whoever is named twice is answered for once.
pub async fn a_user_who_is_named_twice_is_answered_once(store: &impl Store) {
    let desk = registration("desk", "c1", 1_000);
    for name in ["ada", "bob"] {
        store.register(&user(name), &desk).await.expect("a registration");
    }
    let mut found = store.of(&["bob", "ada", "bob"].map(user)).await.expect("the registered");
    found.sort_by(|one, other| one.0.cmp(&other.0));
    assert_eq!(found, ["ada", "bob"].map(|name| (user(name), vec![desk.clone()])));
    let found = store.of(&["ada", "ada"].map(user)).await.expect("the registered");
    assert_eq!(found, [(user("ada"), vec![desk])]);
}

fn meta(fields: &[(&str, &str)]) -> Meta {
    fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

/// Inserting where something is known is a conflict.
pub async fn meta_is_never_overwritten_silently(store: &impl Store) {
    let timeline = tea().timeline();
    assert_eq!(store.read(&timeline).await.expect("a read"), None);
    let first = meta(&[("title", "tea"), ("über", "")]);
    store.insert(&timeline, &first).await.expect("an insert");
    let second = store.insert(&timeline, &meta(&[("title", "coffee")])).await;
    assert!(matches!(second, Err(Error::Conflict { .. })), "{second:?}");
    assert_eq!(store.read(&timeline).await.expect("a read"), Some(first));
}

/// An update sets what it names and leaves the rest.
pub async fn meta_is_merged_field_by_field(store: &impl Store) {
    let timeline = tea().timeline();
    let nothing = Metas::update(store, &timeline, &Meta::new()).await;
    assert!(matches!(nothing, Err(Error::Invalid { .. })), "{nothing:?}");
    Metas::update(store, &timeline, &meta(&[("a", "1"), ("b", "2")])).await.expect("an update");
    Metas::update(store, &timeline, &meta(&[("b", "3"), ("c", "4")])).await.expect("an update");
    let expected = meta(&[("a", "1"), ("b", "3"), ("c", "4")]);
    assert_eq!(store.read(&timeline).await.expect("a read"), Some(expected));
}

/// Forgetting twice is no error, and what was forgotten may be inserted again.
pub async fn meta_is_forgotten_without_complaint(store: &impl Store) {
    let timeline = tea().timeline();
    store.insert(&timeline, &meta(&[("a", "1")])).await.expect("an insert");
    for _ in 0..2 {
        store.forget(&timeline).await.expect("a removal");
    }
    assert_eq!(store.read(&timeline).await.expect("a read"), None);
    store.insert(&timeline, &meta(&[("b", "2")])).await.expect("an insert");
}

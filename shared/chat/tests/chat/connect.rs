//! A device comes and goes.

use chat::Error;

use crate::telling::Silent;
use crate::town::{Town, again};

#[test]
fn a_newer_connection_replaces_and_closes_the_older() {
    let town = Town::new();
    let first = town.online("bob", "phone");
    town.connect(&again(&first, "bob/phone/2", 1)).unwrap();
    assert_eq!(town.told(), ["bob/phone: closed"]);
    assert_eq!(town.listening("bob"), ["bob/phone/2"]);
}

#[test]
fn an_older_connection_is_refused_and_closes_nothing() {
    let town = Town::new();
    let first = town.online("bob", "phone");
    let second = again(&first, "bob/phone/2", 1);
    town.connect(&second).unwrap();
    town.told();
    let error = town.connect(&first).unwrap_err();
    assert!(matches!(error, Error::Replaced), "{error:?}");
    assert_eq!(town.listening("bob"), ["bob/phone/2"]);
    assert_eq!(town.told(), [""; 0]);
}

#[test]
fn the_same_connection_again_is_no_error() {
    let town = Town::new();
    let phone = town.online("bob", "phone");
    town.connect(&phone).unwrap();
    assert_eq!(town.listening("bob"), ["bob/phone"]);
    assert_eq!(town.told(), [""; 0]);
}

#[test]
fn devices_do_not_replace_each_other() {
    let town = Town::new();
    town.online("bob", "phone");
    town.online("bob", "tablet");
    town.online("alice", "phone");
    assert_eq!(town.listening("bob"), ["bob/phone", "bob/tablet"]);
    assert_eq!(town.told(), [""; 0]);
}

#[test]
fn a_replaced_connection_that_is_not_closed_fails_nothing() {
    let town = Town::new();
    let first = town.online("bob", "phone");
    town.connect_by(&Silent, &again(&first, "bob/phone/2", 1)).unwrap();
    assert_eq!(town.listening("bob"), ["bob/phone/2"]);
}

#[test]
fn a_device_that_leaves_is_forgotten() {
    let town = Town::new();
    let phone = town.online("bob", "phone");
    town.online("bob", "tablet");
    town.disconnect(&phone);
    assert_eq!(town.listening("bob"), ["bob/tablet"]);
    town.disconnect(&phone);
    assert_eq!(town.listening("bob"), ["bob/tablet"]);
}

#[test]
fn a_late_goodbye_is_the_older_connections_alone() {
    let town = Town::new();
    let first = town.online("bob", "phone");
    town.connect(&again(&first, "bob/phone/2", 1)).unwrap();
    town.disconnect(&first);
    assert_eq!(town.listening("bob"), ["bob/phone/2"]);
}

//! The example events, for `sam local invoke`: one for every function, and each of them good.

use std::collections::BTreeSet;

use edge::event::context;
use serde_json::Value;
use timeline::MessageId;

use crate::tree::{deployment, files, read};

const FOLDER: &str = "infra/events";

fn event(name: &str) -> Value {
    serde_json::from_str(&read(&format!("{FOLDER}/{name}.json"))).unwrap()
}

/// Whether the route takes the frame.
fn is_taken(route: &str, frame: &str) -> bool {
    let fresh = MessageId::from_bytes([7; 16]);
    match route {
        wire::action::SEND => wire::Send::parse(frame).is_ok(),
        wire::action::SYNC => wire::Sync::parse(frame).is_ok(),
        wire::action::HISTORY => wire::History::parse(frame).is_ok(),
        wire::action::GROUP => wire::Group::parse(frame, fresh).is_ok(),
        wire::action::SIGNAL => wire::Signal::parse(frame).is_ok(),
        wire::action::READ => wire::Read::parse(frame).is_ok(),
        wire::action::RECEIPTS => wire::Receipts::parse(frame).is_ok(),
        wire::action::RECALL => wire::Recall::parse(frame).is_ok(),
        wire::action::CONVERSATIONS => wire::Conversations::parse(frame).is_ok(),
        wire::action::SEARCH => wire::Search::parse(frame).is_ok(),
        other => panic!("no route {other}"),
    }
}

#[test]
fn every_function_has_an_example_event() {
    let files = files(&["json"]).into_iter().filter(|file| file.folder() == FOLDER);
    let examples: BTreeSet<_> =
        files.map(|file| file.name().trim_end_matches(".json").to_owned()).collect();
    let deployment = deployment();
    let functions = deployment.functions.values().map(|function| function.binary.clone().unwrap());
    assert_eq!(examples, functions.collect::<BTreeSet<_>>());
}

#[test]
fn an_example_of_a_route_is_one_that_it_takes() {
    for route in wire::action::ALL {
        let event = event(route);
        assert_eq!(event["requestContext"]["routeKey"], route);
        assert!(is_taken(route, event["body"].as_str().unwrap()), "{route}");
    }
}

#[test]
fn an_example_names_its_caller_as_the_authorizer_does() {
    for name in wire::action::ALL.into_iter().chain(["connect", "disconnect", "default"]) {
        let event = event(name);
        let caller = &event["requestContext"]["authorizer"];
        for key in [context::USER, context::DEVICE, context::EXPIRES] {
            assert!(caller[key].is_string(), "{name}: {key}");
        }
    }
}

/// What containers get is all that functions read, with the tables of the local gateway.
#[test]
fn the_variables_for_containers_are_those_that_are_read() {
    let variables: Value = serde_json::from_str(&read("infra/sam/containers.json")).unwrap();
    let variables = variables["Parameters"].as_object().unwrap();
    let named: BTreeSet<_> = variables.keys().map(String::as_str).collect();
    assert_eq!(named, BTreeSet::from(edge::environment::DECLARED));
    let tables = deployment().tables;
    let is_table = |name: &&String| name.ends_with("_TABLE");
    for (name, value) in variables.iter().filter(|(name, _)| is_table(name)) {
        assert!(tables.contains_key(value.as_str().unwrap()), "{name}");
    }
}

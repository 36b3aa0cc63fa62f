//! The rules of a search.

use engine::{Command, Query};
use serde_json::{Value, json};
use timeline::Timestamp;
use timeline::search::Filters;

use crate::device::Device;

fn query() -> Query {
    let filters = Filters { since: Some(Timestamp(5)), ..Filters::default() };
    Query { filters, limit: Some(2), page: Some("AAAA".into()), ..Query::new("tea ".into()) }
}

fn search(ticket: u64, query: Query) -> Command {
    Command::Search { ticket, query: Box::new(query) }
}

/// What a frame says beside its id.
fn fields(mut frame: Value) -> Value {
    frame.as_object_mut().unwrap().remove("id");
    frame
}

#[test]
fn a_search_is_repeated_as_it_was_until_its_answer_is_final() {
    let mut device = Device::online();
    device.command(search(7, query()));
    let expected = json!({"action": "search", "query": "tea ", "since": 5, "limit": 2,
        "page": "AAAA"});
    assert_eq!(fields(device.last("search")), expected);
    device.refuse("search", &json!({"code": 503, "name": "unavailable", "message": ""}));
    assert!(!device.log().iter().any(|line| line.starts_with("searched")));
    device.pass(5_000);
    assert_eq!(device.actions().iter().filter(|action| *action == "search").count(), 2);
    assert_eq!(fields(device.last("search")), expected);
    let hit = json!({"conversation": "d~al~bo", "seq": 3, "from": "bo", "at": 1, "kind": "text",
        "text": "secret tea", "spans": [[7, 10]]});
    device.answer("search", &json!({"hits": [hit], "page": "BBBB"}));
    let found = "searched 7 Found(1 hits, 0 conversations, and more)";
    assert!(device.log().contains(&found.to_owned()), "what was found is not logged");
}

#[test]
fn a_search_that_the_server_would_refuse_is_refused_at_once() {
    let mut device = Device::online();
    let (since, until) = (Some(Timestamp(5)), Some(Timestamp(5)));
    let filters = Filters { since, until, ..Filters::default() };
    device.command(search(7, Query { filters, ..query() }));
    device.command(search(8, Query { limit: Some(101), ..query() }));
    let log = device.log();
    assert!(log.contains(&"searched 7 invalid".to_owned()), "{log:?}");
    assert!(log.contains(&"searched 8 invalid".to_owned()), "{log:?}");
    assert!(!device.actions().contains(&"search".to_owned()));
}

//! What `chat` shows, change by change.

use serde_json::value::RawValue;

use crate::sample;

use super::*;

fn message(seq: u64, from: &str, cid: &str) -> Message {
    Message { cid: cid.into(), ..sample::text(seq, from, &format!("{from} {seq}")) }
}

/// The open conversation, a line a message.
fn lines(view: &View) -> Vec<String> {
    let line = |row: Row| format!("{} {}", row.mark.symbol(), row.text).trim().to_owned();
    view.rows(9).into_iter().map(line).collect()
}

/// The list, with an arrow at what is open.
fn names(view: &View) -> Vec<String> {
    let line = |name: Name| {
        let arrow = if name.is_open { ">" } else { "" };
        format!("{arrow}{} {}", name.name, name.badge.unwrap_or_default()).trim().to_owned()
    };
    view.names().map(line).collect()
}

fn view() -> View {
    View::new("al".parse().unwrap(), ConversationId::parse("d~al~bo").unwrap())
}

fn seq(number: u64) -> Seq {
    Seq::new(number).unwrap()
}

fn problem() -> Problem {
    Problem::new(wire::ErrorCode::Forbidden, "not yours")
}

#[test]
fn an_own_message_waits_below_and_becomes_the_kept_one() {
    let mut view = view();
    let id = view.selected.clone();
    view.waiting(&id, "c1".into(), "mine".into());
    view.message(&message(2, "bo", "c1"));
    assert_eq!(lines(&view), ["bo 2", "… mine"]);
    view.message(&message(3, "al", "c1"));
    assert_eq!(lines(&view), ["bo 2", "✓ al 3"]);
    view.count(0, |_| (0, seq(3)));
    assert_eq!(lines(&view), ["bo 2", "✓✓ al 3"]);
}

#[test]
fn what_the_server_took_back_is_shown_no_more() {
    let mut view = view();
    view.message(&message(2, "bo", "c1"));
    view.message(&message(3, "bo", "c2"));
    let (conversation, seq) = (view.selected.clone(), seq(2));
    view.waiting(&conversation, "c3".into(), "mine".into());
    view.change(&Change::Restarted { conversation, seq });
    assert_eq!(lines(&view), ["bo 2", "… mine"]);
}

#[test]
fn a_group_is_called_by_its_newest_title_and_its_events_are_lines() {
    let id = "g~01935b2e-7c1a-7def-8123-000000000001";
    let mut view = View::new("al".parse().unwrap(), ConversationId::parse(id).unwrap());
    let event = |seq, from: &str, kind: &str, body: &str| Message {
        conversation: id.into(),
        kind: kind.into(),
        body: RawValue::from_string(body.to_owned()).ok(),
        ..message(seq, from, "c1")
    };
    assert_eq!(view.name(&view.selected), id[2..]);
    view.message(&event(1, "al", "join", r#"{"users":["bo"],"title":"tea"}"#));
    assert_eq!(view.name(&view.selected), "tea");
    view.message(&event(2, "bo", "rename", r#"{"title":"chai"}"#));
    assert_eq!(view.name(&view.selected), "chai");
    let begin = "the conversation begins here";
    let made = "al made the group tea with bo";
    assert_eq!(lines(&view), [begin, made, "bo renamed the group to chai"]);
}

#[test]
fn conversations_stand_as_they_were_active_and_are_walked_through() {
    let mut view = view();
    view.message(&Message { conversation: "d~al~cy".into(), ..message(1, "cy", "c1") });
    assert_eq!(names(&view), ["cy", ">bo"]);
    view.select_previous();
    view.select_previous();
    assert_eq!(names(&view), [">cy", "bo"]);
    view.message(&message(2, "bo", "c2"));
    assert_eq!(names(&view), ["bo", ">cy"]);
    view.select_next();
    assert_eq!(view.selected.as_str(), "d~al~cy");
    view.select_previous();
    assert_eq!(view.selected.as_str(), "d~al~bo");
}

#[test]
fn badges_tell_what_is_unread_and_end_at_99() {
    let mut view = view();
    view.message(&Message { conversation: "d~al~cy".into(), ..message(9, "cy", "c1") });
    assert_eq!(
        (names(&view), view.heading()),
        (vec!["cy".into(), ">bo".into()], "Conversations".into())
    );
    view.count(100, |id| (if id.as_str() == "d~al~cy" { 99 } else { 1 }, Seq::ZERO));
    assert_eq!(names(&view), ["cy 99", ">bo 1"]);
    assert_eq!(view.heading(), "Conversations (99+)");
}

#[test]
fn the_servers_list_names_what_this_device_has_not_seen() {
    let id = "g~01935b2e-7c1a-7def-8123-000000000001";
    let mut view = view();
    view.message(&message(5, "bo", "c1"));
    let listed = format!(
        r#"{{"conversations":[{{"conversation":"{id}","type":"group","title":"tea","tail":9,
            "read":0,"unread":9,"muted":false,"last":{{"conversation":"{id}","seq":9,
            "cid":"c9","from":"cy","at":9,"kind":"text","body":{{}}}}}}],"unread":9}}"#
    );
    let outcome = Ok(serde_json::from_str(&listed).unwrap());
    view.change(&Change::Conversations { ticket: 0, outcome });
    assert_eq!(names(&view), ["tea", ">bo"]);
}

#[test]
fn a_page_comes_back_to_the_conversation_that_asked_for_it() {
    let mut view = view();
    view.fits = 5;
    view.message(&message(3, "bo", "c3"));
    let Some(Command::Fetch { ticket, conversation, .. }) = view.page_up() else {
        panic!("nothing is asked for");
    };
    assert_eq!(conversation, view.selected);
    assert!(view.page_up().is_none(), "it was asked for");
    let mut fetched = |ticket, seq| {
        let messages = vec![message(seq, "bo", "c")];
        let page = wire::Messages { messages, first: 1, last: 3, missing: vec![], more: true };
        view.change(&Change::Fetched { ticket, outcome: Ok(page) });
        lines(&view)
    };
    assert_eq!(fetched(ticket + 1, 1), ["bo 3"], "nobody asked for that");
    assert_eq!(fetched(ticket, 2), ["bo 2", "bo 3"]);
    let Some(Command::Fetch { ticket, .. }) = view.page_up() else {
        panic!("nothing is asked for");
    };
    view.change(&Change::Fetched { ticket, outcome: Err(problem()) });
    assert_eq!(view.notice.as_deref(), Some("refused: not yours"));
    assert!(view.page_up().is_some(), "it may be asked for again");
}

#[test]
fn who_types_is_above_the_messages_until_they_say_something() {
    let mut view = view();
    let signal = |kind: &str| {
        Change::Signal(SignalBy {
            conversation: "d~al~bo".into(),
            user: "bo".into(),
            kind: kind.into(),
            at: 1,
        })
    };
    view.change(&signal("waves"));
    assert_eq!(view.title(), "bo");
    view.change(&signal("typing"));
    assert_eq!(view.title(), "bo: bo is typing");
    view.message(&message(2, "bo", "c1"));
    assert_eq!(view.title(), "bo");
    view.change(&signal("typing"));
    view.quiet();
    assert_eq!(view.title(), "bo");
}

#[test]
fn a_recall_that_is_refused_is_said() {
    let mut view = view();
    view.change(&Change::Recalled { ticket: 0, outcome: Err(problem()) });
    assert_eq!(view.notice.as_deref(), Some("refused: not yours"));
    assert!(view.last_own().is_err());
    view.message(&message(2, "al", "c1"));
    assert_eq!(view.last_own(), Ok(seq(2)));
}

#[test]
fn what_a_search_finds_stands_in_place_of_the_messages_and_reads_nothing() {
    let mut view = view();
    view.message(&message(3, "bo", "c3"));
    assert_eq!(view.seen(), seq(3));
    view.search("tea".into());
    let (ticket, query) = view.findings.as_mut().unwrap().ask().unwrap();
    assert_eq!((query.conversation.as_ref(), query.limit), (Some(&view.selected), Some(20)));
    assert_eq!(view.seen(), Seq::ZERO, "what is not on the screen is not read");
    let searched = |ticket, seqs: &[u64]| {
        let hits = seqs.iter().map(|seq| sample::hit(*seq, "tea", &[])).collect();
        let found = wire::Matches { hits, conversations: vec![], page: None };
        Change::Searched { ticket, outcome: Ok(Found(found)) }
    };
    view.change(&searched(ticket + 1, &[1]));
    let shown = |view: &View| view.findings.as_ref().map(Findings::title);
    assert_eq!(shown(&view).as_deref(), Some("tea: 0 found…"), "nobody asked for that");
    view.change(&searched(ticket, &[2, 1]));
    assert_eq!(shown(&view).as_deref(), Some("tea: 2 found"));
    let recall = Message { kind: "recall".into(), target: Some(2), ..message(4, "bo", "c4") };
    view.change(&Change::Message(recall));
    assert_eq!(shown(&view).as_deref(), Some("tea: 1 found"));
}

#[test]
fn a_search_that_is_refused_is_closed_and_said() {
    let mut view = view();
    view.search("?!".into());
    let (ticket, _) = view.findings.as_mut().unwrap().ask().unwrap();
    view.change(&Change::Searched { ticket, outcome: Err(problem()) });
    assert!(view.findings.is_none());
    assert_eq!(view.notice.as_deref(), Some("refused: not yours"));
}

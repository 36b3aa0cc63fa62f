//! The rules of the client, one test each: what it says and does, frame by frame.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod device;
mod groups;
mod reading;
mod resets;
mod searching;

use device::{Device, cid};
use engine::{Command, Engine, Input, Link, Older, Options, Output, State, Token};
use serde_json::json;
use timeline::exchange::{KickReason, Part};
use timeline::{ConversationId, Seq, Timestamp, UserId};

#[test]
fn the_first_frame_of_every_connection_is_a_sync() {
    let mut device = Device::fresh();
    device.command(device::text(1, "one"));
    device.connect();
    assert_eq!(device.actions(), ["sync", "send"]);
    device.input(Input::Disconnected);
    device.pass(1_000);
    device.connect();
    assert_eq!(device.actions(), ["sync", "send"]);
}

#[test]
fn id_and_base_are_persisted_before_the_first_attempt() {
    let mut device = Device::online();
    device.push(1, 1);
    device.command(device::text(1, "one"));
    let log = device.log();
    let queued = log.iter().position(|line| line.starts_with("persist {\"queued\"")).unwrap();
    let sent = log.iter().position(|line| line.starts_with("transmit send")).unwrap();
    assert!(queued < sent, "{log:#?}");
    let frame = device.last("send");
    assert_eq!((frame["cid"].as_str(), &frame["base"]), (Some(cid(1).as_str()), &json!(1)));
}

#[test]
fn every_attempt_has_the_same_id_and_base() {
    let mut device = Device::online();
    device.command(device::text(1, "one"));
    let first = device.last("send");
    for _ in 0..5 {
        device.push_next();
        device.pass(45_000);
        let again = device.last("send");
        assert_ne!(again["id"], first["id"]);
        assert_eq!((&again["cid"], &again["base"]), (&first["cid"], &first["base"]));
    }
}

#[test]
fn an_attempt_survives_a_restart_with_its_id_and_base() {
    let mut device = Device::online();
    device.push(1, 1);
    device.command(device::text(1, "one"));
    let first = device.last("send");
    device.push(2, 2);
    device.restart();
    device.connect();
    let again = device.last("send");
    assert_eq!((&again["cid"], &again["base"]), (&first["cid"], &first["base"]));
    assert_eq!(first["base"], 1);
}

#[test]
fn one_message_is_in_flight_per_conversation() {
    let mut device = Device::online();
    device.command(device::text(1, "one"));
    device.command(device::text(2, "two"));
    assert_eq!(device.actions(), ["send"]);
    device.ack("d~al~bo", 1);
    assert_eq!(device.last("send")["cid"], cid(2).as_str());
    device.command(device::text_to("cy", 3, "to another"));
    assert_eq!(device.last("send")["cid"], cid(3).as_str());
}

#[test]
fn a_message_stops_only_at_an_ack_or_a_final_refusal() {
    let cases = [(403, "forbidden"), (404, "not_found"), (409, "conflict"), (413, "too_large")];
    for (code, name) in cases.into_iter().chain([(422, "invalid")]) {
        let mut device = Device::online();
        device.command(device::text(1, "one"));
        device.refuse("send", &json!({"code": code, "name": name, "message": ""}));
        assert_eq!(device.engine.outbox().count(), 0, "{name}");
        assert!(device.log().iter().any(|line| *line == format!("failed {name}")), "{name}");
    }
    for (code, name) in [(429, "slow_mode"), (500, "internal"), (503, "unavailable")] {
        let mut device = Device::online();
        device.command(device::text(1, "one"));
        let first = device.last("send");
        device.refuse("send", &json!({"code": code, "name": name, "message": ""}));
        device.pass(2_000);
        assert_ne!(device.last("send")["id"], first["id"], "{name}");
    }
}

#[test]
fn a_server_that_asks_for_time_gets_it() {
    let mut device = Device::online();
    device.command(device::text(1, "one"));
    device.actions();
    let problem = json!({"code": 503, "name": "unavailable", "message": "", "retry_after_ms": 700});
    device.refuse("send", &problem);
    device.pass(699);
    assert_eq!(device.actions(), Vec::<String>::new());
    device.pass(352);
    assert_eq!(device.actions(), ["send"]);
}

#[test]
fn a_stale_base_is_searched_and_an_earlier_attempt_found() {
    let mut device = Device::online();
    device.command(device::text(1, "one"));
    let stale = json!({"code": 409, "name": "stale_base", "message": "", "tail": 3});
    device.refuse("send", &stale);
    let search = device.last("history");
    // Of an earlier membership too: what one may not see would hide an earlier attempt.
    assert_eq!((&search["range"], &search["own"]), (&json!([1, 3]), &json!(true)));
    let own = device::message(2, "al", &cid(1));
    device.answer("history", &device::page(&[device::message(1, "bo", &cid(9)), own], 3));
    assert_eq!(device.engine.outbox().count(), 0);
    assert!(device.log().contains(&"acked d~al~bo 2".to_owned()));
}

#[test]
fn a_stale_base_that_hides_nothing_moves_to_what_was_inspected() {
    let mut device = Device::online();
    device.command(device::text(1, "one"));
    device.refuse("send", &json!({"code": 409, "name": "stale_base", "message": "", "tail": 2}));
    // The same id, but another's message: not ours.
    device.answer("history", &device::page(&[device::message(1, "bo", &cid(1))], 2));
    assert_eq!(device.last("history")["range"], json!([2, 2]));
    device.answer("history", &device::page(&[device::message(2, "bo", &cid(8))], 2));
    let again = device.last("send");
    assert_eq!((again["cid"].as_str(), &again["base"]), (Some(cid(1).as_str()), &json!(2)));
    assert_eq!(device.state().outbox[0].base, Seq::new(2).unwrap());
}

#[test]
fn a_log_that_went_back_resets_the_conversation() {
    let mut device = Device::online();
    for seq in 1..=3 {
        device.push(seq, seq);
    }
    device.command(device::text(1, "one"));
    device.refuse("send", &json!({"code": 409, "name": "base_ahead", "message": "", "tail": 1}));
    assert!(device.log().contains(&"restarted d~al~bo 1".to_owned()));
    assert_eq!(device.last("send")["base"], 1);
    let state = device.state();
    assert_eq!(state.applied.values().copied().collect::<Vec<_>>(), [Seq::FIRST]);
    assert_eq!(state.outbox[0].base, Seq::FIRST);
}

#[test]
fn an_expired_token_is_replaced() {
    let mut device = Device::online();
    device.command(device::text(1, "one"));
    device.actions();
    device.refuse("send", &json!({"code": 401, "name": "expired", "message": ""}));
    assert_eq!(device.connects(), [Token::Fresh]);
    device.input(Input::Connected);
    assert_eq!(device.actions(), ["sync", "send"]);
}

#[test]
fn a_refused_token_is_replaced_once_and_then_final() {
    let mut device = Device::fresh();
    device.pass(0);
    assert_eq!(device.connects(), [Token::Current]);
    device.input(Input::Refused { status: 401 });
    assert_eq!(device.connects(), [Token::Fresh]);
    device.input(Input::Refused { status: 401 });
    assert_eq!(device.links.last(), Some(&Link::Refused { status: 401 }));
    assert_eq!(device.engine.next_wake(), None);
    device.command(Command::Open);
    assert_eq!(device.connects(), [Token::Fresh]);
}

#[test]
fn a_kicked_device_stays_away_until_it_is_wanted() {
    for (reason, read) in [
        ("platform", Some(KickReason::Platform)),
        ("limit", Some(KickReason::Limit)),
        ("maintenance", None),
    ] {
        let mut device = Device::online();
        device.command(device::text(1, "one"));
        device.frame(&json!({ "event": "kicked", "reason": reason }).to_string());
        assert_eq!(device.links.last(), Some(&Link::Kicked { reason: read }));
        // The server closes the connection; that was heard of already.
        device.input(Input::Disconnected);
        device.pass(3_600_000);
        assert_eq!(device.connects(), []);
        assert_eq!(device.engine.next_wake(), None);
        // What was not kept is sent when it comes back.
        device.command(Command::Open);
        assert_eq!(device.connects(), [Token::Fresh]);
        device.actions();
        device.input(Input::Connected);
        assert_eq!(device.actions(), ["sync", "send"]);
    }
}

#[test]
fn a_device_that_is_not_let_in_stays_away_until_it_is_wanted() {
    let mut device = Device::fresh();
    device.pass(0);
    device.connects();
    device.input(Input::Refused { status: 403 });
    assert_eq!(device.links.last(), Some(&Link::Refused { status: 403 }));
    device.pass(3_600_000);
    assert_eq!(device.connects(), []);
    device.command(Command::Open);
    assert_eq!(device.connects(), [Token::Fresh]);
}

#[test]
fn what_nobody_asked_for_is_ignored() {
    let mut device = Device::online();
    device.command(device::text(1, "one"));
    device.actions();
    let log = device.log();
    for frame in [
        r#"{"re":"99","ok":{"conversation":"d~al~bo","seq":1,"at":1,"duplicate":false}}"#,
        r#"{"re":null,"error":{"code":400,"name":"malformed","message":""}}"#,
        r#"{"event":"signal","conversation":"d~al~bo"}"#,
        "no frame at all",
    ] {
        device.frame(frame);
    }
    assert_eq!(device.log(), log);
}

#[test]
fn a_request_without_an_answer_is_made_again() {
    let mut device = Device::online();
    device.push(1, 2);
    device.pass(150);
    let first = device.last("history");
    device.actions();
    device.pass(9_999);
    assert_eq!(device.actions(), Vec::<String>::new());
    device.pass(1);
    let again = device.last("history");
    assert_ne!(again["id"], first["id"]);
    assert_eq!(again["range"], first["range"]);
}

#[test]
fn a_late_ack_of_an_earlier_attempt_counts() {
    let mut device = Device::online();
    device.command(device::text(1, "one"));
    let first = device.last("send");
    device.push(1, 1);
    device.pass(12_000);
    assert_ne!(device.last("send")["id"], first["id"]);
    let ok = json!({"conversation": "d~al~bo", "seq": 2, "at": 1, "duplicate": false});
    device.frame(&json!({"re": first["id"], "ok": ok}).to_string());
    assert_eq!(device.engine.outbox().count(), 0);
    assert_eq!(device.shown, ["d~al~bo 1", "d~al~bo 2"]);
}

#[test]
fn a_gateway_error_repeats_what_is_in_flight() {
    let mut device = Device::online();
    device.command(device::text(1, "one"));
    device.actions();
    device.frame(r#"{"message":"Internal server error","connectionId":"x","requestId":"y"}"#);
    device.pass(2_100);
    assert_eq!(device.actions(), ["send"]);
}

#[test]
fn a_message_that_comes_too_early_waits_for_the_one_before() {
    let mut device = Device::online();
    device.push(2, 2);
    device.push(1, 1);
    assert_eq!(device.shown, ["d~al~bo 1", "d~al~bo 2"]);
    assert_eq!(device.actions(), Vec::<String>::new());
}

#[test]
fn a_hole_is_filled_after_its_wait_and_withdrawn_messages_are_passed() {
    let mut device = Device::online();
    device.push(1, 4);
    device.pass(149);
    assert_eq!(device.actions(), Vec::<String>::new());
    device.pass(1);
    assert_eq!(device.last("history")["range"], json!([1, 3]));
    let mut page = device::page(&[device::message(1, "bo", &cid(7))], 4);
    page["missing"] = json!([2]);
    device.answer("history", &page);
    assert_eq!(device.last("history")["range"], json!([3, 3]));
    device.answer("history", &device::page(&[device::message(3, "bo", &cid(6))], 4));
    assert_eq!(device.shown, ["d~al~bo 1", "d~al~bo 3", "d~al~bo 4"]);
}

#[test]
fn the_cursor_waits_for_what_is_not_applied() {
    let mut device = Device::online();
    device.push(1, 2);
    assert_eq!(device.state().cursor, Some(Seq::ZERO));
    device.push(2, 1);
    assert_eq!(device.state().cursor, Seq::new(2));
    let log = device.log();
    let cursor = log.iter().rposition(|line| line.contains("\"cursor\"")).unwrap();
    let applied = log.iter().rposition(|line| line.contains("\"applied\"")).unwrap();
    assert!(applied < cursor, "{log:#?}");
}

#[test]
fn a_gap_in_the_inbox_is_synced() {
    let mut device = Device::online();
    device.push(1, 1);
    device.push(3, 2);
    device.pass(150);
    assert_eq!(device.last("sync")["cursor"], 1);
}

#[test]
fn own_messages_move_the_cursor_by_their_markers_and_show_once() {
    let mut device = Device::online();
    device.command(device::text(1, "one"));
    device.ack("d~al~bo", 1);
    let mut push = device::message(2, "bo", &cid(8));
    push["event"] = json!("message");
    push["q"] = json!(2);
    push["own"] = json!([{"q": 1, "conversation": "d~al~bo", "seq": 1}]);
    device.frame(&push.to_string());
    assert_eq!(device.state().cursor, Seq::new(2));
    let mut own = device::message(1, "al", &cid(1));
    own["event"] = json!("message");
    own["q"] = json!(1);
    device.frame(&own.to_string());
    assert_eq!(device.shown, ["d~al~bo 1", "d~al~bo 2"]);
}

#[test]
fn a_marker_of_what_another_device_did_lets_a_sync_bring_it() {
    let mut device = Device::online();
    let mut push = device::message(1, "bo", &cid(8));
    push["event"] = json!("message");
    push["q"] = json!(2);
    push["own"] = json!([{"q": 1, "conversation": "d~al~bo", "seq": 1, "kind": "mute"}]);
    device.frame(&push.to_string());
    assert_eq!(device.shown, ["d~al~bo 1"]);
    assert_eq!(device.state().cursor, Seq::new(0), "it does not pass what it has not seen");
    device.pass(2_000);
    assert_eq!(device.last("sync")["cursor"], 0);
}

#[test]
fn a_message_that_comes_back_is_its_ack() {
    let mut device = Device::online();
    device.command(device::text(1, "one"));
    let mut own = device::message(1, "al", &cid(1));
    own["event"] = json!("message");
    own["q"] = json!(1);
    device.frame(&own.to_string());
    assert!(device.log().contains(&"acked d~al~bo 1".to_owned()));
    device.ack("d~al~bo", 1);
    assert_eq!(device.shown, ["d~al~bo 1"]);
}

#[test]
fn the_same_id_of_another_is_no_ack() {
    let mut device = Device::online();
    device.command(device::text(1, "one"));
    let mut foreign = device::message(1, "bo", &cid(1));
    foreign["event"] = json!("message");
    foreign["q"] = json!(1);
    device.frame(&foreign.to_string());
    assert_eq!(device.engine.outbox().count(), 1);
    assert_eq!(device.shown, ["d~al~bo 1"]);
}

#[test]
fn a_new_device_reads_from_where_its_options_say() {
    for (older, shown) in [(Older::OnDemand, vec![]), (Older::Backfill, vec!["d~al~bo 1"])] {
        let mut device = Device::new(older, State::default());
        device.connect();
        let tails = json!([{"conversation": "d~al~bo", "tail": 1}]);
        let reset = json!({"entries": [], "cursor": 1, "more": false, "reset": true,
            "conversations": tails, "tail": 1, "seen": 5});
        device.answer("sync", &reset);
        assert_eq!(device.state().cursor, None, "saved before the positions");
        device.answer_positions("d~al~bo", 1);
        if older == Older::Backfill {
            assert_eq!(device.state().cursor, None, "saved before the fill");
            let page = device::page(&[device::message(1, "bo", &cid(7))], 1);
            device.answer("history", &page);
        }
        assert_eq!(device.shown, shown);
        assert_eq!(device.state().cursor, Some(Seq::FIRST));
        let sync = device.last("sync");
        assert_eq!((&sync["cursor"], &sync["seen"]), (&json!(1), &json!(5)));
    }
}

#[test]
fn an_open_connection_is_kept_alive_and_replaced_in_time() {
    let mut device = Device::online();
    device.pass(270_000);
    assert_eq!(device.actions(), ["sync"]);
    device.answer_sync();
    let start = device.now;
    while device.connects().is_empty() {
        device.pass(5_000);
        if device.actions().contains(&"sync".to_owned()) {
            device.answer_sync();
        }
    }
    let minutes = (device.now - start) / 60_000;
    assert!((94..=118).contains(&minutes), "{minutes}");
}

#[test]
fn a_connection_without_a_sound_is_opened_anew() {
    let mut device = Device::online();
    device.command(device::text(1, "one"));
    device.pass(45_000);
    assert!(device.log().contains(&"close".to_owned()));
    device.pass(1_000);
    assert_eq!(device.connects(), [Token::Current]);
}

/// Whatever the random wait is, none included: who is to be woken later is told when.
#[test]
fn a_connection_that_is_given_up_is_opened_at_once_or_later() {
    for seed in 0..3_000 {
        let user = UserId::parse("al").unwrap();
        let mut engine = Engine::new(user, Options::default(), State::default(), seed);
        for input in [Input::Tick, Input::Connected] {
            engine.handle(Timestamp(0), input);
        }
        let mut connects = 0;
        while connects < 2 {
            while let Some(output) = engine.poll() {
                connects += u32::from(matches!(output, Output::Connect { .. }));
            }
            if connects < 2 {
                let wake = engine.next_wake().unwrap();
                engine.handle(wake, Input::Tick);
                assert!(engine.next_wake().is_none_or(|next| next > wake), "seed {seed}");
            }
        }
    }
}

#[test]
fn a_page_is_fetched_and_not_applied() {
    let mut device = Device::online();
    let conversation = ConversationId::parse("d~al~bo").unwrap();
    let part = Part::Before(Seq::new(9).unwrap());
    device.command(Command::Fetch { ticket: 7, conversation, part, limit: Some(2) });
    let asked = device.last("history");
    assert_eq!((&asked["before"], &asked["limit"]), (&json!(9), &json!(2)));
    device.answer("history", &device::page(&[device::message(8, "bo", &cid(7))], 9));
    assert!(device.log().contains(&"fetched 7 1".to_owned()));
    assert!(device.shown.is_empty());
}

#[test]
fn what_the_server_would_refuse_is_not_queued() {
    let mut device = Device::online();
    device.command(device::text_to("al", 1, "to myself"));
    device.command(device::text(2, &"x".repeat(9_000)));
    assert_eq!(device.engine.outbox().count(), 0);
    assert_eq!(device.log().iter().filter(|line| line.starts_with("failed")).count(), 2);
}

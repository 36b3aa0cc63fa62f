//! What clients are told without asking.

use timeline::exchange::{self, KickReason};
use timeline::{Diffusion, Entry, Kind};
use wire::{Incoming, Kicked, Marker, Message, Push};

use crate::{Golden, direct, entry, group, seq};

#[test]
fn the_client_reads_what_is_pushed() {
    for (name, push) in pushes() {
        let Ok(Incoming::Message(read)) = Incoming::parse(&push.to_json()) else {
            panic!("{name} is no pushed message");
        };
        assert_eq!(read, push, "{name}");
    }
    let (_, plain) = &pushes()[0];
    assert_eq!(plain.message.text().as_deref(), Some("Shall we meet?"));
}

#[test]
fn a_kicked_device_reads_why() {
    for (name, kicked) in kicks() {
        let Ok(Incoming::Kicked { reason }) = Incoming::parse(&kicked.to_json()) else {
            panic!("{name} is no kick");
        };
        assert_eq!(reason, Some(kicked.reason), "{name}");
    }
    for newer in [r#"{"event":"kicked","reason":"maintenance"}"#, r#"{"event":"kicked"}"#] {
        let read = Incoming::parse(newer);
        assert!(matches!(read, Ok(Incoming::Kicked { reason: None })), "{newer}: {read:?}");
    }
}

#[test]
fn what_is_no_message_is_told_apart() {
    let gateway = r#"{"message": "Internal server error", "connectionId":"c=", "requestId":"r"}"#;
    let Ok(Incoming::Gateway { message }) = Incoming::parse(gateway) else {
        panic!("not the gateway's");
    };
    assert_eq!(message, "Internal server error");

    let later = r#"{"event":"poke","conversation":"d~alice~bob","user":"bob","seq":42,"at":1}"#;
    let Ok(Incoming::Unknown { event }) = Incoming::parse(later) else { panic!("not unknown") };
    assert_eq!(event, "poke");

    for wrong in ["", "7", "\"\"", "{", r#"{"event":"message"}"#, r#"{"event":7}"#] {
        assert!(Incoming::parse(wrong).is_err(), "{wrong} was understood");
    }
}

pub(crate) fn goldens() -> Vec<Golden> {
    let pushes = pushes().into_iter().map(|(name, push)| (name, push.to_json()));
    let kicks = kicks().into_iter().map(|(name, kicked)| (name, kicked.to_json()));
    pushes.chain(kicks).map(|(name, text)| (format!("push-{name}"), text)).collect()
}

fn kicks() -> [(&'static str, Kicked); 2] {
    [
        ("kicked-platform", Kicked { reason: KickReason::Platform }),
        ("kicked-limit", Kicked { reason: KickReason::Limit }),
    ]
}

fn pushes() -> Vec<(&'static str, Push)> {
    let message = Message::of_push(&direct(), &entry(), Some(seq(17)));
    let large = Entry { diffusion: Diffusion::Read, ..entry() };
    let large = Message::of_push(&group(), &large, None);
    let own =
        exchange::Marker { position: seq(16), conversation: direct(), seq: seq(41), control: None };
    let read = exchange::Marker { control: Some(Kind::event(Kind::READ)), ..own.clone() };
    let withdrawn = Message { body: None, ..message.clone() };
    vec![
        ("message", Push { message: message.clone(), own: Vec::new() }),
        ("message-own", Push { message: message.clone(), own: vec![Marker::from(&own)] }),
        ("message-own-read", Push { message, own: vec![Marker::from(&read)] }),
        ("message-large", Push { message: large, own: Vec::new() }),
        ("message-withdrawn", Push { message: withdrawn, own: Vec::new() }),
    ]
}

//! What is published for users without a live device.

use timeline::{Entry, UserId, limits};
use wire::Alert;

use crate::{Golden, body, direct, entry};

/// A body of so many bytes.
fn body_of(bytes: usize) -> timeline::Body {
    let envelope = r#"{"text":""}"#.len();
    body(&format!(r#"{{"text":"{}"}}"#, "x".repeat(bytes - envelope)))
}

fn alert(entry: &Entry) -> Alert {
    Alert::of(&UserId::parse("bob").unwrap(), &direct(), entry)
}

#[test]
fn a_subscriber_reads_what_is_published() {
    for (name, text) in goldens() {
        let read = Alert::parse(&text).unwrap();
        assert_eq!(read.to_json(), text, "{name}");
        assert_eq!((read.event.as_str(), read.user.as_str()), ("message", "bob"), "{name}");
    }
}

#[test]
fn what_is_no_alert_is_refused() {
    for wrong in ["", "{}", r#"{"event":"message"}"#, r#"{"event":"read","user":"bob"}"#] {
        assert!(Alert::parse(wrong).is_err(), "{wrong} was understood");
    }
}

#[test]
fn a_body_travels_as_long_as_an_inbox_copies_it() {
    for (bytes, travels) in
        [(limits::INBOX_BODY_BYTES_MAX, true), (limits::INBOX_BODY_BYTES_MAX + 1, false)]
    {
        let kept = Entry { body: Some(body_of(bytes)), ..entry() };
        assert_eq!(alert(&kept).body.is_some(), travels, "{bytes} bytes");
    }
}

pub(crate) fn goldens() -> Vec<Golden> {
    let long = Entry { body: Some(body_of(limits::INBOX_BODY_BYTES_MAX + 1)), ..entry() };
    let withdrawn = Entry { body: None, ..entry() };
    [("message", entry()), ("message-long", long), ("message-withdrawn", withdrawn)]
        .into_iter()
        .map(|(name, entry)| (format!("alert-{name}"), alert(&entry).to_json()))
        .collect()
}

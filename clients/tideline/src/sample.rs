//! A message for the tests of this crate, which change what they are about.

use wire::Message;

/// A text in the direct conversation of al and bo; its time is its sequence.
pub(crate) fn text(seq: u64, from: &str, text: &str) -> Message {
    Message {
        q: None,
        conversation: "d~al~bo".into(),
        seq,
        cid: format!("c{seq}"),
        from: from.into(),
        at: seq,
        kind: "text".into(),
        large: false,
        target: None,
        edited: None,
        body: Some(wire::text_body(text)),
    }
}

/// A message of bo there that was found.
pub(crate) fn hit(seq: u64, text: &str, spans: &[(u64, u64)]) -> wire::Match {
    wire::Match {
        conversation: "d~al~bo".into(),
        seq,
        from: "bo".into(),
        at: 1_764_028_800_000,
        kind: "text".into(),
        text: text.into(),
        spans: spans.to_vec(),
    }
}

//! Frames: which are accepted, which close the connection, and what control frames do.

use serde_json::json;

use crate::local::Local;
use crate::socket::{BINARY, CONTINUATION, PING, Received, Socket, TEXT};

/// The largest frame, in bytes.
const FRAME: usize = 32 * 1024;
/// The largest message, in bytes.
const MESSAGE: usize = 128 * 1024;

/// Sends `payload` as one message in frames of at most `size` bytes.
async fn send_split(socket: &mut Socket, payload: &[u8], size: usize) {
    let chunks: Vec<&[u8]> = payload.chunks(size).collect();
    for (index, chunk) in chunks.iter().enumerate() {
        let opcode = if index == 0 { TEXT } else { CONTINUATION };
        socket.send(index + 1 == chunks.len(), opcode, chunk).await;
    }
}

/// The code that the connection is closed with, which must come next.
async fn close_code(socket: &mut Socket) -> u16 {
    socket.closed().await.expect("a close frame with a code").0
}

/// Asserts that no function heard of any message: the first is that of a new connection.
async fn check_nothing_heard(local: &mut Local) {
    let (mut socket, id) = local.join("bob").await;
    socket.say("hello").await;
    assert_eq!(local.journal.next("$default").await.connection(), id);
}

#[tokio::test]
async fn a_binary_frame_closes_with_1003() {
    let mut local = Local::start().await;
    let (mut socket, _) = local.join("ada").await;
    socket.send(true, BINARY, b"hello").await;
    assert_eq!(close_code(&mut socket).await, 1003);
    check_nothing_heard(&mut local).await;
}

#[tokio::test]
async fn a_frame_of_32_kilobytes_is_accepted() {
    let mut local = Local::start().await;
    let text = "x".repeat(FRAME);
    let (mut socket, entry) = local.say("$default", &text).await;
    assert_eq!(entry.event()["body"], text);
    assert_eq!(socket.text().await, text);
}

#[tokio::test]
async fn a_larger_frame_closes_with_1009() {
    let mut local = Local::start().await;
    let (mut socket, _) = local.join("ada").await;
    socket.send(true, TEXT, &[b'x'; FRAME + 1]).await;
    assert_eq!(close_code(&mut socket).await, 1009);
    check_nothing_heard(&mut local).await;
}

#[tokio::test]
async fn a_frame_is_measured_in_bytes() {
    let mut local = Local::start().await;
    let (mut socket, _) = local.join("ada").await;
    let text = "é".repeat(FRAME / 2 + 1);
    assert!(text.chars().count() < FRAME);
    socket.say(&text).await;
    assert_eq!(close_code(&mut socket).await, 1009);
}

#[tokio::test]
async fn a_larger_continuation_closes_with_1009() {
    let mut local = Local::start().await;
    let (mut socket, _) = local.join("ada").await;
    socket.send(false, TEXT, b"x").await;
    socket.send(true, CONTINUATION, &[b'x'; FRAME + 1]).await;
    assert_eq!(close_code(&mut socket).await, 1009);
    check_nothing_heard(&mut local).await;
}

#[tokio::test]
async fn a_message_of_128_kilobytes_is_accepted_in_frames() {
    let mut local = Local::start().await;
    let (mut socket, _) = local.join("ada").await;
    let text = "y".repeat(MESSAGE);
    send_split(&mut socket, text.as_bytes(), FRAME).await;
    let entry = local.journal.next("$default").await;
    assert!(entry.event()["body"] == text.as_str());
    assert!(socket.text().await == text);
}

#[tokio::test]
async fn a_larger_message_closes_with_1009() {
    let mut local = Local::start().await;
    let (mut socket, _) = local.join("ada").await;
    send_split(&mut socket, &[b'y'; MESSAGE + 1], FRAME).await;
    assert_eq!(close_code(&mut socket).await, 1009);
    check_nothing_heard(&mut local).await;
}

#[tokio::test]
async fn frames_of_one_message_are_put_together() {
    let mut local = Local::start().await;
    let (mut socket, _) = local.join("ada").await;
    let message = "{\"action\":\"shout\",\"text\":\"h\u{e9}llo \u{1f30a}\"}";
    // Two bytes a frame cut characters in half.
    send_split(&mut socket, message.as_bytes(), 2).await;
    assert_eq!(local.journal.next("shout").await.event()["body"], message);
    assert_eq!(socket.text().await, "HÉLLO \u{1f30a}");
}

#[tokio::test]
async fn a_ping_is_answered_by_the_gateway_and_no_function_hears_of_it() {
    let mut local = Local::start().await;
    let (mut socket, _) = local.join("ada").await;
    for payload in ["", "are you there"] {
        socket.send(true, PING, payload.as_bytes()).await;
        assert_eq!(socket.receive().await, Received::Pong(payload.as_bytes().to_vec()));
    }
    check_nothing_heard(&mut local).await;
}

#[tokio::test]
async fn a_ping_may_come_between_the_frames_of_a_message() {
    let mut local = Local::start().await;
    let (mut socket, _) = local.join("ada").await;
    socket.send(false, TEXT, b"half").await;
    socket.send(true, PING, b"now").await;
    assert_eq!(socket.receive().await, Received::Pong(b"now".to_vec()));
    socket.send(true, CONTINUATION, b" and half").await;
    assert_eq!(socket.text().await, "half and half");
    let entry = local.journal.next("$default").await;
    assert_eq!(entry.event()["body"], json!("half and half"));
}

#[tokio::test]
async fn a_close_is_answered_with_its_code() {
    let mut local = Local::start().await;
    let (mut socket, _) = local.join("ada").await;
    socket.close(&1000_u16.to_be_bytes()).await;
    let Received::Close(Some((code, _))) = socket.receive().await else {
        panic!("something else instead of a close frame");
    };
    assert_eq!(code, 1000);
    assert_eq!(socket.receive().await, Received::End);
}

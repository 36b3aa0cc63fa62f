//! The management API: posting to, asking about and deleting a connection.

use serde_json::{Value, json};

use crate::http::{Answer, Request};
use crate::local::Local;
use crate::socket::Received;

/// The largest message that may be posted, in bytes.
const MESSAGE: usize = 128 * 1024;

/// An id of the right shape that no connection has.
const NOBODY: &str = "PJqB0fHsqRcCHlw=";

/// Asserts that `answer` is the error `kind`, by the header that SDKs read it from.
fn check(answer: &Answer, status: u16, kind: &str) {
    assert_eq!(answer.status, status, "{answer:?}");
    assert_eq!(answer.header("x-amzn-ErrorType"), Some(kind));
}

/// Sends a signed request without a body for `path`, as it is spelled.
async fn ask(local: &Local, method: &str, path: &str) -> Answer {
    Request::new(method, path).signed().send(&local.address()).await
}

#[tokio::test]
async fn a_post_is_200_and_empty_and_arrives_as_text() {
    let mut local = Local::start().await;
    let (mut socket, id) = local.join("ada").await;
    for text in ["hello", "{\"a\": 1}", "é \u{1f30a}", ""] {
        let answer = local.manage("POST", &id, text.as_bytes()).await;
        assert_eq!((answer.status, answer.text()), (200, String::new()));
        assert_eq!(socket.receive().await, Received::Text(text.to_owned(), vec![text.len()]));
    }
}

/// An assumption: what becomes of a post that is no text is not documented.
#[tokio::test]
async fn a_post_that_is_no_text_arrives_as_text_all_the_same() {
    let mut local = Local::start().await;
    let (mut socket, id) = local.join("ada").await;
    assert_eq!(local.manage("POST", &id, b"caf\xe9!").await.status, 200);
    assert_eq!(socket.text().await, "caf\u{fffd}!");
}

#[tokio::test]
async fn a_function_posts_to_the_endpoint_in_its_environment() {
    let mut local = Local::start().await;
    let (mut ada, _) = local.join("ada").await;
    let (mut bob, id) = local.join("bob").await;
    ada.say(&json!({"action": "tell", "to": id, "text": "psst"}).to_string()).await;
    assert_eq!(bob.text().await, "psst");
    assert_eq!(ada.leave().await, [""; 0]);
}

#[tokio::test]
async fn the_path_may_be_encoded_or_not() {
    let mut local = Local::start().await;
    let (mut socket, id) = local.join("ada").await;
    let encoded = id.replace('=', "%3D");
    for path in [
        format!("/prod/@connections/{encoded}"),
        format!("/prod/%40connections/{encoded}"),
        format!("/prod/@connections/{id}"),
        format!("/prod/%40connections/{}", id.replace('=', "%3d")),
    ] {
        let request = Request::new("POST", &path).signed().body(path.as_bytes());
        assert_eq!(request.send(&local.address()).await.status, 200, "{path}");
        assert_eq!(socket.text().await, path);
    }
}

#[tokio::test]
async fn a_get_tells_when_and_from_where_in_lower_camel_case() {
    let mut local = Local::start().await;
    let socket = local.handshake("ada").header("User-Agent", "Mozilla/5.0").open().await;
    let entry = local.journal.next("$connect").await;
    let answer = local.manage("GET", &entry.connection(), &[]).await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("content-type"), Some("application/json"));
    let told = answer.json();
    let mut names: Vec<&String> = told.as_object().unwrap().keys().collect();
    names.sort();
    assert_eq!(names, ["connectedAt", "identity", "lastActiveAt"]);
    assert_eq!(told["identity"], json!({"sourceIp": "127.0.0.1", "userAgent": "Mozilla/5.0"}));
    // Both times are ISO 8601, of which the one in the event has the day in another order.
    let connected = entry.context()["requestTime"].as_str().unwrap();
    for name in ["connectedAt", "lastActiveAt"] {
        let time = told[name].as_str().unwrap();
        assert!(is_iso_8601(time), "{time}");
        assert_eq!(time[0..4], connected[7..11], "{time} and {connected}");
    }
    drop(socket);
}

/// Whether `text` is such as `2023-11-29T08:04:01Z` or `2023-11-29T08:04:01.796Z`.
fn is_iso_8601(text: &str) -> bool {
    let shape: String =
        text.chars().map(|letter| if letter.is_ascii_digit() { '0' } else { letter }).collect();
    ["0000-00-00T00:00:00Z", "0000-00-00T00:00:00.000Z"].contains(&&*shape)
}

#[tokio::test]
async fn a_message_makes_a_connection_active() {
    let mut local = Local::start().await;
    let (mut socket, id) = local.join("ada").await;
    socket.say("hello").await;
    socket.text().await;
    let told = local.manage("GET", &id, &[]).await.json();
    let time = |name: &str| told[name].as_str().unwrap().to_owned();
    assert!(time("connectedAt") <= time("lastActiveAt"), "{told}");
}

#[tokio::test]
async fn a_delete_is_204_and_closes_with_1000() {
    let mut local = Local::start().await;
    let (mut socket, id) = local.join("ada").await;
    let answer = local.manage("DELETE", &id, &[]).await;
    assert_eq!((answer.status, answer.text()), (204, String::new()));
    assert_eq!(socket.closed().await.unwrap().0, 1000);
    check(&local.manage("DELETE", &id, &[]).await, 410, "GoneException");
}

#[tokio::test]
async fn what_was_posted_before_a_delete_still_arrives() {
    let mut local = Local::start().await;
    let (mut socket, id) = local.join("ada").await;
    local.post(&id, "your token has expired").await;
    assert_eq!(local.manage("DELETE", &id, &[]).await.status, 204);
    assert_eq!(socket.text().await, "your token has expired");
    assert_eq!(socket.closed().await.unwrap().0, 1000);
}

#[tokio::test]
async fn a_connection_that_is_not_there_is_gone_by_its_header() {
    let mut local = Local::start().await;
    let (socket, left) = local.join("ada").await;
    socket.leave().await;
    local.journal.next("$disconnect").await;
    for id in [NOBODY, &left] {
        for method in ["POST", "GET", "DELETE"] {
            let answer = local.manage(method, id, b"hello").await;
            check(&answer, 410, "GoneException");
            // The body is not JSON: SDKs of other languages say so in their error texts.
            assert!(serde_json::from_slice::<Value>(&answer.body).is_err());
        }
    }
}

#[tokio::test]
async fn an_id_of_another_shape_is_a_bad_request() {
    let local = Local::start().await;
    for id in ["nobody", "6ba7b810-9dad-11d1-80b4-00c04fd430c8", "PJqB0fHsqRcCHlw", "%%%"] {
        for method in ["POST", "GET", "DELETE"] {
            check(&local.manage(method, id, b"hello").await, 400, "BadRequestException");
        }
    }
}

#[tokio::test]
async fn another_stage_or_path_is_forbidden() {
    let mut local = Local::start().await;
    let (_socket, id) = local.join("ada").await;
    let id = id.replace('=', "%3D");
    for path in [
        format!("/test/@connections/{id}"),
        format!("/@connections/{id}"),
        format!("/prod/connections/{id}"),
        format!("/prod/@connections/{id}/more"),
        "/prod/@connections".to_owned(),
    ] {
        let answer = ask(&local, "POST", &path).await;
        assert_eq!(
            (answer.status, answer.json()),
            (403, json!({"message": "Forbidden"})),
            "{path}"
        );
    }
}

#[tokio::test]
async fn a_request_that_is_not_signed_is_forbidden() {
    let mut local = Local::start().await;
    let (socket, id) = local.join("ada").await;
    let path = format!("/prod/@connections/{}", id.replace('=', "%3D"));
    for method in ["POST", "GET", "DELETE"] {
        let answer = Request::new(method, &path).body(b"hello").send(&local.address()).await;
        assert_eq!(answer.status, 403, "{method}");
    }
    let bearer = Request::new("DELETE", &path).header("authorization", "Bearer x");
    assert_eq!(bearer.send(&local.address()).await.status, 403);
    assert_eq!(socket.leave().await, [""; 0]);
}

#[tokio::test]
async fn a_post_of_128_kilobytes_arrives_in_frames_of_at_most_32() {
    let mut local = Local::start().await;
    let (mut socket, id) = local.join("ada").await;
    let text = "y".repeat(MESSAGE);
    local.post(&id, &text).await;
    let Received::Text(arrived, sizes) = socket.receive().await else {
        panic!("something else instead of the message");
    };
    assert!(arrived == text);
    assert!(sizes.iter().all(|size| *size <= 32 * 1024), "{sizes:?}");
}

#[tokio::test]
async fn a_larger_post_is_too_large_and_nothing_arrives() {
    let mut local = Local::start().await;
    let (mut socket, id) = local.join("ada").await;
    let answer = local.manage("POST", &id, &[b'y'; MESSAGE + 1]).await;
    check(&answer, 413, "PayloadTooLargeException");
    assert!(answer.json()["message"].is_string());
    local.post(&id, "small").await;
    assert_eq!(socket.text().await, "small");
}

#[tokio::test]
async fn a_client_that_does_not_read_makes_posts_exceed_the_limit() {
    // Far more than any socket buffers: 512 MB.
    const POSTS_MAX: usize = 4096;
    let mut local = Local::start().await;
    let (_socket, id) = local.join("ada").await;
    let message = [b'y'; MESSAGE];
    for _ in 0..POSTS_MAX {
        let answer = local.manage("POST", &id, &message).await;
        if answer.status != 200 {
            check(&answer, 429, "LimitExceededException");
            return;
        }
    }
    panic!("{POSTS_MAX} posts were accepted for a client that reads nothing");
}

#[tokio::test]
async fn posts_to_one_connection_do_not_reach_another() {
    let mut local = Local::start().await;
    let (mut ada, first) = local.join("ada").await;
    let (mut bob, second) = local.join("bob").await;
    local.post(&first, "for ada").await;
    local.post(&second, "for bob").await;
    assert_eq!(ada.text().await, "for ada");
    assert_eq!(bob.text().await, "for bob");
    assert_eq!(ada.leave().await, [""; 0]);
    assert_eq!(bob.leave().await, [""; 0]);
}

#[tokio::test]
async fn one_connection_carries_many_requests() {
    use tokio::io::{AsyncWriteExt as _, BufReader};

    let mut local = Local::start().await;
    let (mut socket, id) = local.join("ada").await;
    let stream = tokio::net::TcpStream::connect(local.address()).await.unwrap();
    let mut stream = BufReader::new(stream);
    for text in ["one", "two", "three"] {
        let request = format!(
            "POST /prod/@connections/{id} HTTP/1.1\r\nhost: {}\r\nauthorization: \
             AWS4-HMAC-SHA256 Credential=TEST/20260101/us-east-1/execute-api/aws4_request, \
             SignedHeaders=host, Signature=00\r\ncontent-length: {}\r\n\r\n{text}",
            local.address(),
            text.len(),
        );
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = crate::local::within(Answer::read_head(&mut stream)).await;
        answer.read_body(&mut stream).await;
        assert_eq!(answer.status, 200);
        assert_eq!(socket.text().await, text);
    }
}

//! What a function's policy does not allow is denied, as AWS would deny it, and nothing is done.

use std::collections::BTreeSet;

use gateway::Permission;
use template::model::{Permissions, Statement};

use crate::http::Request;
use crate::local::Local;

const TABLE: &str = "arn:aws:dynamodb:us-east-1:123456789012:table/Notes";
const CONNECTIONS: &str =
    "arn:aws:execute-api:us-east-1:123456789012:Chat/prod/POST/@connections/*";
const TOPIC: &str = "arn:aws:sns:us-east-1:123456789012:alarms.fifo";

/// A gateway whose room may do these to those.
async fn local(allowed: &[(&str, &str)]) -> Local {
    let statements = allowed.iter().map(|(action, resource)| Statement {
        allows: true,
        actions: vec![(*action).to_owned()],
        resources: vec![(*resource).to_owned()],
    });
    let statements = statements.collect();
    Local::with(|settings| {
        let room = settings.deployment.functions.get_mut("Room").unwrap();
        room.permissions = Permissions::Known(statements);
    })
    .await
}

fn made(local: &Local) -> BTreeSet<Permission> {
    local.running.permissions().remove("Room").unwrap_or_default()
}

fn permission(allowed: bool, action: &str, resource: &str) -> Permission {
    Permission { allowed, action: action.to_owned(), resource: resource.to_owned() }
}

#[tokio::test]
async fn what_is_allowed_is_done_and_noted() {
    let allowed =
        [("dynamodb:PutItem", TABLE), ("execute-api:*", CONNECTIONS), ("sns:Publish", TOPIC)];
    let mut local = local(&allowed).await;
    let (mut socket, _) = local.join("ada").await;
    socket.say(r#"{"action":"note","text":"x"}"#).await;
    assert_eq!(socket.text().await, "noted");
    socket.say(r#"{"action":"announce","text":"x"}"#).await;
    assert_eq!(socket.text().await, "announced");
    socket.say(r#"{"action":"tell","text":"to myself"}"#).await;
    assert_eq!(socket.text().await, "to myself");
    let expected = [
        permission(true, "dynamodb:PutItem", TABLE),
        permission(true, "execute-api:ManageConnections", CONNECTIONS),
        permission(true, "sns:Publish", TOPIC),
    ];
    assert_eq!(made(&local), expected.into());
}

#[tokio::test]
async fn what_is_not_allowed_is_not_done() {
    // The right action on another resource, and the other way round.
    let allowed = [("dynamodb:PutItem", TOPIC), ("sns:Subscribe", TOPIC)];
    let mut local = local(&allowed).await;
    let (mut socket, _) = local.join("ada").await;
    for action in ["note", "announce", "tell"] {
        socket.say(&format!(r#"{{"action":"{action}","text":"x"}}"#)).await;
        assert_eq!(socket.json().await["message"], "Internal server error", "{action}");
    }
    let expected = [
        permission(false, "dynamodb:PutItem", TABLE),
        permission(false, "execute-api:ManageConnections", CONNECTIONS),
        permission(false, "sns:Publish", TOPIC),
    ];
    assert_eq!(made(&local), expected.into());
    assert_eq!(local.running.topic_lines("Alarms").len(), 0);
    let bill = local.running.stop().await;
    assert!(!bill.tables.contains_key("Notes"), "{:?}", bill.tables);
}

/// Asks as a process of the room.
async fn ask(address: &str, path: &str, headers: &[(&str, &str)], body: &str) -> (u16, String) {
    let authorization = "AWS4-HMAC-SHA256 Credential=LOCALRoomP1/20260101/us-east-1/x/\
        aws4_request, SignedHeaders=host;x-amz-date, Signature=00";
    let mut request = Request::new("POST", path).header("authorization", authorization);
    request = request.header("x-amz-date", "20260101T000000Z");
    for (name, value) in headers {
        request = request.header(name, value);
    }
    let answer = request.body(body.as_bytes()).send(address).await;
    (answer.status, String::from_utf8(answer.body).unwrap())
}

#[tokio::test]
async fn a_denial_says_who_may_not_do_what() {
    let mut local = local(&[]).await;
    let (_socket, id) = local.join("ada").await;
    let path = format!("/prod/@connections/{}", id.replace('=', "%3D"));
    let (status, text) = ask(&local.address(), &path, &[], "x").await;
    assert_eq!(status, 403, "{text}");
    let denial = "assumed-role/RoomRole/Room is not authorized to perform: \
        execute-api:ManageConnections on resource: \
        arn:aws:execute-api:us-east-1:123456789012:Chat/prod/POST/@connections/";
    assert!(text.contains(denial), "{text}");

    let endpoint = local.running.dynamodb_endpoint();
    let address = endpoint.strip_prefix("http://").unwrap();
    let headers = [
        ("x-amz-target", "DynamoDB_20120810.DescribeTable"),
        ("content-type", "application/x-amz-json-1.0"),
    ];
    let (status, text) = ask(address, "/", &headers, r#"{"TableName":"Notes"}"#).await;
    assert_eq!(status, 400, "{text}");
    assert!(text.contains("#AccessDeniedException"), "{text}");
    assert!(text.contains("to perform: dynamodb:DescribeTable on resource"), "{text}");

    let endpoint = local.running.sns_endpoint();
    let address = endpoint.strip_prefix("http://").unwrap();
    let form = format!("Action=Publish&Message=x&TopicArn={TOPIC}");
    let (status, text) = ask(address, "/", &[], &form).await;
    assert_eq!(status, 403, "{text}");
    assert!(text.contains("<Code>AuthorizationError</Code>"), "{text}");
}

//! The authorizer: whom it lets in, what becomes of its errors, and where its context shows up.

use serde_json::{Value, json};

use crate::http::percent_encoded;
use crate::local::Local;
use crate::socket::Handshake;

/// The part of an ARN before the API's id.
const ARN: &str = "arn:aws:execute-api:us-east-1:123456789012";

/// A result with a policy of `statements`.
fn policy(statements: &Value) -> Value {
    json!({
        "principalId": "ada",
        "policyDocument": {"Version": "2012-10-17", "Statement": statements},
    })
}

fn statement(effect: &str, resource: &str) -> Value {
    json!({"Action": "execute-api:Invoke", "Effect": effect, "Resource": resource})
}

/// The status of a handshake whose authorizer ends as `script` says.
async fn status_of(local: &Local, script: Value) -> u16 {
    local.scripted("authorize", &script).send().await.status()
}

/// The status of a handshake whose authorizer answers a policy of `statements`.
async fn status_with(local: &Local, statements: Value) -> u16 {
    status_of(local, json!({"answer": policy(&statements)})).await
}

/// The API's id, as the authorizer is told it.
async fn api_of(local: &mut Local) -> String {
    local.join("ada").await;
    let entry = local.journal.next("authorizer").await;
    entry.context()["apiId"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn its_event_has_no_path_no_method_and_no_body() {
    let mut local = Local::start().await;
    local.join("ada").await;
    let entry = local.journal.next("authorizer").await;
    let event = entry.event().as_object().unwrap();
    for name in ["pathParameters", "httpMethod", "path", "resource", "body", "isBase64Encoded"] {
        assert!(!event.contains_key(name), "{name}");
    }
}

#[tokio::test]
async fn it_sees_the_headers_that_connect_does_not() {
    let mut local = Local::start().await;
    local.join("ada").await;
    let entry = local.journal.next("authorizer").await;
    let headers = &entry.event()["headers"];
    assert_eq!(headers["Connection"], "Upgrade");
    assert_eq!(headers["Upgrade"], "websocket");
    assert_eq!(headers["content-length"], "0");
}

#[tokio::test]
async fn it_is_asked_about_the_connect_route_of_the_stage() {
    let mut local = Local::start().await;
    let api = api_of(&mut local).await;
    local.join("ada").await;
    let entry = local.journal.next("authorizer").await;
    assert_eq!(entry.event()["methodArn"], format!("{ARN}:{api}/prod/$connect"));
}

#[tokio::test]
async fn a_missing_query_parameter_is_unauthorized_and_nobody_is_asked() {
    let mut local = Local::start().await;
    for path in ["/prod", "/prod?token=x", "/prod?User=ada"] {
        let socket = Handshake::new(&local.address(), path).send().await;
        assert_eq!(socket.status(), 401, "{path}");
    }
    local.join("ada").await;
    let first = local.journal.any().await;
    assert_eq!(first.event()["queryStringParameters"], json!({"user": "ada"}));
}

#[tokio::test]
async fn a_missing_header_is_unauthorized_and_a_present_one_is_found_in_any_case() {
    let mut local = Local::with_api(|api| {
        let authorizer = api.authorizer.as_mut().unwrap();
        authorizer.identity_sources = vec!["route.request.header.Authorization".to_owned()];
    })
    .await;
    assert_eq!(local.handshake("ada").send().await.status(), 401);
    local.handshake("ada").header("authorization", "Bearer x").open().await;
    let first = local.journal.any().await;
    assert_eq!(first.event()["headers"]["authorization"], "Bearer x");
}

#[tokio::test]
async fn every_identity_source_must_be_there() {
    let local = Local::with_api(|api| {
        let authorizer = api.authorizer.as_mut().unwrap();
        authorizer.identity_sources.push("route.request.header.X-Key".to_owned());
    })
    .await;
    assert_eq!(local.handshake("ada").send().await.status(), 401);
    let both = local.handshake("ada").header("X-Key", "1").send().await;
    assert_eq!(both.status(), 101);
}

#[tokio::test]
async fn an_identity_source_may_be_a_stage_variable() {
    for (variable, status) in [("realm", 101), ("other", 401)] {
        let local = Local::with_api(|api| {
            let authorizer = api.authorizer.as_mut().unwrap();
            authorizer.identity_sources = vec!["stageVariables.realm".to_owned()];
            api.stage_variables.insert(variable.to_owned(), "x".to_owned());
        })
        .await;
        assert_eq!(local.handshake("ada").send().await.status(), status, "{variable}");
    }
}

#[tokio::test]
async fn a_policy_that_allows_the_route_or_the_whole_stage_lets_in() {
    let mut local = Local::start().await;
    let api = api_of(&mut local).await;
    for path in ["prod/$connect", "prod/*", "*", "*/$connect", "pro?/$connec?"] {
        let allow = statement("Allow", &format!("{ARN}:{api}/{path}"));
        assert_eq!(status_with(&local, json!([allow])).await, 101, "{path}");
    }
    assert_eq!(status_with(&local, json!([statement("Allow", "*")])).await, 101);
}

#[tokio::test]
async fn a_policy_that_matches_something_else_is_forbidden() {
    let mut local = Local::start().await;
    let api = api_of(&mut local).await;
    for path in ["prod/*/*", "prod/$default", "test/*", "prod", "prod/$CONNECT", "prod/GET/*"] {
        let allow = statement("Allow", &format!("{ARN}:{api}/{path}"));
        assert_eq!(status_with(&local, json!([allow])).await, 403, "{path}");
    }
    assert_eq!(status_with(&local, json!([])).await, 403);
}

#[tokio::test]
async fn a_denial_is_forbidden_and_wins_over_what_is_allowed() {
    let local = Local::start().await;
    let (allow, deny) = (statement("Allow", "*"), statement("Deny", "*"));
    assert_eq!(status_with(&local, json!([deny])).await, 403);
    assert_eq!(status_with(&local, json!([allow, deny])).await, 403);
    assert_eq!(status_with(&local, json!([deny, allow])).await, 403);
    let elsewhere = statement("Deny", &format!("{ARN}:*/prod/other"));
    assert_eq!(status_with(&local, json!([allow, elsewhere])).await, 101);
}

#[tokio::test]
async fn a_policy_may_be_one_statement_and_name_lists() {
    let local = Local::start().await;
    assert_eq!(status_with(&local, statement("Allow", "*")).await, 101);
    let lists = json!([{
        "Action": ["execute-api:ManageConnections", "execute-api:*"],
        "Effect": "Allow",
        "Resource": ["arn:aws:s3:::nothing", "*"],
    }]);
    assert_eq!(status_with(&local, lists).await, 101);
}

#[tokio::test]
async fn a_policy_about_another_action_is_forbidden() {
    let local = Local::start().await;
    let other = json!([{"Action": "s3:GetObject", "Effect": "Allow", "Resource": "*"}]);
    assert_eq!(status_with(&local, other).await, 403);
}

#[tokio::test]
async fn the_error_unauthorized_is_unauthorized_and_no_other_error_is() {
    let local = Local::start().await;
    assert_eq!(status_of(&local, json!({"error": "Unauthorized"})).await, 401);
    for text in ["unauthorized", "Unauthorized.", "expired", ""] {
        assert_eq!(status_of(&local, json!({"error": text})).await, 500, "{text:?}");
    }
}

#[tokio::test]
async fn a_crash_is_an_internal_error() {
    let local = Local::start().await;
    for script in [json!({"end": "panic"}), json!({"exit": 1})] {
        assert_eq!(status_of(&local, script.clone()).await, 500, "{script}");
    }
}

#[tokio::test]
async fn a_malformed_result_is_an_internal_error() {
    let local = Local::start().await;
    let nested = json!({"principalId": "ada", "context": {"roles": ["admin"]},
        "policyDocument": {"Version": "2012-10-17", "Statement": [statement("Allow", "*")]}});
    for answer in [
        json!("Allow"),
        json!(true),
        json!({}),
        json!({"principalId": "ada"}),
        json!({"principalId": "ada", "policyDocument": "Allow"}),
        nested,
    ] {
        assert_eq!(status_of(&local, json!({"answer": answer})).await, 500, "{answer}");
    }
}

#[tokio::test]
async fn the_simple_response_of_http_apis_is_not_supported() {
    let local = Local::start().await;
    let simple = json!({"answer": {"isAuthorized": true, "context": {}}});
    assert_eq!(status_of(&local, simple).await, 500);
}

/// An assumption: the documentation gives the limit and not what happens past it.
#[tokio::test]
async fn a_result_of_more_than_8_kilobytes_is_an_internal_error() {
    let local = Local::start().await;
    let status = async |length: usize| {
        let path = format!("/prod?user=ada&padding={length}");
        Handshake::new(&local.address(), &path).send().await.status()
    };
    assert_eq!(status(7_000).await, 101);
    assert_eq!(status(8_192).await, 500);
}

#[tokio::test]
async fn its_context_is_strings_on_every_event_and_its_latency_only_on_the_first() {
    let mut local = Local::start().await;
    let (mut socket, _) = local.join("ada").await;
    socket.say("hello").await;
    socket.text().await;
    socket.leave().await;
    let context = json!({"team": "red", "level": "7", "guest": "false", "principalId": "ada"});
    assert_eq!(local.journal.any().await.context().get("authorizer"), None);
    for route in ["$default", "$disconnect"] {
        assert_eq!(local.journal.next(route).await.context()["authorizer"], context, "{route}");
    }

    let _second = local.handshake("ada").open().await;
    let entry = local.journal.next("$connect").await;
    let mut first = entry.context()["authorizer"].clone();
    let latency = first.as_object_mut().unwrap().remove("integrationLatency");
    assert!(latency.is_some_and(|latency| latency.is_u64()));
    assert_eq!(first, context);
}

#[tokio::test]
async fn it_is_asked_at_every_connection() {
    let mut local = Local::start().await;
    let (_first, first) = local.join("ada").await;
    let (_second, second) = local.join("ada").await;
    assert_eq!(local.journal.next("authorizer").await.connection(), first);
    assert_eq!(local.journal.next("authorizer").await.connection(), second);
}

#[tokio::test]
async fn it_is_asked_once_and_only_at_connect() {
    let mut local = Local::start().await;
    let (mut socket, _) = local.join("ada").await;
    for message in ["one", "two"] {
        socket.say(message).await;
        assert_eq!(socket.text().await, message);
    }
    local.journal.next("authorizer").await;
    for _ in ["one", "two"] {
        assert_eq!(local.journal.any().await.route(), "$default");
    }
}

#[tokio::test]
async fn connect_is_not_invoked_for_those_it_refuses() {
    let mut local = Local::start().await;
    let deny = policy(&json!([statement("Deny", "*")]));
    assert_eq!(status_of(&local, json!({"answer": deny})).await, 403);
    assert_eq!(status_of(&local, json!({"error": "Unauthorized"})).await, 401);
    let (_socket, id) = local.join("bob").await;
    let entries = [local.journal.any().await, local.journal.any().await];
    assert!(entries.iter().all(|entry| entry.route() == "authorizer"));
    assert_eq!(local.journal.any().await.connection(), id);
}

#[tokio::test]
async fn an_api_without_one_has_no_authorizer_in_its_events() {
    let mut local = Local::with_api(|api| api.authorizer = None).await;
    let script = percent_encoded(&json!({"answer": {"statusCode": 200}}).to_string());
    let path = format!("/prod?connect={script}");
    let mut socket = Handshake::new(&local.address(), &path).open().await;
    socket.say("hello").await;
    socket.leave().await;
    for route in ["$connect", "$default", "$disconnect"] {
        assert_eq!(local.journal.next(route).await.context().get("authorizer"), None, "{route}");
    }
}

//! Which route a message takes.

use serde_json::json;
use template::model::Route;

use crate::local::Local;

/// A gateway whose API selects routes by `expression` and has each of `keys` as a route.
async fn selecting(expression: &str, keys: &[&str]) -> Local {
    Local::with_api(|api| {
        api.route_selection = expression.to_owned();
        let route: Route = api.routes["shout"].clone();
        for key in keys {
            api.routes.insert((*key).to_owned(), route.clone());
        }
    })
    .await
}

/// Asserts which route each of `messages` takes.
async fn check(mut local: Local, messages: &[(&str, &str)]) {
    let (mut socket, _) = local.join("ada").await;
    for (message, route) in messages {
        socket.say(message).await;
        let mut entry = local.journal.any().await;
        while entry.context()["eventType"] == "CONNECT" {
            entry = local.journal.any().await;
        }
        assert_eq!((entry.route(), &entry.event()["body"]), (*route, &json!(message)));
    }
}

#[tokio::test]
async fn the_key_is_matched_exactly() {
    let local = selecting("$request.body.action", &["join"]).await;
    check(
        local,
        &[
            (r#"{"action":"join"}"#, "join"),
            (r#"{"room":1,"action":"join","more":{"action":"x"}}"#, "join"),
            (r#"{"action":"Join"}"#, "$default"),
            (r#"{"action":"join "}"#, "$default"),
            (r#"{"action":"joi"}"#, "$default"),
        ],
    )
    .await;
}

#[tokio::test]
async fn what_cannot_be_evaluated_takes_the_default_route() {
    let local = selecting("$request.body.action", &[]).await;
    check(
        local,
        &[
            ("hello", "$default"),
            ("{}", "$default"),
            ("[]", "$default"),
            ("7", "$default"),
            ("null", "$default"),
            (r#""shout""#, "$default"),
            (r#"{"Action":"shout"}"#, "$default"),
            (r#"{"body":{"action":"shout"}}"#, "$default"),
            ("", "$default"),
        ],
    )
    .await;
}

#[tokio::test]
async fn a_message_cannot_ask_for_the_routes_of_the_gateway() {
    let local = selecting("$request.body.action", &[]).await;
    check(
        local,
        &[
            (r#"{"action":"$connect"}"#, "$default"),
            (r#"{"action":"$disconnect"}"#, "$default"),
            (r#"{"action":"$default"}"#, "$default"),
        ],
    )
    .await;
}

#[tokio::test]
async fn a_path_may_go_deeper_than_the_first_level() {
    let local = selecting("$request.body.message.kind.name", &["join"]).await;
    check(
        local,
        &[
            (r#"{"message":{"kind":{"name":"join"}}}"#, "join"),
            (r#"{"message":{"kind":"join"}}"#, "$default"),
            (r#"{"name":"join"}"#, "$default"),
        ],
    )
    .await;
}

#[tokio::test]
async fn a_path_may_select_an_element() {
    let local = selecting("$request.body.steps[1].name", &["join"]).await;
    check(
        local,
        &[
            (r#"{"steps":[{"name":"leave"},{"name":"join"}]}"#, "join"),
            (r#"{"steps":[{"name":"join"}]}"#, "$default"),
        ],
    )
    .await;
}

#[tokio::test]
async fn paths_may_be_put_together() {
    let expression = "${request.body.noun}/${request.body.verb}";
    let local = selecting(expression, &["room/join", "room/", "/"]).await;
    check(
        local,
        &[
            (r#"{"noun":"room","verb":"join"}"#, "room/join"),
            (r#"{"noun":"room"}"#, "room/"),
            ("{}", "/"),
            (r#"{"noun":"room","verb":"leave"}"#, "$default"),
        ],
    )
    .await;
}

#[tokio::test]
async fn a_static_expression_selects_one_route_for_all() {
    let local = selecting("join", &["join"]).await;
    check(local, &[(r#"{"action":"shout"}"#, "join"), ("hello", "join")]).await;
}

#[tokio::test]
async fn an_escaped_default_selects_the_default_route_for_all() {
    let local = selecting("\\$default", &[]).await;
    check(local, &[(r#"{"action":"shout"}"#, "$default"), ("hello", "$default")]).await;
}

#[tokio::test]
async fn what_is_not_a_string_is_made_one() {
    let local = selecting("$request.body.action", &["1", "true", "[join, leave]"]).await;
    check(
        local,
        &[
            (r#"{"action":1}"#, "1"),
            (r#"{"action":true}"#, "true"),
            (r#"{"action":["join","leave"]}"#, "[join, leave]"),
            (r#"{"action":"1"}"#, "1"),
            (r#"{"action":null}"#, "$default"),
        ],
    )
    .await;
}

/// One capture shows it: the message had an unquoted key and took the route that it named.
#[tokio::test]
async fn a_message_that_is_nearly_json_takes_the_route_it_names() {
    let local = selecting("$request.body.action", &[]).await;
    check(local, &[(r#"{"action":"shout", body:"hello"}"#, "shout")]).await;
}

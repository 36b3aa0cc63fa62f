//! `AWS::Serverless::WebSocketApi` and the route responses that make its routes two-way.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde_json::Value;

use crate::error::{Error, Path, Problem};
use crate::function;
use crate::intrinsic::{as_text, kind};
use crate::model::{Api, Authorizer, Route};
use crate::scope::Scope;
use crate::yaml::Node;

/// SAM's default: "AWS::Serverless::WebSocketApi", `StageName`.
pub(crate) const STAGE_DEFAULT: &str = "default";

/// API Gateway's limit and default: "Quotas for configuring and running a WebSocket API".
pub(crate) const INTEGRATION_TIMEOUT_MS_MAX: u32 = 29_000;

/// The logical ids of what SAM generates for the API `id`, given its routes.
///
/// # Errors
///
/// Two route keys with the same logical id (`connect` and `$connect`), and a key that no logical
/// id can be made of.
pub(crate) fn generated(
    id: &str,
    properties: &Node,
    path: &Path,
) -> Result<BTreeMap<String, String>, Error> {
    let path = path.child("Properties.Routes");
    let mut ids: BTreeMap<String, String> = BTreeMap::new();
    for (key, _) in properties.at("Routes").map(Node::entries).unwrap_or_default() {
        let name = match key.as_str() {
            "$connect" | "$disconnect" | "$default" => &key[1..],
            _ => key,
        };
        if name.is_empty() || !name.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
            return Err(path.unexpected(format!("the route key {key:?}"), "an alphanumeric one"));
        }
        let (first, rest) = name.split_at(1);
        let generated = format!("{id}{}{rest}Route", first.to_ascii_uppercase());
        if let Some(other) = ids.insert(generated.clone(), key.clone()) {
            let problem = Problem::Collision { first: other, second: key.clone(), generated };
            return Err(path.fail(problem));
        }
    }
    Ok(ids)
}

/// Reads one API. `answering` holds the generated ids of the routes that have a response.
pub(crate) fn read(
    scope: &Scope,
    id: &str,
    properties: &Node,
    answering: &BTreeSet<String>,
    path: &Path,
) -> Result<Api, Error> {
    let generated = generated(id, properties, path)?;
    let path = path.child("Properties");
    let Some(route_selection) = scope.text_at(properties, "RouteSelectionExpression", &path)?
    else {
        return Err(path.missing("RouteSelectionExpression"));
    };
    let mut routes = BTreeMap::new();
    let routes_path = path.child("Routes");
    for (generated, key) in &generated {
        let node = properties.at("Routes").and_then(|routes| routes.at(key));
        let node = node.unwrap_or(&Node::Null);
        let answers = answering.contains(generated);
        routes.insert(key.clone(), route(scope, node, answers, &routes_path.child(key))?);
    }
    let authorizer = match properties.at("Auth") {
        Some(auth) => authorizer(scope, auth, &path.child("Auth"))?,
        None => None,
    };
    let stage = scope.text_at(properties, "StageName", &path)?;
    Ok(Api {
        id: id.to_owned(),
        stage: stage.unwrap_or_else(|| STAGE_DEFAULT.to_owned()),
        route_selection,
        routes,
        authorizer,
        stage_variables: scope.texts_at(properties, "StageVariables", &path)?,
    })
}

fn route(scope: &Scope, node: &Node, answers: bool, path: &Path) -> Result<Route, Error> {
    let Some(function) = scope.text_at(node, "FunctionArn", path)? else {
        return Err(path.missing("FunctionArn"));
    };
    let timeout = scope.number_at(node, "IntegrationTimeout", path)?;
    let timeout = timeout.unwrap_or(INTEGRATION_TIMEOUT_MS_MAX).min(INTEGRATION_TIMEOUT_MS_MAX);
    let selects = scope.text_at(node, "RouteResponseSelectionExpression", path)?.is_some();
    Ok(Route {
        function: function::named(scope, &function, &path.child("FunctionArn"))?,
        two_way: selects && answers,
        integration_timeout: Duration::from_millis(u64::from(timeout)),
    })
}

/// The authorizer of `$connect`; none for `NONE`, and none for `AWS_IAM`, which is not checked
/// here.
fn authorizer(scope: &Scope, auth: &Node, path: &Path) -> Result<Option<Authorizer>, Error> {
    let kind = scope.text_at(auth, "AuthType", path)?;
    if kind.is_some_and(|kind| kind != "CUSTOM") {
        return Ok(None);
    }
    let Some(arn) = scope.text_at(auth, "AuthArn", path)? else {
        return Err(path.missing("AuthArn"));
    };
    Ok(Some(Authorizer {
        function: function::named(scope, &arn, &path.child("AuthArn"))?,
        identity_sources: identity_sources(scope, auth, path)?,
    }))
}

/// `IdentitySource`, a list or a text with commas.
pub(crate) fn identity_sources(
    scope: &Scope,
    auth: &Node,
    path: &Path,
) -> Result<Vec<String>, Error> {
    let path = &path.child("IdentitySource");
    let value = match auth.at("IdentitySource") {
        Some(node) => scope.value(node, path)?,
        None => None,
    };
    match value {
        None | Some(Value::Null) => Ok(Vec::new()),
        Some(Value::Array(values)) => values.iter().map(|value| as_text(value, path)).collect(),
        Some(Value::String(text)) => {
            Ok(text.split(',').map(|source| source.trim().to_owned()).collect())
        }
        Some(other) => Err(path.unexpected(kind(&other), "a list of identity sources")),
    }
}

/// The route that an `AWS::ApiGatewayV2::RouteResponse` is of, if it is a `$default` one.
///
/// Source: "Set up route responses for a WebSocket API": `$default` is the only key there is.
pub(crate) fn answered(
    scope: &Scope,
    properties: &Node,
    path: &Path,
) -> Result<Option<String>, Error> {
    let path = path.child("Properties");
    let Some(route) = scope.text_at(properties, "RouteId", &path)? else {
        return Err(path.missing("RouteId"));
    };
    let key = scope.text_at(properties, "RouteResponseKey", &path)?;
    Ok((key.as_deref() == Some("$default")).then_some(route))
}

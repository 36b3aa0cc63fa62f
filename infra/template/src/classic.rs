//! WebSocket APIs spelled out in CloudFormation: `AWS::ApiGatewayV2::Api` with its routes,
//! integrations, authorizers and stages, which refer to each other by logical id.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::error::{Error, Path, Problem};
use crate::function;
use crate::model::{Api, Authorizer, Deployment, Route};
use crate::scope::{Resource, Scope};
use crate::websocket::{INTEGRATION_TIMEOUT_MS_MAX, STAGE_DEFAULT, identity_sources};
use crate::yaml::Node;

/// Reads every API of this kind. `answering` holds the ids of the routes that have a response.
pub(crate) fn read(
    scope: &Scope,
    answering: &BTreeSet<String>,
    deployment: &mut Deployment,
) -> Result<(), Error> {
    for (id, resource) in of_kind(scope, "Api") {
        let (properties, path) = parts(id, resource);
        let protocol = scope.text_at(properties, "ProtocolType", &path)?;
        if protocol.as_deref() != Some("WEBSOCKET") {
            deployment.ignored.push(format!("{id} ({}) is no WebSocket API.", resource.kind));
            continue;
        }
        let Some(route_selection) = scope.text_at(properties, "RouteSelectionExpression", &path)?
        else {
            return Err(path.missing("RouteSelectionExpression"));
        };
        let (stage, stage_variables) = stage(scope, id, deployment)?;
        let mut routes = BTreeMap::new();
        let mut authorizer = None;
        for (route_id, resource) in members(scope, "Route", id)? {
            let (properties, path) = parts(route_id, resource);
            let Some(key) = scope.text_at(properties, "RouteKey", &path)? else {
                return Err(path.missing("RouteKey"));
            };
            if key == "$connect" {
                authorizer = read_authorizer(scope, properties, &path, deployment)?;
            }
            let answers = answering.contains(route_id);
            match route(scope, properties, answers, &path)? {
                Some(route) => drop(routes.insert(key, route)),
                None => deployment.ignored.push(format!("{route_id}: not led to a function.")),
            }
        }
        let api =
            Api { id: id.clone(), stage, route_selection, routes, authorizer, stage_variables };
        deployment.apis.insert(id.clone(), api);
    }
    Ok(())
}

/// The present resources of one kind.
fn of_kind<'scope>(
    scope: &'scope Scope,
    kind: &'static str,
) -> impl Iterator<Item = (&'scope String, &'scope Resource)> {
    let found = scope.resources.iter();
    found.filter(move |(_, resource)| {
        resource.present && resource.kind.strip_prefix("AWS::ApiGatewayV2::") == Some(kind)
    })
}

/// The present resources of one kind that belong to the API `api`.
fn members<'scope>(
    scope: &'scope Scope,
    kind: &'static str,
    api: &str,
) -> Result<Vec<(&'scope String, &'scope Resource)>, Error> {
    let mut members = Vec::new();
    for (id, resource) in of_kind(scope, kind) {
        let (properties, path) = parts(id, resource);
        if scope.text_at(properties, "ApiId", &path)?.as_deref() == Some(api) {
            members.push((id, resource));
        }
    }
    Ok(members)
}

fn parts<'resource>(id: &str, resource: &'resource Resource) -> (&'resource Node, Path) {
    (&resource.properties, Path::root("Resources").child(id).child("Properties"))
}

/// The first stage by logical id: one is served.
fn stage(
    scope: &Scope,
    api: &str,
    deployment: &mut Deployment,
) -> Result<(String, BTreeMap<String, String>), Error> {
    let stages = members(scope, "Stage", api)?;
    for (id, _) in stages.iter().skip(1) {
        deployment.ignored.push(format!("{id}: one stage of {api} is served, another one."));
    }
    let Some((id, resource)) = stages.first() else {
        return Ok((STAGE_DEFAULT.to_owned(), BTreeMap::new()));
    };
    let (properties, path) = parts(id, resource);
    let name = scope.text_at(properties, "StageName", &path)?;
    let variables = scope.texts_at(properties, "StageVariables", &path)?;
    Ok((name.unwrap_or_else(|| STAGE_DEFAULT.to_owned()), variables))
}

/// The resource of one kind that a property refers to by its logical id.
fn referred<'scope>(
    scope: &'scope Scope,
    kind: &'static str,
    id: &str,
    path: &Path,
) -> Result<(&'scope Node, Path), Error> {
    match of_kind(scope, kind).find(|(other, _)| *other == id) {
        Some((id, resource)) => Ok(parts(id, resource)),
        None => {
            let call = "a route refers".to_owned();
            Err(path.fail(Problem::Undeclared { call, name: id.to_owned() }))
        }
    }
}

/// Nothing where the route's integration is not a function: a mock, or somebody's server.
fn route(
    scope: &Scope,
    properties: &Node,
    answers: bool,
    path: &Path,
) -> Result<Option<Route>, Error> {
    let Some(target) = scope.text_at(properties, "Target", path)? else { return Ok(None) };
    let path = path.child("Target");
    let id = target.strip_prefix("integrations/").unwrap_or(&target);
    let (integration, path) = referred(scope, "Integration", id, &path)?;
    let kind = scope.text_at(integration, "IntegrationType", &path)?;
    if !matches!(kind.as_deref(), Some("AWS_PROXY" | "AWS")) {
        return Ok(None);
    }
    let Some(uri) = scope.text_at(integration, "IntegrationUri", &path)? else {
        return Err(path.missing("IntegrationUri"));
    };
    let timeout = scope.number_at(integration, "TimeoutInMillis", &path)?;
    let timeout = timeout.unwrap_or(INTEGRATION_TIMEOUT_MS_MAX).min(INTEGRATION_TIMEOUT_MS_MAX);
    let selects = properties.at("RouteResponseSelectionExpression").is_some();
    Ok(Some(Route {
        function: function::named(scope, &uri, &path.child("IntegrationUri"))?,
        two_way: selects && answers,
        integration_timeout: Duration::from_millis(u64::from(timeout)),
    }))
}

fn read_authorizer(
    scope: &Scope,
    route: &Node,
    path: &Path,
    deployment: &mut Deployment,
) -> Result<Option<Authorizer>, Error> {
    match scope.text_at(route, "AuthorizationType", path)?.as_deref() {
        None | Some("NONE") => return Ok(None),
        Some("CUSTOM") => {}
        Some(other) => {
            deployment.ignored.push(format!("{path}: authorization {other} goes unchecked."));
            return Ok(None);
        }
    }
    let Some(id) = scope.text_at(route, "AuthorizerId", path)? else {
        return Err(path.missing("AuthorizerId"));
    };
    let (authorizer, path) = referred(scope, "Authorizer", &id, &path.child("AuthorizerId"))?;
    let Some(uri) = scope.text_at(authorizer, "AuthorizerUri", &path)? else {
        return Err(path.missing("AuthorizerUri"));
    };
    Ok(Some(Authorizer {
        function: function::named(scope, &uri, &path.child("AuthorizerUri"))?,
        identity_sources: identity_sources(scope, authorizer, &path)?,
    }))
}

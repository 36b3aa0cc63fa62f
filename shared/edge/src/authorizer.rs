//! The loop of the authorizer: who is calling, and may they come in.

use std::sync::Arc;

use auth::Verifier;
use aws_lambda_events::apigw::{
    ApiGatewayCustomAuthorizerPolicy, ApiGatewayCustomAuthorizerRequestTypeRequest,
    ApiGatewayCustomAuthorizerResponse,
};
use aws_lambda_events::iam::{IamPolicyEffect, IamPolicyStatement};
use chat::Clock;
use lambda_runtime::{Diagnostic, LambdaEvent, service_fn};
use serde_json::json;
use timeline::{DeviceId, Platform, Timestamp};
use wire::protocol;

use crate::boot::{self, BootError};
use crate::environment::{self, Environment};
use crate::event::{PROTOCOL_HEADER, context};
use crate::wall::WallClock;

/// The policy's version, the only one there is.
const POLICY_VERSION: &str = "2012-10-17";
/// What a client of the API needs.
const INVOKE: &str = "execute-api:Invoke";
/// The one error text that API Gateway turns into 401; any other is 500.
const UNAUTHORIZED: &str = "Unauthorized";

/// Serves the authorizer of `$connect`: a token that is not taken is answered 401, a device or a
/// platform that is none 403, and everyone else is let in with their identity on every later event.
///
/// # Errors
///
/// [`BootError`] when tokens cannot be checked as configured, or the runtime gives up.
pub async fn serve() -> Result<(), BootError> {
    boot::log();
    let environment = Environment::read();
    let verifier = Arc::new(verifier(&environment)?);
    let service =
        service_fn(move |event: LambdaEvent<ApiGatewayCustomAuthorizerRequestTypeRequest>| {
            let verifier = Arc::clone(&verifier);
            async move { decide(&verifier, &event.payload, WallClock.now()) }
        });
    lambda_runtime::run_concurrent(service).await.map_err(BootError::Runtime)
}

fn verifier(environment: &Environment) -> Result<Verifier, BootError> {
    Ok(Verifier::new(auth::Configuration {
        keys: environment.optional(environment::KEYS),
        development_secret: environment.optional(environment::DEVELOPMENT_SECRET),
        audience: environment.optional(environment::AUDIENCE),
        issuer: environment.optional(environment::ISSUER),
    })?)
}

/// Lets in, refuses by policy, or does not know who it is.
///
/// # Errors
///
/// The one that API Gateway turns into 401.
pub fn decide(
    verifier: &Verifier,
    request: &ApiGatewayCustomAuthorizerRequestTypeRequest,
    now: Timestamp,
) -> Result<ApiGatewayCustomAuthorizerResponse, Diagnostic> {
    let unauthorized = || Diagnostic {
        error_type: UNAUTHORIZED.to_owned(),
        error_message: UNAUTHORIZED.to_owned(),
    };
    let Some(token) = token(request) else {
        tracing::info!("refused: no token");
        return Err(unauthorized());
    };
    let identity = verifier.verify(&token, now).map_err(|error| {
        tracing::info!(error = &error as &dyn std::error::Error, "refused");
        unauthorized()
    })?;
    let device = request.query_string_parameters.first(protocol::DEVICE);
    let device = device.and_then(|device| DeviceId::parse(device).ok());
    let mut response = ApiGatewayCustomAuthorizerResponse::default();
    response.principal_id = Some(identity.user.as_str().to_owned());
    let platform = request.query_string_parameters.first(protocol::PLATFORM);
    let platform = platform.map(Platform::parse).transpose();
    let is_named = device.is_some() && platform.is_ok();
    let effect = if is_named { IamPolicyEffect::Allow } else { IamPolicyEffect::Deny };
    response.policy_document = policy(effect, request.method_arn.as_deref().unwrap_or_default());
    let mut names = json!({
        context::USER: identity.user.as_str(),
        context::DEVICE: device.as_ref().map_or("", DeviceId::as_str),
        context::EXPIRES: identity.expires.0.to_string(),
    });
    if let Ok(Some(platform)) = platform {
        names[context::PLATFORM] = json!(platform.as_str());
    }
    response.context = names;
    Ok(response)
}

/// The token in its first home that has one: the header, for programs; the subprotocols, for
/// browsers, which cannot set headers; the query, as a last resort.
fn token(request: &ApiGatewayCustomAuthorizerRequestTypeRequest) -> Option<String> {
    let header = |name: &str| request.headers.get(name).and_then(|value| value.to_str().ok());
    let bearer = header("authorization").and_then(|value| {
        let (scheme, token) = value.split_once(' ')?;
        scheme.eq_ignore_ascii_case("bearer").then_some(token.trim())
    });
    let offered = || {
        let mut names = header(PROTOCOL_HEADER)?.split(',').map(str::trim);
        names.find_map(|name| name.strip_prefix(protocol::TOKEN_PREFIX))
    };
    let query = || request.query_string_parameters.first(protocol::TOKEN);
    bearer.or_else(offered).or_else(query).map(str::to_owned)
}

fn policy(effect: IamPolicyEffect, resource: &str) -> ApiGatewayCustomAuthorizerPolicy {
    let mut statement = IamPolicyStatement::default();
    statement.action = vec![INVOKE.to_owned()];
    statement.effect = effect;
    statement.resource = vec![resource.to_owned()];
    let mut policy = ApiGatewayCustomAuthorizerPolicy::default();
    policy.version = Some(POLICY_VERSION.to_owned());
    policy.statement = vec![statement];
    policy
}

//! One stage of one API: its routes and who guards them.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use template::model::{Api, Authorizer};

use crate::Error;
use crate::functions::Functions;
use crate::pool::Pool;
use crate::selection::Selection;

/// The longest that API Gateway waits for a function.
///
/// Theirs: "Quotas for configuring and running a WebSocket API", integration timeout.
const INTEGRATION_TIMEOUT_MAX: Duration = Duration::from_secs(29);

/// The route of connections, of their ends, and of messages that no other route claims.
pub(crate) const CONNECT: &str = "$connect";
pub(crate) const DISCONNECT: &str = "$disconnect";
const DEFAULT: &str = "$default";

/// Characters of an API id, all lower-case letters and digits.
const API_ID_LENGTH: usize = 10;

/// One stage of one API.
#[derive(Debug)]
pub(crate) struct Stage {
    pub(crate) name: String,
    /// The API's logical id, by which policies name it here.
    pub(crate) api: String,
    pub(crate) api_id: String,
    pub(crate) variables: BTreeMap<String, String>,
    pub(crate) guard: Option<Guard>,
    selection: Selection,
    routes: BTreeMap<String, Route>,
}

/// A route's integration.
#[derive(Debug)]
pub(crate) struct Route {
    pub(crate) pool: Arc<Pool>,
    /// Whether the answer is sent to the client.
    pub(crate) is_two_way: bool,
    pub(crate) timeout: Duration,
}

/// An authorizer.
#[derive(Debug)]
pub(crate) struct Guard {
    pub(crate) pool: Arc<Pool>,
    pub(crate) identity_sources: Vec<String>,
}

impl Stage {
    /// Binds the routes of `api` to `functions`.
    pub(crate) fn new(api: &Api, functions: &Functions) -> Result<Self, Error> {
        let selection = Selection::parse(&api.route_selection)
            .ok_or_else(|| Error::RouteSelection { expression: api.route_selection.clone() })?;
        let pool = |referrer: &str, function: &str| {
            functions.pools.get(function).cloned().ok_or_else(|| Error::UnknownFunction {
                referrer: referrer.to_owned(),
                function: function.to_owned(),
            })
        };
        let guard = |authorizer: &Authorizer| {
            let identity_sources = authorizer.identity_sources.clone();
            Ok(Guard { pool: pool("authorizer", &authorizer.function)?, identity_sources })
        };
        let mut routes = BTreeMap::new();
        for (key, route) in &api.routes {
            let route = Route {
                pool: pool(key, &route.function)?,
                is_two_way: route.two_way,
                timeout: route.integration_timeout.min(INTEGRATION_TIMEOUT_MAX),
            };
            routes.insert(key.clone(), route);
        }
        Ok(Self {
            name: api.stage.clone(),
            api: api.id.clone(),
            api_id: api_id(&api.id),
            variables: api.stage_variables.clone(),
            guard: api.authorizer.as_ref().map(guard).transpose()?,
            selection,
            routes,
        })
    }

    /// Gives the route of that very key.
    pub(crate) fn route(&self, key: &str) -> Option<&Route> {
        self.routes.get(key)
    }

    /// Gives the route that `body` selects, or the default one.
    ///
    /// A message never selects `$connect` or `$disconnect`, whatever it says.
    pub(crate) fn select(&self, body: &str) -> Option<(&str, &Route)> {
        let key = self.selection.evaluate(body);
        let key = key.filter(|key| key != CONNECT && key != DISCONNECT);
        let selected = key.and_then(|key| self.routes.get_key_value(&key));
        let (key, route) = selected.or_else(|| self.routes.get_key_value(DEFAULT))?;
        Some((key, route))
    }

    pub(crate) fn route_keys(&self) -> impl Iterator<Item = &String> {
        self.routes.keys()
    }
}

/// Makes the id of the API from its logical one: stable, and of the shape that AWS gives.
fn api_id(logical: &str) -> String {
    let letters = logical.chars().filter(char::is_ascii_alphanumeric);
    let letters = letters.map(|letter| letter.to_ascii_lowercase());
    letters.chain(std::iter::repeat('0')).take(API_ID_LENGTH).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Logs;
    use crate::launch::{Launch, Place};

    fn functions() -> Functions {
        let launch = Launch {
            name: "Room".to_owned(),
            place: Place::Here("/nowhere/bootstrap".into()),
            environment: BTreeMap::new(),
            memory_mb: 128,
            timeout: Duration::from_secs(3),
            concurrency: 1,
            processes_max: 1,
            group: 0,
            logs: Logs::Discard,
        };
        Functions { pools: BTreeMap::from([("Room".to_owned(), Pool::new(launch))]) }
    }

    fn api(keys: &[&str]) -> Api {
        let route = |key: &&str| {
            let route = template::model::Route {
                function: "Room".to_owned(),
                two_way: false,
                integration_timeout: Duration::from_secs(60),
            };
            ((*key).to_owned(), route)
        };
        Api {
            id: "ChatApi".to_owned(),
            stage: "prod".to_owned(),
            route_selection: "$request.body.action".to_owned(),
            routes: keys.iter().map(route).collect(),
            authorizer: None,
            stage_variables: BTreeMap::new(),
        }
    }

    fn check(keys: &[&str], body: &str, expected: Option<&str>) {
        let stage = Stage::new(&api(keys), &functions()).unwrap();
        assert_eq!(stage.select(body).map(|(key, _)| key), expected, "{body}");
    }

    #[test]
    fn a_message_selects_its_route_or_the_default_one() {
        check(&["send", "$default"], r#"{"action":"send"}"#, Some("send"));
        check(&["send", "$default"], r#"{"action":"other"}"#, Some("$default"));
        check(&["send"], r#"{"action":"other"}"#, None);
    }

    #[test]
    fn a_message_never_selects_a_connection_route() {
        check(&["$connect", "$default"], r#"{"action":"$connect"}"#, Some("$default"));
        check(&["$disconnect"], r#"{"action":"$disconnect"}"#, None);
    }

    #[test]
    fn no_route_waits_longer_than_aws() {
        let stage = Stage::new(&api(&["send"]), &functions()).unwrap();
        assert_eq!(stage.route("send").unwrap().timeout, INTEGRATION_TIMEOUT_MAX);
    }

    #[test]
    fn what_cannot_be_served_is_an_error() {
        let unknown = Stage::new(&api(&["send"]), &Functions::default());
        assert!(matches!(unknown, Err(Error::UnknownFunction { .. })));
        let api = Api { route_selection: "$request.header.x".to_owned(), ..api(&["send"]) };
        assert!(matches!(Stage::new(&api, &functions()), Err(Error::RouteSelection { .. })));
    }

    #[test]
    fn an_api_id_has_the_shape_of_a_real_one() {
        assert_eq!(api_id("Chat-Api"), "chatapi000");
        assert_eq!(api_id("AVeryLongLogicalId"), "averylongl");
    }
}

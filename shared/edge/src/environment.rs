//! The environment: the only place that spells the name of a variable.

use std::collections::BTreeMap;

use store::Tables;

use crate::boot::BootError;

/// Table of the storage library.
pub const TIMELINE_TABLE: &str = "TIMELINE_TABLE";
/// Table of the sync library.
pub const INBOX_TABLE: &str = "INBOX_TABLE";
/// Table of conversations, members and claims.
pub const DIRECTORY_TABLE: &str = "DIRECTORY_TABLE";
/// Table of the registry.
pub const CONNECTIONS_TABLE: &str = "CONNECTIONS_TABLE";
/// Public keys of tokens: the text of a JSON Web Key Set; empty for none.
pub const KEYS: &str = "TIDELINE_JWKS";
/// Secret of development tokens; empty refuses them.
pub const DEVELOPMENT_SECRET: &str = "TIDELINE_DEVELOPMENT_SECRET";
/// The audience that tokens must name; empty for any.
pub const AUDIENCE: &str = "TIDELINE_AUDIENCE";
/// The issuer that tokens must name; empty for any.
pub const ISSUER: &str = "TIDELINE_ISSUER";
/// The topic of alerts, by its ARN; empty where nobody is notified.
pub const TOPIC: &str = "TIDELINE_TOPIC";
/// Where SNS is, if not where the region says; empty for there.
pub const SNS_ENDPOINT: &str = "AWS_ENDPOINT_URL_SNS";
/// Where DynamoDB is, if not where the region says; empty for there.
pub const DYNAMODB_ENDPOINT: &str = "AWS_ENDPOINT_URL_DYNAMODB";
/// Where the stage's `@connections` are.
pub const MANAGEMENT_ENDPOINT: &str = "AWS_ENDPOINT_URL_APIGATEWAYMANAGEMENTAPI";
/// The region. Lambda sets it.
pub const REGION: &str = "AWS_REGION";
/// The function's credentials. Lambda sets them.
pub const ACCESS_KEY: &str = "AWS_ACCESS_KEY_ID";
/// The function's credentials. Lambda sets them.
pub const SECRET_KEY: &str = "AWS_SECRET_ACCESS_KEY";
/// The function's credentials. Lambda sets them.
pub const SESSION_TOKEN: &str = "AWS_SESSION_TOKEN";

/// Every name that is read and that the template must declare.
pub const DECLARED: [&str; 12] = [
    TIMELINE_TABLE,
    INBOX_TABLE,
    DIRECTORY_TABLE,
    CONNECTIONS_TABLE,
    KEYS,
    DEVELOPMENT_SECRET,
    AUDIENCE,
    ISSUER,
    TOPIC,
    SNS_ENDPOINT,
    DYNAMODB_ENDPOINT,
    MANAGEMENT_ENDPOINT,
];

/// The environment of a function, read once.
#[derive(Clone)]
#[expect(missing_debug_implementations, reason = "it holds credentials and a secret")]
pub struct Environment {
    values: BTreeMap<&'static str, String>,
}

impl Environment {
    /// Reads the process's environment.
    #[expect(clippy::disallowed_methods, reason = "this is the place that reads it")]
    pub fn read() -> Self {
        let names = DECLARED.into_iter().chain([REGION, ACCESS_KEY, SECRET_KEY, SESSION_TOKEN]);
        Self::of(names.filter_map(|name| Some((name, std::env::var(name).ok()?))))
    }

    /// An empty value means unset: that is what a template's unused condition leaves.
    pub(crate) fn of(values: impl Iterator<Item = (&'static str, String)>) -> Self {
        Self { values: values.filter(|(_, value)| !value.is_empty()).collect() }
    }

    /// The value of a variable that may be unset.
    pub fn optional(&self, name: &'static str) -> Option<&str> {
        self.values.get(name).map(String::as_str)
    }

    /// The value of a variable that must be set.
    ///
    /// # Errors
    ///
    /// [`BootError::Missing`] names it.
    pub fn required(&self, name: &'static str) -> Result<&str, BootError> {
        self.optional(name).ok_or(BootError::Missing { name })
    }

    /// The names of the tables.
    ///
    /// # Errors
    ///
    /// [`BootError::Missing`] names the first that is not set.
    pub fn tables(&self) -> Result<Tables, BootError> {
        let table = |name| self.required(name).map(str::to_owned);
        Ok(Tables {
            timeline: table(TIMELINE_TABLE)?,
            inbox: table(INBOX_TABLE)?,
            directory: table(DIRECTORY_TABLE)?,
            connections: table(CONNECTIONS_TABLE)?,
        })
    }
}

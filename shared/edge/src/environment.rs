//! The environment: the only place that spells the name of a variable.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use chat::{DevicePolicy, PerPlatform, Policy};
use store::Tables;
use timeline::{InboxLife, limits};

use crate::boot::BootError;
use crate::sealing::HmacSeal;

/// Table of the storage library.
pub const TIMELINE_TABLE: &str = "TIMELINE_TABLE";
/// Table of the sync library.
pub const INBOX_TABLE: &str = "INBOX_TABLE";
/// Table of conversations, members and claims.
pub const DIRECTORY_TABLE: &str = "DIRECTORY_TABLE";
/// Table of the registry.
pub const CONNECTIONS_TABLE: &str = "CONNECTIONS_TABLE";
/// Table of the search blocks.
pub const SEARCH_TABLE: &str = "SEARCH_TABLE";
/// Up to how many members a group's messages are written to inboxes.
pub const INBOX_MEMBERS_MAX: &str = "TIDELINE_INBOX_MEMBERS_MAX";
/// The most members of a group.
pub const GROUP_MEMBERS_MAX: &str = "TIDELINE_GROUP_MEMBERS_MAX";
/// How long an inbox keeps an entry, in seconds.
pub const INBOX_SECONDS: &str = "TIDELINE_INBOX_SECONDS";
/// How long an author may take a message back or change it, in seconds.
pub const RECALL_SECONDS: &str = "TIDELINE_RECALL_SECONDS";
/// The key under which the pages of `search` are sealed: any text that others do not have.
pub const SEAL_KEY: &str = "TIDELINE_SEAL_KEY";
/// Public keys of tokens: the text of a JSON Web Key Set; empty for none.
pub const KEYS: &str = "TIDELINE_JWKS";
/// Secret of development tokens; empty refuses them.
pub const DEVELOPMENT_SECRET: &str = "TIDELINE_DEVELOPMENT_SECRET";
/// The audience that tokens must name; empty for any.
pub const AUDIENCE: &str = "TIDELINE_AUDIENCE";
/// The issuer that tokens must name; empty for any.
pub const ISSUER: &str = "TIDELINE_ISSUER";
/// How many devices of one user may be online, 1 to [`limits::DEVICES_MAX`]; empty for
/// [`limits::DEVICES_DEFAULT`].
pub const DEVICES_MAX: &str = "TIDELINE_DEVICES_MAX";
/// How many of them may be of one platform, `any` or `one`; empty for any number.
pub const PER_PLATFORM: &str = "TIDELINE_PER_PLATFORM";
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

/// The function's name. Lambda sets it.
pub const FUNCTION: &str = "AWS_LAMBDA_FUNCTION_NAME";

/// The most members whose inboxes a deployment may have written: they stand in one item, of at most
/// 400 KB, that each message reads.
const INBOX_MEMBERS_LIMIT: u64 = 1_000;
/// The longest time that a deployment may let an author take a message back: a hundred years.
const RECALL_SECONDS_LIMIT: u64 = 3_155_760_000;
/// The most members that a deployment may let a group have.
const GROUP_MEMBERS_LIMIT: u64 = 1_000_000;

/// Every name that is read and that the template must declare.
pub const DECLARED: [&str; 20] = [
    TIMELINE_TABLE,
    INBOX_TABLE,
    DIRECTORY_TABLE,
    CONNECTIONS_TABLE,
    SEARCH_TABLE,
    INBOX_MEMBERS_MAX,
    GROUP_MEMBERS_MAX,
    INBOX_SECONDS,
    RECALL_SECONDS,
    SEAL_KEY,
    KEYS,
    DEVELOPMENT_SECRET,
    AUDIENCE,
    ISSUER,
    DEVICES_MAX,
    PER_PLATFORM,
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
        let own = [REGION, ACCESS_KEY, SECRET_KEY, SESSION_TOKEN, FUNCTION];
        let names = DECLARED.into_iter().chain(own);
        Self::of(names.filter_map(|name| Some((name, std::env::var(name).ok()?))))
    }

    /// The environment that has these values under these names.
    ///
    /// An empty value means unset: that is what a template's unused condition leaves.
    pub fn of(values: impl Iterator<Item = (&'static str, String)>) -> Self {
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

    /// What the deployment decides about conversations.
    ///
    /// # Errors
    ///
    /// [`BootError::Missing`] and [`BootError::Invalid`] name the first that is not set, or makes
    /// no sense.
    pub fn policy(&self) -> Result<Policy, BootError> {
        let life = InboxLife::from_seconds(self.number(INBOX_SECONDS, 1..=u64::MAX)?);
        let policy = Policy {
            inbox_members_max: self.number(INBOX_MEMBERS_MAX, 1..=INBOX_MEMBERS_LIMIT)?,
            group_members_max: self.number(GROUP_MEMBERS_MAX, 2..=GROUP_MEMBERS_LIMIT)?,
            inbox_life: life.ok_or(BootError::Invalid { name: INBOX_SECONDS })?,
            recall_ms: self.number(RECALL_SECONDS, 0..=RECALL_SECONDS_LIMIT)? * 1_000,
        };
        Ok(policy)
    }

    fn number(&self, name: &'static str, allowed: RangeInclusive<u64>) -> Result<u64, BootError> {
        let number = self.required(name)?.parse().ok();
        number.filter(|number| allowed.contains(number)).ok_or(BootError::Invalid { name })
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
            search: table(SEARCH_TABLE)?,
        })
    }

    /// The seal of pages.
    ///
    /// # Errors
    ///
    /// [`BootError::Missing`] names its key, if that is not set.
    pub fn seal(&self) -> Result<HmacSeal, BootError> {
        Ok(HmacSeal::new(self.required(SEAL_KEY)?))
    }

    /// Which devices a user may have online at once.
    ///
    /// # Errors
    ///
    /// [`BootError::Invalid`] names the first variable whose value is none.
    pub fn device_policy(&self) -> Result<DevicePolicy, BootError> {
        let default = DevicePolicy::default();
        let devices_max = match self.optional(DEVICES_MAX) {
            None => default.devices_max,
            Some(text) => {
                let number = text.parse().ok();
                let number = number.filter(|number| (1..=limits::DEVICES_MAX).contains(number));
                number.ok_or(BootError::Invalid { name: DEVICES_MAX })?
            }
        };
        let per_platform = match self.optional(PER_PLATFORM) {
            None => default.per_platform,
            Some("any") => PerPlatform::Any,
            Some("one") => PerPlatform::One,
            Some(_) => return Err(BootError::Invalid { name: PER_PLATFORM }),
        };
        Ok(DevicePolicy { devices_max, per_platform })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policy(values: &[(&'static str, &str)]) -> Result<DevicePolicy, BootError> {
        let values = values.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
        Environment { values }.device_policy()
    }

    #[test]
    fn a_policy_that_nobody_sets_is_the_default() {
        assert_eq!(policy(&[]).unwrap(), DevicePolicy::default());
    }

    #[test]
    fn a_policy_is_as_it_is_set() {
        for (number, devices_max) in [("1", 1), ("20", 20)] {
            for (word, per_platform) in [("any", PerPlatform::Any), ("one", PerPlatform::One)] {
                let set = policy(&[(DEVICES_MAX, number), (PER_PLATFORM, word)]).unwrap();
                assert_eq!(set, DevicePolicy { devices_max, per_platform });
            }
        }
    }

    #[test]
    fn a_policy_that_makes_no_sense_keeps_the_function_from_booting() {
        let wrong = [
            (DEVICES_MAX, "0"),
            (DEVICES_MAX, "21"),
            (DEVICES_MAX, "-1"),
            (DEVICES_MAX, "five"),
            (PER_PLATFORM, "One"),
            (PER_PLATFORM, "2"),
        ];
        for (name, value) in wrong {
            let error = policy(&[(name, value)]).unwrap_err();
            assert!(error.to_string().contains(name), "{value}: {error}");
        }
    }
}

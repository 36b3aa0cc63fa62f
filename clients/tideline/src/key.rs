//! The development key, and the tokens that are signed with it.

use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use engine::Token;
use timeline::{Timestamp, UserId};

use crate::arguments::{Identity, KeyArguments};
use crate::error::Error;

/// Where the development key is set, seen from the root of a checkout.
const CONFIGURATION: &str = "infra/sam/samconfig.toml";

/// The parameter that holds the development key.
const PARAMETER: &str = "DevelopmentSecret";

/// Where the tokens of a session come from.
#[derive(Debug)]
pub(crate) enum Tokens {
    /// The user gave one.
    Given(String),
    /// They are signed here.
    Minted {
        /// Whom they name.
        user: UserId,
        /// The development key.
        key: String,
        /// The one that was signed last.
        last: Option<String>,
    },
}

impl Tokens {
    /// The tokens of whoever acts.
    pub(crate) fn of(identity: &Identity) -> Result<Self, Error> {
        Ok(match &identity.token {
            Some(token) => Self::Given(token.clone()),
            None => {
                let user = identity.user.clone();
                Self::Minted { user, key: find(&identity.key)?, last: None }
            }
        })
    }

    /// The token to connect with; one that was given stays the same, however fresh it should be.
    pub(crate) fn token(&mut self, freshness: Token) -> Result<String, Error> {
        match (self, freshness) {
            (Self::Given(token), _) => Ok(token.clone()),
            (Self::Minted { last: Some(token), .. }, Token::Current) => Ok(token.clone()),
            (Self::Minted { user, key, last }, Token::Current | Token::Fresh) => {
                Ok(last.insert(mint(user, key)).clone())
            }
        }
    }
}

/// The development key: as given, or from the configuration.
pub(crate) fn find(arguments: &KeyArguments) -> Result<String, Error> {
    if let Some(key) = &arguments.key {
        return Ok(key.clone());
    }
    let here = std::env::current_dir()?;
    search(&here)
}

/// Signs a development token for a user.
#[expect(
    clippy::disallowed_methods,
    reason = "a token is good for a day from when it is asked for"
)]
pub(crate) fn mint(user: &UserId, key: &str) -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let now = Timestamp(u64::try_from(now.as_millis()).unwrap_or(u64::MAX));
    auth::development::token(user, key, now)
}

/// Looks for the key in a directory and those above.
fn search(start: &Path) -> Result<String, Error> {
    let path = start.ancestors().map(|above| above.join(CONFIGURATION)).find(|path| path.exists());
    let path = path.ok_or(Error::NoKey)?;
    let text = std::fs::read_to_string(&path).map_err(|error| unreadable(&path, error))?;
    let table: toml::Table = text.parse().map_err(|error| unreadable(&path, error))?;
    parameter(&table).filter(|key| !key.is_empty()).ok_or(Error::NoKey)
}

fn unreadable(path: &Path, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Error {
    Error::Configuration { path: PathBuf::from(path), source: source.into() }
}

/// The key in a configuration of SAM: `parameter_overrides` of the environment `local` is a list of
/// `Name=Value`, or one text of them ("SAM CLI configuration file", AWS SAM Developer Guide).
fn parameter(table: &toml::Table) -> Option<String> {
    let overrides =
        table.get("local")?.get("deploy")?.get("parameters")?.get("parameter_overrides")?;
    if let Some(text) = overrides.as_str() {
        return text.split_whitespace().find_map(named);
    }
    overrides.as_array()?.iter().filter_map(toml::Value::as_str).find_map(named)
}

/// The value of `Name=Value` or `Name="Value"`, if it is the key's.
fn named(parameter: &str) -> Option<String> {
    let value = parameter.trim().strip_prefix(PARAMETER)?.strip_prefix('=')?;
    Some(value.trim_matches(['"', '\'']).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_is_found_from_a_directory_below_in_either_form() {
        for overrides in [
            r#"["Stage=v1", "DevelopmentSecret=s3cret"]"#,
            r#""Stage=v1 DevelopmentSecret=s3cret""#,
            r#"'Stage="v1" DevelopmentSecret="s3cret"'"#,
        ] {
            let root = tempfile::tempdir().unwrap();
            let sam = root.path().join("infra/sam");
            let below = root.path().join("a/b");
            std::fs::create_dir_all(&sam).unwrap();
            std::fs::create_dir_all(&below).unwrap();
            let text = format!("[local.deploy.parameters]\nparameter_overrides = {overrides}\n");
            std::fs::write(sam.join("samconfig.toml"), text).unwrap();
            assert_eq!(search(&below).unwrap(), "s3cret", "{overrides}");
        }
    }

    #[test]
    fn a_configuration_without_the_key_says_what_to_do() {
        let root = tempfile::tempdir().unwrap();
        let sam = root.path().join("infra/sam");
        std::fs::create_dir_all(&sam).unwrap();
        std::fs::write(sam.join("samconfig.toml"), "version = 0.1\n").unwrap();
        assert!(matches!(search(root.path()), Err(Error::NoKey)));
        std::fs::write(sam.join("samconfig.toml"), "version = \n").unwrap();
        assert!(matches!(search(root.path()), Err(Error::Configuration { .. })));
    }

    #[test]
    fn a_fresh_token_is_signed_anew_and_a_given_one_is_kept() {
        let user: UserId = "alice".parse().unwrap();
        let last = Some("old".to_owned());
        let mut minted = Tokens::Minted { user, key: "s3cret".to_owned(), last };
        assert_eq!(minted.token(Token::Current).unwrap(), "old");
        let fresh = minted.token(Token::Fresh).unwrap();
        assert_ne!(fresh, "old");
        assert_eq!(minted.token(Token::Current).unwrap(), fresh);
        let mut given = Tokens::Given("mine".to_owned());
        assert_eq!(given.token(Token::Fresh).unwrap(), "mine");
    }
}

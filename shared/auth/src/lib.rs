//! Tokens to identities: who a JSON Web Token speaks for, and until when.
//!
//! # Layout
//!
//! * [`Verifier`]: made once from configuration, checks tokens at a time that it is given.
//! * [`Identity`]: whom a token speaks for. [`Refused`]: why it does not.
//! * [`development`]: tokens for development, signed with a shared secret.
//!
//! # Invariants
//!
//! * The algorithm follows from the key, never from the token: a public key cannot become a shared
//!   secret, and `none` is no algorithm.
//! * HS256 is refused unless a development secret is configured.
//! * No error and no `Debug` shows a token or a key.
//!
//! Deliberately absent: fetching keys. They are configuration.

pub mod development;

use std::fmt;

use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk, JwkSet};
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde::Deserialize;
use timeline::{Timestamp, UserId};

/// The shortest development secret, in bytes: as long as the hash (RFC 7518, section 3.2).
pub const SECRET_BYTES_MIN: usize = 32;

/// The longest token that is looked at, in bytes.
pub const TOKEN_BYTES_MAX: usize = 4_096;

/// How far ahead a token's `nbf` may be for clocks that differ, in seconds.
const NOT_BEFORE_LEEWAY_SECONDS: u64 = 60;

/// Whom a token speaks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// The user: the token's `sub`.
    pub user: UserId,
    /// When it ends: the token's `exp`.
    pub expires: Timestamp,
}

/// Why a token is refused. Clients are told no more than that it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// It is no token, or one whose claims cannot be read.
    #[error("not a readable token")]
    Unreadable,
    /// Its algorithm or key is none of ours.
    #[error("no key for the token's algorithm and key id")]
    UnknownKey,
    /// The signature does not fit.
    #[error("the signature does not fit")]
    Signature,
    /// It has expired, or is not valid yet.
    #[error("expired or not valid yet")]
    Time,
    /// It was made for another audience.
    #[error("made for another audience")]
    Audience,
    /// It was made by another issuer.
    #[error("made by another issuer")]
    Issuer,
    /// Its subject is no user id.
    #[error("the subject is no user id")]
    Subject,
}

/// Why a configuration is refused.
#[derive(Debug, thiserror::Error)]
pub enum Misconfigured {
    /// The public keys are no JSON Web Key Set.
    #[error("the public keys are no JSON Web Key Set")]
    Keys(#[source] serde_json::Error),
    /// A key is of a kind that is not supported.
    #[error("a public key is neither Ed25519, P-256 nor RSA")]
    Key,
    /// The development secret is too short to be one.
    #[error("a development secret has at least {SECRET_BYTES_MIN} bytes")]
    Secret,
    /// There is no key of any kind, so no token could ever be accepted.
    #[error("neither public keys nor a development secret are configured")]
    NoKey,
}

/// What tokens are checked against. Empty texts count as absent.
#[derive(Clone, Copy, Default)]
pub struct Configuration<'a> {
    /// Public keys, as the text of a JSON Web Key Set.
    pub keys: Option<&'a str>,
    /// The secret of development tokens; HS256 is refused without.
    pub development_secret: Option<&'a str>,
    /// The audience that a token must name.
    pub audience: Option<&'a str>,
    /// The issuer that a token must name.
    pub issuer: Option<&'a str>,
}

impl fmt::Debug for Configuration<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Configuration").finish_non_exhaustive()
    }
}

/// Checks tokens.
pub struct Verifier {
    keys: Vec<Key>,
    audience: Option<String>,
    issuer: Option<String>,
}

impl fmt::Debug for Verifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Verifier").field("keys", &self.keys.len()).finish_non_exhaustive()
    }
}

struct Key {
    id: Option<String>,
    algorithm: Algorithm,
    key: DecodingKey,
}

#[derive(Deserialize)]
struct Claims {
    sub: String,
    exp: u64,
    nbf: Option<u64>,
}

impl Verifier {
    /// The verifier of a configuration.
    ///
    /// # Errors
    ///
    /// [`Misconfigured`] says what is wrong with it.
    pub fn new(configuration: Configuration<'_>) -> Result<Self, Misconfigured> {
        let present = |text: Option<&str>| text.filter(|text| !text.is_empty()).map(str::to_owned);
        let mut keys = Vec::new();
        if let Some(text) = present(configuration.keys) {
            let set: JwkSet = serde_json::from_str(&text).map_err(Misconfigured::Keys)?;
            for jwk in &set.keys {
                keys.push(public(jwk)?);
            }
        }
        if let Some(secret) = present(configuration.development_secret) {
            if secret.len() < SECRET_BYTES_MIN {
                return Err(Misconfigured::Secret);
            }
            let key = DecodingKey::from_secret(secret.as_bytes());
            keys.push(Key { id: None, algorithm: Algorithm::HS256, key });
        }
        if keys.is_empty() {
            return Err(Misconfigured::NoKey);
        }
        let (audience, issuer) = (present(configuration.audience), present(configuration.issuer));
        Ok(Self { keys, audience, issuer })
    }

    /// Whom `token` speaks for at `now`.
    ///
    /// # Errors
    ///
    /// [`Refused`] says why it speaks for nobody.
    pub fn verify(&self, token: &str, now: Timestamp) -> Result<Identity, Refused> {
        if token.len() > TOKEN_BYTES_MAX {
            return Err(Refused::Unreadable);
        }
        let header = jsonwebtoken::decode_header(token).map_err(|_| Refused::Unreadable)?;
        let mut refused = Refused::UnknownKey;
        for key in &self.keys {
            let named = match (&header.kid, &key.id) {
                (Some(wanted), Some(id)) => wanted == id,
                (None, _) | (_, None) => true,
            };
            if !named || key.algorithm != header.alg {
                continue;
            }
            match self.claims(token, key) {
                // Several keys may lack an id: another may fit.
                Err(Refused::Signature) => refused = Refused::Signature,
                claims => return identity(&claims?, now),
            }
        }
        Err(refused)
    }

    #[expect(clippy::wildcard_enum_match_arm, reason = "the library's errors grow")]
    fn claims(&self, token: &str, key: &Key) -> Result<Claims, Refused> {
        let mut validation = Validation::new(key.algorithm);
        // The time is an argument of ours, not the library's clock.
        validation.validate_exp = false;
        validation.validate_aud = self.audience.is_some();
        validation.set_required_spec_claims(&["exp", "sub"]);
        if let Some(audience) = &self.audience {
            validation.set_audience(&[audience]);
            validation.required_spec_claims.insert("aud".to_owned());
        }
        if let Some(issuer) = &self.issuer {
            validation.set_issuer(&[issuer]);
            validation.required_spec_claims.insert("iss".to_owned());
        }
        let decoded = jsonwebtoken::decode::<Claims>(token, &key.key, &validation);
        decoded.map(|token| token.claims).map_err(|error| match error.kind() {
            ErrorKind::InvalidSignature => Refused::Signature,
            ErrorKind::InvalidAudience => Refused::Audience,
            ErrorKind::InvalidIssuer => Refused::Issuer,
            ErrorKind::MissingRequiredClaim(claim) if claim == "aud" => Refused::Audience,
            ErrorKind::MissingRequiredClaim(claim) if claim == "iss" => Refused::Issuer,
            _ => Refused::Unreadable,
        })
    }
}

fn identity(claims: &Claims, now: Timestamp) -> Result<Identity, Refused> {
    let not_before = claims.nbf.unwrap_or_default();
    if claims.exp <= now.seconds() || not_before > now.seconds() + NOT_BEFORE_LEEWAY_SECONDS {
        return Err(Refused::Time);
    }
    let user = UserId::parse(&claims.sub).map_err(|_| Refused::Subject)?;
    Ok(Identity { user, expires: Timestamp(claims.exp.saturating_mul(1_000)) })
}

/// A public key and the one algorithm that it is good for.
#[expect(clippy::wildcard_enum_match_arm, reason = "the library's kinds of keys grow")]
fn public(jwk: &Jwk) -> Result<Key, Misconfigured> {
    let algorithm = match &jwk.algorithm {
        AlgorithmParameters::RSA(_) => Algorithm::RS256,
        AlgorithmParameters::EllipticCurve(key) if key.curve == EllipticCurve::P256 => {
            Algorithm::ES256
        }
        AlgorithmParameters::OctetKeyPair(key) if key.curve == EllipticCurve::Ed25519 => {
            Algorithm::EdDSA
        }
        _ => return Err(Misconfigured::Key),
    };
    let key = DecodingKey::from_jwk(jwk).map_err(|_| Misconfigured::Key)?;
    Ok(Key { id: jwk.common.key_id.clone(), algorithm, key })
}

//! Which tokens are taken, and for whom.

#![expect(clippy::unwrap_used, reason = "a test's helpers fail the test")]
#![expect(clippy::wildcard_enum_match_arm, reason = "only four algorithms are of interest")]

use auth::{Configuration, Identity, Misconfigured, Refused, Verifier, development};
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Value, json};
use timeline::{Timestamp, UserId};

const SECRET: &str = "a development secret of 32 bytes";
const NOW: Timestamp = Timestamp(1_763_917_045_123);

fn key(algorithm: Algorithm) -> EncodingKey {
    match algorithm {
        Algorithm::EdDSA => EncodingKey::from_ed_der(include_bytes!("keys/ed25519.der")),
        Algorithm::ES256 => EncodingKey::from_ec_der(include_bytes!("keys/p256.der")),
        Algorithm::RS256 => EncodingKey::from_rsa_der(include_bytes!("keys/rsa.der")),
        _ => EncodingKey::from_secret(SECRET.as_bytes()),
    }
}

const PUBLIC: [Algorithm; 3] = [Algorithm::EdDSA, Algorithm::ES256, Algorithm::RS256];

/// The public halves, each with its algorithm's name as its id.
fn keys() -> String {
    let keys = PUBLIC.map(|algorithm| {
        let mut jwk = Jwk::from_encoding_key(&key(algorithm), algorithm).unwrap();
        jwk.common.key_id = Some(format!("{algorithm:?}"));
        jwk
    });
    json!({ "keys": keys }).to_string()
}

fn verifier(keys: Option<&str>, secret: Option<&str>) -> Verifier {
    let configuration = Configuration {
        keys,
        development_secret: secret,
        audience: Some("tideline"),
        issuer: Some("https://login.example"),
    };
    Verifier::new(configuration).unwrap()
}

fn claims(changes: &Value) -> Value {
    let mut claims = json!({
        "sub": "alice", "exp": NOW.seconds() + 60,
        "aud": "tideline", "iss": "https://login.example",
    });
    for (name, value) in changes.as_object().unwrap() {
        claims[name] = value.clone();
    }
    claims.as_object_mut().unwrap().retain(|_, value| !value.is_null());
    claims
}

fn token(algorithm: Algorithm, claims: &Value, kid: Option<&str>) -> String {
    let mut header = Header::new(algorithm);
    header.kid = kid.map(str::to_owned);
    jsonwebtoken::encode(&header, claims, &key(algorithm)).unwrap()
}

/// Checks a token of every algorithm with these changes to its claims.
fn check(changes: &Value, expected: Result<&str, Refused>) {
    let keys = keys();
    let verifier = verifier(Some(&keys), Some(SECRET));
    for algorithm in [Algorithm::EdDSA, Algorithm::ES256, Algorithm::RS256, Algorithm::HS256] {
        let verified = verifier.verify(&token(algorithm, &claims(changes), None), NOW);
        let user = verified.map(|identity| identity.user.as_str().to_owned());
        assert_eq!(user, expected.map(str::to_owned), "{algorithm:?} {changes}");
    }
}

#[test]
fn every_algorithm_lets_its_user_in() {
    check(&json!({}), Ok("alice"));
    check(&json!({ "aud": ["other", "tideline"], "nbf": NOW.seconds() }), Ok("alice"));
}

#[test]
fn what_a_token_says_is_checked() {
    check(&json!({ "exp": NOW.seconds() }), Err(Refused::Time));
    check(&json!({ "exp": null }), Err(Refused::Unreadable));
    check(&json!({ "nbf": NOW.seconds() + 120 }), Err(Refused::Time));
    check(&json!({ "aud": "other" }), Err(Refused::Audience));
    check(&json!({ "aud": null }), Err(Refused::Audience));
    check(&json!({ "iss": "https://evil.example" }), Err(Refused::Issuer));
    check(&json!({ "iss": null }), Err(Refused::Issuer));
    check(&json!({ "sub": "al~ice" }), Err(Refused::Subject));
    check(&json!({ "sub": null }), Err(Refused::Unreadable));
}

#[test]
fn the_identity_ends_with_the_token() {
    let verifier = verifier(None, Some(SECRET));
    let identity = verifier.verify(&token(Algorithm::HS256, &claims(&json!({})), None), NOW);
    let expires = Timestamp((NOW.seconds() + 60) * 1_000);
    assert_eq!(identity, Ok(Identity { user: UserId::parse("alice").unwrap(), expires }));
}

#[test]
fn a_key_id_picks_the_key() {
    let keys = keys();
    let verifier = verifier(Some(&keys), None);
    let token = |kid| token(Algorithm::ES256, &claims(&json!({})), Some(kid));
    assert!(verifier.verify(&token("ES256"), NOW).is_ok());
    assert_eq!(verifier.verify(&token("RS256"), NOW), Err(Refused::UnknownKey));
    assert_eq!(verifier.verify(&token("retired"), NOW), Err(Refused::UnknownKey));
}

#[test]
fn a_shared_secret_works_only_where_it_is_configured() {
    let keys = keys();
    let hs256 = token(Algorithm::HS256, &claims(&json!({})), None);
    for secret in [None, Some("")] {
        assert_eq!(verifier(Some(&keys), secret).verify(&hs256, NOW), Err(Refused::UnknownKey));
    }
    let other = "another development secret, 32 b";
    assert_eq!(verifier(None, Some(other)).verify(&hs256, NOW), Err(Refused::Signature));
}

/// The classic confusion: a token signed with the public key's text as if it were a secret.
#[test]
fn a_public_key_is_never_a_secret() {
    let keys = keys();
    let forged = jsonwebtoken::encode(
        &Header::new(Algorithm::HS256),
        &claims(&json!({})),
        &EncodingKey::from_secret(keys.as_bytes()),
    );
    let verified = verifier(Some(&keys), None).verify(&forged.unwrap(), NOW);
    assert_eq!(verified, Err(Refused::UnknownKey));
}

#[test]
fn no_algorithm_and_no_token_are_refused() {
    let keys = keys();
    let verifier = verifier(Some(&keys), Some(SECRET));
    let good = token(Algorithm::HS256, &claims(&json!({})), None);
    let body = good.split('.').nth(1).unwrap();
    // {"alg":"none","typ":"JWT"}
    let none = format!("eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0.{body}.");
    let cut = &good[..good.len() - 2];
    for token in [none.as_str(), "", "...", "a.b.c", body, &"x".repeat(5_000)] {
        assert_eq!(verifier.verify(token, NOW), Err(Refused::Unreadable), "{token}");
    }
    assert!(matches!(verifier.verify(cut, NOW), Err(Refused::Signature | Refused::Unreadable)));
}

#[test]
fn a_development_token_is_good_for_a_day() {
    let user = UserId::parse("bob").unwrap();
    let token = development::token(&user, SECRET, NOW);
    let configuration =
        Configuration { development_secret: Some(SECRET), ..Configuration::default() };
    let verifier = Verifier::new(configuration).unwrap();
    assert_eq!(verifier.verify(&token, NOW).map(|identity| identity.user), Ok(user));
    let next_day = NOW.plus(development::LIFE_SECONDS * 1_000);
    assert_eq!(verifier.verify(&token, next_day), Err(Refused::Time));
}

#[test]
fn a_configuration_that_lets_nobody_in_is_told() {
    let new = |keys, development_secret| {
        Verifier::new(Configuration { keys, development_secret, ..Configuration::default() })
    };
    assert!(matches!(new(None, None), Err(Misconfigured::NoKey)));
    assert!(matches!(new(Some(""), Some("")), Err(Misconfigured::NoKey)));
    assert!(matches!(new(Some("{"), None), Err(Misconfigured::Keys(_))));
    assert!(matches!(new(None, Some("short")), Err(Misconfigured::Secret)));
    let octet = r#"{"keys":[{"kty":"oct","k":"c2VjcmV0"}]}"#;
    assert!(matches!(new(Some(octet), None), Err(Misconfigured::Key)));
}

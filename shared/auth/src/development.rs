//! Tokens for development: signed with a secret that the development stage alone is given.

use jsonwebtoken::{EncodingKey, Header};
use serde::Serialize;
use timeline::{Timestamp, UserId};

/// How long a development token is good for, in seconds: 24 hours.
pub const LIFE_SECONDS: u64 = 24 * 60 * 60;

#[derive(Serialize)]
struct Claims<'a> {
    sub: &'a str,
    iat: u64,
    exp: u64,
}

/// A token (HS256) that lets `user` in for [`LIFE_SECONDS`] from `now`, where `secret` is the
/// configured development secret.
pub fn token(user: &UserId, secret: &str, now: Timestamp) -> String {
    let iat = now.seconds();
    let claims = Claims { sub: user.as_str(), iat, exp: iat + LIFE_SECONDS };
    let key = EncodingKey::from_secret(secret.as_bytes());
    jsonwebtoken::encode(&Header::default(), &claims, &key)
        .expect("three plain claims are JSON and HS256 takes a secret of any length")
}

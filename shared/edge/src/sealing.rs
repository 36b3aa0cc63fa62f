//! The seal of pages: HMAC-SHA256 under a key of the deployment.

use chat::Seal;
use chat::search::SEAL_BYTES;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// A seal under a key of the deployment.
///
/// The key need not be kept secret from the deployment's owner: a page tells nothing that its
/// reader may not know, and is authorized anew.
#[derive(Clone)]
#[expect(missing_debug_implementations, reason = "it holds a key")]
pub struct HmacSeal(Hmac<Sha256>);

impl HmacSeal {
    /// The seal under this key, of any length.
    pub fn new(key: &str) -> Self {
        let hmac = Hmac::new_from_slice(key.as_bytes());
        Self(hmac.expect("HMAC takes keys of any length (RFC 2104, section 2)"))
    }
}

impl Seal for HmacSeal {
    fn seal(&self, parts: &[&[u8]]) -> [u8; SEAL_BYTES] {
        let mut hmac = self.0.clone();
        for part in parts {
            // A part's length goes before it, so that no two rows of parts are one row of bytes.
            hmac.update(&(part.len() as u64).to_be_bytes());
            hmac.update(part);
        }
        hmac.finalize().into_bytes().into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_parts_and_other_keys_have_another_seal() {
        let seal = |key: &str, parts: &[&[u8]]| HmacSeal::new(key).seal(parts);
        let seals = [
            seal("a", &[b"page", b"one"]),
            seal("b", &[b"page", b"one"]),
            seal("a", &[b"pageone"]),
            seal("a", &[b"pag", b"eone"]),
            seal("a", &[b"page", b"one", b""]),
            seal("a", &[]),
        ];
        for (index, one) in seals.iter().enumerate() {
            assert!(seals[..index].iter().all(|other| other != one), "{index}");
        }
        assert_eq!(seal("a", &[b"page", b"one"]), seals[0]);
    }

    #[test]
    fn a_seal_is_what_the_standard_says() {
        // HMAC-SHA256 of eight zero bytes (the length of one empty part) under "key".
        let sealed = HmacSeal::new("key").seal(&[b""]);
        let hex: String = sealed.iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(hex, "156c691c91078c7b54a2cc7edb4ca93495d8084ddaa8532c8ed18693517bacaf");
    }
}

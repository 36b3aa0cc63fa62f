//! Identifiers of the shapes that AWS gives them.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};

/// Random bytes in an id, as captured ids have them: fifteen characters and a `=`.
///
/// A UUID would hide that an id must be encoded in a path.
const ID_BYTES: usize = 11;

/// Characters at the end of a message id that equal those of its connection id in captures.
const SHARED_TAIL: usize = 7;

/// Makes a connection id or a request id, for example `R1kmxc2VNjMCFIA=`.
pub(crate) fn opaque() -> String {
    URL_SAFE.encode(rand::random::<[u8; ID_BYTES]>())
}

/// Makes the id of a message that came over `connection`.
pub(crate) fn message(connection: &str) -> String {
    let mut id = opaque();
    let tail = connection.len().saturating_sub(SHARED_TAIL);
    if let Some(tail) = connection.get(tail..) {
        id.truncate(id.len() - tail.len());
        id.push_str(tail);
    }
    id
}

/// Makes the id of an invocation, a random UUID.
pub(crate) fn invocation() -> String {
    uuid::Builder::from_random_bytes(rand::random()).into_uuid().to_string()
}

/// Makes the root of an X-Ray trace that begins at `seconds` since the epoch.
pub(crate) fn trace_root(seconds: u64) -> String {
    let random = rand::random::<u128>() >> 32;
    format!("Root=1-{seconds:08x}-{random:024x}")
}

/// Whether `id` has the shape of a connection id: others are refused with 400 instead of 410.
pub(crate) fn is_connection_id(id: &str) -> bool {
    let decoded = URL_SAFE.decode(id).or_else(|_| STANDARD.decode(id));
    decoded.is_ok_and(|bytes| bytes.len() == ID_BYTES)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_has_the_captured_shape() {
        let id = opaque();
        assert_eq!(id.len(), 16);
        assert!(id.ends_with('=') && !id.ends_with("=="), "{id}");
        assert!(is_connection_id(&id));
    }

    #[test]
    fn a_message_id_ends_as_its_connection_id() {
        let id = message("R1kmxc2VNjMCFIA=");
        assert_eq!(id.len(), 16);
        assert!(id.ends_with("jMCFIA="), "{id}");
        assert_ne!(id, message("R1kmxc2VNjMCFIA="));
    }

    #[test]
    fn what_has_another_shape_is_no_connection_id() {
        assert!(is_connection_id("R0oX/dfD0+wCH6w="));
        let uuid = "6ba7b810-9dad-11d1-80b4-00c04fd430c8";
        for id in ["", "nope", "a b", "R1kmxc2VNjMCFIA", "{connectionId}", uuid] {
            assert!(!is_connection_id(id), "{id}");
        }
    }

    #[test]
    fn a_trace_has_the_form_of_xray() {
        let root = trace_root(0x65d2_ff2e);
        assert!(root.starts_with("Root=1-65d2ff2e-"), "{root}");
        assert_eq!(root.len(), "Root=1-65d2ff2e-718990494fd688f062bf1571".len());
    }
}

//! Who makes a request: a process of a function, by the access key id it was started with.
//!
//! Requests to DynamoDB and to `@connections` are signed, and a signature names its access key id
//! in plain text. Giving every process its own one attributes each request to the process.

use std::fmt;

const PREFIX: &str = "LOCAL";

/// Between the function and the process; the last one counts, a function's name may have it too.
const SEPARATOR: char = 'P';

/// A process of a function.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Caller<'a> {
    pub(crate) function: &'a str,
    pub(crate) process: u64,
}

impl<'a> Caller<'a> {
    /// Reads an access key id; `None` where it is not one of ours.
    pub(crate) fn parse(access_key_id: &'a str) -> Option<Self> {
        let name = access_key_id.strip_prefix(PREFIX)?;
        let (function, process) = name.rsplit_once(SEPARATOR)?;
        Some(Self { function, process: process.parse().ok()? })
    }

    /// Finds the access key id in an `Authorization` header of Signature Version 4.
    ///
    /// The form is of "Authenticating Requests: Using the Authorization Header": `Credential=` is
    /// followed by the access key id and the scope, which slashes divide.
    pub(crate) fn access_key_id(authorization: &str) -> Option<&str> {
        let parameters = authorization.strip_prefix("AWS4-HMAC-SHA256 ")?;
        let mut parameters = parameters.split(',').map(str::trim);
        let credential = parameters.find_map(|part| part.strip_prefix("Credential="))?;
        credential.split('/').next().filter(|key| !key.is_empty())
    }
}

impl fmt::Display for Caller<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { function, process } = self;
        write!(formatter, "{PREFIX}{function}{SEPARATOR}{process}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_access_key_id_names_function_and_process() {
        let caller = Caller { function: "PingPongP1", process: 3 };
        assert_eq!(caller.to_string(), "LOCALPingPongP1P3");
        assert_eq!(Caller::parse("LOCALPingPongP1P3"), Some(caller));
        assert_eq!(Caller::parse("AKIAIOSFODNN7EXAMPLE"), None);
        assert_eq!(Caller::parse("LOCALSend"), None);
    }

    #[test]
    fn a_signature_names_its_access_key_id() {
        let header = "AWS4-HMAC-SHA256 Credential=LOCALSendP1/20261124/us-east-1/execute-api/\
            aws4_request, SignedHeaders=host, Signature=00";
        assert_eq!(Caller::access_key_id(header), Some("LOCALSendP1"));
        assert_eq!(Caller::access_key_id("Bearer token"), None);
        assert_eq!(Caller::access_key_id("AWS4-HMAC-SHA256 SignedHeaders=host"), None);
    }
}

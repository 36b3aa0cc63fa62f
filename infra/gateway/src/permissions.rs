//! What functions may do: their policies, asked before every request that they make.
//!
//! Without it a permission that the template forgets is missed on AWS alone, after a deployment.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};

use template::model::{Deployment, Permissions as Policy};

use crate::caller::Caller;
use crate::event::{ACCOUNT, REGION};
use crate::policy;

/// What posting to a connection and closing it need.
pub(crate) const MANAGE: &str = "execute-api:ManageConnections";

/// The policies of all functions, and what was made of them.
#[derive(Debug)]
pub(crate) struct Permissions {
    policies: BTreeMap<String, Policy>,
    made: Mutex<BTreeMap<String, BTreeSet<Permission>>>,
}

/// One thing that a function did, or tried in vain.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Permission {
    /// Whether it was allowed.
    pub allowed: bool,
    /// For example `dynamodb:PutItem`.
    pub action: String,
    /// The ARN of what it was done to; of a connection, `*` in place of its id.
    pub resource: String,
}

impl Permissions {
    pub(crate) fn of(deployment: &Deployment) -> Self {
        let functions = deployment.functions.iter();
        let policies =
            functions.map(|(name, function)| (name.clone(), function.permissions.clone()));
        Self { policies: policies.collect(), made: Mutex::default() }
    }

    /// Decides whether a request may be made, and takes note of it; one that no function makes may.
    pub(crate) fn permit(
        &self,
        caller: Option<Caller<'_>>,
        action: &str,
        resource: &str,
    ) -> Result<(), Denied> {
        let Some(caller) = caller else { return Ok(()) };
        let Some(policy) = self.policies.get(caller.function) else { return Ok(()) };
        let allowed = match policy {
            Policy::Unknown => true,
            Policy::Known(statements) => policy::is_allowed(statements, action, resource),
        };
        self.note(caller.function, allowed, action, resource);
        if allowed {
            return Ok(());
        }
        let role = format!("arn:aws:sts::{ACCOUNT}:assumed-role/{0}Role/{0}", caller.function);
        let message = format!(
            "User: {role} is not authorized to perform: {action} on resource: {resource} because \
             no identity-based policy allows the {action} action"
        );
        tracing::warn!("{}: {action} on {resource} is not in its policy", caller.function);
        Err(Denied { message })
    }

    /// What every function did and tried since the start.
    pub(crate) fn made(&self) -> BTreeMap<String, BTreeSet<Permission>> {
        self.made.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn note(&self, function: &str, allowed: bool, action: &str, resource: &str) {
        let resource = match resource.split_once("/@connections/") {
            Some((stage, _)) => format!("{stage}/@connections/*"),
            None => resource.to_owned(),
        };
        let permission = Permission { allowed, action: action.to_owned(), resource };
        let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        made.entry(function.to_owned()).or_default().insert(permission);
    }
}

/// Why a request is refused, in the words of AWS.
///
/// Theirs: "Troubleshoot access denied error messages", of the IAM user guide.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Denied {
    pub(crate) message: String,
}

/// A table's ARN.
pub(crate) fn table(name: &str) -> String {
    format!("arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/{name}")
}

/// The ARN of what is done to a connection, of the API of that logical id.
///
/// Theirs: "Control access to WebSocket APIs with AWS Identity and Access Management".
pub(crate) fn connection(api: &str, stage: &str, method: &str, id: &str) -> String {
    format!("arn:aws:execute-api:{REGION}:{ACCOUNT}:{api}/{stage}/{method}/@connections/{id}")
}

//! What functions may do: their policies, asked before every request that they make.
//!
//! Without it a permission that the template forgets is missed on AWS alone, after a deployment.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};

use template::model::{Deployment, Permissions as Policy, Statement};

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
            Policy::Known(statements) => is_allowed(statements, action, resource),
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

/// Deny wins, and what no statement allows is denied.
fn is_allowed(statements: &[Statement], action: &str, resource: &str) -> bool {
    let is_about = |statement: &&Statement| {
        let matches = |patterns: &[String], name: &str, folds_case| {
            patterns.iter().any(|pattern| policy::is_match(pattern, name, folds_case))
        };
        matches(&statement.actions, action, true) && matches(&statement.resources, resource, false)
    };
    let mut about = statements.iter().filter(is_about).peekable();
    about.peek().is_some() && about.all(|statement| statement.allows)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn statement(allows: bool, action: &str, resource: &str) -> Statement {
        let (actions, resources) = (vec![action.to_owned()], vec![resource.to_owned()]);
        Statement { allows, actions, resources }
    }

    #[test]
    fn deny_wins_and_what_nothing_allows_is_denied() {
        let statements = [
            statement(true, "dynamodb:*Item", "arn:table/T"),
            statement(false, "dynamodb:DeleteItem", "*"),
        ];
        for (action, resource, expected) in [
            ("dynamodb:PutItem", "arn:table/T", true),
            ("DynamoDB:putitem", "arn:table/T", true),
            ("dynamodb:PutItem", "arn:table/t", false),
            ("dynamodb:PutItem", "arn:table/T/index/I", false),
            ("dynamodb:Query", "arn:table/T", false),
            ("dynamodb:DeleteItem", "arn:table/T", false),
        ] {
            assert_eq!(is_allowed(&statements, action, resource), expected, "{action} {resource}");
        }
        assert!(!is_allowed(&[], "dynamodb:PutItem", "arn:table/T"));
    }
}

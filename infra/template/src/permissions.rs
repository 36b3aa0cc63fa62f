//! What policies allow: those of functions, and whatever else is written in the language of IAM.

use serde_json::Value;

use crate::error::Path;
use crate::model::{Permissions, Statement};
use crate::scope::Scope;
use crate::yaml::Node;

/// What changes the meaning of a statement in a way that is not decided here.
const UNDECIDED: [&str; 3] = ["Condition", "NotAction", "NotResource"];

/// Reads the policies of one function.
///
/// A role of the template's own making, a managed policy, a policy template of SAM, and whatever
/// refers to something that is not in the template are unknown: what they hold is elsewhere.
pub(crate) fn read(scope: &Scope, properties: &Node, path: &Path) -> Permissions {
    if properties.at("Role").is_some() {
        return Permissions::Unknown;
    }
    let Some(policies) = properties.at("Policies") else {
        return Permissions::Known(Vec::new());
    };
    let policies = scope.value(policies, &path.child("Policies"));
    let statements = policies.ok().and_then(|policies| statements(&policies.unwrap_or_default()));
    statements.map_or(Permissions::Unknown, Permissions::Known)
}

/// The statements of one policy, or of several.
fn statements(policies: &Value) -> Option<Vec<Statement>> {
    let policies = one_or_many(policies).iter().filter(|policy| !policy.is_null());
    let statements: Option<Vec<_>> = policies.map(Statement::of_policy).collect();
    Some(statements?.concat())
}

impl Statement {
    /// Reads the statements of a policy; `None` where it is malformed, or where what it means
    /// depends on more than actions and resources (`Condition`, `NotAction`, `NotResource`).
    pub fn of_policy(policy: &Value) -> Option<Vec<Self>> {
        one_or_many(policy.get("Statement")?).iter().map(Self::read).collect()
    }

    fn read(listed: &Value) -> Option<Self> {
        let listed = listed.as_object()?;
        if UNDECIDED.iter().any(|key| listed.contains_key(*key)) {
            return None;
        }
        let texts = |key: &str| -> Option<Vec<String>> {
            let texts = one_or_many(listed.get(key)?).iter();
            texts.map(|text| text.as_str().map(str::to_owned)).collect()
        };
        let allows = match listed.get("Effect")?.as_str()? {
            "Allow" => true,
            "Deny" => false,
            _ => return None,
        };
        Some(Self { allows, actions: texts("Action")?, resources: texts("Resource")? })
    }
}

/// A policy may leave out the brackets around a single element.
fn one_or_many(value: &Value) -> &[Value] {
    match value.as_array() {
        Some(values) => values,
        None => std::slice::from_ref(value),
    }
}

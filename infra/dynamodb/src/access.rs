//! The seam for permissions: someone who is asked before a request is looked at.

use std::collections::BTreeMap;

use serde::Deserialize;

/// Decides whether a request may be made; asked on the thread that serves, so it must not block.
pub trait Access: Send + Sync {
    /// Whether whoever signed a request with the access key id `caller` may do `action` to a table,
    /// or to an index of it. A request that names several tables is asked about once for each.
    ///
    /// # Errors
    ///
    /// The text of the `AccessDeniedException` by which the request is refused.
    fn permit(&self, caller: &str, need: &Need) -> Result<(), String>;
}

/// What a request needs to be allowed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Need {
    /// For example `dynamodb:PutItem`.
    pub action: String,
    /// The table.
    pub table: String,
    /// The index that is read.
    pub index: Option<String>,
}

/// Lets everyone do everything.
#[derive(Clone, Copy, Debug, Default)]
pub struct Everyone;

impl Access for Everyone {
    fn permit(&self, _caller: &str, _need: &Need) -> Result<(), String> {
        Ok(())
    }
}

/// Everything that a request needs; nothing of one that names no table, such as PartiQL.
///
/// A transaction needs the actions that it is made of: "Using IAM with DynamoDB transactions".
pub(crate) fn needs(operation: &str, body: &[u8]) -> Vec<Need> {
    let Ok(named) = serde_json::from_slice::<Named>(body) else { return Vec::new() };
    let need = |operation: &str, table: String, index| Need {
        action: format!("dynamodb:{operation}"),
        table,
        index,
    };
    let one = named.table_name.map(|table| need(operation, table, named.index_name));
    let batch = named.request_items.into_keys().map(|table| need(operation, table, None));
    let parts = named.transact_items.into_iter().flatten();
    let parts = parts.filter_map(|(part, named)| {
        let operation =
            if part == "ConditionCheck" { "ConditionCheckItem".to_owned() } else { part + "Item" };
        Some(need(&operation, named.table_name?, None))
    });
    one.into_iter().chain(batch).chain(parts).collect()
}

/// Where a request names its tables.
#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Named {
    table_name: Option<String>,
    index_name: Option<String>,
    request_items: BTreeMap<String, serde::de::IgnoredAny>,
    transact_items: Vec<BTreeMap<String, Part>>,
}

/// Where a part of a transaction names its table.
#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Part {
    table_name: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(operation: &str, body: &str, expected: &[(&str, &str, Option<&str>)]) {
        let needs = needs(operation, body.as_bytes());
        let needs: Vec<_> = needs
            .iter()
            .map(|need| (need.action.as_str(), need.table.as_str(), need.index.as_deref()))
            .collect();
        assert_eq!(needs, expected, "{body}");
    }

    #[test]
    fn every_table_that_a_request_names_is_needed() {
        check("PutItem", r#"{"TableName":"T","Item":{}}"#, &[("dynamodb:PutItem", "T", None)]);
        check(
            "Query",
            r#"{"TableName":"T","IndexName":"I"}"#,
            &[("dynamodb:Query", "T", Some("I"))],
        );
        check(
            "BatchGetItem",
            r#"{"RequestItems":{"S":{"Keys":[]},"T":{"Keys":[]}}}"#,
            &[("dynamodb:BatchGetItem", "S", None), ("dynamodb:BatchGetItem", "T", None)],
        );
        check(
            "TransactWriteItems",
            r#"{"TransactItems":[{"Put":{"TableName":"S"}},{"ConditionCheck":{"TableName":"T"}}]}"#,
            &[("dynamodb:PutItem", "S", None), ("dynamodb:ConditionCheckItem", "T", None)],
        );
        check("ExecuteStatement", r#"{"Statement":"SELECT 1"}"#, &[]);
        check("PutItem", "no JSON", &[]);
    }
}

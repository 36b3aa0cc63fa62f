//! A request as the connector sees it.

use std::time::Duration;

use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use serde_json::Value;
use store_dynamo::keys::{connections, directory, entry, inbox};

use crate::plan::Fault;

/// To whom a request goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Service {
    DynamoDb,
    Connections,
    Sns,
}

/// A request that was made.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    /// When, on the clock of the test.
    pub(crate) at: Duration,
    /// To whom.
    pub(crate) service: Service,
    /// What: DynamoDB's operation, `Post` or `Close`, or SNS's action.
    pub(crate) operation: String,
    /// On which table, by its name without what sets this test's tables apart; empty elsewhere.
    pub(crate) table: String,
    /// On which item, or of which partition, or to which connection.
    pub(crate) key: String,
    /// The name that the SDK gave all tries at it.
    pub(crate) invocation: String,
    /// Which of the SDK's tries it is.
    pub(crate) attempt: u32,
    /// How many tries the SDK says there may be.
    pub(crate) attempts_max: u32,
    /// What it says.
    pub(crate) body: String,
    /// What became of it.
    pub(crate) fault: Option<Fault>,
}

impl Seen {
    /// What a request is about.
    pub(crate) fn of(request: &HttpRequest, body: &[u8], at: Duration) -> Self {
        let header = |name| request.headers().get(name).unwrap_or_default();
        let body = String::from_utf8(body.to_vec()).unwrap();
        let (service, operation, table, key) = about(request, &body);
        let counts = header("amz-sdk-request");
        let count = |name: &str| {
            let fields = counts.split(';').map(str::trim);
            let count = fields.filter_map(|field| field.strip_prefix(name)).next();
            count.map_or(0, |count| count.parse().unwrap())
        };
        Self {
            at,
            service,
            operation,
            table,
            key,
            invocation: header("amz-sdk-invocation-id").to_owned(),
            attempt: count("attempt="),
            attempts_max: count("max="),
            body,
            fault: None,
        }
    }

    /// Whether it is this operation on this table.
    pub(crate) fn is(&self, operation: &str, table: &str) -> bool {
        self.operation == operation && self.table == table
    }
}

fn about(request: &HttpRequest, body: &str) -> (Service, String, String, String) {
    if let Some(target) = request.headers().get("x-amz-target") {
        let operation = target.rsplit('.').next().unwrap().to_owned();
        let body: Value = serde_json::from_str(body).unwrap();
        let table = table(&body);
        let key = key(&table, &body);
        return (Service::DynamoDb, operation, table, key);
    }
    if let Some((_, connection)) = request.uri().split_once("/@connections/") {
        let operation = if request.method() == "DELETE" { "Close" } else { "Post" };
        let connection = connection.split('?').next().unwrap().to_owned();
        return (Service::Connections, operation.to_owned(), String::new(), connection);
    }
    let action = body.split('&').find_map(|field| field.strip_prefix("Action=")).unwrap();
    (Service::Sns, action.to_owned(), String::new(), String::new())
}

/// Names of tables have a prefix that ends in a hyphen.
fn table(body: &Value) -> String {
    let named = body["TableName"].as_str();
    let batch = || body["RequestItems"].as_object()?.keys().next().map(String::as_str);
    let name = named.or_else(batch).unwrap_or_default();
    name.rsplit('-').next().unwrap().to_owned()
}

fn key(table: &str, body: &Value) -> String {
    let names: &[&str] = match table {
        "timeline" => &[entry::TIMELINE, entry::SEQ],
        "inbox" => &[inbox::USER, inbox::POSITION],
        "directory" => &[directory::PARTITION, directory::SORT],
        "connections" => &[connections::USER],
        _ => &[],
    };
    let item = [&body["Item"], &body["Key"]].into_iter().find(|item| item.is_object());
    if let Some(item) = item {
        let values = names.iter().map(|name| plain(&item[*name]));
        return values.collect::<Vec<_>>().join("/");
    }
    let values = &body["ExpressionAttributeValues"];
    let partition = [":c", ":u", ":p"].into_iter().find(|name| values[*name].is_object());
    partition.map(|name| plain(&values[name])).unwrap_or_default()
}

/// The value of an attribute that is part of a key.
fn plain(attribute: &Value) -> String {
    let value = attribute.as_object().and_then(|typed| typed.values().next());
    value.and_then(Value::as_str).unwrap_or_default().to_owned()
}

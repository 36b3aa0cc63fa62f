//! Tables as a template declares them: made where they are absent, compared where they are not.

use dynoxide::Database;
use dynoxide::actions::create_table::CreateTableRequest;
use dynoxide::actions::describe_table::DescribeTableRequest;
use dynoxide::actions::update_table::UpdateTableRequest;
use dynoxide::actions::update_time_to_live::UpdateTimeToLiveRequest;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use template::model::Table;

use crate::Error;

/// Makes `table`, or checks that the one that exists is the same.
pub(crate) fn ensure(database: &Database, table: &Table) -> Result<(), Error> {
    let name = table.create["TableName"].as_str().unwrap_or(&table.id);
    let failed = |source| Error::Refused { table: name.to_owned(), source };
    let describe: DescribeTableRequest = request(name, json!({ "TableName": name }))?;
    match database.describe_table(describe) {
        Ok(existing) => {
            let existing = serde_json::to_value(&existing.table);
            let existing = existing.map_err(|error| failed(error.into()))?;
            compare(name, &table.create, &existing)?;
            enable_stream(database, name, &table.create, &existing)?;
        }
        Err(dynoxide::DynoxideError::ResourceNotFoundException(_)) => {
            let create: CreateTableRequest = request(name, table.create.clone())?;
            database.create_table(create).map_err(|error| failed(error.into()))?;
        }
        Err(error) => return Err(failed(error.into())),
    }
    if let Some(attribute) = &table.ttl_attribute {
        let update: UpdateTimeToLiveRequest = request(
            name,
            json!({
                "TableName": name,
                "TimeToLiveSpecification": { "AttributeName": attribute, "Enabled": true },
            }),
        )?;
        database.update_time_to_live(update).map_err(|error| failed(error.into()))?;
    }
    Ok(())
}

/// A stream that the template has gained since the table was made.
fn enable_stream(
    database: &Database,
    name: &str,
    wanted: &Value,
    existing: &Value,
) -> Result<(), Error> {
    let stream = &wanted["StreamSpecification"];
    let there = &existing["StreamSpecification"];
    if stream.is_null() || there["StreamEnabled"] == json!(true) {
        return Ok(());
    }
    let update = json!({ "TableName": name, "StreamSpecification": stream });
    let update: UpdateTableRequest = request(name, update)?;
    match database.update_table(update) {
        Ok(_) => Ok(()),
        Err(error) => Err(Error::Refused { table: name.to_owned(), source: error.into() }),
    }
}

/// Says what of an existing table cannot be changed and is not as declared.
fn compare(name: &str, wanted: &Value, existing: &Value) -> Result<(), Error> {
    let differs = |part| Err(Error::Differs { table: name.to_owned(), part });
    if wanted["KeySchema"] != existing["KeySchema"] {
        return differs("key schema");
    }
    let attributes = "AttributeDefinitions";
    if named(&wanted[attributes]) != named(&existing[attributes]) {
        return differs("attribute definitions");
    }
    for (part, called) in [
        ("GlobalSecondaryIndexes", "global secondary indexes"),
        ("LocalSecondaryIndexes", "local secondary indexes"),
    ] {
        if named(&wanted[part]) != named(&existing[part]) {
            return differs(called);
        }
    }
    let view = "StreamViewType";
    let (wanted, existing) = (&wanted["StreamSpecification"], &existing["StreamSpecification"]);
    let both = !wanted.is_null() && existing["StreamEnabled"] == json!(true);
    if both && wanted[view] != existing[view] {
        return differs("stream");
    }
    Ok(())
}

/// The entries of a list in the order of their names, reduced to what cannot change.
fn named(list: &Value) -> Vec<[Value; 5]> {
    let keys = ["IndexName", "AttributeName", "AttributeType", "KeySchema", "Projection"];
    let entries = list.as_array().into_iter().flatten();
    let mut entries: Vec<_> = entries.map(|entry| keys.map(|key| entry[key].clone())).collect();
    entries.sort_by_key(|entry| format!("{}{}", entry[0], entry[1]));
    entries
}

fn request<R: DeserializeOwned>(table: &str, body: Value) -> Result<R, Error> {
    serde_json::from_value(body).map_err(|error| {
        // dynoxide marks the class of an error in its text, for its own server to read.
        let text = error.to_string();
        let text = text.strip_prefix("VALIDATION:").unwrap_or(&text);
        Error::Refused { table: table.to_owned(), source: text.into() }
    })
}

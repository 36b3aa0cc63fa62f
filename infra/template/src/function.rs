//! `AWS::Serverless::Function`, and how other resources name one.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::error::{Error, Path, Problem};
use crate::model::Function;
use crate::permissions;
use crate::scope::{Resource, Scope, is_function};

/// Lambda's default: "Configure Lambda function memory".
const MEMORY_MB_DEFAULT: u32 = 128;

/// Lambda's default: "Configure Lambda function timeout".
const TIMEOUT_SECONDS_DEFAULT: u32 = 3;

/// Reads one function.
pub(crate) fn read(
    scope: &Scope,
    id: &str,
    resource: &Resource,
    path: &Path,
) -> Result<Function, Error> {
    let properties = &resource.properties;
    let binary = match resource.metadata.at("BuildProperties") {
        Some(build) => scope.text_at(build, "Binary", &path.child("Metadata.BuildProperties"))?,
        None => None,
    };
    let path = path.child("Properties");
    let environment = match properties.at("Environment") {
        Some(environment) => {
            scope.texts_at(environment, "Variables", &path.child("Environment"))?
        }
        None => BTreeMap::new(),
    };
    let memory_mb = scope.number_at(properties, "MemorySize", &path)?;
    let timeout = scope.number_at(properties, "Timeout", &path)?;
    let timeout = timeout.unwrap_or(TIMEOUT_SECONDS_DEFAULT);
    Ok(Function {
        id: id.to_owned(),
        binary,
        environment,
        memory_mb: memory_mb.unwrap_or(MEMORY_MB_DEFAULT),
        timeout: Duration::from_secs(u64::from(timeout)),
        permissions: permissions::read(scope, properties, &path),
    })
}

/// The logical id of the function that `name` is an ARN of, or a URI or a name that holds one.
pub(crate) fn named(scope: &Scope, name: &str, path: &Path) -> Result<String, Error> {
    let after = name.split_once(":function:").map_or(name, |(_, after)| after);
    let function = after.split([':', '/']).next().unwrap_or(after);
    let not_one = || path.fail(Problem::NotAFunction { name: name.to_owned() });
    let by_id = scope.resources.get_key_value(function);
    let found = by_id.or_else(|| {
        scope.resources.iter().find(|(_, resource)| resource.name.as_deref() == Some(function))
    });
    let (id, resource) = found.ok_or_else(not_one)?;
    if !is_function(&resource.kind) {
        return Err(not_one());
    }
    if !resource.present {
        let call = "a route or an authorizer refers".to_owned();
        return Err(path.fail(Problem::LeftOut { call, name: id.clone() }));
    }
    Ok(id.clone())
}

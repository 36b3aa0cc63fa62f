//! The whole template: sections in the order in which they give each other meaning.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::error::{Error, Path, Problem};
use crate::globals::merge;
use crate::model::Deployment;
use crate::scope::{Resource, Scope, is_function, is_topic};
use crate::yaml::Node;
use crate::{Context, classic, function, parameters, stream, table, topic, websocket, yaml};

/// What is left out without a word: it has no counterpart on one machine, and nobody misses it.
const QUIETLY_IGNORED: [&str; 7] = [
    "AWS::ApiGatewayV2::Deployment",
    "AWS::ApiGatewayV2::IntegrationResponse",
    "AWS::CloudWatch::",
    "AWS::IAM::",
    "AWS::Lambda::Permission",
    "AWS::Logs::",
    "AWS::Serverless::LayerVersion",
];

/// Reads a template as a deployment with these parameter overrides would.
///
/// Overrides of parameters that the template does not have are listed in `ignored`: the SAM CLI
/// ignores them too.
///
/// # Errors
///
/// Text that is not YAML; a name that nothing has; a value of the wrong form; a route or an
/// authorizer without its function. The error names the place.
pub fn load(
    text: &str,
    overrides: &BTreeMap<String, String>,
    context: &Context,
) -> Result<Deployment, Error> {
    let root = yaml::parse(text)?;
    let Some(resources) = root.at("Resources") else {
        return Err(Path::root("the template").missing("Resources"));
    };
    let declared = section(&root, "Parameters");
    let values = parameters::resolve(declared, overrides)?;
    let mut scope = Scope::new(context.clone(), values);
    scope.mappings = section(&root, "Mappings").to_vec();
    scope.decide(section(&root, "Conditions"))?;
    let globals = root.at("Globals").unwrap_or(&Node::Null);
    declare(&mut scope, resources, globals)?;

    let mut deployment = Deployment {
        parameters: scope.parameters.iter().map(|(name, value)| shown(name, value)).collect(),
        ..Deployment::default()
    };
    for name in overrides.keys().filter(|name| !scope.parameters.contains_key(*name)) {
        deployment.ignored.push(format!("The template has no parameter {name}."));
    }
    for (name, parameter) in declared {
        let kind = parameter.at("Type").and_then(Node::scalar).unwrap_or_default();
        if kind.starts_with("AWS::SSM::") && !overrides.contains_key(name) {
            let sentence = "is the name of a stored parameter, which is not looked up here.";
            deployment.ignored.push(format!("The default of {name} {sentence}"));
        }
    }
    let answering = answering(&scope)?;
    for (id, resource) in scope.resources.iter().filter(|(_, resource)| resource.present) {
        let reading = Reading { scope: &scope, answering: &answering };
        reading.resource(id, resource, &mut deployment)?;
    }
    classic::read(&scope, &answering, &mut deployment)?;
    outputs(&scope, section(&root, "Outputs"), &mut deployment)?;
    Ok(deployment)
}

fn section<'root>(root: &'root Node, name: &str) -> &'root [(String, Node)] {
    root.at(name).map(Node::entries).unwrap_or_default()
}

fn shown(name: &str, value: &Value) -> (String, String) {
    let text = match value {
        Value::Array(parts) => parts.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(","),
        Value::String(text) => text.clone(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => value.to_string(),
    };
    (name.to_owned(), text)
}

/// Makes every resource's name, and those that SAM generates, known to the scope.
fn declare(scope: &mut Scope, resources: &Node, globals: &Node) -> Result<(), Error> {
    let path = Path::root("Resources");
    for (id, body) in resources.entries() {
        let path = path.child(id);
        let Some(kind) = body.at("Type").and_then(Node::scalar) else {
            return Err(path.missing("Type"));
        };
        let present = match body.at("Condition") {
            Some(condition) => scope.condition(condition, &path.child("Condition"))?,
            None => true,
        };
        // What is left out is not read: its properties may refer to what is left out with it.
        let properties = match present {
            true => properties(scope, kind, body, globals, &path)?,
            false => Node::Null,
        };
        let metadata = body.at("Metadata").cloned().unwrap_or(Node::Null);
        let kind = kind.to_owned();
        let resource = Resource { kind, properties, metadata, present, name: None };
        scope.resources.insert(id.clone(), resource);
    }
    let mut names = Vec::new();
    for (id, resource) in scope.resources.iter().filter(|(_, resource)| resource.present) {
        let path = path.child(id);
        let properties = &resource.properties;
        if resource.kind == "AWS::Serverless::WebSocketApi" {
            let routes = websocket::generated(id, properties, &path)?.into_keys();
            for route in routes {
                scope.generated.insert(format!("{}Integration", route.trim_end_matches("Route")));
                scope.generated.insert(route);
            }
            scope.generated.insert(format!("{id}Stage"));
        }
        if is_function(&resource.kind) {
            scope.generated.insert(format!("{id}Role"));
        }
        if is_topic(&resource.kind) {
            names.push((id.clone(), topic::name(scope, id, properties, &path)?));
        }
        for key in ["TableName", "FunctionName"] {
            let name = match resource.kind.as_str() {
                "AWS::Lambda::EventSourceMapping" => None,
                _ => scope.text_at(properties, key, &path.child("Properties"))?,
            };
            names.extend(name.map(|name| (id.clone(), name)));
        }
    }
    for (id, name) in names {
        if let Some(resource) = scope.resources.get_mut(&id) {
            resource.name = Some(name);
        }
    }
    Ok(())
}

/// A resource's properties with the globals of its kind merged in.
fn properties(
    scope: &Scope,
    kind: &str,
    body: &Node,
    globals: &Node,
    path: &Path,
) -> Result<Node, Error> {
    let own = body.at("Properties").unwrap_or(&Node::Null);
    let kind = kind.strip_prefix("AWS::Serverless::");
    let merged = match kind.and_then(|kind| globals.at(kind)) {
        Some(global) => merge(global, own),
        None => own.clone(),
    };
    Ok(scope.choose(&merged, &path.child("Properties"))?.unwrap_or(Node::Null))
}

/// The generated ids of all routes that have a route response.
fn answering(scope: &Scope) -> Result<BTreeSet<String>, Error> {
    let mut routes = BTreeSet::new();
    for (id, resource) in &scope.resources {
        if resource.present && resource.kind == "AWS::ApiGatewayV2::RouteResponse" {
            let path = Path::root("Resources").child(id);
            routes.extend(websocket::answered(scope, &resource.properties, &path)?);
        }
    }
    Ok(routes)
}

/// What it takes to read a resource.
struct Reading<'load> {
    scope: &'load Scope,
    answering: &'load BTreeSet<String>,
}

impl Reading<'_> {
    fn resource(
        &self,
        id: &str,
        resource: &Resource,
        deployment: &mut Deployment,
    ) -> Result<(), Error> {
        let scope = self.scope;
        let path = Path::root("Resources").child(id);
        let properties = &resource.properties;
        match resource.kind.as_str() {
            "AWS::Serverless::Function" | "AWS::Lambda::Function" => {
                let function = function::read(scope, id, resource, &path)?;
                deployment.functions.insert(id.to_owned(), function);
                let events = properties.at("Events").map(Node::entries).unwrap_or_default();
                self.events(id, events, &path.child("Properties.Events"), deployment)?;
            }
            "AWS::Serverless::WebSocketApi" => {
                let api = websocket::read(scope, id, properties, self.answering, &path)?;
                let auth = properties.at("Auth").and_then(|auth| auth.at("AuthType"));
                if auth.and_then(Node::scalar) == Some("AWS_IAM") {
                    deployment.ignored.push(format!("{id}: signatures (AWS_IAM) go unchecked."));
                }
                deployment.apis.insert(id.to_owned(), api);
            }
            "AWS::DynamoDB::Table" => {
                let table = table::read(scope, id, properties, &path)?;
                deployment.tables.insert(id.to_owned(), table);
            }
            "AWS::Serverless::SimpleTable" => {
                let table = table::read_simple(scope, id, properties, &path)?;
                deployment.tables.insert(id.to_owned(), table);
            }
            "AWS::SNS::Topic" => {
                let topic = topic::read(scope, id, properties, &path)?;
                deployment.topics.insert(id.to_owned(), topic);
            }
            "AWS::Lambda::EventSourceMapping" => {
                match stream::read(scope, id, None, properties, &path)? {
                    Some(mapping) => deployment.streams.push(mapping),
                    None => deployment.ignored.push(unserved(id, &resource.kind)),
                }
            }
            // The parts of what `classic` reads as a whole.
            "AWS::ApiGatewayV2::Api"
            | "AWS::ApiGatewayV2::Authorizer"
            | "AWS::ApiGatewayV2::Integration"
            | "AWS::ApiGatewayV2::Route"
            | "AWS::ApiGatewayV2::RouteResponse"
            | "AWS::ApiGatewayV2::Stage" => {}
            kind => {
                if !QUIETLY_IGNORED.iter().any(|prefix| kind.starts_with(prefix)) {
                    deployment.ignored.push(unserved(id, kind));
                }
            }
        }
        Ok(())
    }

    fn events(
        &self,
        function: &str,
        events: &[(String, Node)],
        path: &Path,
        deployment: &mut Deployment,
    ) -> Result<(), Error> {
        for (event, body) in events {
            let kind = body.at("Type").and_then(Node::scalar).unwrap_or_default();
            let id = format!("{function}{event}");
            let properties = body.at("Properties").unwrap_or(&Node::Null);
            let mapping = match kind {
                "DynamoDB" => {
                    let path = path.child(event);
                    stream::read(self.scope, &id, Some(function), properties, &path)?
                }
                _ => None,
            };
            match mapping {
                Some(mapping) => deployment.streams.push(mapping),
                None => deployment.ignored.push(unserved(&id, kind)),
            }
        }
        Ok(())
    }
}

fn unserved(id: &str, kind: &str) -> String {
    format!("{id} ({kind}) is not served here.")
}

fn outputs(
    scope: &Scope,
    declared: &[(String, Node)],
    deployment: &mut Deployment,
) -> Result<(), Error> {
    let path = Path::root("Outputs");
    for (name, output) in declared {
        let path = path.child(name);
        if let Some(condition) = output.at("Condition")
            && !scope.condition(condition, &path.child("Condition"))?
        {
            continue;
        }
        match scope.text_at(output, "Value", &path) {
            Ok(value) => {
                let Some(value) = value else { return Err(path.missing("Value")) };
                deployment.outputs.insert(name.clone(), value);
            }
            // An output is for people: one that only a region could fill stops nothing.
            Err(Error::Template { problem: Problem::Unsupported { call }, .. }) => {
                deployment.ignored.push(format!("The output {name} needs {call}."));
            }
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

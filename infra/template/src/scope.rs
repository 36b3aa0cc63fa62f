//! What the names of a template mean: parameters, pseudo parameters, conditions, mappings and
//! resources.
//!
//! Functions over these are in `intrinsic`. A resource's attributes are names too; what is not
//! known on one machine is a name of the right form (`arn:aws:sqs:…:Queue`), so that a policy or
//! an output that mentions it still reads.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use crate::Context;
use crate::error::{Error, Path, Problem};
use crate::yaml::{Map, Node};

/// Ours: how long a chain of conditions may be, since deciding one is a recursion.
const CONDITIONS_DEPTH_MAX: usize = 24;

/// A resource as the template declares it.
#[derive(Debug)]
pub(crate) struct Resource {
    /// `AWS::Serverless::Function`, ….
    pub(crate) kind: String,
    /// Its properties: globals merged in, and of every `!If` only the branch that is taken.
    pub(crate) properties: Node,
    /// Its `Metadata`.
    pub(crate) metadata: Node,
    /// Whether its condition holds.
    pub(crate) present: bool,
    /// The name it was given (`TableName`, `FunctionName`), if any.
    pub(crate) name: Option<String>,
}

/// Everything that a function in a template can refer to.
#[derive(Debug)]
pub(crate) struct Scope {
    pub(crate) context: Context,
    pub(crate) parameters: BTreeMap<String, Value>,
    pub(crate) mappings: Map,
    pub(crate) conditions: BTreeMap<String, bool>,
    pub(crate) resources: BTreeMap<String, Resource>,
    /// The logical ids that SAM makes: stages, routes, roles.
    pub(crate) generated: BTreeSet<String>,
}

impl Scope {
    pub(crate) fn new(context: Context, parameters: BTreeMap<String, Value>) -> Self {
        Self {
            context,
            parameters,
            mappings: Map::new(),
            conditions: BTreeMap::new(),
            resources: BTreeMap::new(),
            generated: BTreeSet::new(),
        }
    }

    /// Decides every condition of the template.
    pub(crate) fn decide(&mut self, declared: &[(String, Node)]) -> Result<(), Error> {
        for (name, _) in declared {
            self.decide_one(declared, name, &Path::root("Conditions"), &mut Vec::new())?;
        }
        Ok(())
    }

    fn decide_one(
        &mut self,
        declared: &[(String, Node)],
        name: &str,
        from: &Path,
        open: &mut Vec<String>,
    ) -> Result<bool, Error> {
        if let Some(decided) = self.conditions.get(name) {
            return Ok(*decided);
        }
        let Some((_, node)) = declared.iter().find(|(other, _)| other == name) else {
            return Err(undeclared(from, "!Condition", name));
        };
        let path = Path::root("Conditions").child(name);
        if open.iter().any(|other| other == name) {
            return Err(path.fail(Problem::Cycle { name: name.to_owned() }));
        }
        if open.len() >= CONDITIONS_DEPTH_MAX {
            return Err(path.fail(Problem::TooDeep));
        }
        open.push(name.to_owned());
        let holds = self.holds(declared, node, &path, open)?;
        open.pop();
        self.conditions.insert(name.to_owned(), holds);
        Ok(holds)
    }

    fn holds(
        &mut self,
        declared: &[(String, Node)],
        node: &Node,
        path: &Path,
        open: &mut Vec<String>,
    ) -> Result<bool, Error> {
        let (function, argument) = match node {
            Node::Call { function, argument } => (function.as_str(), argument.as_ref()),
            // The long form of `!Condition`, which anywhere else would be a plain mapping.
            Node::Map(entries) => match entries.as_slice() {
                [(key, name)] if key == "Condition" => ("Condition", name),
                _ => return Err(path.unexpected(node.kind(), "a condition")),
            },
            Node::Null | Node::Plain(_) | Node::Quoted(_) | Node::List(_) => {
                return Err(path.unexpected(node.kind(), "a condition"));
            }
        };
        if function == "Condition" {
            let Some(name) = argument.scalar() else {
                return Err(path.unexpected(argument.kind(), "the name of a condition"));
            };
            return self.decide_one(declared, name, path, open);
        }
        let Node::List(parts) = argument else {
            return Err(path.unexpected(argument.kind(), "a list"));
        };
        match (function, parts.as_slice()) {
            ("Fn::Equals", [left, right]) => {
                Ok(self.text_or_empty(left, path)? == self.text_or_empty(right, path)?)
            }
            ("Fn::Not", [one]) => Ok(!self.holds(declared, one, path, open)?),
            ("Fn::And" | "Fn::Or", parts) => {
                // Every part is decided, so that a wrong name is found whatever the others say.
                let mut held = 0;
                for part in parts {
                    held += usize::from(self.holds(declared, part, path, open)?);
                }
                Ok(if function == "Fn::And" { held == parts.len() } else { held > 0 })
            }
            _ => Err(path.unexpected(node.kind(), "!Equals, !And, !Or, !Not or !Condition")),
        }
    }

    /// Takes, throughout `node`, one branch of every `!If`, so that what is conditional is there or
    /// not for whoever looks; nothing where it comes to `AWS::NoValue`.
    pub(crate) fn choose(&self, node: &Node, path: &Path) -> Result<Option<Node>, Error> {
        Ok(Some(match node {
            Node::Call { function, argument } if function == "Fn::If" => {
                return self.choose(self.branch(argument, path)?, path);
            }
            Node::Call { function, argument } if function == "Ref" => {
                if argument.scalar() == Some("AWS::NoValue") {
                    return Ok(None);
                }
                node.clone()
            }
            Node::Map(entries) => {
                let mut chosen = Map::new();
                for (key, entry) in entries {
                    let entry = self.choose(entry, &path.child(key))?;
                    chosen.extend(entry.map(|entry| (key.clone(), entry)));
                }
                Node::Map(chosen)
            }
            Node::List(items) => {
                let mut chosen = Vec::with_capacity(items.len());
                for (index, item) in items.iter().enumerate() {
                    chosen.extend(self.choose(item, &path.child(index))?);
                }
                Node::List(chosen)
            }
            Node::Null | Node::Plain(_) | Node::Quoted(_) | Node::Call { .. } => node.clone(),
        }))
    }

    /// What `!Ref` gives; nothing for `AWS::NoValue`.
    pub(crate) fn reference(
        &self,
        call: &str,
        name: &str,
        path: &Path,
    ) -> Result<Option<Value>, Error> {
        if name == "AWS::NoValue" {
            return Ok(None);
        }
        if let Some(value) = self.pseudo(name).or_else(|| self.parameters.get(name).cloned()) {
            return Ok(Some(value));
        }
        if let Some(resource) = self.resources.get(name) {
            if !resource.present {
                return Err(left_out(path, call, name));
            }
            return Ok(Some(json!(self.reference_to(name, resource))));
        }
        if self.generated.contains(name) {
            return Ok(Some(json!(name)));
        }
        Err(undeclared(path, call, name))
    }

    /// What `!GetAtt` gives.
    pub(crate) fn attribute(
        &self,
        call: &str,
        name: &str,
        attribute: &str,
        path: &Path,
    ) -> Result<Value, Error> {
        if let Some(resource) = self.resources.get(name) {
            if !resource.present {
                return Err(left_out(path, call, name));
            }
            return Ok(json!(self.attribute_of(name, resource, attribute)));
        }
        if self.generated.contains(name) {
            let attribute = match attribute {
                "Arn" => self.arn("iam", &format!("role/{name}")),
                other => format!("{name}.{other}"),
            };
            return Ok(json!(attribute));
        }
        Err(undeclared(path, call, name))
    }

    fn pseudo(&self, name: &str) -> Option<Value> {
        let Context { region, account, partition, url_suffix, stack } = &self.context;
        Some(match name {
            "AWS::Region" => json!(region),
            "AWS::AccountId" => json!(account),
            "AWS::Partition" => json!(partition),
            "AWS::URLSuffix" => json!(url_suffix),
            "AWS::StackName" => json!(stack),
            "AWS::StackId" => json!(self.arn("cloudformation", &format!("stack/{stack}/local"))),
            "AWS::NotificationARNs" => json!([]),
            _ => return None,
        })
    }

    /// What `!Ref` gives of a resource: a topic's ARN, else the name.
    fn reference_to(&self, id: &str, resource: &Resource) -> String {
        let name = self.physical(id, resource);
        if is_topic(&resource.kind) { self.arn("sns", &name) } else { name }
    }

    /// The name that a resource has here: a table's or a topic's own, else the logical id.
    ///
    /// A function goes by its logical id even if it has a `FunctionName`.
    fn physical(&self, id: &str, resource: &Resource) -> String {
        match &resource.name {
            Some(name) if is_table(&resource.kind) || is_topic(&resource.kind) => name.clone(),
            Some(_) | None => id.to_owned(),
        }
    }

    fn attribute_of(&self, id: &str, resource: &Resource, attribute: &str) -> String {
        let kind = resource.kind.as_str();
        let name = self.physical(id, resource);
        match attribute {
            "Arn" if is_function(kind) => self.arn("lambda", &format!("function:{name}")),
            "Arn" if is_table(kind) => self.arn("dynamodb", &format!("table/{name}")),
            "Arn" if kind == "AWS::IAM::Role" => self.arn("iam", &format!("role/{name}")),
            "Arn" => self.arn(&service(kind), &name),
            "StreamArn" => {
                // The label is a time on AWS; here there is one stream for all of a table's life.
                let label = format!("table/{name}/stream/1970-01-01T00:00:00.000");
                self.arn("dynamodb", &label)
            }
            "ApiId" => name,
            "ApiEndpoint" => {
                let Context { region, url_suffix, .. } = &self.context;
                format!("{name}.execute-api.{region}.{url_suffix}")
            }
            "TopicArn" if is_topic(kind) => self.arn("sns", &name),
            "QueueName" | "TopicName" | "RoleId" => name,
            other => format!("{name}.{other}"),
        }
    }

    /// `iam` has no region in its names.
    pub(crate) fn arn(&self, service: &str, resource: &str) -> String {
        let Context { region, account, partition, .. } = &self.context;
        let region = if service == "iam" { "" } else { region };
        format!("arn:{partition}:{service}:{region}:{account}:{resource}")
    }
}

pub(crate) fn is_function(kind: &str) -> bool {
    matches!(kind, "AWS::Serverless::Function" | "AWS::Lambda::Function")
}

pub(crate) fn is_table(kind: &str) -> bool {
    matches!(
        kind,
        "AWS::DynamoDB::Table" | "AWS::DynamoDB::GlobalTable" | "AWS::Serverless::SimpleTable"
    )
}

pub(crate) fn is_topic(kind: &str) -> bool {
    kind == "AWS::SNS::Topic"
}

/// `sqs` of `AWS::SQS::Queue`.
fn service(kind: &str) -> String {
    kind.split("::").nth(1).unwrap_or("unknown").to_lowercase()
}

fn undeclared(path: &Path, call: &str, name: &str) -> Error {
    path.fail(Problem::Undeclared { call: call.to_owned(), name: name.to_owned() })
}

fn left_out(path: &Path, call: &str, name: &str) -> Error {
    path.fail(Problem::LeftOut { call: call.to_owned(), name: name.to_owned() })
}

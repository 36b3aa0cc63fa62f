//! What a template declares, resolved: no intrinsic function is left in here.

use std::collections::BTreeMap;
use std::time::Duration;

/// Everything of a template that the local gateway runs.
#[derive(Clone, Debug, Default)]
pub struct Deployment {
    /// The parameters' values after overrides.
    pub parameters: BTreeMap<String, String>,
    /// WebSocket APIs by logical id.
    pub apis: BTreeMap<String, Api>,
    /// Functions by logical id.
    pub functions: BTreeMap<String, Function>,
    /// Tables by logical id, which is also their name and what `!Ref` gives, unless the template
    /// names them.
    pub tables: BTreeMap<String, Table>,
    /// Topics by logical id.
    pub topics: BTreeMap<String, Topic>,
    /// Which functions are fed from which table's stream.
    pub streams: Vec<StreamMapping>,
    /// The template's outputs, resolved.
    pub outputs: BTreeMap<String, String>,
    /// What was found in the template and is not served locally, one sentence each.
    pub ignored: Vec<String>,
}

/// One `AWS::Serverless::WebSocketApi`, or an `AWS::ApiGatewayV2::Api` with all that belongs to it.
#[derive(Clone, Debug)]
pub struct Api {
    /// The logical id, which is also what `!Ref` gives.
    pub id: String,
    /// The stage's name, the first segment of every path.
    pub stage: String,
    /// For example `$request.body.action`.
    pub route_selection: String,
    /// Routes by route key (`$connect`, `send`, …).
    pub routes: BTreeMap<String, Route>,
    /// Who decides at `$connect`; `None` lets everyone in.
    pub authorizer: Option<Authorizer>,
    /// The stage's variables.
    pub stage_variables: BTreeMap<String, String>,
}

/// One route of an API.
#[derive(Clone, Debug)]
pub struct Route {
    /// The logical id of the function it invokes.
    pub function: String,
    /// Whether the function's answer is sent back: the route has both a selection expression and an
    /// `AWS::ApiGatewayV2::RouteResponse`.
    pub two_way: bool,
    /// How long API Gateway waits for the function; at most 29 s.
    pub integration_timeout: Duration,
}

/// A Lambda authorizer of type REQUEST.
#[derive(Clone, Debug)]
pub struct Authorizer {
    /// The logical id of the function that decides.
    pub function: String,
    /// `route.request.header.NAME`, `route.request.querystring.NAME`; any that is missing refuses
    /// the handshake with 401 before the function is asked.
    pub identity_sources: Vec<String>,
}

/// One `AWS::Serverless::Function` or `AWS::Lambda::Function`.
#[derive(Clone, Debug)]
pub struct Function {
    /// The logical id, which is also the function's name here.
    pub id: String,
    /// The cargo binary (`Metadata.BuildProperties.Binary`); `None` where cargo does not build it.
    pub binary: Option<String>,
    /// The declared environment.
    pub environment: BTreeMap<String, String>,
    /// Memory in MB, which is what a millisecond costs by.
    pub memory_mb: u32,
    /// How long an invocation may take.
    pub timeout: Duration,
    /// What it may do.
    pub permissions: Permissions,
}

/// What a function may do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Permissions {
    /// What these statements say, and nothing else.
    Known(Vec<Statement>),
    /// Something that the template does not say: a role, a managed policy, a policy template, or a
    /// statement with conditions.
    Unknown,
}

/// One statement of a policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statement {
    /// Whether it allows; one that denies wins over all that allow.
    pub allows: bool,
    /// Patterns of actions, such as `dynamodb:PutItem`; `*` stands for any text, `?` for any one
    /// character, and case does not count.
    pub actions: Vec<String>,
    /// Patterns of ARNs.
    pub resources: Vec<String>,
}

/// One `AWS::DynamoDB::Table` or `AWS::Serverless::SimpleTable`.
#[derive(Clone, Debug)]
pub struct Table {
    /// The logical id; also the table's name here, unless the template gives it one.
    pub id: String,
    /// The body of a `CreateTable` request, `TableName` included.
    pub create: serde_json::Value,
    /// The attribute that holds the expiry, if the table expires items.
    pub ttl_attribute: Option<String>,
}

/// One `AWS::SNS::Topic`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Topic {
    /// The logical id.
    pub id: String,
    /// Its name: the logical id, with `.fifo` after it where that has to be, unless the template
    /// gives it one.
    pub name: String,
    /// Its ARN, which is what `!Ref` gives.
    pub arn: String,
    /// What a FIFO topic promises; `None` of a standard one.
    pub fifo: Option<Fifo>,
}

/// How a FIFO topic knows that a message repeats another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fifo {
    /// Among which messages it looks.
    pub scope: FifoScope,
    /// Whether a message without a deduplication id is known by its content
    /// (`ContentBasedDeduplication`).
    pub by_content: bool,
}

/// Among which messages a FIFO topic looks for the one that is repeated (`FifoThroughputScope`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FifoScope {
    /// All of the topic, which is the default.
    Topic,
    /// Those of the same message group.
    MessageGroup,
}

/// A function's event of type `DynamoDB`, or an `AWS::Lambda::EventSourceMapping` of a stream.
#[derive(Clone, Debug)]
pub struct StreamMapping {
    /// The logical id; of an event, the function's followed by the event's, as SAM makes it.
    pub id: String,
    /// The logical id of the function.
    pub function: String,
    /// The logical id of the table whose stream is read.
    pub table: String,
    /// The ARN of that stream, which events carry.
    pub source: String,
    /// Whether reading starts with the oldest record that is kept (`TRIM_HORIZON`) or with the
    /// next one (`LATEST`).
    pub from_oldest: bool,
    /// The most records in one invocation.
    pub batch_size: u32,
    /// How long records are gathered before a batch that is not full is handed over.
    pub batching_window: Duration,
    /// How many batches of one shard are handed over at a time; those of one partition key never
    /// are (`ParallelizationFactor`).
    pub parallelization: u32,
    /// Event patterns in JSON; a record that matches any is handed over, and all are where there
    /// is no pattern.
    pub filters: Vec<String>,
    /// Whether a batch that fails is halved before it is tried again.
    pub bisect: bool,
    /// How often a failed batch is tried again; `None` until its records expire.
    pub retries_max: Option<u32>,
    /// The age at which a record is given up; `None` when the stream does.
    pub record_age_max: Option<Duration>,
    /// Whether the function's answer may name the records that failed
    /// (`ReportBatchItemFailures`).
    pub reports_failures: bool,
    /// The ARN that batches which were given up are reported to.
    pub on_failure: Option<String>,
}

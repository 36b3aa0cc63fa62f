//! Why a gateway could not be started.

/// A boxed error of another library, kept as the source of ours.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// Why a gateway could not be started.
///
/// A `Display` says what the gateway was doing and never repeats its source; whoever prints the
/// error prints the chain.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Someone else listens on the port. Stop them, or ask for another port.
    #[error("port {port} is taken")]
    PortTaken {
        /// The port that was asked for.
        port: u16,
    },
    /// The machine refused the listener for another reason.
    #[error("cannot listen on port {port}")]
    Listen {
        /// The port that was asked for.
        port: u16,
        /// What the machine said.
        source: std::io::Error,
    },
    /// The address for containers cannot be listened on.
    #[error("cannot listen on port {port} of {address}, for containers")]
    Forward {
        /// The address that was asked for.
        address: std::net::IpAddr,
        /// The port that it was to lead to.
        port: u16,
        /// What the machine said.
        source: std::io::Error,
    },
    /// The template declares no WebSocket API, so there is nothing to serve.
    #[error("the template declares no WebSocket API")]
    NoApi,
    /// Two APIs have one stage name: locally the path's first segment is all that tells them apart.
    #[error("two APIs have the stage `{stage}`")]
    SharedStage {
        /// The name both have.
        stage: String,
    },
    /// A route, an authorizer or an event source mapping names a function that the template does
    /// not declare.
    #[error("`{referrer}` invokes `{function}`, which the template does not declare")]
    UnknownFunction {
        /// The route key, `authorizer`, or the mapping's logical id.
        referrer: String,
        /// The logical id that is missing.
        function: String,
    },
    /// A function has no executable: its binary was not built, or cargo does not build it.
    #[error("the function `{function}` has no executable")]
    NoExecutable {
        /// The function's logical id.
        function: String,
    },
    /// The route selection expression is of a form that API Gateway does not know.
    #[error("cannot read the route selection expression `{expression}`")]
    RouteSelection {
        /// The expression as the template has it.
        expression: String,
    },
    /// The directory for the functions' logs cannot be made.
    #[error("cannot make the directory of the functions' logs")]
    Logs {
        /// What the machine said.
        source: std::io::Error,
    },
    /// The process that ends the functions with the gateway cannot be started.
    #[error("cannot start the guard of the functions")]
    Guard {
        /// What the machine said.
        source: std::io::Error,
    },
    /// Where the mappings had come to cannot be read: delete the file to begin anew.
    #[error("cannot read the checkpoints of the event source mappings")]
    Checkpoints {
        /// What the machine said.
        source: std::io::Error,
    },
    /// What a topic has delivered cannot be opened: delete its file to begin anew.
    #[error("cannot open the messages of the topic `{topic}`")]
    Topic {
        /// Its logical id.
        topic: String,
        /// What the machine said.
        source: std::io::Error,
    },
    /// An event source mapping cannot be served: its table has no stream, or a filter is refused.
    #[error("cannot serve the event source mapping `{mapping}`")]
    Mapping {
        /// Its logical id.
        mapping: String,
        /// What is wrong with it.
        source: BoxError,
    },
    /// The embedded database did not start, or refused a table.
    #[error("cannot start the database")]
    Database {
        /// What it said.
        source: BoxError,
    },
}

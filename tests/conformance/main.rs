//! Every adapter against every promise.

mod consumption;
mod dynamo;
mod tables;

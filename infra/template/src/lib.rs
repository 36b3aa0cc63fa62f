//! A SAM template, read as AWS would read it: parameters, intrinsic functions, globals, and from
//! them the deployment that the local gateway runs.
//!
//! # Layout
//!
//! * [`model`]: what comes out, with no function left in it.
//! * `yaml` makes a tree of the text, `parameters` and `scope` give its names their meaning,
//!   `intrinsic` resolves functions over them, `globals` merges defaults in.
//! * `function` with its `permissions`, `websocket`, `table`, `topic`, `stream`: one kind of
//!   resource each; `classic` is what `websocket` stands for, spelled out; `deployment` is all of
//!   them.
//! * `samconfig`: parameter overrides from the SAM CLI's configuration file.
//!
//! # Invariants
//!
//! * Any text gives a deployment or an error that says where; none panics.
//! * Nothing here reads a file, the environment or a clock, and nothing names AWS's software
//!   development kit.
//! * Only what is served is resolved: a property that has no meaning on one machine may hold
//!   anything.
//!
//! Deliberately absent: macros and `AWS::Include`, nested stacks, `Fn::ForEach`, values exported
//! by other stacks, the parameter store.

pub mod model;

mod classic;
mod deployment;
mod error;
mod function;
mod globals;
mod intrinsic;
mod parameters;
mod permissions;
mod samconfig;
mod scope;
mod stream;
mod table;
mod topic;
mod websocket;
mod yaml;

pub use crate::deployment::load;
pub use crate::error::{Error, Problem};
pub use crate::samconfig::samconfig_parameters;

/// What the pseudo parameters stand for (`AWS::Region`, …).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Context {
    /// `AWS::Region`.
    pub region: String,
    /// `AWS::AccountId`.
    pub account: String,
    /// `AWS::Partition`.
    pub partition: String,
    /// `AWS::URLSuffix`.
    pub url_suffix: String,
    /// `AWS::StackName`.
    pub stack: String,
}

impl Default for Context {
    /// Placeholders of the right form: the account is the one that AWS's own examples use.
    fn default() -> Self {
        Self {
            region: "us-east-1".to_owned(),
            account: "123456789012".to_owned(),
            partition: "aws".to_owned(),
            url_suffix: "amazonaws.com".to_owned(),
            stack: "local".to_owned(),
        }
    }
}

//! A SAM template, read as AWS would read it: parameters, intrinsic functions, globals, and from
//! them the deployment that the local gateway runs.

pub mod model;

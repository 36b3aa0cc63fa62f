//! The command behind `cargo local`: a local API Gateway for the template at hand.

fn main() {}

//! What is counted: events that are logged under these names, in the field `metric`.
//!
//! Only what should be rare is counted, so that counting costs next to nothing.

/// A fan-out that the stream had to finish, because a function died or failed in the middle of it.
pub const FAN_OUT_FINISHED: &str = "FanOutsFinished";
/// A fan-out that was not finished where it began, and is left to the stream.
pub const FAN_OUT_LEFT: &str = "FanOutsLeft";

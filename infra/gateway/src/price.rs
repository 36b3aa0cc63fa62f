//! What AWS asks, in dollars, in `us-east-1`.
//!
//! On-demand prices without any free tier, as published on the pricing pages that each constant
//! names, read in November 2026. First tiers only: a laptop does not reach the second ones.

/// A million write request units ("Amazon DynamoDB pricing, on-demand", standard class).
pub const MILLION_WRITE_UNITS: f64 = 0.625;

/// A million read request units ("Amazon DynamoDB pricing, on-demand", standard class).
pub const MILLION_READ_UNITS: f64 = 0.125;

/// A million WebSocket messages of up to [`METERED_FRAME_BYTES`] ("Amazon API Gateway pricing").
pub const MILLION_FRAMES: f64 = 1.0;

/// A million minutes of open connections ("Amazon API Gateway pricing").
pub const MILLION_CONNECTION_MINUTES: f64 = 0.25;

/// A gigabyte of memory for a second, on arm64 ("AWS Lambda pricing").
pub const GIGABYTE_SECOND: f64 = 0.000_013_333_4;

/// A million invocations ("AWS Lambda pricing").
pub const MILLION_INVOCATIONS: f64 = 0.20;

/// A million messages published to a FIFO topic ("Amazon SNS pricing").
pub const MILLION_FIFO_MESSAGES: f64 = 0.30;

/// A gigabyte of messages published to a FIFO topic ("Amazon SNS pricing").
pub const FIFO_GIGABYTE: f64 = 0.017;

/// A million requests to publish to a standard topic ("Amazon SNS pricing").
pub const MILLION_PUBLISH_REQUESTS: f64 = 0.50;

/// What one request to a standard topic may hold; a longer one counts as several.
///
/// "Amazon SNS pricing": each chunk of 64 KB is billed as one request.
pub const METERED_PUBLISH_BYTES: usize = 64 * 1024;

/// Bytes in the gigabyte that SNS bills by.
pub const BYTES_PER_GIGABYTE: f64 = 1024.0 * 1024.0 * 1024.0;

/// What one metered WebSocket message holds; a longer one counts as several.
///
/// "Amazon API Gateway pricing": WebSocket messages are metered in 32 KB increments.
pub const METERED_FRAME_BYTES: usize = 32 * 1024;

/// Megabytes in the gigabyte that Lambda bills by.
pub const MEGABYTES_PER_GIGABYTE: f64 = 1024.0;

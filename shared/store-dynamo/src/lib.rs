//! Stands soon.

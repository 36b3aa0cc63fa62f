//! The DynamoDB adapter, on the embedded DynamoDB, keeps every promise of a store.

store::conformance!(tests::embedded::fresh());

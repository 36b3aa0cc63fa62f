//! The memory store keeps every promise of a store.

use store::Memory;

store::conformance!(async { Memory::default() });

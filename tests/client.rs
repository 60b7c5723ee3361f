//! The OAuth client, against servers that record every request in order. A request that no server
//! expects fails its test.
#![cfg(test)]
#![allow(
    clippy::allow_attributes,
    clippy::arithmetic_side_effects,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::too_many_lines,
    clippy::unwrap_in_result,
    reason = "a test that cannot go on must panic, and a table may be long"
)]

#[path = "client/guarded.rs"]
mod guarded;
#[path = "client/layer.rs"]
mod layer;
#[path = "client/layer_processes.rs"]
mod layer_processes;
#[path = "client/layer_refresh.rs"]
mod layer_refresh;
#[path = "client/layer_scopes.rs"]
mod layer_scopes;
#[path = "client/processes.rs"]
mod processes;
#[path = "client/redirect.rs"]
mod redirect;
#[path = "client/store.rs"]
mod store;
#[allow(dead_code, unused_imports, reason = "other tests use the rest of it")]
#[path = "client/support/mod.rs"]
mod support;

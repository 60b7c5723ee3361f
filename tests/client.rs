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

#[path = "client/authorization.rs"]
mod authorization;
#[path = "client/challenges.rs"]
mod challenges;
#[path = "client/discovery.rs"]
mod discovery;
#[path = "client/faults.rs"]
mod faults;
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
#[path = "client/machines.rs"]
mod machines;
#[path = "client/processes.rs"]
mod processes;
#[path = "client/real_server.rs"]
mod real_server;
#[path = "client/redirect.rs"]
mod redirect;
#[path = "client/registration.rs"]
mod registration;
#[path = "client/rmcp_client.rs"]
mod rmcp_client;
#[path = "client/servers.rs"]
mod servers;
#[path = "client/store.rs"]
mod store;
#[path = "client/support/mod.rs"]
mod support;
#[path = "client/tokens.rs"]
mod tokens;

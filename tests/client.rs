//! The client: what it asks for, what it believes, what it keeps, and where tokens go.
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

#[path = "client/processes.rs"]
mod processes;
#[path = "client/redirect.rs"]
mod redirect;
#[path = "client/store.rs"]
mod store;

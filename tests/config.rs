//! Guards from a text: each key has its effect, and what is wrong is told by its key.
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

mod support;

#[path = "introspection/endpoint.rs"]
#[allow(dead_code, reason = "these tests use a part of it")]
mod endpoint;

mod config {
    mod asking;
    pub(crate) mod fixture;
    mod formats;
    mod guards;
    mod issuers;
    mod limits;
    mod nonsense;
    mod refusals;
    mod secrets;
    mod together;
}

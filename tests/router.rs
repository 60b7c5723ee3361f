//! What an `mcp::Router` does that no row of the requirements asks for.
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

mod router {
    mod access;
    mod arguments;
    mod build;
    pub mod fixture;
    mod limits;
    mod lists;
    mod load;
    mod messages;
    mod policy;
    mod results;
    mod streams;
}

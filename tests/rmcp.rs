//! The official SDK with proofs: tools, prompts and resources of a files server, in every mode that
//! rmcp's HTTP service has.
#![cfg(test)]
#![allow(
    clippy::allow_attributes,
    clippy::arithmetic_side_effects,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::needless_pass_by_value,
    clippy::panic,
    clippy::too_many_lines,
    clippy::unnecessary_wraps,
    clippy::unused_async,
    clippy::unwrap_in_result,
    reason = "a test that cannot go on must panic, a table may be long, and handlers take proofs by value"
)]

mod support;

#[path = "../examples/quickstart/server.rs"]
#[allow(dead_code, reason = "a part of it is used")]
mod server;

#[path = "rmcp/"]
mod cases {
    mod claims;
    #[path = "../layer_rmcp/events.rs"]
    #[allow(dead_code, reason = "a part of it is used")]
    mod events;
    mod files;
    mod guards;
    mod late;
    mod lists;
    mod quickstart;
    mod sessions;
    mod stage;
    mod table;
    mod tasks;
    mod within;
}

//! The audit log: one event for each decision, and nothing that a request has to wait for.
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
    dead_code,
    unreachable_pub,
    reason = "a test that cannot go on must panic, and a table may be long"
)]

mod support;

#[path = "introspection/endpoint.rs"]
#[allow(dead_code, reason = "a part of it is used")]
mod endpoint;

/// The files server on rmcp, as `tests/rmcp.rs` has it.
#[path = "rmcp/"]
#[allow(dead_code, reason = "a part of it is used")]
mod sdk {
    mod files;
    #[path = "../audit/secured.rs"]
    mod secured;
    mod stage;
}

mod audit {
    mod elevations;
    mod extractor;
    pub mod fixture;
    mod hostile;
    mod layer;
    mod levels;

    mod reasons;
    mod router;

    mod quiet;
    mod sinks;
    mod streams;
    mod subjects;
}

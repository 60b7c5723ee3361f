//! What a policy decides about a request, shown by a layer over a real socket.
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

mod layer_policy {
    mod arguments;
    mod callers;
    pub mod fixture;
    mod gates;
    mod lists;
    mod methods;
    mod precedence;
    mod references;
    mod resources;
    mod router;
    mod standard;
    mod table;
}

//! Many resources in one process: nothing of one tenant works or shows at another.
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

mod tenants {
    mod carried;
    mod changes;
    mod eviction;
    mod isolation;
    mod loading;
    mod names;
    mod neighbours;
    mod properties;
    mod sdk;
    mod sessions;
    pub mod world;
}

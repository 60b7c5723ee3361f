//! Tasks behind a layer: an id is worth something in its owner's hands alone, under the policy of the
//! call that made the task.
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

mod layer_tasks {
    mod fixture;
    mod ids;
    mod owners;
    mod rules;
}

//! One name for all that is said about a request: in answers, for handlers and in logs.
#![cfg(test)]
#![allow(
    clippy::allow_attributes,
    clippy::arithmetic_side_effects,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_in_result,
    unreachable_pub,
    reason = "a test that cannot go on must panic"
)]

mod support;

mod correlation {
    mod answers;
    mod fixture;
    mod ids;
    mod spans;
}

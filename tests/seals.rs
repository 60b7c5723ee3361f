//! Values that clients carry: they come back from their owner, in time, unchanged and with the request
//! that they belong to, or they are nothing.
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

mod seals {
    mod bytes;
    pub mod fixture;
    mod keys;
    mod owners;
    mod served;
}

//! Requests that say two things: what one reader takes for harmless, and another one runs. The layer
//! decides about what the service behind it then reads, or refuses.
#![cfg(test)]
#![allow(
    clippy::allow_attributes,
    clippy::arithmetic_side_effects,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::too_many_lines,
    clippy::unwrap_in_result,
    unreachable_pub,
    reason = "a test that cannot go on must panic, and a table may be long"
)]

mod support;

mod layer_smuggling {
    mod bodies;
    mod framing;
    mod generator;
    mod headers;
    mod members;
    mod properties;
    pub mod table;
}

//! The small authorization server: what it gives, and what it refuses.
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

mod authorization_server {
    mod assertions;
    mod clients;
    mod consent;
    mod flow;
    mod forged_assertions;
    mod grants;
    mod hostile;
    mod limits;
    mod opaque;
    mod records;
    mod requests;
    mod tokens;
    mod user_agent;
}

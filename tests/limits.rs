//! How much a caller may ask, through the router and through the layer, over real HTTP.
#![cfg(test)]
#![allow(
    clippy::allow_attributes,
    clippy::arithmetic_side_effects,
    clippy::as_conversions,
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    clippy::disallowed_methods,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::too_many_lines,
    clippy::unwrap_used,
    clippy::wildcard_enum_match_arm,
    dead_code,
    unreachable_pub,
    reason = "a test that cannot go on must panic, and a table may be long"
)]

mod support;

mod limits {
    mod answers;
    mod at_once;
    mod calls;
    mod peers;
    mod prices;
    mod stores;
    mod windows;
    pub mod world;
}

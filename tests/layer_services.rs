//! The layer around whatever is a service: functions, routes, proxies, bodies of one's own.
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

mod layer_services {
    mod bodies;
    mod proxy;
    mod routers;
    mod several;
}

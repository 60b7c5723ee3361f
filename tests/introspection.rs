//! Tokens that say nothing to anybody but their issuer, and what it says when it is asked.
#![cfg(test)]
#![allow(
    clippy::allow_attributes,
    clippy::arithmetic_side_effects,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::too_many_lines,
    reason = "a test that cannot go on must panic, and a table may be long"
)]

#[path = "introspection/endpoint.rs"]
mod endpoint;
mod support;

#[path = "introspection/answers.rs"]
mod answers;
#[path = "introspection/asking.rs"]
mod asking;
#[path = "introspection/peers.rs"]
mod peers;
#[path = "introspection/remembering.rs"]
mod remembering;
#[path = "introspection/server.rs"]
mod server;
#[path = "introspection/waiting.rs"]
mod waiting;

use clearance::{Guard, GuardBuilder, Ready, TrustedIssuer};
use endpoint::Endpoint;
use support::Fixture;
use support::http::verdict;

/// An opaque token, as RFC 6749 writes one.
const TOKEN: &str = "2YotnFZFEjr1zCsicMWpAA";

/// A guard over one issuer that is asked.
fn guard(endpoint: &Endpoint) -> Guard<Fixture> {
    guard_with(endpoint, |rules| rules, |builder| builder)
}

fn guard_with(
    endpoint: &Endpoint,
    rules: impl FnOnce(TrustedIssuer) -> TrustedIssuer,
    change: impl FnOnce(GuardBuilder<Fixture, Ready>) -> GuardBuilder<Fixture, Ready>,
) -> Guard<Fixture> {
    let builder = support::with_rules(rules(endpoint.trusted()), endpoint.clock()).unlimited();
    change(builder).build().expect("a guard")
}

/// What becomes of a token with which this is answered.
async fn verdict_on(endpoint: &Endpoint, rules: TrustedIssuer, answer: &str) -> &'static str {
    endpoint.answer_with(answer);
    let guard = support::with_rules(rules, endpoint.clock()).unlimited();
    verdict(&guard.build().expect("a guard"), TOKEN).await
}

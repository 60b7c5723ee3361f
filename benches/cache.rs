//! What the memory of verified tokens takes, and whether it keeps those that come again.
//!
//! `cargo bench --bench cache` lets two million distinct tokens through a table of a hundred thousand, with
//! a small set of tokens that come again and again in between.

#![expect(
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a benchmark fails at once, and prints what it found"
)]

mod common;

use axum::http::Request;
use clearance::clock::{Clock as _, SystemClock};
use clearance::jwk::Algorithm;
use clearance::mcp::McpScopes;
use clearance::testing::Issuer;
use clearance::{Guard, GuardBuilder};
use common::{guard, issuer, mint, runtime};
use tokio::runtime::Runtime;

const FITS: usize = 100_000;
const DISTINCT: usize = 2_000_000;
/// How many come again and again, and after how many others one of them comes.
const HOT: usize = 5_000;
const EVERY: usize = 4;

const BYTES_BAR: f64 = 512.0;
const HITS_BAR: f64 = 0.95;

fn ask(runtime: &Runtime, guard: &Guard<McpScopes>, token: &str) {
    let request = Request::get("/mcp").header("authorization", format!("Bearer {token}"));
    let request = request.body(()).expect("a request");
    let (mut parts, ()) = request.into_parts();
    let proof = runtime.block_on(guard.authorize::<()>(&mut parts));
    drop(proof.expect("a proof"));
}

fn number(of: usize) -> f64 {
    f64::from(u32::try_from(of).expect("a small number"))
}

fn line(what: &str, value: f64, bar: f64, holds: bool) {
    let verdict = if holds { "holds" } else { "MISSED" };
    println!("{what:<58} {value:>9.3} {bar:>7.2}  {verdict}");
}

/// What a remembered token takes, all that is allocated for it.
fn bytes(runtime: &Runtime, issuer: &Issuer) {
    let guard = runtime.block_on(guard(issuer, |builder| {
        builder.unlimited().max_cached_tokens(FITS)
    }));
    // As authorization servers write them.
    let tokens: Vec<String> = (0..FITS / 2)
        .map(|number| mint(issuer, Algorithm::EdDSA, number))
        .collect();
    let before = guard.cache_stats().tokens;
    let counted = allocation_counter::measure(|| {
        for token in &tokens {
            ask(runtime, &guard, token);
        }
    });
    let kept = guard.cache_stats().tokens.saturating_sub(before);
    let taken = u32::try_from(counted.bytes_current).expect("less than 4 GiB");
    let each = f64::from(taken) / number(kept);
    line("bytes for each token", each, BYTES_BAR, each <= BYTES_BAR);
}

/// Distinct tokens go through, and hot ones come again.
fn flood(runtime: &Runtime, issuer: &Issuer) {
    let guard = runtime.block_on(guard(issuer, |builder| {
        GuardBuilder::unlimited(builder).max_cached_tokens(FITS)
    }));
    let hot: Vec<String> = (0..HOT)
        .map(|number| mint(issuer, Algorithm::EdDSA, number))
        .collect();
    for token in &hot {
        ask(runtime, &guard, token);
    }
    let mut again = hot.iter().cycle();
    let (mut asked, mut found, mut most) = (0_usize, 0_u64, 0_usize);
    for distinct in 0..DISTINCT {
        let token = mint(issuer, Algorithm::EdDSA, distinct.saturating_add(HOT));
        ask(runtime, &guard, &token);
        if distinct.is_multiple_of(EVERY) {
            let before = guard.cache_stats().hits;
            ask(runtime, &guard, again.next().expect("a token"));
            let stats = guard.cache_stats();
            found = found.saturating_add(stats.hits.saturating_sub(before));
            most = most.max(stats.tokens);
            asked = asked.saturating_add(1);
        }
    }
    let share = f64::from(u32::try_from(found).expect("a small number")) / number(asked);
    line(
        "hits among the tokens that come again",
        share,
        HITS_BAR,
        share >= HITS_BAR,
    );
    line(
        "tokens that are remembered at most",
        number(most),
        number(FITS),
        most <= FITS,
    );
}

fn main() {
    // Without it this is a test run, where numbers mean nothing.
    if !std::env::args().any(|argument| argument == "--bench") {
        return;
    }
    let runtime = runtime();
    let issuer = runtime.block_on(issuer([Algorithm::EdDSA]));
    let start = SystemClock.monotonic();
    bytes(&runtime, &issuer);
    flood(&runtime, &issuer);
    let spent = SystemClock.monotonic().saturating_sub(start);
    println!("in {} s", spent.as_secs());
}

//! What a limit adds to a route, beside what `tower_governor` adds to it, and what it keeps in memory.
//!
//! `cargo bench --bench limit` prints ratios from a loop that takes all sides in turn.

#![expect(
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a benchmark fails at once, and prints what it found"
)]

mod common;

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{ConnectInfo, Request};
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::any;
use clearance::jwk::Algorithm;
use clearance::limit::{Peers, Quota};
use clearance::mcp::{McpScopes, ToolsRead};
use clearance::testing::Issuer;
use clearance::{Authorized, Guard, GuardBuilder};
use common::guarded::{get, routes, serve};
use common::{BATCH, both, guard, issuer, mint, runtime, time};
use tokio::runtime::Runtime;
use tower::ServiceExt as _;
use tower_governor::GovernorLayer;
use tower_governor::governor::GovernorConfigBuilder;

const ROUNDS: usize = 3_000;

/// What the limiter adds, divided by what `tower_governor` adds.
const SHARE_BAR: f64 = 0.25;
/// Bytes for each key.
const KEY_BAR: f64 = 100.0;
/// With a million addresses in turn, against one.
const FLOOD_BAR: f64 = 1.25;
const FLOOD: u32 = 1_000_000;

/// More than any of this uses up.
const PLENTY: Quota = Quota::per_second(1_000_000).burst(1_000_000);

async fn guarded(_: Authorized<ToolsRead>, request: Request) -> Response {
    serve(request).await
}

fn extractor(guard: &Guard<McpScopes>) -> Router {
    let router = Router::new().route("/mcp", any(guarded));
    router.with_state(guard.clone())
}

/// The route behind the layer of the peer.
fn governed() -> Router {
    let config = GovernorConfigBuilder::default()
        .per_nanosecond(1_000)
        .burst_size(1_000_000)
        .finish();
    routes().layer(GovernorLayer::new(Arc::new(config.expect("a quota"))))
}

/// A request from the address of this number.
fn from(token: &str, number: u32) -> Request {
    let mut request: Request<Body> = get(&(token.to_owned(), "none".to_owned()));
    let address = SocketAddr::from((Ipv4Addr::from_bits(0x0b00_0000 | number), 4_000));
    request.extensions_mut().insert(ConnectInfo(address));
    request
}

fn line(what: &str, [all, quiet]: [f64; 2], bar: f64) {
    let verdict = if quiet <= bar { "holds" } else { "MISSED" };
    println!("{what:<58} {all:>9.3} {quiet:>9.3} {bar:>6.2}  {verdict}");
}

fn timed<const N: usize>(
    runtime: &Runtime,
    routes: [&Router; N],
    rounds: usize,
    mut batch: impl FnMut(usize) -> Vec<Request>,
) -> [Vec<f64>; N] {
    let mut times = [const { Vec::new() }; N];
    for round in 0..rounds {
        for (route, times) in routes.iter().zip(&mut times) {
            times.push(time(runtime, *route, batch(round)));
        }
    }
    times
}

/// The same route with and without limits.
fn shares(runtime: &Runtime, issuer: &Issuer) {
    let token = mint(issuer, Algorithm::RS256, 0);
    let of = |change: fn(GuardBuilder<McpScopes, clearance::Ready>) -> _| {
        extractor(&runtime.block_on(guard(issuer, change)))
    };
    let unlimited = of(GuardBuilder::unlimited);
    let limited = of(|builder| builder.limit(PLENTY));
    let peers = of(|builder| {
        builder
            .unlimited()
            .peers(Peers::of_connections().limit(PLENTY))
    });
    let both_limits = of(|builder| {
        builder
            .limit(PLENTY)
            .peers(Peers::of_connections().limit(PLENTY))
    });
    let (bare, governed) = (routes(), governed());
    let all = [&bare, &governed, &unlimited, &limited, &peers, &both_limits];
    for route in all {
        let answer = runtime.block_on(route.clone().oneshot(from(&token, 1)));
        assert_eq!(answer.expect("an answer").status(), StatusCode::OK);
    }
    let times = timed(runtime, all, ROUNDS, |_| {
        (0..BATCH).map(|_| from(&token, 1)).collect()
    });
    let [bare, governed, unlimited, limited, peers, both_limits] = &times;
    let share = |ours: &[f64]| both(|t| (t(ours) - t(unlimited)) / (t(governed) - t(bare)));
    line(
        "a limit for principals / tower_governor",
        share(limited),
        SHARE_BAR,
    );
    line(
        "a limit for peers / tower_governor",
        share(peers),
        SHARE_BAR,
    );
    line("both / tower_governor", share(both_limits), SHARE_BAR * 2.0);
    for (what, times) in [
        "bare route",
        "tower_governor",
        "extractor without a limit",
        "extractor with one for principals",
        "extractor with one for peers",
        "extractor with both",
    ]
    .iter()
    .zip(&times)
    {
        let [all, quiet] = both(|t| t(times));
        println!("    {what:<54} {all:>9.0} {quiet:>9.0} ns");
    }
}

/// A million addresses that ask once each, against one that asks a million times.
fn flood(runtime: &Runtime, issuer: &Issuer) {
    let of = || {
        let change = |builder: GuardBuilder<McpScopes, clearance::Ready>| {
            builder.peers(Peers::of_connections().limit(PLENTY))
        };
        extractor(&runtime.block_on(guard(issuer, change)))
    };
    let (one, many) = (of(), of());
    let batches = usize::try_from(FLOOD).expect("a number").div_euclid(BATCH);
    let mut number = 0_u32;
    let mut next = |is_many: bool| -> Vec<Request> {
        let request = |_| {
            number = number
                .wrapping_add(1)
                .checked_rem(FLOOD)
                .unwrap_or_default();
            // Nobody's token: what follows the limit costs little.
            from("x", if is_many { number } else { 1 })
        };
        (0..BATCH).map(request).collect()
    };
    let (mut of_one, mut of_many) = (Vec::new(), Vec::new());
    for _ in 0..batches {
        of_one.push(time(runtime, &one, next(false)));
        of_many.push(time(runtime, &many, next(true)));
    }
    line(
        "1 000 000 addresses in turn / 1",
        both(|t| t(&of_many) / t(&of_one)),
        FLOOD_BAR,
    );
}

/// What a table for so many principals takes.
fn bytes(runtime: &Runtime, issuer: &Issuer) {
    let size = |most: usize| {
        let counted = allocation_counter::measure(|| {
            let change = |builder: GuardBuilder<McpScopes, clearance::Ready>| {
                builder.limit(PLENTY).max_principals(most)
            };
            drop(runtime.block_on(guard(issuer, change)));
        });
        f64::from(u32::try_from(counted.bytes_max).expect("a number"))
    };
    let (few, many) = (1 << 10, 1 << 20);
    let each = (size(many) - size(few))
        / f64::from(u32::try_from(many.saturating_sub(few)).expect("a number"));
    line("bytes for each principal", [each; 2], KEY_BAR);
}

fn main() {
    let runtime = runtime();
    let issuer = runtime.block_on(issuer([Algorithm::RS256]));
    println!("{:<58} {:>9} {:>9} {:>6}", "", "median", "quiet", "bar");
    shares(&runtime, &issuer);
    flood(&runtime, &issuer);
    bytes(&runtime, &issuer);
}

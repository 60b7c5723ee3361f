//! What the benchmarks share: tokens in turn, and numbers from a machine that is not quiet.
#![allow(
    dead_code,
    unreachable_pub,
    clippy::missing_panics_doc,
    clippy::allow_attributes,
    reason = "each benchmark uses a part of it"
)]

pub mod guarded;

use std::cell::Cell;
use std::hint::black_box;
use std::time::Duration;

use axum::body::Body;
use axum::http::Request;
use chrono::TimeDelta;
use clearance::clock::{Clock as _, SystemClock};
use clearance::jwk::Algorithm;
use clearance::mcp::McpScopes;
use clearance::testing::Issuer;
use clearance::{Guard, GuardBuilder, Ready};
use tokio::runtime::Runtime;
use tower::{Service, ServiceExt as _};

/// How many requests of one kind are timed at once.
pub const BATCH: usize = 16;

/// Hands out its items in turn.
pub struct Turn<T> {
    items: Vec<T>,
    next: Cell<usize>,
}

impl<T> Turn<T> {
    pub fn new(items: Vec<T>) -> Self {
        Self {
            items,
            next: Cell::new(0),
        }
    }

    pub fn next(&self) -> &T {
        let at = self.next.get();
        let following = at.saturating_add(1);
        self.next.set(if following < self.items.len() {
            following
        } else {
            0
        });
        self.items.get(at).expect("an item")
    }

    pub const fn len(&self) -> usize {
        self.items.len()
    }

    pub fn batch<U>(&self, of: impl Fn(&T) -> U) -> Vec<U> {
        (0..BATCH).map(|_| of(self.next())).collect()
    }
}

/// The time of one of these requests.
pub fn time<T>(runtime: &Runtime, route: &T, requests: Vec<Request<Body>>) -> f64
where
    T: Service<Request<Body>, Error: std::fmt::Debug> + Clone,
{
    runtime.block_on(async {
        let start = SystemClock.monotonic();
        for request in requests {
            let answer = route.clone().oneshot(request).await;
            black_box(answer.expect("an answer"));
        }
        each(start)
    })
}

/// How many allocations one of these requests makes, on average.
pub fn allocations<T>(runtime: &Runtime, route: &T, requests: Vec<Request<Body>>) -> f64
where
    T: Service<Request<Body>, Error: std::fmt::Debug> + Clone,
{
    let counted = allocation_counter::measure(|| {
        time(runtime, route, requests);
    });
    f64::from(u32::try_from(counted.count_total).expect("a small number")) / batch_size()
}

/// What polls everything.
pub fn runtime() -> Runtime {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime")
}

/// An issuer with a key of each of these.
pub async fn issuer(algorithms: impl IntoIterator<Item = Algorithm>) -> Issuer {
    let resource = "https://files.example.com/mcp".parse().expect("a resource");
    let issuer = Issuer::builder(resource).algorithms(algorithms);
    issuer.start().await.expect("an issuer")
}

pub async fn guard(
    issuer: &Issuer,
    change: impl FnOnce(GuardBuilder<McpScopes, Ready>) -> GuardBuilder<McpScopes, Ready>,
) -> Guard<McpScopes> {
    let builder = Guard::builder(issuer.resource().clone()).issuer(issuer.id().clone());
    let guard = change(builder).build().expect("a guard");
    guard.ready().await.expect("keys");
    guard
}

/// A token as an authorization server writes it, about 800 bytes long with RS256.
pub fn mint(issuer: &Issuer, algorithm: Algorithm, number: usize) -> String {
    issuer
        .token()
        .signed_by(algorithm)
        .lifetime(TimeDelta::hours(1))
        .subject(&format!("7c9a41f0-52de-4c0b-9a77-{number:012x}"))
        .client("0oa8f2k1v3Xy7TqPd5d7")
        .token_id(&format!("AT.{number:024x}"))
        .scope("mcp:tools:read mcp:tools:execute mcp:resources:read offline_access")
        .mint()
}

pub fn batch_size() -> f64 {
    f64::from(u32::try_from(BATCH).expect("a small number"))
}

/// Nanoseconds for each of a batch.
pub fn each(start: Duration) -> f64 {
    let spent = SystemClock.monotonic().saturating_sub(start);
    spent.as_secs_f64() * 1e9 / batch_size()
}

pub fn median(values: &[f64]) -> f64 {
    quantile(values, 2)
}

/// The fastest tenth: the cost while the machine was quiet. On shared machines whole seconds are
/// half as fast again as others, so a median says as much about the neighbours.
pub fn quiet(values: &[f64]) -> f64 {
    quantile(values, 10)
}

pub fn quantile(values: &[f64], parts: usize) -> f64 {
    let mut values = values.to_vec();
    values.sort_by(f64::total_cmp);
    let at = values.len().checked_div(parts).unwrap_or_default();
    values.get(at).copied().expect("at least one value")
}

/// What comes of the medians, and of the quiet tenths.
pub fn both(of: impl Fn(fn(&[f64]) -> f64) -> f64) -> [f64; 2] {
    [of(median), of(quiet)]
}

//! The latency of one tenant while something happens at another.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::body::Body;
use axum::http::{Request, StatusCode};
use clearance::TrustedIssuer;
use clearance::clock::{Clock as _, SystemClock};
use clearance::jwk::Algorithm;
use clearance::tenants::{TenantName, Tenants};
use clearance::testing::{Fault, Issuer};
use tokio::task::JoinHandle;
use tower::Service as _;

use super::common::{issuer, quantile};
use super::{call, guard, mint, place, status, tenant};

/// What happens elsewhere.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Neighbour {
    Nobody,
    Busy,
    IssuerHangs,
    IssuerIsDead,
    MadeUp,
    Unknown,
}

/// How many requests are timed, one each millisecond, after some that wait for keys.
const TIMED: usize = 3_000;
const FIRST: usize = 100;

pub(super) fn table() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("a runtime");
    println!(
        "\n{:<58} {:>9} {:>9} {:>9}",
        "requests of a tenant, while another", "p50", "p99", "refused"
    );
    for (what, neighbour) in [
        ("does nothing", Neighbour::Nobody),
        ("gets 2 000 good requests a second", Neighbour::Busy),
        (
            "has an issuer that never answers, and as many",
            Neighbour::IssuerHangs,
        ),
        (
            "has an issuer that is not there, and as many",
            Neighbour::IssuerIsDead,
        ),
        ("gets 2 000 made-up tokens a second", Neighbour::MadeUp),
        (
            "is a name that nobody has, 2 000 a second",
            Neighbour::Unknown,
        ),
    ] {
        let (times, refused) = runtime.block_on(beside(neighbour));
        let [p50, p99] = [2, 100].map(|parts| slowest(&times, parts) / 1_000.0);
        println!("    {what:<54} {p50:>6.0} us {p99:>6.0} us {refused:>9}");
    }
}

/// What the slowest part of them takes at least.
fn slowest(times: &[f64], parts: usize) -> f64 {
    let turned: Vec<f64> = times.iter().map(|time| -time).collect();
    -quantile(&turned, parts)
}

/// Two tenants, each with an issuer of its own, and nobody else.
fn two(own: &Issuer, other: &Issuer) -> Tenants {
    let loader = async |_: TenantName| Ok(None);
    let tenants = place().loader(loader).build().expect("a place");
    for (number, issuer) in [own, other].into_iter().enumerate() {
        let trusted = TrustedIssuer::new(issuer.id().clone());
        let guard = guard(trusted, number).unlimited().build().expect("a guard");
        tenants.set(tenant(&guard)).expect("it is there");
    }
    tenants
}

/// What the neighbour is asked, for each number.
fn asked(neighbour: Neighbour, token: &str, number: usize) -> Request<Body> {
    match neighbour {
        // Another token each time, with a signature that is none.
        Neighbour::MadeUp => {
            let (head, _) = token.rsplit_once('.').expect("a token");
            call(1, &format!("{head}.{number:0>342}"))
        }
        Neighbour::Unknown => call(number.saturating_add(2), token),
        Neighbour::Nobody | Neighbour::Busy | Neighbour::IssuerHangs | Neighbour::IssuerIsDead => {
            call(1, token)
        }
    }
}

/// Two requests each millisecond, whose answers nobody waits for.
fn flood(
    mut tenants: Tenants,
    (neighbour, token): (Neighbour, String),
    is_over: Arc<AtomicBool>,
) -> JoinHandle<()> {
    tokio::spawn(async move {
        let mut ticks = tokio::time::interval(Duration::from_millis(1));
        for number in (0..).step_by(2) {
            if neighbour == Neighbour::Nobody || is_over.load(Ordering::Relaxed) {
                return;
            }
            ticks.tick().await;
            tokio::spawn(tenants.call(asked(neighbour, &token, number)));
            tokio::spawn(tenants.call(asked(neighbour, &token, number.saturating_add(1))));
        }
    })
}

async fn beside(neighbour: Neighbour) -> (Vec<f64>, usize) {
    let (own, other) = (
        issuer([Algorithm::RS256]).await,
        issuer([Algorithm::RS256]).await,
    );
    let tenants = two(&own, &other);
    let (good, elsewhere) = (mint(&own, 0, 0), mint(&other, 1, 0));
    if neighbour == Neighbour::IssuerHangs {
        other.fault(Fault::Hang);
    }
    if neighbour == Neighbour::IssuerIsDead {
        other.stop().await;
    }
    let is_over = Arc::new(AtomicBool::new(false));
    let flood = flood(
        tenants.clone(),
        (neighbour, elsewhere),
        Arc::clone(&is_over),
    );
    let (mut times, mut refused) = (Vec::new(), 0_usize);
    let mut ticks = tokio::time::interval(Duration::from_millis(1));
    for round in 0..TIMED + FIRST {
        ticks.tick().await;
        let (tenants, request) = (tenants.clone(), call(0, &good));
        let begun = SystemClock.monotonic();
        let answer = tokio::spawn(async move { status(&tenants, request).await });
        let answer = answer.await.expect("a task");
        let spent = SystemClock.monotonic().saturating_sub(begun);
        if round >= FIRST {
            times.push(spent.as_secs_f64() * 1e9);
        }
        refused = refused.saturating_add(usize::from(answer != StatusCode::OK));
    }
    is_over.store(true, Ordering::Relaxed);
    flood.await.expect("a task");
    (times, refused)
}

//! Machines that share one Redis server, under load over HTTP, while all that can happen to the server, to
//! what lies between, and to a machine does happen. Each answer is one that a simple model allows.
//!
//! It takes some twenty seconds, and goes on for longer if `CLEARANCE_SOAK_SECONDS` says so. Without the
//! program `redis-server` (Debian's package of that name) it is ignored, with that reason.
#![cfg(test)]
#![allow(
    clippy::allow_attributes,
    clippy::arithmetic_side_effects,
    clippy::disallowed_methods,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::wildcard_enum_match_arm,
    reason = "a test that cannot go on must panic, and this one prints what it saw"
)]

mod support;

#[path = "redis/"]
#[allow(dead_code, reason = "the other tests with a server use the rest")]
mod redis_server {
    pub(crate) mod program;
    pub(crate) mod trial;
    pub(crate) mod world;
}

mod soak {
    pub(crate) mod callers;
    pub(crate) mod faults;
    pub(crate) mod figures;
    pub(crate) mod fleet;
    pub(crate) mod load;
    pub(crate) mod model;
    pub(crate) mod process;
    pub(crate) mod revoking;
}

use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use libtest_mimic::{Arguments, Trial};
use redis_server::trial::trial_within;
use soak::faults::Faults;
use soak::fleet::Fleet;
use soak::load::Load;
use soak::process::Usage;
use soak::{load, model, revoking};

/// For how long faults go on; unless said all of them happen once.
fn wanted() -> Duration {
    let seconds = std::env::var("CLEARANCE_SOAK_SECONDS");
    let seconds = seconds.map(|text| text.parse().expect("whole seconds"));
    Duration::from_secs(seconds.unwrap_or(0))
}

/// What may be used more at the end than at the beginning.
///
/// Files: a connection to the issuer that is kept for a while, on each machine. Memory: caches and lists that
/// fill up to their bounds (three times 2 000 tokens of half a kilobyte, what was revoked, histograms), and what
/// the allocator keeps of what it once had, for each thread. It does not depend on how long it all took: what
/// leaks a hundred bytes a request is found in ten minutes.
const MORE_FILES: usize = 6;
const MORE_MEMORY: u64 = 16 << 20;

async fn soak() {
    let fleet = Arc::new(Fleet::new().await);
    let load = Arc::new(Load::new(Arc::clone(&fleet)));
    load.warm_up().await;
    let before = Usage::now();

    let mut clients = load::begin(&load);
    let watch = soak::figures::watch(&load);
    let revoker = revoking::begin(&load);
    let mut faults = Faults::new(&load);
    let begun = Instant::now();
    loop {
        faults.all_once().await;
        if begun.elapsed() >= wanted() {
            break;
        }
    }
    let took = begun.elapsed();
    revoker.end(&load).await;
    drop(watch);
    clients.shutdown().await;
    load.disconnect().await;

    let mut after = Usage::now();
    let files = before.files + MORE_FILES;
    let patience = Instant::now();
    while after.files > files && patience.elapsed() < Duration::from_secs(5) {
        tokio::time::sleep(Duration::from_millis(50)).await;
        after = Usage::now();
    }
    load.report(took, &faults, [before, after]);
    assert!(after.files <= files, "files that stay open");
    let more = after.memory.saturating_sub(before.memory);
    assert!(more <= MORE_MEMORY, "{more} bytes of memory more");
    load.is_right();
    fleet.end();
}

fn main() -> ExitCode {
    let limit = wanted() * 2 + Duration::from_mins(2);
    let trials = vec![
        Trial::test("the_model_knows_right_from_wrong", || {
            model::knows_right_from_wrong();
            Ok(())
        }),
        trial_within("machines_are_right_whatever_happens", limit, soak),
    ];
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}

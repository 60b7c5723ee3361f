//! Revocations that machines share through a real Redis server, with all that can happen to it.
//!
//! Each test starts servers of its own. Without the program `redis-server` (Debian's package of that
//! name) all of them are ignored, with that reason.
#![cfg(test)]
#![allow(
    clippy::allow_attributes,
    clippy::arithmetic_side_effects,
    clippy::disallowed_methods,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    clippy::wildcard_enum_match_arm,
    reason = "a test that cannot go on must panic"
)]

mod support;

#[path = "redis/"]
mod cases {
    pub(crate) mod access;
    pub(crate) mod hostile;
    pub(crate) mod limits;
    pub(crate) mod lines;
    pub(crate) mod log;
    pub(crate) mod losing;
    pub(crate) mod program;
    pub(crate) mod replicas;
    pub(crate) mod sharing;
    pub(crate) mod stopping;
    pub(crate) mod together;
    pub(crate) mod trial;
    pub(crate) mod world;
}

use std::process::ExitCode;

use libtest_mimic::Arguments;

fn main() -> ExitCode {
    cases::log::begin();
    let mut trials = cases::sharing::trials();
    trials.extend(cases::stopping::trials());
    trials.extend(cases::losing::trials());
    trials.extend(cases::lines::trials());
    trials.extend(cases::replicas::trials());
    trials.extend(cases::hostile::trials());
    trials.extend(cases::access::trials());
    trials.extend(cases::limits::trials());
    trials.extend(cases::together::trials());
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}

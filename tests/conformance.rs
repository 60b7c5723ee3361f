//! The official conformance suite judges the client.
//!
//! The suite starts this program once for each of its scenarios, as the client under test. Where Node 22 or the
//! suite is missing, all tests are ignored, with the reason; `bash tests/clients/install` brings both.
#![cfg(test)]
#![allow(
    clippy::allow_attributes,
    clippy::arithmetic_side_effects,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a test that cannot go on must panic"
)]

#[path = "conformance/"]
mod cases {
    pub(crate) mod browser;
    pub(crate) mod client;
    pub(crate) mod installed;
    pub(crate) mod protocol;
    pub(crate) mod scenarios;
    pub(crate) mod sdk;
    pub(crate) mod suite;
}

use std::env;
use std::process::ExitCode;

use libtest_mimic::Arguments;

fn main() -> ExitCode {
    if let Ok(scenario) = env::var(cases::client::SCENARIO) {
        return cases::client::main(&scenario);
    }
    let done = libtest_mimic::run(&Arguments::from_args(), cases::suite::trials());
    cases::suite::print_summaries();
    done.exit_code()
}

//! The quickstart's server, with clients that nobody here wrote and with a real browser.
//!
//! What a test needs and this machine lacks makes that test an ignored one, with the reason;
//! `bash tests/clients/install` brings all of it.
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

#[path = "../examples/quickstart/alice.rs"]
mod alice;
#[path = "../examples/quickstart/login.rs"]
mod login;
#[path = "../examples/quickstart/server.rs"]
mod server;

#[path = "clients/"]
mod cases {
    pub(crate) mod browser;
    pub(crate) mod installed;
    pub(crate) mod page;
    pub(crate) mod rust;
    pub(crate) mod script;
    pub(crate) mod trial;
    pub(crate) mod verdict;
    pub(crate) mod webdriver;
    pub(crate) mod world;
}

use std::process::ExitCode;

use libtest_mimic::Arguments;

fn main() -> ExitCode {
    cases::installed::place_scripts().expect("a folder for the scripts");
    let mut trials = cases::rust::trials();
    trials.extend(cases::script::trials());
    trials.extend(cases::page::trials());
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}

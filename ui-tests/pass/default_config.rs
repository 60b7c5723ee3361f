//! A configuration comes out of a text.
//! Stops a guard of which nobody said whom it trusts.

use clearance::config::Config;

#[derive(Debug)]
struct App {
    config: Config,
}

fn main() {}

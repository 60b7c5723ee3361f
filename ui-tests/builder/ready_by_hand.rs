//! The state of a builder is what the builder was told.
//! Stops a builder that says of itself that it is ready.

use clearance::{Ready, TrustedIssuer};

fn ready(issuer: TrustedIssuer) {
    let state = Ready {
        issuers: vec![issuer],
    };
    println!("{state:?}");
}

fn of(_: Ready) {}

fn main() {}

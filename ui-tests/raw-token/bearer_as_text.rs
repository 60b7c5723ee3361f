//! A bearer token is not text, and does not turn into it unasked.
//! Stops a credential that is passed where a name was wanted.

use clearance::secret::BearerToken;

fn tag(name: &str) {
    println!("{name}");
}

fn log(token: &BearerToken) {
    tag(token);
}

fn main() {}

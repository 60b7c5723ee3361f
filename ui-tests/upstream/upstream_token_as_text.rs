//! A token of another service is not text.
//! Stops it from ending up in a log, or in a request to somebody else.

use clearance::client::UpstreamToken;

fn header(token: &UpstreamToken) -> String {
    format!("Bearer {token}")
}

fn main() {}

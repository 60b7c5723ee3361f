//! A token of another service is a header for that service.

use clearance::client::{ForeignEndpointError, UpstreamToken};
use http::HeaderValue;

fn header(token: &UpstreamToken) -> Result<HeaderValue, ForeignEndpointError> {
    token.authorization_for("https://api.example.com/files")
}

fn main() {}

//! The text of a token leaves it for its endpoint alone (CL-064).
//! Stops a token that is sent, kept or printed by accident.

use clearance::client::{ForeignEndpointError, TokenSet};
use http::HeaderValue;

fn header(tokens: &TokenSet) -> Result<HeaderValue, ForeignEndpointError> {
    let url = tokens.endpoint().as_str();
    tokens.authorization_for(url)
}

fn main() {}

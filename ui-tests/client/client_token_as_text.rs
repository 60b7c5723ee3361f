//! The text of a token leaves it for its endpoint alone (CL-064).
//! Stops a token that is sent, kept or printed by accident.

use clearance::client::{ForeignEndpointError, TokenSet};
use http::HeaderValue;

fn header(tokens: &TokenSet) -> Result<HeaderValue, ForeignEndpointError> {
    let text = tokens.access.expose();
    Ok(HeaderValue::from_str(text).unwrap())
}

fn main() {}

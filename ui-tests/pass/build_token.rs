//! A token in a state cannot be put together from its parts.
//! Stops a state that no check led to.

use clearance::token::{AudienceVerified, Token};

fn again(token: Token<AudienceVerified>) -> Token<AudienceVerified> {
    token
}

fn main() {}

//! A token in a state cannot be put together from its parts.
//! Stops a state that no check led to.

use clearance::token::{AudienceVerified, Token};

fn again(state: AudienceVerified) -> Token<AudienceVerified> {
    Token { state }
}

fn main() {}

//! No state converts into the next one.
//! Stops `into()` from doing what only a check may do.

use clearance::token::{AudienceVerified, Token};

fn accepted(token: Token<AudienceVerified>) -> Token<AudienceVerified> {
    token.into()
}

fn main() {}

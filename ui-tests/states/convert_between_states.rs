//! No state converts into the next one.
//! Stops `into()` from doing what only a check may do.

use clearance::token::{AudienceVerified, SignatureVerified, Token};

fn accepted(token: Token<SignatureVerified>) -> Token<AudienceVerified> {
    token.into()
}

fn main() {}

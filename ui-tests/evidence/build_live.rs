//! Only a guard says that a token was not revoked.
//! Stops a revoked token from being declared live.

use clearance::token::{AudienceVerified, Live, Token};

type LiveToken = Live<Token<AudienceVerified>>;

fn attested(token: Token<AudienceVerified>) -> LiveToken {
    Live(token)
}

fn main() {}

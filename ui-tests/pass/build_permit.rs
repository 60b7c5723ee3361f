//! Only a guard says that a token is within its quota.
//! Stops requests that no quota was charged for.

use clearance::token::{AudienceVerified, Live, Permit, Token};

type LiveToken = Live<Token<AudienceVerified>>;

fn charged(permit: Permit<LiveToken>) -> Permit<LiveToken> {
    permit
}

fn main() {}

//! Only a guard says that a token is within its quota.
//! Stops requests that no quota was charged for.

use clearance::token::{AudienceVerified, Live, Permit, Token};

type LiveToken = Live<Token<AudienceVerified>>;

fn charged(live: LiveToken) -> Permit<LiveToken> {
    Permit(live)
}

fn main() {}

//! The constructor of the evidence is for `limit` alone.
//! Stops requests that are charged to nobody.

use clearance::token::{AudienceVerified, Live, Permit, Token};

type LiveToken = Live<Token<AudienceVerified>>;

fn charged(live: LiveToken) -> Permit<LiveToken> {
    Permit::attest(live)
}

fn main() {}

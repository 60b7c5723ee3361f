//! The list of revocations is public, its verdict about a token is not.
//! Stops evidence that is obtained beside the guard, without the quota.

use clearance::lifecycle::Revocations;
use clearance::token::{AudienceVerified, Token};

fn is_known(revocations: &Revocations, token: Token<AudienceVerified>) -> bool {
    println!("{}", token.subject());
    revocations.is_empty()
}

fn main() {}

//! A token whose signature was not verified has no audience to verify.
//! Stops a server that trusts the claims of whatever a caller wrote.

use chrono::{DateTime, Utc};
use clearance::token::{Acceptance, AudienceVerified, Token, Unverified};

fn meant_for_us(
    token: Token<Unverified>,
    acceptance: &Acceptance,
    now: DateTime<Utc>,
) -> Option<Token<AudienceVerified>> {
    token.verify_audience(acceptance, now).ok()
}

fn main() {}

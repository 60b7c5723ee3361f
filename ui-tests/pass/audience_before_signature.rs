//! The signature comes first: its check does not take a token that has passed another one.
//! Stops checks in an order in which unverified claims decide.

use chrono::{DateTime, Utc};
use clearance::jwk::KeySet;
use clearance::token::{Acceptance, AudienceVerified, Token, Unverified};

fn verified(
    token: Token<Unverified>,
    keys: &KeySet,
    acceptance: &Acceptance,
    now: DateTime<Utc>,
) -> Option<Token<AudienceVerified>> {
    token
        .verify_signature(keys)
        .ok()?
        .verify_audience(acceptance, now)
        .ok()
}

fn main() {}

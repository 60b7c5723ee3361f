//! Only the transitions change a state.
//! Stops a way around all of them at once.

use chrono::{DateTime, Utc};
use clearance::token::{Acceptance, AudienceError, AudienceVerified, SignatureVerified, Token};

fn accepted(
    token: Token<SignatureVerified>,
    acceptance: &Acceptance,
    now: DateTime<Utc>,
) -> Result<Token<AudienceVerified>, AudienceError> {
    println!("{} at {now}", acceptance.resource());
    token.verify_audience(acceptance, now)
}

fn main() {}

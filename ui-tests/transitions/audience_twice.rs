//! An accepted token is not accepted a second time, by somebody else's rules.
//! Stops a proof for one resource from being turned into one for another.

use chrono::{DateTime, Utc};
use clearance::token::{Acceptance, AudienceVerified, SignatureVerified, Token};

fn accepted(
    token: Token<SignatureVerified>,
    ours: &Acceptance,
    theirs: &Acceptance,
    now: DateTime<Utc>,
) -> Option<Token<AudienceVerified>> {
    let token = token.verify_audience(ours, now).ok()?;
    token.verify_audience(theirs, now).ok()
}

fn main() {}

//! Code that is generic over states knows of no transition.
//! Stops a helper that verifies tokens in whatever state they are.

use chrono::{DateTime, Utc};
use clearance::token::{self, Acceptance, AudienceVerified, Token};

fn accepted<St: token::State>(
    token: Token<St>,
    acceptance: &Acceptance,
    now: DateTime<Utc>,
) -> Option<Token<AudienceVerified>> {
    token.verify_audience(acceptance, now).ok()
}

fn main() {}

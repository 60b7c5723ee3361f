//! What the guard remembers of a token it recalls itself.
//! Stops a token that was verified once from being brought back by others.

use chrono::{DateTime, Utc};
use clearance::token::{AudienceVerified, Token};

fn deadline(token: &Token<AudienceVerified>) -> DateTime<Utc> {
    token.deadline()
}

fn main() {}

//! What is accepted is what the guard's builder has put together, and not a text.
//! Stops an audience that is compared by hand, without time, type and issuer.

use chrono::{DateTime, Utc};
use clearance::token::{Acceptance, AudienceVerified, SignatureVerified, Token};

fn accepted(
    token: Token<SignatureVerified>,
    acceptance: &Acceptance,
    now: DateTime<Utc>,
) -> Option<Token<AudienceVerified>> {
    let resource = acceptance.resource().as_str();
    println!("for {resource}");
    token.verify_audience(acceptance, now).ok()
}

fn main() {}

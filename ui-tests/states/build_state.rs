//! The evidence of a state has no public parts.
//! Stops a principal that somebody made up.

use clearance::token::AudienceVerified;

fn again(state: AudienceVerified) -> AudienceVerified {
    AudienceVerified { ..state }
}

fn main() {}

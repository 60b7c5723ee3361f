//! What was attested cannot be taken out again.
//! Stops evidence about one token from being given away for another.

use clearance::token::{AudienceVerified, Live, Token};

fn token(live: Live<Token<AudienceVerified>>) -> Token<AudienceVerified> {
    live.into_token()
}

fn main() {}

//! The constructor of the evidence is for `lifecycle` alone.
//! Stops code outside from saying what only the list of revocations knows.

use clearance::token::{AudienceVerified, Live, Token};

type LiveToken = Live<Token<AudienceVerified>>;

fn attested(live: LiveToken) -> LiveToken {
    live
}

fn main() {}

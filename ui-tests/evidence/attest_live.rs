//! The constructor of the evidence is for `lifecycle` alone.
//! Stops code outside from saying what only the list of revocations knows.

use clearance::token::{AudienceVerified, Live, Token};

type LiveToken = Live<Token<AudienceVerified>>;

fn attested(token: Token<AudienceVerified>) -> LiveToken {
    Live::attest(token)
}

fn main() {}

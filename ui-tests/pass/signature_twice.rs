//! A verified signature is not verified again.
//! Stops a second key set from speaking for a token that the first one has vouched for.

use clearance::jwk::KeySet;
use clearance::token::{SignatureVerified, Token, Unverified};

fn genuine(token: Token<Unverified>, keys: &KeySet) -> Option<Token<SignatureVerified>> {
    let token = token.verify_signature(keys).ok()?;
    Some(token)
}

fn main() {}

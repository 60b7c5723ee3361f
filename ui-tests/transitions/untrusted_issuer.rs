//! What an unverified token says about itself cannot be read.
//! Stops decisions that rest on what an attacker wrote.

use clearance::token::{self, Token};

fn is_ours(token: &Token<token::Unverified>) -> bool {
    token.untrusted_issuer() == "https://auth.example.com"
}

fn main() {}

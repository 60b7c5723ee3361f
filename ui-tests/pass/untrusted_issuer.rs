//! What an unverified token says about itself cannot be read.
//! Stops decisions that rest on what an attacker wrote.

use clearance::token::{self, Token};

fn is_ours(token: &Token<token::AudienceVerified>) -> bool {
    token.issuer().as_str() == "https://auth.example.com"
}

fn main() {}

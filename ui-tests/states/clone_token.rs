//! A token is in one place.
//! Stops a verified token from outliving the request that carried it.

use clearance::token::{AudienceVerified, Token};

fn keep(token: Token<AudienceVerified>, kept: &mut Vec<Token<AudienceVerified>>) {
    kept.push(token.clone());
}

fn main() {}

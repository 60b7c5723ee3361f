//! Who a token speaks of can be read once it was accepted, and not before.
//! Stops decisions about a subject whose token was meant for somebody else.

use clearance::token::{AudienceVerified, Token};

fn greet(token: Token<AudienceVerified>) {
    println!("hello {}", token.subject());
}

fn main() {}

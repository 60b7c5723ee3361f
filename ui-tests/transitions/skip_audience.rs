//! A genuine token is not yet one for this server.
//! Stops a token that was issued for another resource from being used here.

use clearance::token::{AudienceVerified, SignatureVerified, Token};

fn serve(token: &Token<AudienceVerified>) {
    println!("hello {}", token.subject());
}

fn greet(token: &Token<SignatureVerified>) {
    serve(token);
}

fn main() {}

//! Only a bearer token is parsed, and not any text that was lying about.
//! Stops tokens from being passed around as strings, which are logged and stored.

use clearance::secret::BearerToken;
use clearance::token::{Token, Unverified};

fn read(credential: &str) -> Option<Token<Unverified>> {
    let bearer = BearerToken::from_bytes(credential.as_bytes()).ok()?;
    println!("{bearer:?}");
    Token::<Unverified>::parse(bearer).ok()
}

fn main() {}

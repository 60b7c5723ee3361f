//! A bearer token is not copied.
//! Stops a copy from outliving the check.

use clearance::secret::BearerToken;
use clearance::token::{ParseError, Token, Unverified};

fn read(bearer: BearerToken) -> Result<Token<Unverified>, ParseError> {
    Token::<Unverified>::parse(bearer.clone())
}

fn main() {}

//! Parsing consumes the bearer token.
//! Stops the text from being used after the check, for instance upstream.

use clearance::secret::BearerToken;
use clearance::token::{ParseError, Token, Unverified};

fn read(bearer: BearerToken) -> Result<Token<Unverified>, ParseError> {
    let token = Token::<Unverified>::parse(bearer);
    token
}

fn main() {}

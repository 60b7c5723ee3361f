//! A token in a state cannot be begun from outside.
//! Stops a state that no transition led to.

use clearance::secret::BearerToken;
use clearance::token::{ParseError, Token, Unverified};

fn read(bearer: BearerToken) -> Result<Token<Unverified>, ParseError> {
    let _begin = Token::<Unverified>::begin;
    Token::<Unverified>::parse(bearer)
}

fn main() {}

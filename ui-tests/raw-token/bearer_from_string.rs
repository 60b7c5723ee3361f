//! A bearer token is made from bytes that were checked.
//! Stops a credential with control characters in it.

use clearance::secret::{BearerSyntaxError, BearerToken};

fn read(text: String) -> Result<BearerToken, BearerSyntaxError> {
    Ok(BearerToken(text.into()))
}

fn main() {}

//! A bearer token is made from bytes that were checked.
//! Stops a credential with control characters in it.

use clearance::secret::{BearerSyntaxError, BearerToken};

fn read(text: String) -> Result<BearerToken, BearerSyntaxError> {
    BearerToken::from_bytes(text.as_bytes())
}

fn main() {}

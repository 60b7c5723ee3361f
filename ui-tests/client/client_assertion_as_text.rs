//! An assertion is a secret, which is wiped when it is dropped (CL-079).
//! Stops copies of it that stay in memory.

use clearance::client::{Discovered, TokenError, TokenSet};
use clearance::credentials::ClientSecret;

async fn shown(
    discovered: Discovered,
    jwt: String,
    _: fn(String) -> ClientSecret,
) -> Result<TokenSet, TokenError> {
    discovered.jwt_bearer(&jwt).await
}

fn main() {}

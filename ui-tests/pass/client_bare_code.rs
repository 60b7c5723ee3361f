//! The answer to an authorization request is its whole redirect (CL-053).
//! Stops a code whose `state` and `iss` nobody has looked at.

use clearance::client::{AuthorizationError, AwaitingRedirect, Redirect, TokenSet};

async fn answered(
    awaiting: AwaitingRedirect,
    url: &str,
    whole: fn(&str) -> Redirect,
) -> Result<TokenSet, AuthorizationError> {
    awaiting.redirected(&whole(url)).await
}

fn main() {}

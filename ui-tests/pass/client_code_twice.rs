//! A request is answered once (CL-062).
//! Stops a code that is shown again when the first try has failed.

use clearance::client::{AuthorizationError, AwaitingRedirect, Redirect, TokenSet};

async fn answered(awaiting: AwaitingRedirect, url: &Redirect) -> Result<TokenSet, AuthorizationError> {
    match awaiting.redirected(url).await {
        Ok(tokens) => Ok(tokens),
        Err(error) => Err(error),
    }
}

fn main() {}

//! There is one copy of what a redirect is judged by (CL-062).
//! Stops a second answer to the same request.

use clearance::client::{AuthorizationError, AwaitingRedirect, Redirect, TokenSet};

async fn answered(awaiting: AwaitingRedirect, url: &Redirect) -> Result<TokenSet, AuthorizationError> {
    let copy = awaiting.clone();
    copy.redirected(url).await
}

fn main() {}

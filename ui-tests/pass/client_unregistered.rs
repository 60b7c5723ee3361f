//! Who is not registered sends nobody to an authorization server.
//! Stops a request that no redirect URI belongs to, and servers that do not promise PKCE (CL-023).

use clearance::client::{AwaitingRedirect, ClientError, Discovered, RedirectUri};

async fn begin(discovered: Discovered, uri: RedirectUri) -> Result<AwaitingRedirect, ClientError> {
    let registered = discovered.register(uri).await?;
    Ok(registered.authorize()?)
}

fn main() {}

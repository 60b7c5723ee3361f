//! A redirect URI was looked at before it is sent (CL-042).
//! Stops codes that travel over plain HTTP.

use clearance::client::{ClientError, Discovered, RedirectUri, Registered};

async fn begin(discovered: Discovered, uri: RedirectUri) -> Result<Registered, ClientError> {
    Ok(discovered.register(uri).await?)
}

fn main() {}

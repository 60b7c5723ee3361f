//! What is exchanged is a proof, not a text.
//! Stops a token that nobody has verified from being shown to its issuer as a caller's.

use clearance::client::{Exchange, ExchangeError, UpstreamToken};

async fn on_behalf(exchange: &Exchange, token: &str) -> Result<UpstreamToken, ExchangeError> {
    exchange.of(token).await
}

fn main() {}

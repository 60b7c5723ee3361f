//! Who calls, as logs know it, proves nothing.
//! Stops what was kept from a request from acting for its caller for ever.

use clearance::Caller;
use clearance::client::{Exchange, ExchangeError, UpstreamToken};

async fn on_behalf(exchange: &Exchange, who: &Caller) -> Result<UpstreamToken, ExchangeError> {
    exchange.of(who).await
}

fn main() {}

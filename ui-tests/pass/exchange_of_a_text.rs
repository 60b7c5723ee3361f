//! What is exchanged is a proof.

use clearance::Authorized;
use clearance::client::{Exchange, ExchangeError, UpstreamToken};
use clearance::mcp::ToolsExecute;

async fn on_behalf(
    exchange: &Exchange,
    auth: &Authorized<ToolsExecute>,
) -> Result<UpstreamToken, ExchangeError> {
    exchange.of(auth).await
}

fn main() {}

//! An exchange is for one service.

use clearance::client::{Exchange, ExchangeConfigError};
use clearance::id::Resource;
use clearance::{Guard, mcp::McpScopes};

fn exchange(guard: &Guard<McpScopes>, api: Resource) -> Result<Exchange, ExchangeConfigError> {
    Exchange::builder(guard)?.upstream(api).build()
}

fn main() {}

//! An exchange is for one service.
//! Stops a token from being asked for that is for anybody.

use clearance::client::{Exchange, ExchangeConfigError};
use clearance::{Guard, mcp::McpScopes};

fn exchange(guard: &Guard<McpScopes>) -> Result<Exchange, ExchangeConfigError> {
    Exchange::builder(guard)?.build()
}

fn main() {}

//! A plain router has no policy.
//! Stops a policy that says nothing about the tools.

use clearance::mcp::{McpScopes, Policy};
use clearance::rmcp::SecureToolRouter;
use rmcp::handler::server::router::tool::ToolRouter;

#[derive(Clone)]
struct Clock;

type Plain = ToolRouter<Clock>;
type Secure = SecureToolRouter<Clock, McpScopes>;

fn policy(tools: &Plain, _: &Secure) -> Policy<McpScopes> {
    Policy::standard().include(tools)
}

fn main() {}

//! The same of a router whose tools take proofs.

use clearance::mcp::{McpScopes, Policy};
use clearance::rmcp::SecureToolRouter;
use rmcp::handler::server::router::tool::ToolRouter;

#[derive(Clone)]
struct Clock;

type Plain = ToolRouter<Clock>;
type Secure = SecureToolRouter<Clock, McpScopes>;

fn policy(tools: &Secure, _: &Plain) -> Policy<McpScopes> {
    Policy::standard().include(tools)
}

fn main() {}

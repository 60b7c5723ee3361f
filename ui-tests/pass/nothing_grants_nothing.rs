//! A valid token without a scope narrows to no scope.
//! Stops authentication from being narrowed to authorization.

use clearance::Authorized;
use clearance::mcp::ToolsRead;

fn demand(_: Authorized<ToolsRead>) {}

fn call(auth: Authorized<((), ToolsRead)>) {
    demand(auth.narrow());
}

fn main() {}

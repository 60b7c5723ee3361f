//! One of something and nothing is nothing.
//! Stops an alternative that everybody meets from granting the other one.

use clearance::Authorized;
use clearance::mcp::ToolsRead;
use clearance::scope::AnyOf;

fn demand(_: Authorized<ToolsRead>) {}

fn call(auth: Authorized<AnyOf<(ToolsRead, ())>>) {
    demand(auth.narrow());
}

fn main() {}

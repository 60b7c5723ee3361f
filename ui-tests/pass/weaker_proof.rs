//! A proof of one scope is no proof of another.
//! Stops somebody who may look at tools from calling them.

use clearance::Authorized;
use clearance::mcp::{ToolsExecute, ToolsRead};

fn call(proof: &Authorized<ToolsExecute>) {
    println!("{} calls", proof.subject());
}

async fn handler(auth: Authorized<ToolsExecute>) {
    call(&auth);
}

fn list(_: Authorized<ToolsRead>) {}

fn main() {}

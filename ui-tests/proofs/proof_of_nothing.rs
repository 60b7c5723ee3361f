//! A valid token alone is no proof of a scope.
//! Stops authentication from being taken for authorization.

use clearance::Authorized;
use clearance::mcp::ToolsExecute;

fn call(proof: &Authorized<ToolsExecute>) {
    println!("{} calls", proof.subject());
}

async fn handler(auth: Authorized<()>) {
    call(&auth);
}

fn main() {}

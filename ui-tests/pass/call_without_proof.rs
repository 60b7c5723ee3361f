//! A function that demands a proof cannot be called without one.
//! Stops the call that nobody has authorized.

use clearance::Authorized;
use clearance::mcp::ToolsExecute;

fn drop_table(proof: &Authorized<ToolsExecute>, name: &str) {
    println!("{} drops {name}", proof.subject());
}

async fn handler(auth: Authorized<ToolsExecute>) {
    println!("{} may call tools", auth.subject());
    drop_table(&auth, "users");
}

fn main() {}

//! Knowing who calls proves nothing.
//! Stops what logs and metrics may read from opening a door.

use clearance::Authorized;
use clearance::mcp::ToolsExecute;

fn drop_table(proof: &Authorized<ToolsExecute>) {
    println!("{} drops the table", proof.subject());
}

fn maintenance(caller: &Authorized<ToolsExecute>) {
    drop_table(caller);
}

fn main() {}

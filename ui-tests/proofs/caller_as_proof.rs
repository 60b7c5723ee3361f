//! Knowing who calls proves nothing.
//! Stops what logs and metrics may read from opening a door.

use clearance::mcp::ToolsExecute;
use clearance::{Authorized, Caller};

fn drop_table(proof: &Authorized<ToolsExecute>) {
    println!("{} drops the table", proof.subject());
}

fn maintenance(caller: &Caller) {
    drop_table(caller);
}

fn main() {}

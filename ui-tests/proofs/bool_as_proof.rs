//! The answer of `may` is a bool and no proof.
//! Stops a question from taking the place of a decision.

use clearance::Authorized;
use clearance::mcp::{ToolsExecute, ToolsRead};

fn drop_table(proof: &Authorized<ToolsExecute>) {
    println!("{} drops the table", proof.subject());
}

fn maintenance(auth: &Authorized<ToolsRead>) {
    drop_table(&auth.may::<ToolsExecute>());
}

fn may_look(auth: &Authorized<ToolsExecute>) -> bool {
    auth.may::<ToolsRead>()
}

fn main() {}

//! Narrowing consumes the proof.
//! Stops a function that was handed less from using more.

use clearance::Authorized;
use clearance::mcp::{ToolsExecute, ToolsRead};

fn list(_: Authorized<ToolsRead>) {}

fn call(_: Authorized<ToolsExecute>) {}

fn both(auth: Authorized<(ToolsRead, ToolsExecute)>) {
    call(auth.narrow());
}

fn main() {}

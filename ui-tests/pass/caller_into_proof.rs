//! Who calls does not convert into what the caller may do.
//! Stops `into()` from making a proof out of a name.

use clearance::mcp::ToolsExecute;
use clearance::{Authorized, Caller};

fn proof(caller: Caller, auth: Authorized<ToolsExecute>) -> Authorized<ToolsExecute> {
    println!("{caller:?}, not {:?}", auth.caller());
    auth
}

fn main() {}

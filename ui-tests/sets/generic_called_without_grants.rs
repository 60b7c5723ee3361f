//! What generic code demands must hold where it is called.
//! Stops a bound that the body relies on and no caller fulfils.

use clearance::Authorized;
use clearance::mcp::{ToolsExecute, ToolsRead};
use clearance::scope::Grants;

fn narrowed<H: Grants<ToolsExecute>>(auth: Authorized<H>) -> Authorized<ToolsExecute> {
    auth.narrow()
}

fn call(auth: Authorized<ToolsRead>) -> Authorized<ToolsExecute> {
    narrowed(auth)
}

fn main() {}

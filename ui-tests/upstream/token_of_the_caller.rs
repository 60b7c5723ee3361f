//! A proof does not give its token away, also where the guard keeps it to be exchanged.
//! Stops a handler from passing the caller's token on.

use clearance::Authorized;
use clearance::mcp::ToolsExecute;

fn pass_on(auth: &Authorized<ToolsExecute>) -> String {
    format!("Bearer {:?}", auth.subject_token())
}

fn main() {}

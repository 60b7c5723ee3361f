//! Arguments that a rule looks at can be read.
//! Stops a rule that could never decide.

use clearance::mcp::{McpScopes, Policy, ToolsExecute, ToolsRead, requires};

#[derive(Debug, serde::Deserialize)]
struct Target {
    prod: bool,
}

fn policy() -> Policy<McpScopes> {
    let rule = requires::<ToolsRead>().when::<ToolsExecute, Target>(|target| target.prod);
    Policy::standard().tool("deploy", rule)
}

fn main() {}

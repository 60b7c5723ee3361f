//! A builder makes one guard.
//! Stops two guards that look like one and share no revocations.

use clearance::mcp::McpScopes;
use clearance::{ConfigError, Guard, GuardBuilder, Ready};

fn two(
    builder: GuardBuilder<McpScopes, Ready>,
) -> Result<(Guard<McpScopes>, Guard<McpScopes>), ConfigError> {
    let first = builder.build()?;
    let second = builder.build()?;
    Ok((first, second))
}

fn main() {}

//! A verified token proves no scope as long as nobody has said that it is in force and in quota.
//! Stops scopes from being granted to tokens that were revoked.

use clearance::mcp::ToolsRead;
use clearance::token::{AudienceVerified, Scoped, Token};

fn scoped(token: Token<AudienceVerified>) -> Option<Token<Scoped<ToolsRead>>> {
    println!("{}", token.subject());
    None
}

fn main() {}

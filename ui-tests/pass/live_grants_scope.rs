//! Evidence alone gives no proof: the guard puts token, quota and scope together.
//! Stops a proof for which no quota was charged.

use clearance::mcp::ToolsRead;
use clearance::token::{AudienceVerified, Live, Scoped, Token};

type LiveToken = Live<Token<AudienceVerified>>;

fn scoped(live: LiveToken) -> Option<Token<Scoped<ToolsRead>>> {
    println!("{live:?}");
    None
}

fn main() {}

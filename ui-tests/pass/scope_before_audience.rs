//! A genuine token grants nothing before it is known whom it is meant for.
//! Stops scopes of another server, which may be called the same, from counting here.

use clearance::mcp::ToolsRead;
use clearance::token::{Scoped, SignatureVerified, Token};

fn scoped(token: Token<SignatureVerified>) -> Option<Token<Scoped<ToolsRead>>> {
    println!("{token:?}");
    None
}

fn main() {}

//! Only what asked an issuer says what it answered.
//! Stops a token that somebody calls active without asking.

use clearance::Guard;
use clearance::mcp::McpScopes;
use clearance::token::{Introspected, Opaque, Token};

async fn active(guard: &Guard<McpScopes>, token: Token<Opaque>) -> Option<Token<Introspected>> {
    let _issuer = Token::<Introspected>::issuer;
    guard.introspect(token).await.ok()
}

fn main() {}

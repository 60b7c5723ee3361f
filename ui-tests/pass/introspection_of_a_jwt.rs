//! A token is asked about, or its signature is verified, and never one in place of the other.
//! Stops a token whose signature does not match from being shown to somebody else's issuer.

use clearance::Guard;
use clearance::mcp::McpScopes;
use clearance::secret::BearerToken;
use clearance::token::{Introspected, Token};

async fn active(guard: &Guard<McpScopes>, raw: BearerToken) -> Option<Token<Introspected>> {
    let token = Token::opaque(raw);
    guard.introspect(token).await.ok()
}

fn main() {}

//! Of an opaque token nothing is known before its issuer was asked.
//! Stops whatever somebody made up from being taken for a token.

use chrono::{DateTime, Utc};
use clearance::Guard;
use clearance::mcp::McpScopes;
use clearance::token::{AudienceVerified, Opaque, Token};

async fn verified(
    token: Token<Opaque>,
    guard: &Guard<McpScopes>,
    now: DateTime<Utc>,
) -> Option<Token<AudienceVerified>> {
    let token = guard.introspect(token).await.ok()?;
    token.verify_audience(guard.acceptance(), now).ok()
}

fn main() {}

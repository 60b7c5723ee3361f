//! One machine: a guarded MCP server that shares what is revoked and how much was asked.

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use clearance::id::{Issuer, TokenId};
use clearance::lifecycle::Revocation;
use clearance::limit::Quota;
use clearance::mcp::{self, McpScopes, ToolError};
use clearance::redis::{RedisLimits, RedisOptions, RedisRevocations};
use clearance::{Authorized, Guard};
use tokio::net::TcpListener;
use tokio::sync::mpsc;

/// What all machines serve, and a load balancer shows to the world.
pub(crate) const RESOURCE: &str = "https://tools.example.com/mcp";

/// From a secret store in real life: `openssl rand -base64 32`.
const SHARED_KEY: &str = "n4bQgYhMfWWaL+qgxVrQFaO/TxsrC4Is0V1sFbDwCgg=";

/// For how long at most a token that was revoked on one machine is good on another. Unless said it is 2 s; all
/// times are shorter here, so that this example ends soon.
pub(crate) const BOUND: Duration = Duration::from_secs(1);

/// What each principal may ask of all machines together.
pub(crate) const RATE: u32 = 50;
pub(crate) const BURST: u32 = 20;

pub(crate) fn options(redis: &str) -> Result<RedisOptions, Box<dyn Error>> {
    let options = RedisOptions::new(redis.parse()?, "tools", SHARED_KEY.parse()?)
        .bound(BOUND)
        .heartbeat(Duration::from_millis(250))
        .settling_time(Duration::from_millis(750));
    Ok(options)
}

/// Both stores refuse with 503 while Redis cannot be asked. `share_limits` would go on without it, and each
/// machine would count for itself.
async fn guard(issuer: &Issuer, redis: &str) -> Result<Guard<McpScopes>, Box<dyn Error>> {
    let options = options(redis)?;
    let limits = RedisLimits::new(&options)?;
    let revocations = RedisRevocations::connect(options).await?;
    let guard = Guard::<McpScopes>::builder(RESOURCE.parse()?)
        .issuer(issuer.clone())
        .revocation_store(Arc::new(revocations))
        .limit(Quota::per_second(RATE).burst(BURST))
        .share_limits_or_refuse(limits)
        .build()?;
    guard.ready().await?;
    Ok(guard)
}

async fn whoami(auth: Authorized<()>) -> Result<String, ToolError> {
    Ok(auth.subject().to_string())
}

/// Serves on `port`, or on a free one if it is zero. The first line of the output names the port. Each line of
/// the input is a token to revoke, and is answered with `revoked`, or why it was told to nobody else. The end
/// of the input ends it.
#[expect(clippy::print_stdout, reason = "whoever started it reads it")]
pub(crate) async fn serve(port: u16, issuer: &str, redis: &str) -> Result<(), Box<dyn Error>> {
    let issuer: Issuer = issuer.parse()?;
    let guard = guard(&issuer, redis).await?;
    let router: Router = mcp::Router::new(&guard).tool("whoami", whoami).build()?;
    let listener = TcpListener::bind(("127.0.0.1", port)).await?;
    println!("{}", listener.local_addr()?.port());
    tokio::spawn(async move { axum::serve(listener, router).await });

    let (sender, mut lines) = mpsc::unbounded_channel();
    std::thread::spawn(move || {
        for line in std::io::stdin().lines() {
            let Ok(()) = sender.send(line) else { return };
        }
    });
    while let Some(line) = lines.recv().await {
        let revocation = Revocation::of_token(issuer.clone(), TokenId::new(line?));
        match guard.revocations().revoke(revocation).await {
            Ok(()) => println!("revoked"),
            Err(error) => println!("{error}"),
        }
    }
    Ok(())
}

//! What is a client told that asks too often?
//!
//! One server with quotas of all kinds, clients that go beyond each of them, and what they are told. The
//! clock is turned by hand, so that the numbers are the same each time.
#![expect(clippy::print_stdout, reason = "an example says what it does")]

use std::error::Error;
use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use chrono::TimeDelta;
use clearance::limit::{Peers, Quota, per_client, per_principal};
use clearance::mcp::{self, McpScopes, ToolError};
use clearance::testing::{Issuer, ManualClock};
use clearance::{Authorized, ForwardedBy, Guard, Network};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::Semaphore;

async fn whoami(auth: Authorized<()>) -> Result<String, ToolError> {
    Ok(auth.subject().to_string())
}

async fn search(_: Authorized<()>) -> Result<&'static str, ToolError> {
    Ok("3 files")
}

async fn export(_: Authorized<()>) -> Result<&'static str, ToolError> {
    Ok("all of it")
}

/// How many `render` have begun, and how many may end.
static BEGUN: Semaphore = Semaphore::const_new(0);
static ENDS: Semaphore = Semaphore::const_new(0);

async fn render(_: Authorized<()>) -> Result<&'static str, ToolError> {
    BEGUN.add_permits(1);
    match ENDS.acquire().await {
        Ok(end) => end.forget(),
        Err(closed) => return Err(ToolError::new(closed.to_string())),
    }
    Ok("a picture")
}

/// All that is limited. Your guard needs no `clock`.
fn guard(issuer: &Issuer, clock: &ManualClock) -> Result<Guard<McpScopes>, Box<dyn Error>> {
    // A proxy stands before this server, and says whom it was asked by.
    let proxies: Vec<Network> = vec!["127.0.0.0/8".parse()?];
    let peers = Peers::behind(proxies, ForwardedBy::XForwardedFor);
    let guard = Guard::<McpScopes>::builder(issuer.resource().clone())
        .issuer(issuer.id().clone())
        .peers(peers.limit(Quota::per_second(20)))
        .limit(per_principal(Quota::per_minute(60).burst(12)))
        .limit(per_client(Quota::per_minute(120).burst(30)))
        .limit_tool("export", Quota::per_hour(2))
        .cost_of_tool("search", 5)
        .calls_at_once(2)
        .clock(Arc::new(clock.clone()))
        .build()?;
    Ok(guard)
}

/// Somebody with a token, at an address.
#[derive(Clone)]
struct Caller {
    name: &'static str,
    token: String,
    address: &'static str,
    url: String,
}

/// What an answer says: the status, three header fields, and of the body's error its code, in how many seconds
/// to come again, and how much there is.
#[derive(Debug, PartialEq, Eq)]
struct Told {
    status: u16,
    retry_after: String,
    rate_limit: String,
    policy: String,
    error: [Option<u64>; 3],
}

impl Caller {
    async fn calls(&self, tool: &str) -> Result<Told, Box<dyn Error + Send + Sync>> {
        let params = json!({ "name": tool, "arguments": {} });
        let body = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params });
        let request = reqwest::Client::new()
            .post(&self.url)
            .header("content-type", "application/json")
            .header("x-forwarded-for", self.address)
            .bearer_auth(&self.token);
        let answer = request.body(body.to_string()).send().await?;
        let field = |name| {
            let value = answer.headers().get(name);
            value.and_then(|value| value.to_str().ok()).unwrap_or("-")
        };
        let [retry_after, rate_limit, policy] =
            ["retry-after", "ratelimit", "ratelimit-policy"].map(|name| field(name).to_owned());
        let status = answer.status().as_u16();
        let body: Value = answer.text().await?.parse()?;
        Ok(Told {
            status,
            retry_after,
            rate_limit,
            policy,
            error: ["code", "data/retryAfter", "data/rateLimit/quota"].map(|name| {
                let number = body.pointer(&format!("/error/{name}"));
                number.and_then(Value::as_u64)
            }),
        })
    }

    /// Calls a tool so often, and is answered with this status each time.
    async fn is_told(&self, status: u16, times: u32, tool: &str) -> Result<(), Box<dyn Error>> {
        for _ in 0..times {
            let told = self.calls(tool).await.map_err(|error| error.to_string())?;
            assert_eq!(told.status, status, "{}: {told:?}", self.name);
        }
        println!("{:<7} {times:>2} x {tool:<8} {status}", self.name);
        Ok(())
    }

    /// Calls a tool once more than it may: `retry` is in how many seconds it may come again.
    async fn is_refused(
        &self,
        tool: &str,
        retry: u64,
        policy: &str,
        quota: u64,
    ) -> Result<(), Box<dyn Error>> {
        let told = self.calls(tool).await.map_err(|error| error.to_string())?;
        let name = policy.split(';').next().unwrap_or_default();
        let expected = Told {
            status: 429,
            retry_after: retry.to_string(),
            rate_limit: format!("{name};r=0;t={retry}"),
            policy: policy.to_owned(),
            error: [42900, retry, quota].map(Some),
        };
        println!(
            "{:<7}  1 x {tool:<8} {}  Retry-After: {:<5} RateLimit: {:<23} RateLimit-Policy: {}",
            self.name, told.status, told.retry_after, told.rate_limit, told.policy
        );
        assert_eq!(told, expected, "{}", self.name);
        Ok(())
    }
}

/// Two pictures at once, and not a third; as soon as one is done there is room.
async fn at_once(grace: &Caller) -> Result<(), Box<dyn Error>> {
    let pictures = [grace.clone(), grace.clone()]
        .map(|caller| tokio::spawn(async move { caller.calls("render").await }));
    BEGUN.acquire_many(2).await?.forget();
    let calls = r#""calls";q=2;qu="concurrent-requests""#;
    grace.is_refused("render", 1, calls, 2).await?;
    ENDS.add_permits(2);
    for picture in pictures {
        let told = picture.await?.map_err(|error| error.to_string())?;
        assert_eq!(told.status, 200, "{told:?}");
    }
    grace.is_told(200, 1, "whoami").await
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let clock = ManualClock::at_fixed_start();
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}/mcp", listener.local_addr()?);
    let issuer = Issuer::builder(url.parse()?).clock(Arc::new(clock.clone()));
    let issuer = issuer.start().await?;
    let guard = guard(&issuer, &clock)?;
    guard.ready().await?;
    let router = mcp::Router::new(&guard)
        .tool("whoami", whoami)
        .tool("search", search)
        .tool("export", export)
        .tool("render", render);
    let router: Router = router.build()?;
    // With the address of the connection: it is the proxy's, so what it says is believed.
    let service = router.into_make_service_with_connect_info::<SocketAddr>();
    tokio::spawn(async move { axum::serve(listener, service).await });
    let caller = |name, client, address| Caller {
        name,
        token: issuer.token().subject(name).client(client).mint(),
        address,
        url: url.clone(),
    };

    // Who has used up the burst waits until one comes back, and waiting helps.
    let alice = caller("alice", "editor", "192.0.2.1");
    alice.is_told(200, 12, "whoami").await?;
    let principal = r#""principal";q=60;w=60"#;
    alice.is_refused("whoami", 1, principal, 60).await?;
    clock.advance(TimeDelta::seconds(1));
    alice.is_told(200, 1, "whoami").await?;

    // What costs five is worth five: two of them, and the third waits for what is missing.
    let bob = caller("bob", "editor", "192.0.2.2");
    bob.is_told(200, 2, "search").await?;
    bob.is_refused("search", 4, principal, 60).await?;

    // A tool has a quota of its own. Nothing else is refused because of it.
    let carol = caller("carol", "phone", "192.0.2.3");
    carol.is_told(200, 2, "export").await?;
    let tool = r#""tool";q=2;w=3600"#;
    carol.is_refused("export", 1_800, tool, 2).await?;
    carol.is_told(200, 1, "whoami").await?;

    // Three users of one client, none of whom asks too often, are too much for the client.
    let [dave, erin, frank] = [
        ("dave", "192.0.2.4"),
        ("erin", "192.0.2.5"),
        ("frank", "192.0.2.6"),
    ]
    .map(|(name, address)| caller(name, "robot", address));
    dave.is_told(200, 12, "whoami").await?;
    erin.is_told(200, 12, "whoami").await?;
    frank.is_told(200, 6, "whoami").await?;
    let client = r#""client";q=120;w=60"#;
    frank.is_refused("whoami", 1, client, 120).await?;

    at_once(&caller("grace", "phone", "192.0.2.7")).await?;

    // Who guesses at tokens uses up the quota of an address, and of nobody whom the tokens name.
    let mut mallory = caller("mallory", "phone", "203.0.113.66");
    mallory.token = issuer.token().subject("heidi").wrong_signature().mint();
    mallory.is_told(401, 20, "whoami").await?;
    let peer = r#""peer";q=20;w=1"#;
    mallory.is_refused("whoami", 1, peer, 20).await?;
    let heidi = caller("heidi", "phone", "192.0.2.8");
    heidi.is_told(200, 12, "whoami").await
}

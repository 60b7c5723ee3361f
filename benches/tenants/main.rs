//! What many tenants cost beside one: time, bytes, and what one suffers from another.
//!
//! `cargo bench --bench tenants` prints tables from loops that take all sides in turn.

#![expect(
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a benchmark fails at once, and prints what it found"
)]

mod bytes;
#[path = "../common/mod.rs"]
mod common;
mod neighbours;
mod speed;

use axum::body::Body;
use axum::http::{Request, StatusCode, header};
use clearance::jwk::Algorithm;
use clearance::keys::FixedKeys;
use clearance::mcp::{self, McpScopes, ToolError, ToolsExecute};
use clearance::tenants::{Tenant, Tenants, TenantsBuilder};
use clearance::testing::Issuer;
use clearance::{Authorized, Guard, GuardBuilder, Ready, TrustedIssuer};
use tower::ServiceExt as _;

async fn tool(_: Authorized<ToolsExecute>) -> Result<&'static str, ToolError> {
    Ok("done")
}

fn resource(number: usize) -> String {
    format!("https://mcp.example.com/tenant-{number}/mcp")
}

/// A guard whose issuer is never asked, unless it says so itself.
fn guard(trusted: TrustedIssuer, number: usize) -> GuardBuilder<McpScopes, Ready> {
    let resource = resource(number).parse().expect("a resource");
    Guard::<McpScopes>::builder(resource).trusted_issuer(trusted)
}

fn tenant(guard: &Guard<McpScopes>) -> Tenant {
    let service = mcp::Router::new(guard).tool("tool-0", tool).build();
    Tenant::new(guard, service.expect("a router"))
}

fn fixed(issuer: &Issuer) -> TrustedIssuer {
    TrustedIssuer::with_keys(issuer.id().clone(), FixedKeys::from_json(issuer.jwks()))
}

fn place() -> TenantsBuilder {
    Tenants::builder("https://mcp.example.com/{tenant}/mcp")
}

fn mint(issuer: &Issuer, number: usize, subject: usize) -> String {
    let token = issuer.token().audience(resource(number));
    let token = token.subject(&format!("7c9a41f0-52de-4c0b-9a77-{subject:012x}"));
    token.scope("mcp:tools:read mcp:tools:execute").mint()
}

fn call(number: usize, token: &str) -> Request<Body> {
    let body = r#"{"jsonrpc":"2.0","id":17,"method":"tools/call","params":{"name":"tool-0","arguments":{"path":"reports/2026/november/summary.md"}}}"#;
    Request::post(format!("/tenant-{number}/mcp"))
        .header(header::HOST, "mcp.example.com")
        .header(header::CONTENT_TYPE, "application/json")
        .header(header::ACCEPT, "application/json, text/event-stream")
        .header("mcp-protocol-version", "2025-11-25")
        .header(header::AUTHORIZATION, format!("Bearer {token}"))
        .body(Body::from(body))
        .expect("a request")
}

/// The status that a call is answered with.
async fn status(tenants: &Tenants, request: Request<Body>) -> StatusCode {
    let answer = tenants.clone().oneshot(request).await;
    answer.expect("an answer").status()
}

fn main() {
    // Without it this is a test run, where times mean nothing.
    if !std::env::args().any(|argument| argument == "--bench") {
        return;
    }
    let runtime = common::runtime();
    let issuer = runtime.block_on(common::issuer([Algorithm::ES256]));
    speed::table(&runtime, &issuer);
    bytes::table(&runtime, &issuer);
    neighbours::table();
}

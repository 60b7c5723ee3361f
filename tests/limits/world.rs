//! One server in two forms: the router, and a plain server behind the layer.

use axum::Router;
use clearance::testing::TokenBuilder;
use clearance::{GuardBuilder, Ready};

use crate::support::mcp::{Log, McpServer, guarded, router};
use crate::support::request::{MODERN, Request};
use crate::support::{self, Answer, Fixture, plain};

pub type Builder = GuardBuilder<Fixture, Ready>;

/// Who decides.
pub const FORMS: [&str; 2] = ["router", "layer"];

/// The server of `support/mcp.rs` in this form, which knows the address of whoever asks.
pub async fn server(form: &str, guard: impl FnOnce(Builder) -> Builder) -> McpServer {
    serve(guard, |guard, log| match form {
        "router" => router(guard, log).build().expect("a router"),
        "layer" => {
            let layer = plain::layer(guard).build().expect("a layer");
            plain::application(log).layer(layer)
        }
        _ => panic!("no form: {form}"),
    })
    .await
}

/// The same with another application.
pub async fn serve(
    guard: impl FnOnce(Builder) -> Builder,
    application: impl FnOnce(&clearance::Guard<Fixture>, &Log) -> Router,
) -> McpServer {
    let (clock, issuer, guard) = guarded(guard).await;
    let log = Log::default();
    let (address, task) = support::spawn_with_peers(application(&guard, &log)).await;
    McpServer {
        issuer,
        clock,
        log,
        guard,
        address,
        task,
    }
}

/// All that the tools of the fixture need.
pub const ALL: &str = "mcp:tools.read files:read files:write mcp:admin a b";

/// A call of somebody's.
pub async fn call(server: &McpServer, who: &str, what: &str) -> Answer {
    call_with(server, what, |token| token.subject(who)).await
}

/// The same with a token that is changed first.
pub async fn call_with<'a>(
    server: &'a McpServer,
    what: &str,
    change: impl FnOnce(TokenBuilder<'a>) -> TokenBuilder<'a>,
) -> Answer {
    let token = change(server.scoped(ALL)).mint();
    server
        .send(&Request::new(MODERN, what).bearer(&token))
        .await
}

/// Which of these were answered with 429.
pub async fn refused(server: &McpServer, who: &str, what: &str, times: usize) -> usize {
    let mut refused = 0;
    for _ in 0..times {
        match call(server, who, what).await.status {
            200 => {}
            429 => refused += 1,
            other => panic!("{what}: {other}"),
        }
    }
    refused
}

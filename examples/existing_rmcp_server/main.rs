//! What changes in a server that is there already?
//!
//! `before.rs` is the server, `after.rs` the same behind a guard. The documentation of
//! `clearance::rmcp` shows the difference.
#![expect(clippy::print_stdout, reason = "an example says what it does")]

mod after;
#[expect(clippy::unnecessary_wraps, reason = "the same can fail in `after`")]
mod before;

use std::error::Error;
use std::process::ExitCode;

use clearance::testing::Issuer;
use rmcp::ServiceExt as _;
use rmcp::model::CallToolRequestParams;
use rmcp::transport::StreamableHttpClientTransport;
use rmcp::transport::streamable_http_client::StreamableHttpClientTransportConfig;
use serde_json::json;
use tokio::net::TcpListener;

/// Whether a tool runs for a client that has this token, or none.
async fn runs(url: &str, tool: &'static str, token: Option<&str>) -> bool {
    let mut config = StreamableHttpClientTransportConfig::with_uri(url);
    if let Some(token) = token {
        config = config.auth_header(token);
    }
    let Ok(client) = ().serve(StreamableHttpClientTransport::from_config(config)).await else {
        return false;
    };
    let arguments = json!({ "name": "milk" });
    let arguments = arguments.as_object().cloned().unwrap_or_default();
    let call = CallToolRequestParams::new(tool).with_arguments(arguments);
    client.call_tool(call).await.is_ok()
}

#[tokio::main]
async fn main() -> Result<ExitCode, Box<dyn Error>> {
    let (open, guarded) = (bind().await?, bind().await?);
    let (open_url, url) = (url_of(&open)?, url_of(&guarded)?);
    // An issuer for this example; yours is your authorization server.
    let issuer = Issuer::start(url.parse()?).await?;
    let (before, after) = (before::app()?, after::app(&url, issuer.id().as_str())?);
    tokio::spawn(async move { axum::serve(open, before).await });
    tokio::spawn(async move { axum::serve(guarded, after).await });

    let reader = issuer.token().scope("mcp:tools:read").mint();
    let runner = issuer.token().scope("mcp:tools:execute").mint();
    // The first request brings the issuer's keys, and is told to come again; `guard.ready()` would wait.
    let mut tries = 0..1_000;
    while !runs(&url, "list", Some(&reader)).await && tries.next().is_some() {}
    let mut all_right = true;
    for (who, tool, token, expected) in [
        ("nobody", "list", None, false),
        ("a reader", "list", Some(&*reader), true),
        ("a reader", "delete", Some(&*reader), false),
        ("a runner", "delete", Some(&*runner), true),
    ] {
        let before = runs(&open_url, tool, token).await;
        let after = runs(&url, tool, token).await;
        println!("{who:<10} {tool:<8} before: {before:<6} after: {after}");
        all_right &= before && after == expected;
    }
    Ok(ExitCode::from(u8::from(!all_right)))
}

async fn bind() -> std::io::Result<TcpListener> {
    TcpListener::bind("127.0.0.1:0").await
}

fn url_of(listener: &TcpListener) -> std::io::Result<String> {
    Ok(format!("http://{}/mcp", listener.local_addr()?))
}

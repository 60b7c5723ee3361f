//! A files server for MCP clients, guarded, with a little authorization server beside it.
//!
//! `cargo run --example quickstart` serves until it is stopped, and says what to give to an MCP client.
//! With `-- --once` the client is rmcp's own, without a browser: it logs in, is refused, asks for more,
//! and succeeds; and the example fails if a verdict is wrong.
#![expect(clippy::print_stdout, reason = "an example says what it does")]

mod alice;
mod login;
mod server;

use std::error::Error;
use std::process::ExitCode;

use clearance::Guard;
use clearance::testing::AuthorizationServer;
use rmcp::transport::streamable_http_server::StreamableHttpServerConfig;
use server::{Files, FilesRead, FilesScopes, Folder};
use tokio::net::TcpListener;

#[tokio::main]
async fn main() -> Result<ExitCode, Box<dyn Error + Send + Sync>> {
    let once = std::env::args().any(|argument| argument == "--once");
    let listener = bind(once).await?;
    let url = format!("http://{}/mcp", listener.local_addr()?);

    // In production this is your authorization server; here it is a small one, for trying things out.
    let authorization = AuthorizationServer::builder(url.parse()?)
        .describing::<FilesScopes>()
        .start()
        .await?;

    let guard = Guard::<FilesScopes>::builder(authorization.resource().clone())
        .issuer(authorization.id().clone())
        .baseline::<FilesRead>()
        .build()?;
    guard.ready().await?;

    let folder = Folder::with("notes.txt", "buy milk\n")?;
    let path = folder.path().display().to_string();
    let files = Files::new(&guard, folder);
    println!("what the server demands:\n\n{}", files.policy());
    server::listen_for_revocations(&authorization, &guard);
    let app = files.app(&guard, StreamableHttpServerConfig::default())?;
    let serving = axum::serve(listener, app);

    if once {
        let server = tokio::spawn(serving.into_future());
        let is_right = login::perform(&url, &authorization).await?;
        server.abort();
        // The folder goes with the server.
        drop(server.await);
        return Ok(ExitCode::from(u8::from(!is_right)));
    }
    println!("MCP server             {url}");
    println!("its metadata           {}", guard.resource().metadata_url());
    println!("authorization server   {}", authorization.id());
    println!("the files              {path}\n");
    println!("Give the MCP server's URL to an MCP client. With the MCP Inspector:\n");
    println!("npx @modelcontextprotocol/inspector --transport http --server-url {url}\n");
    println!(
        "It needs Node 22.19 or newer. Log in as alice or bob. The first login asks for files:read,"
    );
    println!(
        "so only the tools of a reader are listed. For the others, put this into the client's scopes"
    );
    println!("and log in again:\n\nfiles:read files:write files:delete\n");
    println!("This server forgets its clients when it stops: let them forget it, too.");
    println!("Ctrl-C stops the server, and removes the files.");
    tokio::select! {
        served = serving => served?,
        stopped = tokio::signal::ctrl_c() => stopped?,
    }
    Ok(ExitCode::SUCCESS)
}

/// The same port each time, if it is free: clients remember servers by their URLs.
async fn bind(once: bool) -> std::io::Result<TcpListener> {
    let port = if once { 0 } else { 8722 };
    match TcpListener::bind(("127.0.0.1", port)).await {
        Err(_) if port != 0 => TcpListener::bind("127.0.0.1:0").await,
        bound => bound,
    }
}

//! A small files service, guarded, with its own issuer beside it.
//!
//! `cargo run --example quickstart` performs six calls over real HTTP, prints what became of each,
//! and goes on serving. With `-- --once` it ends after the calls, and fails if a verdict is wrong.
#![expect(clippy::print_stdout, reason = "an example says what it does")]

use std::error::Error;
use std::process::ExitCode;

use axum::routing::{delete, get};
use axum::{Router, extract::Path};
use clearance::id::{Resource, TokenId};
use clearance::mcp::{McpScopes, ResourcesRead};
use clearance::testing::{Issuer, TokenBuilder};
use clearance::{Authorized, Guard, metadata_routes, scopes};

scopes! {
    /// What a caller may be allowed to do on the files service.
    vocabulary FilesScopes includes McpScopes;

    /// Delete files.
    FilesDelete = "files:delete";
    /// Everything, reading included.
    FilesAdmin = "files:admin" includes FilesDelete, ResourcesRead;
}

// The signature is the policy: without the proof, these functions cannot be called.
async fn read(auth: Authorized<ResourcesRead>, Path(name): Path<String>) -> String {
    format!("{} reads {name}\n", auth.subject())
}

async fn remove(auth: Authorized<FilesDelete>, Path(name): Path<String>) -> String {
    format!("{} deletes {name}\n", auth.subject())
}

/// One call: what it shows, its token, whether it deletes, and the status that it must get.
type Call<'a> = (&'static str, Option<TokenBuilder<'a>>, bool, u16);

/// Performs a call and prints what became of it; gives whether the verdict was right.
async fn perform(
    (title, token, deletes, expected): Call<'_>,
    url: &str,
) -> Result<bool, Box<dyn Error>> {
    let client = reqwest::Client::new();
    let mut request = if deletes {
        client.delete(url)
    } else {
        client.get(url)
    };
    if let Some(token) = token {
        request = request.bearer_auth(token.mint());
    }
    let answer = request.send().await?;
    let status = answer.status().as_u16();
    let challenge = answer
        .headers()
        .get("www-authenticate")
        .map(|value| value.to_str());
    let challenge = challenge.transpose()?.unwrap_or_default();
    let mark = if status == expected { "ok   " } else { "WRONG" };
    println!("{mark} {title:<29} {status}  {challenge}");
    Ok(status == expected)
}

#[tokio::main]
async fn main() -> Result<ExitCode, Box<dyn Error>> {
    let once = std::env::args().any(|argument| argument == "--once");
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let base = format!("http://{}", listener.local_addr()?);

    // In production this is your authorization server; here it is a small one, for tests.
    let resource: Resource = format!("{base}/mcp").parse()?;
    let issuer = Issuer::start(resource.clone()).await?;

    let guard = Guard::<FilesScopes>::builder(resource)
        .issuer(issuer.id().clone())
        .baseline::<ResourcesRead>()
        .build()?;
    guard.ready().await?;

    let app = Router::new()
        .route("/files/{name}", get(read).merge(delete(remove)))
        .merge(metadata_routes([&guard])?)
        .with_state(guard.clone());
    let server = tokio::spawn(async move { axum::serve(listener, app).await });

    println!("metadata: {}\n", guard.resource().metadata_url());
    guard
        .revocations()
        .revoke_token(issuer.id(), &TokenId::new("stolen"))?;
    let reader = || issuer.token().scope("mcp:resources:read");
    let admin = issuer.token().scope("files:admin");
    let url = format!("{base}/files/notes.txt");
    let mut right = true;
    for call in [
        ("no token", None, false, 401),
        (
            "a token for another server",
            Some(reader().wrong_audience()),
            false,
            401,
        ),
        ("an expired token", Some(reader().expired()), false, 401),
        ("a reader who deletes", Some(reader()), true, 403),
        ("an administrator who deletes", Some(admin), true, 200),
        (
            "a revoked token",
            Some(reader().token_id("stolen")),
            false,
            401,
        ),
    ] {
        right &= perform(call, &url).await?;
    }
    if once {
        return Ok(if right {
            ExitCode::SUCCESS
        } else {
            ExitCode::FAILURE
        });
    }
    let token = reader().mint();
    println!("\nserving until you stop it; this token is good for ten minutes:\n");
    println!("curl -i -H 'authorization: Bearer {token}' {url}");
    server.await??;
    Ok(ExitCode::SUCCESS)
}

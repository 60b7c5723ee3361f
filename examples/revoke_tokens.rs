//! How does a token die before its time, and what happens to work that it began?
#![expect(clippy::print_stdout, reason = "an example says what it does")]

use std::error::Error;
use std::future::pending;

use axum::http::Request;
use clearance::id::{ClientId, IssuerSession, Subject, TokenId};
use clearance::lifecycle::Revocation;
use clearance::mcp::{McpScopes, ToolsExecute};
use clearance::testing::Issuer;
use clearance::{Authorized, Guard, Refusal};

/// Asks as a client does that has `token`.
async fn ask(guard: &Guard<McpScopes>, token: &str) -> Result<Authorized<ToolsExecute>, Refusal> {
    let request = Request::get("/mcp").header("authorization", format!("Bearer {token}"));
    let (mut parts, ()) = request.body(()).unwrap_or_default().into_parts();
    guard.authorize(&mut parts).await
}

async fn verdict(guard: &Guard<McpScopes>, token: &str) -> &'static str {
    match ask(guard, token).await {
        Ok(_) => "let in",
        Err(refusal) => refusal.reason().code().as_str(),
    }
}

/// What tokens can be revoked by.
fn ways(issuer: &clearance::id::Issuer) -> [(&'static str, Revocation); 4] {
    let issuer = || issuer.clone();
    let token = Revocation::of_token(issuer(), TokenId::new("alice-1"));
    let subject = Revocation::of_subject(issuer(), Subject::new("bob"));
    let client = Revocation::of_client(issuer(), ClientId::new("carols-client"));
    let login = Revocation::of_session(issuer(), IssuerSession::new("daves-login"));
    [
        ("a token", token),
        ("a subject", subject),
        ("a client", client),
        ("a login", login),
    ]
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let issuer = Issuer::start("https://tools.example.com/mcp".parse()?).await?;
    let guard = Guard::<McpScopes>::builder(issuer.resource().clone())
        .issuer(issuer.id().clone())
        .build()?;
    guard.ready().await?;
    let revocations = guard.revocations();

    // Each has a token of its own, from a login of its own.
    let mut tokens = Vec::new();
    for who in ["alice", "bob", "carol", "dave", "erin"] {
        let token = issuer
            .token()
            .subject(who)
            .client(&format!("{who}s-client"));
        let token = token
            .token_id(&format!("{who}-1"))
            .claim("sid", format!("{who}s-login"));
        let token = token.scope("mcp:tools:execute").mint();
        assert_eq!(verdict(&guard, &token).await, "let in");
        tokens.push(token);
    }
    let stats = guard.cache_stats();
    println!(
        "{} tokens are let in; {} are remembered",
        tokens.len(),
        stats.tokens
    );

    // Dave has begun something long.
    let dave = ask(&guard, tokens.get(3).ok_or("a token")?).await?;
    let work = tokio::spawn(dave.until_expiry(pending::<()>()));

    for (what, revocation) in ways(issuer.id()) {
        revocations.revoke(revocation).await?;
        println!("{what} is revoked");
    }
    let mut verdicts = Vec::new();
    for token in &tokens {
        verdicts.push(verdict(&guard, token).await);
    }
    println!("{verdicts:?}");
    assert_eq!(
        verdicts,
        ["revoked", "revoked", "revoked", "revoked", "let in"]
    );

    // It was woken, although its time is not over.
    assert!(work.await?.is_err());
    println!("and what a revoked token had begun has ended");
    Ok(())
}

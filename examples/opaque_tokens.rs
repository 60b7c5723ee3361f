//! How is a token judged that says nothing to anybody but its issuer?
#![expect(clippy::print_stdout, reason = "an example says what it does")]

use std::error::Error;

use axum::http::Request;
use clearance::credentials::{ClientAuthentication, ClientSecret};
use clearance::lifecycle::Introspection;
use clearance::mcp::{McpScopes, ToolsExecute};
use clearance::testing::{AuthorizationServer, Fault, Issuer, User};
use clearance::{Authorized, Guard, Refusal, TrustedIssuer};

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

/// How often the authorization server was asked about a token.
fn questions(server: &AuthorizationServer) -> usize {
    let requests = server.requests();
    let about_tokens = requests
        .iter()
        .filter(|request| request.path() == "/introspect");
    about_tokens.count()
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    // It gives out random text, and tells its confidential clients what that is worth.
    let server = AuthorizationServer::builder("https://tools.example.com/mcp".parse()?)
        .opaque_tokens()
        .public_client("editor", ["http://127.0.0.1/callback"])
        .client("tools-server", "correct horse battery staple", "")
        .start()
        .await?;
    // To the authorization server this server is a client, too.
    let secret = ClientSecret::new("correct horse battery staple");
    let who_asks = ClientAuthentication::client_secret_basic("tools-server", secret);
    let guard = Guard::<McpScopes>::builder(server.resource().clone())
        .trusted_issuer(TrustedIssuer::introspected(
            server.id().clone(),
            Introspection::by(who_asks),
        ))
        .build()?;
    guard.ready().await?;

    let token = server.grant(User::Alice, "editor", "mcp:tools:execute")?;
    println!(
        "a token of {} letters, and not one says whose it is",
        token.len()
    );
    let proof = ask(&guard, &token).await?;
    println!(
        "its issuer says: {} with {}",
        proof.subject(),
        proof.client()
    );
    for _ in 0..3 {
        assert_eq!(verdict(&guard, &token).await, "let in");
    }
    assert_eq!(questions(&server), 1);
    println!("it was asked once, and not again for a minute");

    assert_eq!(verdict(&guard, "made-up").await, "inactive");
    println!("a token that was made up is inactive");

    // What another issuer has signed is that issuer's business.
    let other = Issuer::start(server.resource().clone()).await?;
    let asked = questions(&server);
    assert_eq!(
        verdict(&guard, &other.token().mint()).await,
        "unknown_issuer"
    );
    assert_eq!(questions(&server), asked);
    println!("a token of somebody else is refused, and shown to nobody");

    // Whoever cannot be asked refuses nobody.
    let second = server.grant(User::Bob, "editor", "mcp:tools:execute")?;
    server.introspection_fault(Fault::Status(500));
    assert_eq!(verdict(&guard, &second).await, "unavailable");
    server.behave();
    assert_eq!(verdict(&guard, &second).await, "let in");
    println!("while it cannot be asked, a token is neither good nor bad: 503");

    // What was answered counts for a minute. Whoever is told sooner refuses sooner.
    let revocations = guard.revocations().clone();
    server.on_revoked(move |issuer, token| {
        revocations.revoke_token(issuer, token).ok();
    });
    server.revoke_user(User::Alice);
    assert_eq!(verdict(&guard, &token).await, "revoked");
    assert_eq!(verdict(&guard, &second).await, "let in");
    println!("alice is out at once, and bob is not");
    Ok(())
}

//! How does an operator configure a guard, without reading code?
//!
//! `clearance.toml` beside this file is such a configuration, with comments.
#![expect(clippy::print_stdout, reason = "an example says what it does")]

use std::error::Error;

use axum::http::Request;
use clearance::config::Config;
use clearance::mcp::{McpScopes, ToolsExecute};
use clearance::testing::Issuer;
use clearance::{Authorized, Guard, Refusal};

const FILE: &str = include_str!("clearance.toml");

/// The configuration in this text, or a sentence for the operator: the line, the key, and what was
/// expected. The error's own text would show the whole line, in which a secret may stand.
fn read(text: &str) -> Result<Config, String> {
    toml::from_str(text).map_err(|error| {
        let before = error.span().and_then(|span| text.get(..span.start));
        let line = before.map_or(1, |before| before.split('\n').count());
        format!("clearance.toml, line {line}: {}", error.message())
    })
}

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

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    // An issuer on this machine, in place of the one that the file names.
    let issuer = Issuer::start("https://files.example.com/mcp".parse()?).await?;
    let text = FILE.replace("https://auth.example.com", issuer.id().as_str());

    let config = read(&text)?;
    let guard = config
        .builder::<McpScopes>()?
        .deny_if(|caller| caller.subject().as_str() == "mallory") // what is code stays code
        .build()?;
    guard.ready().await?;

    let member = |group: &str, who: &str| {
        let token = issuer.token().subject(who).without("client_id");
        token.claim("azp", "inspector").claim("groups", group)
    };
    let old = member("operators", "alice").expired();
    let cases = [
        ("an operator", member("operators", "alice"), "let in"),
        ("a guest", member("guests", "bob"), "insufficient_scope"),
        (
            "a stranger",
            member("others", "carol"),
            "insufficient_scope",
        ),
        ("whom code denies", member("operators", "mallory"), "denied"),
        ("an old token", old, "expired"),
    ];
    for (who, token, expected) in cases {
        let verdict = verdict(&guard, &token.mint()).await;
        println!("{who}: {verdict}");
        assert_eq!(verdict, expected, "{who}");
    }

    println!("\nand what is wrong is said before anybody is let in:");
    let mistakes = [
        ("leeway_seconds = 30", "leeway_seconds = \"half a minute\""),
        ("client_from", "clients_from"),
        ("per = \"minute\"", "per = \"fortnight\""),
        (
            "baseline = [\"mcp:tools:read\"]",
            "baseline = [\"mcp:tools:raed\"]",
        ),
        (
            "\"this_process_only\"",
            "\"n4bQgYhMfWWaL+qgxVrQFaO/TxsrC4Is0V1sFbDwCgg=\"",
        ),
        (
            "\"this_process_only\"",
            "[{ file = \"/nonexistent/seal-key\" }]",
        ),
    ];
    for (right, wrong) in mistakes {
        let config = read(&text.replace(right, wrong));
        let judged = config.and_then(|config| {
            let built = config.guard::<McpScopes>().and(config.seal_keys());
            built.map_err(|error| format!("clearance.toml: {error}"))
        });
        let message = judged.err().ok_or("a mistake was not noticed")?;
        println!("{message}");
        assert!(!message.contains("n4bQ"), "a secret was shown");
    }
    Ok(())
}

//! How does one scope include another, and what may a handler do with the wider proof?
#![expect(clippy::print_stdout, reason = "an example says what it does")]

use std::error::Error;

use axum::{Router, routing::post};
use clearance::testing::Issuer;
use clearance::{Authorized, Guard, scopes};

scopes! {
    /// What a caller may be allowed to do with notes.
    vocabulary NoteScopes;

    /// Read notes.
    NotesRead = "notes:read";
    /// Write notes, which means reading them as well.
    NotesWrite = "notes:write" includes NotesRead;
    /// Share notes with others.
    NotesShare = "notes:share";
}

// Only who proves that the caller may read can call this.
fn content(_: &Authorized<NotesRead>) -> &'static str {
    "buy milk"
}

async fn append(auth: Authorized<NotesWrite>) -> String {
    // A bool, for showing more or less. It proves nothing.
    let shared = auth.may::<NotesShare>();
    // `NotesWrite` includes `NotesRead`, so this compiles; the way back does not.
    let auth: Authorized<NotesRead> = auth.narrow();
    format!("{}, call mum (may share: {shared})", content(&auth))
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let issuer = Issuer::start("https://notes.example.com/mcp".parse()?).await?;
    let guard = Guard::<NoteScopes>::builder(issuer.resource().clone())
        .issuer(issuer.id().clone())
        .build()?;
    guard.ready().await?;

    let router = Router::new()
        .route("/notes", post(append))
        .with_state(guard);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}/notes", listener.local_addr()?);
    tokio::spawn(async move { axum::serve(listener, router).await });

    let client = reqwest::Client::new();
    let writer = issuer.token().scope("notes:write notes:share").mint();
    let answer = client.post(&url).bearer_auth(writer).send().await?;
    assert_eq!(answer.status(), 200);
    println!("allowed: {}", answer.text().await?);

    // Reading is not writing: the challenge says what to ask the user for, and keeps what is there.
    let reader = issuer.token().scope("notes:read").mint();
    let answer = client.post(&url).bearer_auth(reader).send().await?;
    assert_eq!(answer.status(), 403);
    let challenge = answer.headers()["www-authenticate"].to_str()?;
    assert!(
        challenge.contains(r#"scope="notes:write notes:read""#),
        "{challenge}"
    );
    println!("refused: {challenge}");
    Ok(())
}

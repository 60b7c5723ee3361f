//! What happens when the issuer changes its keys, and when it is down?
#![expect(clippy::print_stdout, reason = "an example says what it does")]

use std::error::Error;
use std::sync::Arc;

use axum::{Router, routing::get};
use chrono::TimeDelta;
use clearance::jwk::Algorithm;
use clearance::mcp::{McpScopes, ToolsRead};
use clearance::testing::{Issuer, ManualClock};
use clearance::{Authorized, Guard};

async fn tools(auth: Authorized<ToolsRead>) -> String {
    format!("tools for {}", auth.subject())
}

async fn call(url: &str, issuer: &Issuer) -> Result<u16, reqwest::Error> {
    let token = issuer.token().scope("mcp:tools:read").mint();
    let answer = reqwest::Client::new()
        .get(url)
        .bearer_auth(token)
        .send()
        .await?;
    Ok(answer.status().as_u16())
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    // The hands of this clock are turned by hand, for the guard and the issuer alike.
    let clock = ManualClock::at_fixed_start();
    let issuer = Issuer::builder("https://tools.example.com/mcp".parse()?)
        .clock(Arc::new(clock.clone()))
        .start()
        .await?;
    let guard = Guard::<McpScopes>::builder(issuer.resource().clone())
        .issuer(issuer.id().clone())
        .clock(Arc::new(clock.clone()))
        .build()?;
    guard.ready().await?;

    let router = Router::new().route("/tools", get(tools)).with_state(guard);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}/tools", listener.local_addr()?);
    tokio::spawn(async move { axum::serve(listener, router).await });

    assert_eq!(call(&url, &issuer).await?, 200);
    println!(
        "first key: 200, keys fetched {} time(s)",
        issuer.jwks_hits()
    );

    // A token of a key that is not known yet makes the guard ask the issuer, once in a while.
    issuer.rotate(Algorithm::ES256);
    clock.advance(TimeDelta::seconds(6));
    assert_eq!(call(&url, &issuer).await?, 200);
    println!("rotated: 200, keys fetched {} time(s)", issuer.jwks_hits());

    // The issuer goes away: its last keys still serve.
    issuer.stop().await;
    clock.advance(TimeDelta::minutes(2));
    assert_eq!(call(&url, &issuer).await?, 200);
    println!("issuer down, known key: 200");

    // An unknown key while the issuer is down is nobody's fault: 503, and not 401, which would make
    // clients throw a good token away.
    issuer.rotate(Algorithm::ES256);
    assert_eq!(call(&url, &issuer).await?, 503);
    println!("issuer down, unknown key: 503");

    issuer.resume().await?;
    clock.advance(TimeDelta::seconds(6));
    assert_eq!(call(&url, &issuer).await?, 200);
    println!("issuer back: 200");
    Ok(())
}

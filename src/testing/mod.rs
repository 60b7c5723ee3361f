//! Real tokens and a real issuer for tests.
//!
//! Nothing here skips a check: an [`Issuer`] serves metadata and keys over loopback HTTP, and the
//! tokens that it mints are signed. What a guard says about them in a test, it says in production.
//! Behind feature `testing`, for `[dev-dependencies]`.
//!
//! # How to test handlers
//!
//! Start an issuer for the resource of your server, give its identifier to the guard, and send
//! requests with tokens that differ in what the test is about:
//!
//! ```
//! use axum::body::Body;
//! use axum::http::Request;
//! use axum::{Router, routing::get};
//! use clearance::mcp::{McpScopes, ToolsRead};
//! use clearance::testing::Issuer;
//! use clearance::{Authorized, Guard};
//! use tower::ServiceExt as _;
//!
//! async fn tools(proof: Authorized<ToolsRead>) -> String {
//!     format!("tools for {}", proof.subject())
//! }
//!
//! # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
//! let issuer = Issuer::start("https://files.example.com/mcp".parse()?).await?;
//! let guard = Guard::<McpScopes>::builder(issuer.resource().clone())
//!     .issuer(issuer.id().clone())
//!     .build()?;
//! guard.ready().await?;
//! let app: Router = Router::new().route("/tools", get(tools)).with_state(guard);
//!
//! for (token, status) in [
//!     (issuer.token().scope("mcp:tools:read"), 200),
//!     (issuer.token(), 403),
//!     (issuer.token().scope("mcp:tools:read").expired(), 401),
//! ] {
//!     let request = Request::get("/tools").header("authorization", format!("Bearer {}", token.mint()));
//!     let answer = app.clone().oneshot(request.body(Body::empty())?).await?;
//!     assert_eq!(answer.status(), status);
//! }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! # })?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! | the caller | the token | the answer |
//! | --- | --- | --- |
//! | may do it | `issuer.token().scope("files:read").mint()` | the handler's |
//! | has no scope | `issuer.token().mint()` | 403 |
//! | comes too late | `issuer.token().scope("files:read").expired().mint()` | 401 |
//! | was sent elsewhere | `issuer.token().wrong_audience().mint()` | 401 |
//! | cheats | `issuer.token().wrong_signature().mint()` | 401 |
//!
//! # The whole flow
//!
//! An [`Issuer`] has no login. An [`AuthorizationServer`] has one: it is a small OAuth 2.1 server for
//! loopback, which real MCP clients can register at, whose consent page a person can answer, and
//! which says yes by itself in tests ([`AuthorizationServer::approve_automatically`]).
//!
//! # Time
//!
//! A token that dies during a test needs no sleep. Give one [`ManualClock`] to the guard and to the
//! issuer ([`IssuerBuilder::clock`]), mint, [`advance`](ManualClock::advance), and ask again.
//!
//! # Keys and failures
//!
//! [`Issuer::rotate`] changes keys, [`Issuer::stop`] and [`Issuer::resume`] make the issuer go away
//! and come back, [`Issuer::fault`] makes it misbehave in one of the ways of [`Fault`], and
//! [`Issuer::jwks_hits`] says whether a guard asked again.

mod authorization_server;
mod builder;
mod clock;
mod fault;
mod issuer;
mod keyring;
mod keys;
mod members;
mod mint;
mod peek;
mod server;
mod signer;
mod site;
#[cfg(test)]
mod tests;
mod token;

pub use authorization_server::{
    AuthorizationServer, AuthorizationServerBuilder, RecordedRequest, ServerFault, User,
};
pub use builder::IssuerBuilder;
pub use clock::ManualClock;
pub use fault::{Document, Fault};
pub use issuer::Issuer;
pub use peek::is_message;
pub use token::TokenBuilder;

//! Guards MCP servers with OAuth 2.1: **an unauthorized call does not compile.**
//!
//! A handler demands [`Authorized<S>`](Authorized), and only a [`Guard`] makes one, out of an
//! access token that it verified for this very request. Who has no proof cannot call:
//!
//! ```compile_fail,E0277
//! use clearance::Authorized;
//! use clearance::mcp::{ToolsExecute, ToolsRead};
//!
//! fn run_tool(_: Authorized<ToolsExecute>) {}
//!
//! fn list_tools(proof: Authorized<ToolsRead>) {
//!     run_tool(proof.narrow()); // `ToolsRead` does not grant `ToolsExecute`
//! }
//! ```
//!
//! # Quick start
//!
//! Declare what a caller may be allowed to do, demand proofs, and give the handlers to a
//! [`mcp::Router`]:
//!
//! ```
//! use clearance::mcp::{self, McpScopes, ToolError};
//! use clearance::{Authorized, Guard, scopes};
//!
//! scopes! {
//!     /// What a caller may be allowed to do on the files server.
//!     pub vocabulary FilesScopes includes McpScopes;
//!
//!     /// Delete files.
//!     pub FilesDelete = "files:delete";
//! }
//!
//! async fn empty_trash(auth: Authorized<FilesDelete>) -> Result<String, ToolError> {
//!     Ok(format!("{} empties the trash", auth.subject()))
//! }
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let guard = Guard::<FilesScopes>::builder("https://files.example.com/mcp".parse()?)
//!     .issuer("https://auth.example.com".parse()?)
//!     .build()?;
//!
//! let app: axum::Router = mcp::Router::new(&guard)
//!     .tool("empty_trash", empty_trash)
//!     .build()?;
//! # let _ = app;
//! # Ok(())
//! # }
//! ```
//!
//! The signature is the policy; [`mcp`] tells all of it. A server on `rmcp`, the official SDK, takes proofs
//! in its tools, prompts and resources: "rmcp in ten minutes" in the documentation of `clearance::rmcp`
//! (feature `rmcp-3`). Any other service that exists already is put behind an
//! [`AuthorizationLayer`]. Handlers of axum's own router demand proofs
//! in the same way, from the guard in its state:
//!
//! ```
//! use clearance::mcp::{McpScopes, ToolsRead};
//! use clearance::{Authorized, Guard, metadata_routes};
//!
//! async fn tools(proof: Authorized<ToolsRead>) -> String {
//!     format!("tools for {}", proof.subject())
//! }
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let guard = Guard::<McpScopes>::builder("https://files.example.com/mcp".parse()?)
//!     .issuer("https://auth.example.com".parse()?)
//!     .build()?;
//!
//! let app: axum::Router = axum::Router::new()
//!     .route("/tools", axum::routing::get(tools))
//!     .merge(metadata_routes([&guard])?)
//!     .with_state(guard);
//! # let _ = app;
//! # Ok(())
//! # }
//! ```
//!
//! What an operator decides can come from a file: [`config`].
//!
//! How to test such handlers with real tokens is told in `testing` (feature `testing`).
//!
//! # What is proven, step by step
//!
//! ```text
//! bytes ─parse─▶ Unverified ─▶ SignatureVerified ─▶ AudienceVerified ─▶ Scoped<S>
//!                  &KeySet ▲         &Acceptance ▲      Live, Permit ▲
//!                    (keys)               (guard)   (lifecycle, limit)
//! ```
//!
//! Each step of [`token`] consumes its token and demands evidence that one part of the library
//! alone can make. [`Authorized`] holds the last state. A handler needs to know none of this; who
//! reads the code, or writes another transport, starts at [`token`].
//!
//! # What is not proven
//!
//! - *Whose guard it was.* Guards over different vocabularies share the scopes that they include.
//!   [`Authorized::resource`] and [`Guard::made`] tell.
//! - *That the caller owns what the request names.* Scopes speak of kinds of operations, not of
//!   objects.
//! - *Anything about an axum route whose handler demands nothing.* It is open, as in every router. An
//!   [`mcp::Router`] takes no such handler, and an [`AuthorizationLayer`] lets nothing pass that its
//!   policy does not name.
//! - *That a proof which was kept is still in force.* It was when its request came.
//! - *That the issuer is honest.* Whoever writes the line `.issuer(..)` is the root of trust.
//!
//! # When a handler does not compile
//!
//! An [`mcp::Router`] says which part of the handler is wrong. axum's router reports a missing proof
//! as "`Handler` is not satisfied", because that bound is its own.
//! `#[axum::debug_handler(state = App)]` on the handler (axum's feature `macros`) makes the compiler
//! name the cause: that the state holds no guard (implement [`Guarded`] for it), or that a scope is
//! not one of the guard's vocabulary.
//!
//! # Features
//!
//! - `axum` (default): [`mcp::Router`], [`AuthorizationLayer`], [`Authorized`] as an extractor,
//!   [`Refusal`] as an answer, [`metadata_routes`], [`CredentialLayer`].
//! - `client`: `clearance::client`: an OAuth 2.1 client for MCP, in which PKCE, `resource`, `state` and the
//!   checks of the issuer cannot be left out.
//! - `fetch` (default): keys, metadata and introspection over HTTPS. Without it, keys are given as
//!   [`FixedKeys`](keys::FixedKeys).
//! - `metrics`: `Guard::publish_metrics`, for the facade of that name.
//! - `redis`: `clearance::redis`: what was revoked, shared by many machines through a Redis server.
//! - `redis-cluster`: the same through a Redis Cluster.
//! - `rmcp-3`: `clearance::rmcp`: proofs for tools, prompts and resources of
//!   [`rmcp`](https://docs.rs/rmcp) 3.9 or newer, the official SDK.
//! - `schemars`: the schema of a tool's arguments, derived from their type.
//! - `testing`: a loopback issuer that mints really signed tokens, a small authorization server with a
//!   consent page, and a clock to turn by hand.
//!
//! Features add; none changes a verdict. Rust 1.91 or newer.
#![cfg_attr(docsrs, feature(doc_cfg))]

pub mod audit;
mod authorized;
#[cfg(feature = "client")]
pub mod client;
pub mod clock;
pub mod config;
#[cfg(feature = "fetch")]
pub mod credentials;
mod event;
mod fetch;
mod field;
mod guard;
pub mod id;
pub mod jwk;
pub mod keys;
pub mod lifecycle;
pub mod limit;
pub mod mcp;
mod peer;
mod reason_code;
#[cfg(feature = "redis")]
pub mod redis;
pub mod refusal;
#[cfg(feature = "rmcp-3")]
pub mod rmcp;
pub mod scope;
pub mod secret;
pub mod session;
#[cfg(feature = "testing")]
pub mod testing;
pub mod token;
#[cfg(feature = "axum")]
mod web;
mod wire;

pub use authorized::{Authorized, Caller};
pub use guard::{ConfigError, Guard, GuardBuilder, Guarded, Ready, TrustedIssuer, WantsIssuer};
pub use guard::{Health, IssuerHealth, LimitHealth, Problem, RevocationHealth};
#[doc(inline)]
pub use peer::{ForwardedBy, Network, NetworkError, PeerInfo};
pub use refusal::Refusal;
#[cfg(feature = "axum")]
#[doc(inline)]
pub use web::tenants;
#[cfg(feature = "axum")]
pub use web::{
    AuthorizationLayer, AuthorizationService, CredentialLayer, CredentialService, GuardedAnswer,
    GuardedBody, Healthy, LayerBuilder, LayerError, ProtectedResource, ResponseFuture, Sealing,
    TlsEvidence, Unsealed, health_routes, metadata_routes,
};
pub use wire::MetadataDocument;

/// The README's examples are compiled and run.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

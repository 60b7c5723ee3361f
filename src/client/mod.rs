//! An OAuth 2.1 client for MCP: **a request that lacks a check cannot be built.**
//!
//! ```text
//! Client ─discover─▶ Discovered ─register─▶ Registered ─authorize─▶ AwaitingRedirect ─redirected─▶ TokenSet
//!   401, 403 ▲           metadata ▲        registration ▲    the user's browser ▲
//! ```
//!
//! Each state consumes the one before and carries what the next one needs:
//!
//! - [`Discovered`]: who issues tokens for the endpoint (RFC 9728, RFC 8414), each identifier compared as
//!   text;
//! - [`Registered`]: as whom the client is known there: by hand, by its metadata document, or registered
//!   just now, in that order;
//! - [`AwaitingRedirect`]: an authorization request with PKCE (S256), `state` and `resource`, which nobody
//!   can leave out or choose;
//! - [`TokenSet`]: what the code was changed into, after `state` and `iss` of the *whole* redirect were
//!   compared.
//!
//! Machines skip the browser: [`Discovered::client_credentials`], [`Discovered::jwt_bearer`],
//! [`Discovered::enterprise`].
//!
//! # What is trusted
//!
//! The endpoint, and the issuers that the application names: they are asked wherever they are. An issuer
//! that only the endpoint's metadata names is a stranger: it is asked at public addresses alone, unless the
//! endpoint itself is on this machine.
//!
//! # Tokens in use
//!
//! [`layer`] puts tokens on requests, and gets new ones when they are needed; `rmcp`, with the feature
//! `rmcp-3`, does it for the official SDK. [`store`] keeps tokens and registrations from one run to the next.
//! [`redirect`] has the browser and the place where it comes back to, for programs on a person's own machine.
//!
//! # What is kept secret
//!
//! Tokens, secrets, codes and verifiers are in no error, log or debug text, and are wiped from memory when
//! they are dropped. Copies in the buffers of the HTTP client, which it sends, are not.
//!
//! # Why there is no foreign OAuth crate in it
//!
//! The `oauth2` crate keeps raw answers, tokens included, in its errors, does not wipe its secrets, and
//! knows neither assertions of clients, nor issuers as text, nor bounds of answers. What it would have
//! taken over is the building of a few forms.
//!
//! Layer L6.
#![doc = ""]
#![doc = include_str!("guide.md")]

mod authorization;
mod builder;
mod challenge;
mod discovery;
mod document;
mod endpoint;
mod error;
mod grant;
pub mod layer;
pub mod redirect;
mod redirect_uri;
mod registration;
#[cfg(feature = "rmcp-3")]
pub mod rmcp;
mod scopes;
mod server_error;
mod shared;
pub mod store;
mod tokens;
mod upstream;

pub use authorization::{
    AuthorizationError, AwaitingRedirect, MemoryPendingStore, Pending, PendingError, PendingKey,
    PendingStore, Redirect,
};
pub use builder::{ClientBuilder, ClientConfigError};
pub use challenge::Challenge;
pub use discovery::{Discovered, DiscoveryError, IssuerChoice};
pub use error::ClientError;
pub use grant::IdentityProvider;
pub use redirect_uri::{RedirectUri, RedirectUriError};
pub use registration::{
    ClientMetadataDocument, MetadataDocumentError, Registered, Registration, RegistrationError,
    RegistrationMethod,
};
pub use scopes::{Scopes, ScopesError};
pub use server_error::ServerError;
pub use shared::Client;
pub use tokens::{ForeignEndpointError, TokenError, TokenSet};
pub use upstream::{
    Exchange, ExchangeBuilder, ExchangeConfigError, ExchangeError, UpstreamToken, WantsUpstream,
};

//! Tokens in use: who has an HTTP client that is a `tower` service, has one that is authorized.
//!
//! An [`Access`] holds the tokens of one client for one endpoint, and [`AccessLayer`] puts them on requests:
//!
//! - *to the endpoint alone*: where scheme, host, port and path are the ones that the token was obtained for.
//!   Other requests pass as they are;
//! - *before they expire*: one request refreshes, and the others go on with what is still good. Nobody asks
//!   twice, neither in one process nor in several that share a [store](super::store);
//! - *once more after 401*, with new tokens: the metadata of the resource is read again, for its issuer may
//!   have changed;
//! - *with more scopes after 403* with `insufficient_scope`, a bounded number of times, and never for what
//!   the person has just refused;
//! - *never twice what cannot be sent twice*: a request whose body was a stream is an error then.
//!
//! A request without a token is sent as it is, and what the endpoint answers says where to get one.
//!
//! # Refresh tokens and crashes
//!
//! A refresh token is taken out of the store before it is sent, and the new one is stored before anything
//! else is done. Whatever crashes in between, the next run has the new one or none, and never one that was
//! used: an issuer that sees a used one ends all that came from it (OAuth 2.1 section 4.3.1). A refresh goes
//! on to its end, also if the request that began it is given up.

mod access;
mod bounds;
mod error;
mod grant;
mod held;
mod interaction;
mod kept;
mod obtain;
mod refresh;
mod renewal;
mod request;
mod service;
mod sign;

pub use access::{Access, AccessBuilder};
pub use error::{AccessError, LayerError};
pub use grant::{AuthorizationCode, ClientCredentials, Grant, Obtained};
pub use interaction::{Interaction, InteractionError, LoopbackLogin, Visit, Visited};
pub use request::{IncomingResponse, OneShot, OutgoingRequest, ReplayBody, Target};
pub use service::{AccessLayer, AccessService};

#[cfg(feature = "rmcp-3")]
pub(super) use held::Ticket;

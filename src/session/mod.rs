//! What belongs to one caller although a client carries it: session ids, task ids and state.
//!
//! Whoever knows a session id of an MCP server usually has the session. Here such a value is sealed: it
//! carries a message authentication code (HMAC-SHA-256) over the issuer, subject, client and resource
//! that it was given out for, so it is worth nothing in other hands, and nothing has to be stored.
//!
//! | value | sealed by | opened by |
//! | --- | --- | --- |
//! | `Mcp-Session-Id` (revisions up to 2025-11-25) | [`AuthorizationLayer`](crate::AuthorizationLayer) | the same |
//! | ids of events in streams of sessions, `Last-Event-ID` | the same | the same |
//! | task ids | your service, with [`Seal<TaskId>`](Seal) | the layer, and your service |
//! | `requestState`, handles of state | your service, with a [`Seal`] of your own [`Purpose`] | your service |
//!
//! A refreshed token of the same subject and client opens what the old one did; another client of the
//! same user does not. What is foreign, unknown or over is one answer, so nobody learns which ids exist.
//!
//! Which [`SealKeys`] seal is a choice that has no default: keys of your own for several machines and for
//! sessions that outlive a restart, [`SealKeys::this_process_only`] for neither. `examples/sessions.rs`
//! shows a session, a stream and a `requestState` in the wrong hands.
//!
//! # Does not prove
//! That a value is fresh or used once: until it expires it can be shown again, by its owner. A session id
//! has no time of its own: it is over when the service says so. Nothing is encrypted.
//!
//! Layer L3.

#[cfg(feature = "axum")]
mod ids;
mod keys;
mod seal;

pub use keys::{SealKey, SealKeyError, SealKeys};
pub use seal::{OpenError, Purpose, Seal, SealError, Sealed, TaskId, TaskOrigin};

#[cfg(feature = "axum")]
pub(crate) use ids::{EventIds, SessionIds};

//! What an issuer is asked over HTTP: bounded in size, time, redirects, schemes and addresses.
//!
//! What the configuration names is asked wherever it is; a host that only a document names is asked
//! at public addresses alone.
//!
//! Layer L1. Implements RFC 8414 section 3 (metadata).

#[cfg(feature = "fetch")]
mod address;
#[cfg(feature = "fetch")]
mod clients;
#[cfg(feature = "fetch")]
mod error;
#[cfg(feature = "fetch")]
mod issuer_client;
mod options;
#[cfg(test)]
#[cfg(feature = "fetch")]
pub(crate) mod tests;
#[cfg(feature = "client")]
mod web_client;

pub(crate) use options::FetchOptions;

#[cfg(feature = "fetch")]
pub(crate) use clients::ClientError;
#[cfg(feature = "fetch")]
pub(crate) use error::FetchError;
#[cfg(feature = "fetch")]
pub(crate) use issuer_client::{Document, IssuerClient, Place};
#[cfg(feature = "client")]
pub(crate) use web_client::WebClient;

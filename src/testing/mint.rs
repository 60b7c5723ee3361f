//! What a token is made with.

use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::keyring::{KeyChoice, NamedKey};
use super::keys::SigningKey;
use crate::id::{self, Resource};
use crate::jwk::Algorithm;

/// Who puts its name under tokens: it knows the time, the resource, and its own keys.
pub(super) trait Mint: Send + Sync {
    /// The identifier of the issuer.
    fn issuer(&self) -> &id::Issuer;

    /// The resource that tokens are for unless something else is said.
    fn resource(&self) -> &Resource;

    /// The time.
    fn now(&self) -> DateTime<Utc>;

    /// A number that was not given out before.
    fn next_serial(&self) -> u64;

    /// The key that `choice` means.
    fn choose(&self, choice: &KeyChoice) -> NamedKey;

    /// A key of `algorithm` that is never published.
    fn stranger(&self, algorithm: Algorithm) -> Arc<SigningKey>;
}

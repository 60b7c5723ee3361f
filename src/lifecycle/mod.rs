//! Whether a verified token is still in force: revocation, and the end of its time.
//!
//! Layer L3. Implements what RFC 7009 section 3 leaves to the resource server.

mod expiry;
mod revocation;
#[cfg(feature = "axum")]
mod watch;

pub use expiry::{Expired, UntilExpiry};
pub use revocation::{RevocationError, Revocations};

pub(crate) use revocation::MOST_ENTRIES;
#[cfg(feature = "axum")]
pub(crate) use watch::Ending;

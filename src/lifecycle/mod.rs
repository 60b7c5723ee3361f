//! Whether a verified token is still in force: revocation, and the end of its time.
//!
//! Layer L3. Implements what RFC 7009 section 3 leaves to the resource server.

mod cache;
mod entries;
mod expiry;
mod revocation;
mod store;
mod watch;

pub use cache::CacheStats;
pub use expiry::{Expired, UntilExpiry};
pub use revocation::{Revocation, RevocationError, RevocationTarget, Revocations};
pub use store::{Published, RevocationSink, RevocationStore, StoreUnavailable};

pub(crate) use cache::{MOST_TOKENS, Moment, Recall, TokenCache, TokenKey};
pub(crate) use entries::{MOST_ENTRIES, Sharing};
pub(crate) use revocation::NotLive;

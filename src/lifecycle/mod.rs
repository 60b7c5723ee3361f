//! Whether a token is still in force: revocation, the end of its time, and asking its issuer.
//!
//! Layer L3. Implements what RFC 7009 section 3 leaves to the resource server, and RFC 7662.

mod cache;
mod entries;
mod expiry;
#[cfg(feature = "fetch")]
mod introspection;
mod revocation;
mod store;
mod watch;

pub use cache::CacheStats;
pub use expiry::{Expired, UntilExpiry};
#[cfg(feature = "fetch")]
pub use introspection::Introspection;
pub use revocation::{Revocation, RevocationError, RevocationTarget, Revocations};
pub use store::{Published, RevocationSink, RevocationStore, StoreUnavailable};

pub(crate) use cache::{LONGEST, MOST_TOKENS, Moment, Recall, TokenCache, TokenKey};
pub(crate) use entries::{MOST_ENTRIES, Sharing};
#[cfg(feature = "fetch")]
pub(crate) use introspection::{Asker, Unanswered};
pub(crate) use revocation::NotLive;

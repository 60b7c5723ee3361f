//! What many machines share through Redis: what was revoked, and how much was asked.
//!
//! Layer L5.

mod address;
mod connection;
mod entry;
mod follower;
mod heart;
mod keys;
mod limits;
mod options;
mod revocations;
mod script;
mod shared;
mod view;

pub use address::{RedisAddress, RedisAddressError};
pub use keys::{SharedKey, SharedKeyError};
pub use limits::RedisLimits;
pub use options::{RedisOptions, RedisStoreError};
pub use revocations::RedisRevocations;

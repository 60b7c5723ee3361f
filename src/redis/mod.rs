//! What many machines share through Redis: what was revoked.
//!
//! Layer L5.

mod address;
mod connection;
mod entry;
mod follower;
mod heart;
mod keys;
mod options;
mod revocations;
mod script;
mod shared;
mod view;

pub use address::{RedisAddress, RedisAddressError};
pub use keys::{SharedKey, SharedKeyError};
pub use options::{RedisOptions, RedisStoreError};
pub use revocations::RedisRevocations;

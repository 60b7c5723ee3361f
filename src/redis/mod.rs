//! What many machines share through Redis: what was revoked, and how much was asked.
//!
//! A guard keeps what was revoked in memory. Where several machines serve one resource, each has to learn
//! what the others were told: [`RedisRevocations`] is a
//! [`RevocationStore`](crate::lifecycle::RevocationStore) over a Redis server or, with feature
//! `redis-cluster`, a Redis Cluster. It has been tested with Redis 7.0.
//!
//! ```no_run
//! use std::sync::Arc;
//!
//! use clearance::redis::{RedisOptions, RedisRevocations};
//! use clearance::{Guard, mcp::McpScopes};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let key = std::env::var("REVOCATIONS_KEY")?.parse()?;
//! let options = RedisOptions::new("redis://redis.internal/".parse()?, "files", key);
//! let store = Arc::new(RedisRevocations::connect(options).await?);
//! let guard = Guard::<McpScopes>::builder("https://files.example.com/mcp".parse()?)
//!     .issuer("https://auth.example.com".parse()?)
//!     .revocation_store(store)
//!     .build()?;
//! # let _ = guard;
//! # Ok(())
//! # }
//! ```
//!
#![doc = include_str!("operations.md")]
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

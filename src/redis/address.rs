//! Where the Redis server is.

use std::fmt;

use ::redis::{Client, ConnectionInfo, IntoConnectionInfo};

/// Where a Redis server is, and who asks it. It is never shown: it may hold a password.
///
/// # Examples
/// ```
/// use clearance::redis::RedisAddress;
///
/// let address: RedisAddress = "redis://:a-password@127.0.0.1:6379/0".parse()?;
/// assert_eq!(format!("{address:?}"), "RedisAddress(..)");
/// assert!("not an address".parse::<RedisAddress>().is_err());
/// # Ok::<(), clearance::redis::RedisAddressError>(())
/// ```
#[derive(Clone)]
pub struct RedisAddress(pub(super) Place);

#[derive(Clone)]
pub(super) enum Place {
    Server(Client),
    #[cfg(feature = "redis-cluster")]
    Cluster(Vec<ConnectionInfo>),
}

/// The text is no address of a Redis server, or one that this build cannot reach.
///
/// `rediss://` needs the feature `tokio-rustls-comp` of the crate `redis`, which an application turns
/// on by naming that crate itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not the address of a Redis server")]
#[non_exhaustive]
pub struct RedisAddressError;

impl RedisAddress {
    /// The server that `info` tells of: for sockets, certificates of one's own, and names and passwords
    /// that are no text of a URL.
    ///
    /// # Errors
    /// [`RedisAddressError`]
    pub fn of_server(info: ConnectionInfo) -> Result<Self, RedisAddressError> {
        let client = Client::open(info).ok().ok_or(RedisAddressError)?;
        Ok(Self(Place::Server(client)))
    }

    /// A Redis Cluster, of which these nodes are known: URLs, each with the same name and password.
    ///
    /// # Errors
    /// [`RedisAddressError`], also if there is no node.
    #[cfg(feature = "redis-cluster")]
    pub fn of_cluster(nodes: &[&str]) -> Result<Self, RedisAddressError> {
        let nodes: Result<Vec<_>, _> = nodes.iter().map(|url| read(url)).collect();
        let nodes = nodes.ok().filter(|nodes| !nodes.is_empty());
        nodes
            .map(|nodes| Self(Place::Cluster(nodes)))
            .ok_or(RedisAddressError)
    }
}

/// What the other crate says about a wrong address may repeat it, so it is left out.
fn read(url: &str) -> Result<ConnectionInfo, RedisAddressError> {
    url.into_connection_info().ok().ok_or(RedisAddressError)
}

impl std::str::FromStr for RedisAddress {
    type Err = RedisAddressError;

    /// Reads `redis://`, `rediss://` or `unix://`, as the crate `redis` writes them.
    fn from_str(url: &str) -> Result<Self, RedisAddressError> {
        Self::of_server(read(url)?)
    }
}

impl fmt::Debug for RedisAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RedisAddress(..)")
    }
}

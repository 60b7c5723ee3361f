//! A connection that heals itself.

use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use ::redis::aio::{ConnectionLike, MultiplexedConnection};
#[cfg(feature = "redis-cluster")]
use ::redis::cluster::ClusterClientBuilder;
#[cfg(feature = "redis-cluster")]
use ::redis::cluster_async::ClusterConnection;
use ::redis::{
    AsyncConnectionConfig, Cmd, ErrorKind, FromRedisValue, Pipeline, RedisError, RedisFuture,
    RedisResult, ScriptInvocation, Value,
};

use super::address::{Place, RedisAddress};

/// One connection to a server or a cluster. Commands of all who share it go over it side by side, so
/// what blocks has one of its own.
///
/// It is made when it is first needed, and again after it failed: when it was closed, when an answer did
/// not come in time (nobody knows then whether the other end is still there), and when the server says
/// that it takes no writes any more (another one does).
pub(super) struct Connection {
    address: RedisAddress,
    connecting: Duration,
    answering: Duration,
    slot: Mutex<Slot>,
    /// Held by the one who connects.
    turn: tokio::sync::Mutex<()>,
}

#[derive(Default)]
struct Slot {
    number: u64,
    live: Option<Live>,
}

#[derive(Clone)]
enum Live {
    Server(MultiplexedConnection),
    #[cfg(feature = "redis-cluster")]
    Cluster(ClusterConnection),
}

/// Why there is no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// There is no connection, or it was lost.
    Unreachable,
    /// It took too long.
    TimedOut,
    /// The server is a replica, or has too few replicas of its own.
    NotPrimary,
    /// There is no room.
    Full,
    /// Who asks may not.
    Forbidden,
    /// What is stored is not of the form that it should be.
    Damaged,
    /// Anything else that the server says.
    Refused,
}

impl Fault {
    /// A stable code.
    pub(super) const fn code(self) -> &'static str {
        match self {
            Self::Unreachable => "connection_failed",
            Self::TimedOut => "timed_out",
            Self::NotPrimary => "not_primary",
            Self::Full => "store_full",
            Self::Forbidden => "forbidden",
            Self::Damaged => "store_damaged",
            Self::Refused => "store_refused",
        }
    }

    /// Whether the next command needs another connection.
    const fn ends_connection(self) -> bool {
        matches!(self, Self::Unreachable | Self::TimedOut | Self::NotPrimary)
    }
}

impl From<&RedisError> for Fault {
    fn from(error: &RedisError) -> Self {
        if error.is_timeout() {
            return Self::TimedOut;
        }
        // A script's or a pipeline's error is the one of the command that failed first.
        let said = error.clone().into_server_errors();
        let said = said.as_ref().and_then(|all| all.first());
        let code = said.map(|(_, error)| error.code()).unwrap_or_default();
        match (error.kind(), code) {
            (_, "READONLY" | "NOREPLICAS") => Self::NotPrimary,
            (_, "OOM") => Self::Full,
            (ErrorKind::AuthenticationFailed, _) | (_, "NOPERM" | "NOAUTH" | "WRONGPASS") => {
                Self::Forbidden
            }
            (_, "WRONGTYPE") | (ErrorKind::UnexpectedReturnType, _) => Self::Damaged,
            (ErrorKind::Io | ErrorKind::Parse | ErrorKind::ClusterConnectionNotFound, _) => {
                Self::Unreachable
            }
            _ => Self::Refused,
        }
    }
}

impl Connection {
    /// To `address`: it takes `connecting` to be made and `answering` for an answer, at most.
    pub(super) fn new(address: &RedisAddress, connecting: Duration, answering: Duration) -> Self {
        Self {
            address: address.clone(),
            connecting,
            answering,
            slot: Mutex::default(),
            turn: tokio::sync::Mutex::default(),
        }
    }

    /// The answer to one command.
    pub(super) async fn command<T: FromRedisValue>(&self, command: &Cmd) -> Result<T, Fault> {
        let (number, mut live) = self.live().await?;
        self.settled(number, command.query_async(&mut live)).await
    }

    /// The answers to several commands, which go over one connection one after another.
    pub(super) async fn pipeline<T: FromRedisValue>(&self, all: &Pipeline) -> Result<T, Fault> {
        let (number, mut live) = self.live().await?;
        self.settled(number, all.query_async(&mut live)).await
    }

    /// What a script gives back.
    pub(super) async fn script<T>(&self, call: &ScriptInvocation<'_>) -> Result<T, Fault>
    where
        T: FromRedisValue + Send,
    {
        let (number, mut live) = self.live().await?;
        self.settled(number, call.invoke_async(&mut live)).await
    }

    /// Lets go of the connection. What comes next has a new one.
    pub(super) fn abandon(&self) {
        self.slot().live = None;
    }

    async fn settled<T>(
        &self,
        number: u64,
        answer: impl Future<Output = RedisResult<T>>,
    ) -> Result<T, Fault> {
        let answer = tokio::time::timeout(self.answering, answer).await;
        let answer = match answer {
            Ok(answer) => answer.map_err(|error| Fault::from(&error)),
            Err(_) => Err(Fault::TimedOut),
        };
        if answer.as_ref().is_err_and(|fault| fault.ends_connection()) {
            let mut slot = self.slot();
            // Somebody else may have made a new one meanwhile.
            if slot.number == number {
                slot.live = None;
            }
        }
        answer
    }

    async fn live(&self) -> Result<(u64, Live), Fault> {
        if let Some(live) = self.known() {
            return Ok(live);
        }
        let turn = self.turn.lock().await;
        if let Some(live) = self.known() {
            return Ok(live);
        }
        let made = tokio::time::timeout(self.connecting, self.connect()).await;
        let live = match made {
            Ok(made) => made.map_err(|error| Fault::from(&error))?,
            Err(_) => return Err(Fault::TimedOut),
        };
        let mut slot = self.slot();
        slot.number = slot.number.wrapping_add(1);
        slot.live = Some(live.clone());
        let number = slot.number;
        drop(slot);
        drop(turn);
        Ok((number, live))
    }

    fn known(&self) -> Option<(u64, Live)> {
        let slot = self.slot();
        slot.live.clone().map(|live| (slot.number, live))
    }

    fn slot(&self) -> MutexGuard<'_, Slot> {
        self.slot.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn connect(&self) -> RedisResult<Live> {
        match &self.address.0 {
            Place::Server(client) => {
                // Both are waited for here, where it is known what has to follow.
                let config = AsyncConnectionConfig::new()
                    .set_connection_timeout(None)
                    .set_response_timeout(None);
                let made = client.get_multiplexed_async_connection_with_config(&config);
                made.await.map(Live::Server)
            }
            #[cfg(feature = "redis-cluster")]
            Place::Cluster(nodes) => {
                let client = ClusterClientBuilder::new(nodes.iter().cloned())
                    .connection_timeout(self.connecting)
                    .response_timeout(self.answering)
                    .build()?;
                client.get_async_connection().await.map(Live::Cluster)
            }
        }
    }
}

impl ConnectionLike for Live {
    fn req_packed_command<'a>(&'a mut self, cmd: &'a Cmd) -> RedisFuture<'a, Value> {
        match self {
            Self::Server(live) => live.req_packed_command(cmd),
            #[cfg(feature = "redis-cluster")]
            Self::Cluster(live) => live.req_packed_command(cmd),
        }
    }

    fn req_packed_commands<'a>(
        &'a mut self,
        all: &'a Pipeline,
        offset: usize,
        count: usize,
    ) -> RedisFuture<'a, Vec<Value>> {
        match self {
            Self::Server(live) => live.req_packed_commands(all, offset, count),
            #[cfg(feature = "redis-cluster")]
            Self::Cluster(live) => live.req_packed_commands(all, offset, count),
        }
    }

    fn get_db(&self) -> i64 {
        match self {
            Self::Server(live) => live.get_db(),
            #[cfg(feature = "redis-cluster")]
            Self::Cluster(live) => live.get_db(),
        }
    }
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Connection(..)")
    }
}

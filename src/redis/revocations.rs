//! The store itself.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use ::redis::Pipeline;
use aws_lc_rs::rand;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use tokio::task::JoinHandle;

use super::connection::{Connection, Fault};
use super::entry::Entry;
use super::options::{RedisOptions, RedisStoreError};
use super::script::{Answer, Scripts};
use super::shared::{LONGEST, Shared};
use super::{follower, heart};
use crate::lifecycle::{Published, Revocation, RevocationSink, RevocationStore, StoreUnavailable};

/// What was revoked, shared by many machines through Redis.
///
/// Each machine keeps a list of its own, so a request never waits for Redis. See the
/// [module](crate::redis) for how it is operated.
///
/// # Proves
/// While it is [current](RevocationStore::is_current), this machine knows all that the store held the
/// [bound](RedisOptions::bound) ago.
///
/// # Does not prove
/// That the server which answers is the only one that takes writes: see the module.
///
/// # Examples
/// ```no_run
/// use std::sync::Arc;
///
/// use clearance::redis::{RedisOptions, RedisRevocations};
/// use clearance::{Guard, mcp::McpScopes};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let secret = "n4bQgYhMfWWaL+qgxVrQFaO/TxsrC4Is0V1sFbDwCgg=";
/// let options = RedisOptions::new("redis://127.0.0.1/".parse()?, "files", secret.parse()?);
/// let store = RedisRevocations::connect(options).await?;
/// let guard = Guard::<McpScopes>::builder("https://files.example.com/mcp".parse()?)
///     .issuer("https://auth.example.com".parse()?)
///     .revocation_store(Arc::new(store))
///     .build()?;
/// # let _ = guard;
/// # Ok(())
/// # }
/// ```
pub struct RedisRevocations {
    shared: Arc<Shared>,
    tasks: [JoinHandle<()>; 2],
}

impl RedisRevocations {
    /// Makes the store, once: no machine does it by itself, since a store without an epoch may be one that
    /// has lost all its data.
    ///
    /// If data was lost, do it while the machines are running: they put back what they hold, and let
    /// nobody in until they have. Entries that are still there stay.
    ///
    /// # Errors
    /// [`RedisStoreError`]; [`AlreadyCreated`](RedisStoreError::AlreadyCreated) does no harm.
    ///
    /// # Examples
    /// ```no_run
    /// use clearance::redis::{RedisOptions, RedisRevocations};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let secret = "n4bQgYhMfWWaL+qgxVrQFaO/TxsrC4Is0V1sFbDwCgg=";
    /// let options = RedisOptions::new("redis://127.0.0.1/".parse()?, "files", secret.parse()?);
    /// RedisRevocations::create(&options).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn create(options: &RedisOptions) -> Result<(), RedisStoreError> {
        options.check()?;
        let keys = options.keys()?;
        let connection = Connection::new(&options.address, options.connecting, options.answering);
        let epoch = random().ok_or(RedisStoreError::Unavailable("no_random_bytes"))?;
        let check = keys.code("epoch", &[epoch.as_bytes()]);
        let scripts = Scripts::over(&keys);
        let call = scripts.create(&epoch, &check, options.settling, LONGEST);
        let answer: Result<Vec<String>, Fault> = connection.script(&call).await;
        match answer.map(|texts| Answer::of(&texts)) {
            Ok(Answer::Exists) => Err(RedisStoreError::AlreadyCreated),
            Ok(Answer::There(_)) => Ok(()),
            Ok(_) => Err(RedisStoreError::Unavailable(Fault::Damaged.code())),
            Err(fault) => Err(RedisStoreError::Unavailable(fault.code())),
        }
    }

    /// Begins to follow the store. It has to be called on a `tokio` runtime, which goes on with it.
    ///
    /// A store that does not answer, or that nobody has made, is no error: it is not current until it does
    /// and was.
    ///
    /// # Errors
    /// [`RedisStoreError`]: the options are wrong, the store was made with another key, or the server
    /// does not take the name and the password.
    pub async fn connect(options: RedisOptions) -> Result<Self, RedisStoreError> {
        options.check()?;
        let keys = options.keys()?;
        let machine = random().ok_or(RedisStoreError::Unavailable("no_random_bytes"))?;
        let shared = Arc::new(Shared::new(options, keys, machine));
        let look = shared.scripts.look("");
        let answer: Result<Vec<String>, Fault> = shared.asking.command(&look).await;
        match answer.map(|texts| Answer::of(&texts)) {
            Err(Fault::Forbidden) => {
                return Err(RedisStoreError::Unavailable(Fault::Forbidden.code()));
            }
            Ok(Answer::OtherEpoch(epoch, check)) if !heart::adopt(&shared, &epoch, &check) => {
                return Err(RedisStoreError::WrongKey);
            }
            _ => {}
        }
        let tasks = [
            tokio::spawn(heart::beat(Arc::clone(&shared))),
            tokio::spawn(follower::follow(Arc::clone(&shared))),
        ];
        Ok(Self { shared, tasks })
    }
}

/// 128 random bits, as text.
fn random() -> Option<String> {
    let mut bytes = [0; 16];
    rand::fill(&mut bytes).ok()?;
    Some(URL_SAFE_NO_PAD.encode(bytes))
}

impl RevocationStore for RedisRevocations {
    fn publish<'a>(&'a self, revocation: &Revocation) -> Published<'a> {
        let revocation = revocation.clone();
        Box::pin(publish(&self.shared, revocation))
    }

    fn follow(&self, sink: RevocationSink) {
        self.shared.change(|view| view.add(sink));
        self.shared.told.notify_one();
    }

    fn is_current(&self) -> bool {
        self.shared.is_current()
    }
}

/// What was not published, or of which nobody knows, is put back later.
struct Owed<'a>(Option<&'a Shared>);

impl Drop for Owed<'_> {
    fn drop(&mut self) {
        if let Some(shared) = self.0 {
            shared.owes.store(true, Ordering::SeqCst);
            shared.asked.notify_one();
        }
    }
}

async fn publish(shared: &Shared, revocation: Revocation) -> Result<(), StoreUnavailable> {
    let mut owed = Owed(Some(shared));
    let left = shared.matters_for(&revocation);
    let entry = Entry::of(&revocation, &shared.keys);
    let entry = entry.ok_or(StoreUnavailable::new("not_sealed"))?;
    let all = [(entry, left)];
    let mut written = write(shared, &all).await;
    // A server that was started again closes connections that nobody has looked at since. Writing it
    // twice does no harm.
    if written == Err(Fault::Unreachable.code()) {
        written = write(shared, &all).await;
    }
    written.map_err(StoreUnavailable::new)?;
    owed.0 = None;
    Ok(())
}

async fn write(shared: &Shared, all: &[(Entry, Duration)]) -> Result<(), &'static str> {
    let epoch = shared.look(|view| view.epoch.clone());
    let epoch = epoch.ok_or_else(|| shared.look(|view| view.cause))?;
    let mut step = Pipeline::new();
    step.add_command(shared.scripts.write(&epoch, all));
    let (wanted, longest) = shared.options.replicas.unwrap_or_default();
    if wanted > 0 {
        // On the same connection: it is about what was written there.
        let longest = u64::try_from(longest.as_millis()).unwrap_or(u64::MAX);
        step.cmd("WAIT").arg(wanted).arg(longest.max(1));
    }
    let (answer, has): (Vec<String>, usize) = if wanted > 0 {
        shared.writing.pipeline(&step).await.map_err(Fault::code)?
    } else {
        let answer: (Vec<String>,) = shared.writing.pipeline(&step).await.map_err(Fault::code)?;
        (answer.0, 0)
    };
    match Answer::of(&answer) {
        Answer::There(_) if has >= wanted => Ok(()),
        Answer::There(_) => Err("too_few_replicas"),
        Answer::NoEpoch => Err("not_created"),
        Answer::OtherEpoch(..) => Err("other_epoch"),
        Answer::Exists | Answer::Damaged => Err(Fault::Damaged.code()),
    }
}

impl Drop for RedisRevocations {
    fn drop(&mut self) {
        for task in &self.tasks {
            task.abort();
        }
    }
}

impl fmt::Debug for RedisRevocations {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisRevocations")
            .field("guard", &self.shared.keys.guard())
            .field("is_current", &self.shared.is_current())
            .finish_non_exhaustive()
    }
}

//! Where a client keeps what it must not lose: registrations and tokens.
//!
//! A store holds records that it cannot read, each under the issuer that it belongs to: what was got from
//! one authorization server is not found for another. It also gives turns: whoever refreshes tokens has the
//! lock of their key meanwhile, so that two tasks, or two processes, share one refresh.
//!
//! [`MemoryStore`] forgets when the process ends. [`FileStore`] does not, and its files are for their owner
//! alone. A keystore of the operating system is better than both; [`CredentialStore`] is four functions.

mod error;
mod file;
mod key;
mod memory;
mod record;
mod turns;

pub use error::StoreError;
pub use file::FileStore;
pub use key::{RecordKind, StoreKey};
pub use memory::MemoryStore;
pub use record::SecretRecord;

use std::any::Any;
use std::fmt;
use std::pin::Pin;

/// What a store answers later.
pub type Stored<'a, T> = Pin<Box<dyn Future<Output = Result<T, StoreError>> + Send + 'a>>;

/// Keeps records from one run of a program to the next.
///
/// A future that is dropped may have done its work or not, and nothing in between: a record is the old one or
/// the new one.
///
/// # Security
/// Records hold tokens and secrets in plain text. A store shows them to nobody, and forgets its copies when
/// it is done with them.
pub trait CredentialStore: fmt::Debug + Send + Sync {
    /// The record under `key`, if there is one.
    fn load<'a>(&'a self, key: &'a StoreKey) -> Stored<'a, Option<SecretRecord>>;

    /// Puts `record` under `key`, in place of the one that is there. When this is done, the record outlasts
    /// the process, if this store outlasts any.
    fn save<'a>(&'a self, key: &'a StoreKey, record: &'a SecretRecord) -> Stored<'a, ()>;

    /// Forgets the record under `key`. It is no error if there is none.
    fn remove<'a>(&'a self, key: &'a StoreKey) -> Stored<'a, ()>;

    /// Waits for a turn: nobody else who uses this store has one for `key` until the guard is dropped. The
    /// other functions do not ask for turns, so whoever has one may call them.
    fn lock<'a>(&'a self, key: &'a StoreKey) -> Stored<'a, StoreGuard>;
}

/// A turn, which ends when this is dropped.
#[must_use = "the turn ends when this is dropped"]
pub struct StoreGuard {
    _held: Box<dyn Any + Send>,
}

impl StoreGuard {
    /// A turn that lasts as long as `held`.
    pub fn new(held: impl Any + Send) -> Self {
        Self {
            _held: Box::new(held),
        }
    }
}

impl fmt::Debug for StoreGuard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("StoreGuard(..)")
    }
}

//! The HTTP clients of all issuers that are asked in one manner.
//!
//! A client holds the roots of trust of this machine and a pool of connections: a hundred kilobytes. A
//! process that guards thousands of resources needs one, and not thousands. Connections belong to the
//! runtime that drives them, so each runtime has its own.

use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use reqwest::Client;
use tokio::runtime::{Handle, Id};

use super::clients::Asker;

/// What a client is like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Manner {
    pub(super) asker: Asker,
    pub(super) time_limit: Duration,
    /// Whether it looks at addresses, and lets in loopback ones then.
    pub(super) checked: Option<bool>,
}

/// Those that are in use.
static CLIENTS: Mutex<Vec<(Id, Manner, Weak<Client>)>> = Mutex::new(Vec::new());

/// The client of this manner on this runtime; a new one where there is none yet.
pub(super) fn client<E>(
    manner: Manner,
    make: impl FnOnce() -> Result<Client, E>,
) -> Result<Arc<Client>, E> {
    let Ok(runtime) = Handle::try_current() else {
        return make().map(Arc::new);
    };
    let runtime = runtime.id();
    if let Some(known) = found(runtime, manner, None) {
        return Ok(known);
    }
    // Not under the lock: it reads the certificates of this machine.
    let newcomer = Arc::new(make()?);
    Ok(found(runtime, manner, Some(&newcomer)).unwrap_or(newcomer))
}

/// The client that is known, after `newcomer` became known if there was none.
fn found(runtime: Id, manner: Manner, newcomer: Option<&Arc<Client>>) -> Option<Arc<Client>> {
    let mut clients = CLIENTS.lock().unwrap_or_else(PoisonError::into_inner);
    clients.retain(|(.., client)| client.strong_count() > 0);
    let is_it = |(of, like, _): &&(Id, Manner, _)| (*of, *like) == (runtime, manner);
    let known = clients.iter().find(is_it);
    let known = known.and_then(|(.., client)| client.upgrade());
    if let (None, Some(newcomer)) = (&known, newcomer) {
        clients.push((runtime, manner, Arc::downgrade(newcomer)));
    }
    known
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMIT: Duration = Duration::from_secs(7_919);

    fn get(checked: Option<bool>) -> Arc<Client> {
        let manner = Manner {
            asker: Asker::ResourceServer,
            time_limit: LIMIT,
            checked,
        };
        client(manner, || Client::builder().build()).unwrap()
    }

    fn runtime() -> tokio::runtime::Runtime {
        tokio::runtime::Builder::new_current_thread()
            .build()
            .unwrap()
    }

    #[test]
    fn those_of_one_manner_are_one_while_somebody_has_it() {
        let (one, other) = (runtime(), runtime());
        let first = one.block_on(async { get(None) });
        let again = one.block_on(async { get(None) });
        assert!(Arc::ptr_eq(&first, &again));
        let checked = one.block_on(async { get(Some(false)) });
        assert!(!Arc::ptr_eq(&first, &checked));
        let loopback = one.block_on(async { get(Some(true)) });
        assert!(!Arc::ptr_eq(&loopback, &checked));
        let elsewhere = other.block_on(async { get(None) });
        assert!(!Arc::ptr_eq(&first, &elsewhere));
        let count = || {
            let clients = CLIENTS.lock().unwrap();
            let is_ours = |(_, manner, _): &&(Id, Manner, _)| manner.time_limit == LIMIT;
            clients.iter().filter(is_ours).count()
        };
        assert_eq!(count(), 4);
        drop((first, again, elsewhere, loopback));
        let checked_again = one.block_on(async { get(Some(false)) });
        assert!(Arc::ptr_eq(&checked, &checked_again));
        assert_eq!(count(), 1);
    }
}

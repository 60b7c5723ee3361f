//! Machines that guard one resource, and share what was revoked.

use std::sync::Arc;
use std::time::{Duration, Instant};

use clearance::id::{Subject, TokenId};
use clearance::lifecycle::{Revocation, RevocationStore as _};
use clearance::redis::{RedisAddress, RedisOptions, RedisRevocations, SharedKey};
use clearance::testing::{Issuer, ManualClock};
use clearance::{Guard, GuardBuilder, Ready};

use super::program::Program;
use crate::support::http::ask;
use crate::support::{self, Fixture};

/// How long a test waits for what has to happen in the end.
const PATIENCE: Duration = Duration::from_secs(30);

/// Waits until it is so. The pause between two looks decides nothing.
pub(crate) async fn eventually(what: &str, mut is_so: impl AsyncFnMut() -> bool) {
    let start = Instant::now();
    while !is_so().await {
        assert!(
            start.elapsed() < PATIENCE,
            "not within {PATIENCE:?}: {what}"
        );
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// The key of all machines.
pub(crate) fn key() -> SharedKey {
    SharedKey::from_bytes(&[7; 32])
}

/// The bound of [`options`].
pub(crate) const BOUND: Duration = Duration::from_secs(1);

/// The settling time of [`options`].
pub(crate) const SETTLING: Duration = Duration::from_millis(600);

/// Options with short times, for the server at `url`.
pub(crate) fn options(url: &str) -> RedisOptions {
    options_of("files", url.parse().expect("an address"), key())
}

/// The same for another guard, with any address and key.
pub(crate) fn options_of(guard: &str, address: RedisAddress, key: SharedKey) -> RedisOptions {
    RedisOptions::new(address, guard, key)
        .heartbeat(Duration::from_millis(200))
        .response_timeout(Duration::from_millis(300))
        .bound(BOUND)
        .settling_time(SETTLING)
}

/// The issuer that all machines trust.
pub(crate) struct World {
    pub(crate) issuer: Issuer,
    pub(crate) clock: ManualClock,
}

impl World {
    pub(crate) async fn new() -> Self {
        let clock = support::clock();
        let issuer = support::issuer(&clock).await;
        Self { issuer, clock }
    }

    /// A server whose store was made, and so many machines which know it.
    pub(crate) async fn with(machines: usize) -> (Self, Program, Vec<Machine>) {
        let (this, server) = (Self::new().await, Program::start().await);
        create(&options(&server.url())).await;
        let mut all = Vec::new();
        for _ in 0..machines {
            all.push(this.machine(options(&server.url())).await);
        }
        for machine in &all {
            machine.is_current().await;
        }
        (this, server, all)
    }

    pub(crate) async fn machine(&self, options: RedisOptions) -> Machine {
        self.machine_with(options, |builder| builder).await
    }

    /// The same, with a guard that is changed first.
    pub(crate) async fn machine_with(
        &self,
        options: RedisOptions,
        change: impl FnOnce(GuardBuilder<Fixture, Ready>) -> GuardBuilder<Fixture, Ready>,
    ) -> Machine {
        let store = RedisRevocations::connect(options).await.expect("a store");
        self.guard_over(&Arc::new(store), change).await
    }

    /// A guard over a store that may have others.
    pub(crate) async fn guard_over(
        &self,
        store: &Arc<RedisRevocations>,
        change: impl FnOnce(GuardBuilder<Fixture, Ready>) -> GuardBuilder<Fixture, Ready>,
    ) -> Machine {
        let store = Arc::clone(store);
        let builder = change(support::strict(&self.issuer, &self.clock).unlimited());
        let shared: Arc<RedisRevocations> = Arc::clone(&store);
        let guard = builder.revocation_store(shared).build().expect("a guard");
        guard.ready().await.expect("keys");
        Machine { store, guard }
    }

    /// A token of this subject with this name.
    pub(crate) fn token(&self, subject: &str, id: &str) -> String {
        let token = self.issuer.token().subject(subject).client("cli");
        token.token_id(id).claim("sid", "s1").mint()
    }

    pub(crate) fn of_subject(&self, subject: &str) -> Revocation {
        Revocation::of_subject(self.issuer.id().clone(), Subject::new(subject))
    }

    pub(crate) fn of_token(&self, id: &str) -> Revocation {
        Revocation::of_token(self.issuer.id().clone(), TokenId::new(id))
    }
}

pub(crate) async fn create(options: &RedisOptions) {
    RedisRevocations::create(options)
        .await
        .expect("no epoch yet");
}

/// One machine.
pub(crate) struct Machine {
    pub(crate) store: Arc<RedisRevocations>,
    pub(crate) guard: Guard<Fixture>,
}

impl Machine {
    /// `ok`, `revoked` or `unavailable`.
    pub(crate) async fn says(&self, token: &str) -> &'static str {
        match ask::<()>(&self.guard, token).await {
            Ok(_) => "ok",
            Err(refusal) => {
                let reason = refusal.reason().code().as_str();
                let status = refusal.status().as_u16();
                assert!(matches!(
                    (status, reason),
                    (401, "revoked") | (503, "unavailable")
                ));
                if status == 401 {
                    "revoked"
                } else {
                    "unavailable"
                }
            }
        }
    }

    pub(crate) async fn revoke(&self, what: Revocation) {
        let done = self.guard.revocations().revoke(what).await;
        assert_eq!(done, Ok(()));
    }

    /// Waits until it knows what others have revoked.
    pub(crate) async fn is_current(&self) {
        eventually("it is current", async || self.store.is_current()).await;
    }

    /// Waits until it does not.
    pub(crate) async fn is_stale(&self) {
        eventually("it is stale", async || !self.store.is_current()).await;
    }

    /// Waits until it says so.
    pub(crate) async fn comes_to_say(&self, token: &str, what: &str) {
        eventually(what, async || self.says(token).await == what).await;
    }

    /// Whoever asks later than `bound` after `since` gets another answer than `ok`; waits until it is
    /// `expected`.
    pub(crate) async fn says_within(
        &self,
        bound: Duration,
        since: Instant,
        token: &str,
        expected: &str,
    ) {
        eventually(expected, async || {
            let asked = since.elapsed();
            let said = self.says(token).await;
            assert!(said != "ok" || asked < bound, "let in {asked:?} later");
            said == expected
        })
        .await;
    }

    /// It knows that the token was revoked, and lets nobody in by it when the bound has passed.
    pub(crate) async fn refuses_within(&self, bound: Duration, since: Instant, token: &str) {
        self.says_within(bound, since, token, "revoked").await;
    }

    /// It says that it does not know, when the bound has passed.
    pub(crate) async fn knows_nothing_within(&self, bound: Duration, since: Instant, token: &str) {
        self.says_within(bound, since, token, "unavailable").await;
    }

    /// It never let the token in until it says that it was revoked.
    pub(crate) async fn never_lets_in(&self, token: &str) {
        eventually("it knows of the revocation", async || {
            let said = self.says(token).await;
            assert_ne!(said, "ok", "let in");
            said == "revoked"
        })
        .await;
    }
}

//! Machines that guard one resource, each on threads of its own, so that it can be stopped as a whole.

use std::net::{SocketAddr, TcpListener};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use axum::Router;
use axum::routing::post;
use chrono::TimeDelta;
use clearance::jwk::Algorithm;
use clearance::lifecycle::Revocation;
use clearance::limit::Quota;
use clearance::mcp::{Policy, any_valid_token};
use clearance::redis::{RedisLimits, RedisOptions, RedisRevocations};
use clearance::session::SealKeys;
use clearance::testing::Issuer;
use clearance::{AuthorizationLayer, Guard, TrustedIssuer};
use tokio::runtime::{Builder, Runtime};

use crate::redis_server::program::Program;
use crate::redis_server::world::{create, options};
use crate::support::proxy::Proxy;
use crate::support::{Fixture, resource};

pub(crate) const MACHINES: usize = 3;

/// What each principal may ask, of all together while the server can be asked, else of each.
pub(crate) const RATE: u32 = 40;
pub(crate) const BURST: u32 = 20;

/// What a machine is made of.
struct Parts {
    runtime: Runtime,
    guard: Guard<Fixture>,
}

/// One machine, behind a line of its own to the server.
struct Machine {
    address: SocketAddr,
    line: Proxy,
    parts: Mutex<Option<Parts>>,
    /// How often it was started.
    boot: Mutex<u32>,
    /// Since when it cannot ask the server.
    cut_off: Mutex<Option<Instant>>,
}

impl Drop for Machine {
    fn drop(&mut self) {
        self.stop();
    }
}

pub(crate) struct Fleet {
    pub(crate) issuer: Issuer,
    pub(crate) server: tokio::sync::Mutex<Program>,
    machines: Vec<Machine>,
}

/// A server that has what it has answered on its disk.
pub(crate) async fn server() -> Program {
    Program::start_with(&["--appendonly", "yes", "--appendfsync", "always"]).await
}

pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Machine {
    async fn new(server: &Program, issuer: &Issuer) -> Self {
        let free = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = free.local_addr().expect("an address");
        drop(free);
        let this = Self {
            address,
            line: Proxy::to(server.port).await,
            parts: Mutex::default(),
            boot: Mutex::default(),
            cut_off: Mutex::default(),
        };
        this.start(issuer).await;
        this
    }

    fn options(&self) -> RedisOptions {
        options(&format!("redis://{}/", self.line.address()))
    }

    async fn start(&self, issuer: &Issuer) {
        let runtime = Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .expect("a runtime");
        let (issuer, options, address) = (issuer.id().clone(), self.options(), self.address);
        let guard = runtime.spawn(async move {
            let limits = RedisLimits::new(&options).expect("limits");
            let store = RedisRevocations::connect(options).await.expect("a store");
            let guard = Guard::<Fixture>::builder(resource())
                .trusted_issuer(TrustedIssuer::new(issuer))
                .leeway(TimeDelta::zero())
                .max_cached_tokens(2_000)
                .revocation_store(Arc::new(store))
                .limit(Quota::per_second(RATE).burst(BURST))
                .share_limits(limits)
                .build()
                .expect("a guard");
            guard.ready().await.expect("keys");
            let app = guarded(&guard);
            let listener = loop {
                // Whoever was there before may still be about to go.
                if let Ok(listener) = tokio::net::TcpListener::bind(address).await {
                    break listener;
                }
                tokio::time::sleep(Duration::from_millis(5)).await;
            };
            tokio::spawn(async move { axum::serve(listener, app).await });
            guard
        });
        let guard = guard.await.expect("it starts");
        *lock(&self.boot) += 1;
        *lock(&self.parts) = Some(Parts { runtime, guard });
    }

    /// All that it does ends at once.
    fn stop(&self) {
        if let Some(parts) = lock(&self.parts).take() {
            drop(parts.guard);
            parts.runtime.shutdown_background();
        }
    }
}

/// A service that knows nothing of authorization, behind the layer.
fn guarded(guard: &Guard<Fixture>) -> Router {
    const DONE: &str = r#"{"jsonrpc":"2.0","id":1,"result":{"content":[]}}"#;
    let policy = Policy::closed().tool("whoami", any_valid_token());
    let layer = AuthorizationLayer::builder(guard, policy).seal_keys(SealKeys::this_process_only());
    let serve = || async { ([("content-type", "application/json")], DONE) };
    let service = Router::new().route("/mcp", post(serve));
    service.layer(layer.build().expect("a layer"))
}

impl Fleet {
    pub(crate) async fn new() -> Self {
        let server = server().await;
        let issuer = Issuer::builder(resource()).algorithms([Algorithm::EdDSA]);
        let issuer = issuer.start().await.expect("an issuer");
        create(&options(&server.url())).await;
        let mut machines = Vec::new();
        for _ in 0..MACHINES {
            machines.push(Machine::new(&server, &issuer).await);
        }
        Self {
            issuer,
            server: tokio::sync::Mutex::new(server),
            machines,
        }
    }

    pub(crate) fn address(&self, machine: usize) -> SocketAddr {
        self.machines[machine].address
    }

    /// How often the machine was started.
    pub(crate) fn boot(&self, machine: usize) -> u32 {
        *lock(&self.machines[machine].boot)
    }

    /// Since when it cannot ask the server, if it cannot.
    pub(crate) fn cut_off(&self, machine: usize) -> Option<Instant> {
        *lock(&self.machines[machine].cut_off)
    }

    /// These machines cannot ask the server from now on; or they can again.
    pub(crate) fn cuts_off(&self, machines: &[usize], is_cut_off: bool) {
        let now = Instant::now();
        for machine in machines {
            *lock(&self.machines[*machine].cut_off) = is_cut_off.then_some(now);
        }
    }

    pub(crate) fn line(&self, machine: usize) -> &Proxy {
        &self.machines[machine].line
    }

    /// Ends the connections of all machines to the server. Others lead to this port.
    pub(crate) fn turn_to(&self, port: u16) {
        for machine in &self.machines {
            machine.line.turn_to(port);
        }
    }

    fn guard(&self, machine: usize) -> Option<Guard<Fixture>> {
        let parts = lock(&self.machines[machine].parts);
        parts.as_ref().map(|parts| parts.guard.clone())
    }

    /// Whether it knows what others have revoked, and whether it counts together with them.
    pub(crate) fn is_current(&self, machine: usize) -> [bool; 2] {
        let health = self.guard(machine).map(|guard| guard.health());
        health.map_or([false; 2], |health| {
            [health.revocations.is_current, health.limits.is_current]
        })
    }

    pub(crate) fn stop(&self, machine: usize) {
        self.machines[machine].stop();
    }

    pub(crate) async fn start(&self, machine: usize) {
        self.machines[machine].start(&self.issuer).await;
    }

    /// Whether all others will know; nothing if the machine is gone, before or meanwhile.
    pub(crate) async fn revoke(&self, machine: usize, what: Revocation) -> Option<bool> {
        let work = {
            let parts = lock(&self.machines[machine].parts);
            let parts = parts.as_ref()?;
            let guard = parts.guard.clone();
            // On its own threads: what it connects with lives as long as it does.
            let revoking = async move { guard.revocations().revoke(what).await.is_ok() };
            parts.runtime.spawn(revoking)
        };
        work.await.ok()
    }

    /// How many entries it holds.
    pub(crate) fn entries(&self, machine: usize) -> usize {
        self.guard(machine)
            .map_or(0, |guard| guard.revocations().len())
    }

    pub(crate) fn end(&self) {
        self.machines.iter().for_each(Machine::stop);
    }
}

/// How long a line takes in each direction while it is slow.
pub(crate) const SLOW: Duration = Duration::from_millis(60);

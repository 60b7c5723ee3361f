//! Many who ask at once.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use reqwest::Client;
use tokio::task::JoinSet;
use tokio::time::sleep;

use super::callers::Callers;
use super::faults::Faults;
use super::figures::Figures;
use super::fleet::{Fleet, MACHINES, lock};
use super::model::{Answer, Caller, Fate, Moment};
use super::process::Usage;
use crate::redis_server::world::{BOUND, eventually};

/// A request that takes longer than that may have seen a moment that nobody else saw.
const QUICK: Duration = Duration::from_millis(100);

pub(crate) struct Load {
    pub(crate) fleet: Arc<Fleet>,
    pub(crate) callers: Callers,
    client: Mutex<Client>,
    calm: AtomicBool,
    figures: Mutex<Figures>,
}

fn client() -> Mutex<Client> {
    let client = Client::builder()
        .no_proxy()
        .timeout(Duration::from_secs(10));
    Mutex::new(client.build().expect("a client"))
}

impl Load {
    pub(crate) fn new(fleet: Arc<Fleet>) -> Self {
        Self {
            callers: Callers::of(&fleet.issuer),
            fleet,
            client: client(),
            calm: AtomicBool::new(false),
            figures: Mutex::default(),
        }
    }

    pub(crate) fn figures(&self) -> MutexGuard<'_, Figures> {
        lock(&self.figures)
    }

    pub(crate) fn calm(&self, is_calm: bool) {
        self.calm.store(is_calm, Ordering::SeqCst);
    }

    pub(crate) fn is_calm(&self) -> bool {
        self.calm.load(Ordering::SeqCst)
    }

    /// Whether nothing explains that a machine knows nothing.
    fn is_calm_at(&self, machine: usize) -> bool {
        self.is_calm() && self.fleet.is_current(machine)[0]
    }

    /// Sends a request of this caller, and judges the answer.
    pub(crate) async fn ask(&self, machine: usize, caller: &Caller) -> Option<u16> {
        let call = r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"whoami"}}"#;
        let client = lock(&self.client).clone();
        let request = client
            .post(format!("http://{}/mcp", self.fleet.address(machine)))
            .header("host", "mcp.example.com")
            .header("content-type", "application/json")
            .bearer_auth(&caller.token)
            .body(call);
        let boot = self.fleet.boot(machine);
        let was_calm = self.is_calm_at(machine);
        let was_cut_off = self.fleet.cut_off(machine);
        let sent = Moment::now();
        let status = match request.send().await {
            Ok(answer) => {
                let status = answer.status().as_u16();
                answer.bytes().await.ok().map(|_| status)
            }
            Err(_) => None,
        };
        let answered = Moment::now();
        let is_quick = answered.at.saturating_duration_since(sent.at) < QUICK;
        let answer = Answer {
            machine,
            boot: (self.fleet.boot(machine) == boot).then_some(boot),
            sent,
            answered,
            status,
            is_cut_off: was_cut_off.is_some_and(|since| {
                let is_late = sent.at.saturating_duration_since(since) > BOUND;
                is_late && self.fleet.cut_off(machine) == was_cut_off
            }),
            is_calm: was_calm && is_quick && self.is_calm_at(machine),
        };
        self.figures().count(caller, &answer, self.is_calm());
        status
    }

    /// Waits until this machine lets somebody in.
    pub(crate) async fn serves(&self, machine: usize) {
        eventually("somebody is let in", async || {
            sleep(Duration::from_millis(50)).await;
            self.ask(machine, &self.callers.witness).await == Some(200)
        })
        .await;
    }

    /// All machines have done all that they do, once.
    pub(crate) async fn warm_up(&self) {
        for machine in 0..MACHINES {
            self.serves(machine).await;
            let (_, what) = self.callers.doomed(&self.fleet.issuer);
            self.callers.forget();
            assert_eq!(self.fleet.revoke(machine, what).await, Some(true));
            for _ in 0..100 {
                self.ask(machine, &self.callers.any()).await;
            }
        }
        self.disconnect().await;
        *self.figures() = Figures::default();
    }

    /// Whoever comes later has new connections.
    pub(crate) async fn disconnect(&self) {
        let Ok(new) = client().into_inner() else {
            return;
        };
        drop(std::mem::replace(&mut *lock(&self.client), new));
        // The machines see it when they look next.
        sleep(Duration::from_millis(200)).await;
    }

    pub(crate) fn report(&self, took: Duration, faults: &Faults<'_>, usage: [Usage; 2]) {
        println!("{} rounds of faults in {took:.1?}", faults.rounds);
        println!("{}", self.figures());
        let [before, after] = usage;
        println!(
            "memory: {:.1} MiB before, {:.1} at most, {:.1} after; open files: {} before, {} after",
            mib(before.memory),
            mib(self.figures().peak),
            mib(after.memory),
            before.files,
            after.files
        );
    }

    /// Nothing was wrong, and all of it was seen.
    pub(crate) fn is_right(&self) {
        let figures = self.figures();
        assert_eq!(figures.wrong, 0, "wrong decisions: {:?}", figures.faults);
        let lack = figures.lack();
        assert!(lack.is_empty(), "never seen: {lack:?}");
    }
}

fn mib(bytes: u64) -> f64 {
    let kilobytes = u32::try_from(bytes >> 10).unwrap_or(u32::MAX);
    f64::from(kilobytes) / 1024.0
}

/// They go on for as long as this is held.
pub(crate) fn begin(load: &Arc<Load>) -> JoinSet<()> {
    let mut clients = JoinSet::new();
    for machine in 0..MACHINES {
        for _ in 0..2 {
            let load = Arc::clone(load);
            clients.spawn(async move {
                loop {
                    load.ask(machine, &load.callers.any()).await;
                    sleep(Duration::from_millis(4)).await;
                }
            });
        }
        let load = Arc::clone(load);
        clients.spawn(async move {
            loop {
                load.ask(machine, &load.callers.greedy).await;
                sleep(Duration::from_millis(8)).await;
            }
        });
    }
    let load = Arc::clone(load);
    clients.spawn(async move {
        loop {
            load.callers.expiring(&load.fleet.issuer);
            sleep(Duration::from_millis(200)).await;
        }
    });
    clients
}

impl Caller {
    pub(crate) const fn is_greedy(&self) -> bool {
        matches!(self.fate, Fate::Greedy)
    }
}

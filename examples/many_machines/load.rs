//! Clients of all kinds, and a judge who knows what each may be answered.

use std::error::Error;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use reqwest::Client;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};

use crate::machine::{BOUND, RESOURCE};
use crate::tally::Tally;

/// A token, and what it may be answered.
#[derive(Clone)]
pub(crate) enum Caller {
    /// Valid, and of somebody who asks seldom.
    Good(String),
    /// Of no use to anybody.
    Bad(String),
    /// Valid, and of somebody who asks far more than may be asked.
    Greedy(String),
    /// Valid until it is revoked.
    Doomed(Arc<Doomed>),
}

/// A token that is going to be revoked.
pub(crate) struct Doomed {
    pub(crate) id: String,
    token: String,
    when: Mutex<When>,
}

/// What has happened to it.
#[derive(Clone, Copy, Default)]
struct When {
    /// Somebody was asked to revoke it.
    begun: Option<Instant>,
    /// This machine has done it.
    here: Option<(usize, Instant)>,
    /// It has told all others.
    everywhere: Option<Instant>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Doomed {
    pub(crate) fn new(id: String, token: String) -> Arc<Self> {
        let when = Mutex::default();
        Arc::new(Self { id, token, when })
    }

    pub(crate) fn begins(&self) {
        lock(&self.when).begun = Some(Instant::now());
    }

    /// The machine has answered that it did it, and whether it has told the others.
    pub(crate) fn is_revoked(&self, machine: usize, everywhere: bool) {
        let now = Instant::now();
        let mut when = lock(&self.when);
        when.here = Some((machine, now));
        when.everywhere = everywhere.then_some(now);
    }
}

/// One answer.
pub(crate) struct Answer {
    pub(crate) machine: usize,
    pub(crate) sent: Instant,
    /// Nothing if there is nobody who answers.
    pub(crate) status: Option<u16>,
}

/// Whether that long ago is too long ago.
fn is_over(since: Option<Instant>, sent: Instant) -> bool {
    since.is_some_and(|since| sent.saturating_duration_since(since) > BOUND)
}

/// Why an answer to this caller is wrong, if it is. `outage` is since when Redis is down.
fn fault(caller: &Caller, answer: &Answer, outage: Option<Instant>) -> Option<&'static str> {
    let status = answer.status?;
    if status == 200 && is_over(outage, answer.sent) {
        return Some("let in without Redis, later than the bound");
    }
    match (caller, status) {
        (Caller::Bad(_), 401)
        | (Caller::Good(_), 200 | 503)
        | (Caller::Greedy(_) | Caller::Doomed(_), 429 | 503)
        | (Caller::Greedy(_), 200) => None,
        (Caller::Good(_) | Caller::Greedy(_), 401) => Some("a valid token was refused"),
        (Caller::Doomed(doomed), 200) => {
            let when = *lock(&doomed.when);
            let knows = |(machine, at)| machine == answer.machine && answer.sent > at;
            let is_known = when.here.is_some_and(knows) || is_over(when.everywhere, answer.sent);
            is_known.then_some("a revoked token was let in, later than the bound")
        }
        (Caller::Doomed(doomed), 401) => {
            let is_early = lock(&doomed.when).begun.is_none();
            is_early.then_some("a token was refused that nobody had revoked")
        }
        _ => Some("an answer that this caller never gets"),
    }
}

/// All clients, and what they were answered.
pub(crate) struct Load {
    addresses: Vec<SocketAddr>,
    client: Client,
    callers: Mutex<Vec<Caller>>,
    outage: Mutex<Option<Instant>>,
    tally: Mutex<Tally>,
}

impl Load {
    pub(crate) fn new(
        addresses: Vec<SocketAddr>,
        callers: Vec<Caller>,
    ) -> Result<Self, Box<dyn Error>> {
        let client = Client::builder()
            .no_proxy()
            .timeout(Duration::from_secs(10));
        Ok(Self {
            client: client.build()?,
            callers: Mutex::new(callers),
            outage: Mutex::default(),
            tally: Mutex::new(Tally::new(addresses.len())),
            addresses,
        })
    }

    pub(crate) fn tally(&self) -> MutexGuard<'_, Tally> {
        lock(&self.tally)
    }

    pub(crate) fn port(&self, machine: usize) -> Option<u16> {
        self.addresses.get(machine).map(SocketAddr::port)
    }

    /// Since when Redis is down, if it is.
    pub(crate) fn outage(&self, since: Option<Instant>) {
        *lock(&self.outage) = since;
    }

    pub(crate) fn add(&self, caller: Caller) {
        lock(&self.callers).push(caller);
    }

    /// Sends the request of a caller, and judges the answer.
    pub(crate) async fn ask(&self, machine: usize, caller: &Caller) -> Option<u16> {
        let token = match caller {
            Caller::Good(token) | Caller::Bad(token) | Caller::Greedy(token) => token,
            Caller::Doomed(doomed) => &doomed.token,
        };
        let address = *self.addresses.get(machine)?;
        let call = r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"whoami"}}"#;
        // As a load balancer passes it on.
        let host = RESOURCE.split('/').nth(2).unwrap_or_default();
        let request = self.client.post(format!("http://{address}/mcp"));
        let request = request.header("host", host).bearer_auth(token);
        let request = request
            .header("content-type", "application/json")
            .body(call);
        let sent = Instant::now();
        let status = match request.send().await {
            Ok(answer) => {
                let status = answer.status().as_u16();
                answer.bytes().await.ok().map(|_| status)
            }
            Err(_) => None,
        };
        let answer = Answer {
            machine,
            sent,
            status,
        };
        let fault = fault(caller, &answer, *lock(&self.outage));
        let is_greedy = matches!(caller, Caller::Greedy(_));
        self.tally().count(&answer, is_greedy, fault);
        status
    }

    /// Waits until a machine lets somebody in.
    pub(crate) async fn is_served(&self, machine: usize, caller: &Caller) {
        while self.ask(machine, caller).await != Some(200) {
            sleep(Duration::from_millis(20)).await;
        }
    }

    /// Waits until each machine refuses the caller with one of these, or does not answer.
    pub(crate) async fn is_refused_everywhere(&self, caller: &Caller, by: &[u16]) {
        for machine in 0..self.addresses.len() {
            while let Some(status) = self.ask(machine, caller).await {
                if by.contains(&status) {
                    break;
                }
                sleep(Duration::from_millis(5)).await;
            }
        }
    }
}

/// Clients that go on for as long as this is held: for each machine one that is greedy, and one for all others
/// in turn.
pub(crate) fn begin(load: &Arc<Load>, greedy: &Caller) -> JoinSet<()> {
    let mut clients = JoinSet::new();
    for machine in 0..load.addresses.len() {
        let (all, own, greedy) = (Arc::clone(load), Arc::clone(load), greedy.clone());
        clients.spawn(async move {
            loop {
                own.ask(machine, &greedy).await;
                sleep(Duration::from_millis(4)).await;
            }
        });
        clients.spawn(async move {
            let mut number = 0_usize;
            loop {
                // A prime, so that all of them come, and not side by side.
                number = number.wrapping_add(7_919);
                let caller = {
                    let callers = lock(&all.callers);
                    let place = number.checked_rem(callers.len());
                    place.and_then(|place| callers.get(place).cloned())
                };
                if let Some(caller) = caller {
                    all.ask(machine, &caller).await;
                }
                sleep(Duration::from_millis(2)).await;
            }
        });
    }
    clients
}

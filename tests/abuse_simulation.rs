//! Offenders among innocents, by the second: who is detected, and who pays for it. The table is printed
//! with `--nocapture`.
//!
//! Requests are real ones: signed tokens, a guard with its defaults, addresses, and a clock that the
//! simulation moves. A user comes back when the answer says, and not before.
#![cfg(test)]
#![allow(
    clippy::allow_attributes,
    clippy::arithmetic_side_effects,
    clippy::as_conversions,
    clippy::cast_precision_loss,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test that cannot go on must panic, and this one prints a table"
)]

mod support;

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashSet};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;

use chrono::TimeDelta;
use clearance::limit::{Offender, Peers};
use clearance::refusal::Reason;
use clearance::testing::{Issuer, ManualClock};
use clearance::{Guard, PeerInfo};
use support::http::{parts, parts_with};
use support::tokens::with_signature;
use support::{FilesRead, Fixture, among_peers, clock};

// ---- the actors

/// What somebody shows.
enum Shows {
    /// The same token each time.
    One(Arc<str>),
    /// One that was never there before.
    MadeUp,
    /// Nothing.
    Nothing,
    /// Its token, for what it does not grant.
    Beyond(Arc<str>),
}

/// Somebody who asks.
struct Actor {
    is_innocent: bool,
    /// One after the other.
    addresses: Vec<IpAddr>,
    /// What is shown next is at the end.
    plan: Vec<Shows>,
    /// In milliseconds.
    begins: u64,
    pause: u64,
    /// Whether it waits as long as it is told to.
    is_patient: bool,
    asked: usize,
    /// Since when it has been told to wait, in milliseconds.
    waits_since: Option<u64>,
    /// How often it was told to wait for what it shows now.
    waits: u32,
}

impl Actor {
    fn innocent(address: IpAddr, begins: u64, pause: u64, plan: Vec<Shows>) -> Self {
        Self {
            is_innocent: true,
            addresses: vec![address],
            plan,
            begins,
            pause,
            is_patient: true,
            asked: 0,
            waits_since: None,
            waits: 0,
        }
    }

    fn offender(address: IpAddr, begins: u64, pause: u64, plan: Vec<Shows>) -> Self {
        Self {
            is_innocent: false,
            is_patient: false,
            ..Self::innocent(address, begins, pause, plan)
        }
    }

    fn next(&mut self) -> Option<(IpAddr, &Shows)> {
        let address = self.addresses[self.asked % self.addresses.len()];
        self.asked += 1;
        self.plan.last().map(|shows| (address, shows))
    }
}

fn address(group: u8, number: usize) -> IpAddr {
    let [.., high, low] = (number + 1).to_be_bytes();
    Ipv4Addr::new(10, group, high, low).into()
}

fn times(count: usize, shows: impl Fn() -> Shows) -> Vec<Shows> {
    (0..count).map(|_| shows()).collect()
}

// ---- the stage

struct Stage {
    issuer: Issuer,
    clock: ManualClock,
    guard: Guard<Fixture>,
    /// A token whose signature is replaced.
    template: String,
    made_up: u64,
}

/// What came of a scenario.
#[derive(Debug, Default)]
struct Outcome {
    offenders: usize,
    tried: u64,
    /// Tries that did not have to wait: they were checked, or known to be over.
    answered: u64,
    innocents: usize,
    /// When the first penalty began, and when failures of all were reported, in milliseconds.
    penalty_at: Option<u64>,
    report_at: Option<u64>,
    penalties: u64,
    /// The innocents who were told to wait, and the most often that one was for one token.
    hit: usize,
    most_waits: u32,
    /// In milliseconds, of those who had to wait.
    delays: Vec<u64>,
    refused_wrongly: u64,
}

async fn stage() -> Stage {
    let clock = clock();
    let (issuer, guard) = among_peers(&clock, Peers::of_connections()).await;
    let template = issuer.token().lifetime(TimeDelta::hours(20)).mint();
    Stage {
        guard: guard.build().expect("a guard"),
        issuer,
        clock,
        template,
        made_up: 0,
    }
}

impl Stage {
    fn token(&self, user: usize) -> Arc<str> {
        let token = self.issuer.token().subject(&format!("user-{user}"));
        token.lifetime(TimeDelta::hours(20)).mint().into()
    }

    /// Users who have nothing to do with it, each at home, over so many milliseconds.
    fn elsewhere(&self, count: usize, over: u64) -> Vec<Actor> {
        let users = (0..count).map(|user| {
            let token = self.token(user);
            let plan = times(3, || Shows::One(Arc::clone(&token)));
            let begins = over * user as u64 / count as u64;
            Actor::innocent(address(200, user), begins, 5_000, plan)
        });
        users.collect()
    }

    fn head(&mut self, from: IpAddr, shows: &Shows) -> http::request::Parts {
        let mut head = match shows {
            Shows::One(token) | Shows::Beyond(token) => parts_with(token),
            Shows::MadeUp => {
                self.made_up += 1;
                let mut signature = [7; 64];
                signature[..8].copy_from_slice(&self.made_up.to_be_bytes());
                parts_with(&with_signature(&self.template, signature))
            }
            Shows::Nothing => parts("/mcp", None),
        };
        let peer = PeerInfo::tls(SocketAddr::new(from, 50_000));
        head.extensions.insert(peer);
        head
    }

    /// Runs until nobody asks any more.
    async fn run(mut self, mut actors: Vec<Actor>) -> Outcome {
        let mut outcome = Outcome::default();
        let mut hit = HashSet::new();
        let mut queue = BinaryHeap::new();
        for (place, actor) in actors.iter().enumerate() {
            queue.push(Reverse((actor.begins, place)));
            if actor.is_innocent {
                outcome.innocents += 1;
            } else {
                outcome.offenders += 1;
            }
        }
        let mut now = 0;
        while let Some(Reverse((at, place))) = queue.pop() {
            self.clock
                .advance(TimeDelta::milliseconds((at - now).cast_signed()));
            now = at;
            let actor = &mut actors[place];
            let is_innocent = actor.is_innocent;
            let Some((from, shows)) = actor.next() else {
                continue;
            };
            let mut head = self.head(from, shows);
            let asked = if matches!(shows, Shows::Beyond(_)) {
                self.guard.authorize::<FilesRead>(&mut head).await.map(drop)
            } else {
                self.guard.authorize::<()>(&mut head).await.map(drop)
            };
            let wait = asked
                .as_ref()
                .err()
                .and_then(clearance::Refusal::retry_after);
            if is_innocent {
                outcome.innocent(actor, asked.map_err(|refusal| refusal.reason().clone()), at);
                if wait.is_some() {
                    hit.insert(place);
                }
            } else {
                outcome.tried += 1;
                outcome.answered += u64::from(wait.is_none());
                outcome.look(&self.guard, at);
            }
            let pause = match wait {
                Some(seconds) if actor.is_patient => seconds * 1_000,
                _ => {
                    actor.plan.pop();
                    actor.pause
                }
            };
            queue.push(Reverse((at + pause, place)));
        }
        let penalties = self.guard.health().penalties;
        outcome.penalties = penalties.total;
        outcome.hit = hit.len();
        assert!(penalties.latest.len() <= 32);
        outcome
    }
}

impl Outcome {
    /// What became of somebody who is right to ask.
    fn innocent(&mut self, actor: &mut Actor, asked: Result<(), Reason>, at: u64) {
        match asked {
            Err(Reason::LimitExceeded(_)) => {
                actor.waits_since.get_or_insert(at);
                actor.waits += 1;
                self.most_waits = self.most_waits.max(actor.waits);
                return;
            }
            Err(reason) => {
                let is_right = match actor.plan.last() {
                    Some(Shows::Nothing) => reason == Reason::NoCredential,
                    Some(Shows::Beyond(_)) => reason == Reason::InsufficientScope,
                    _ => reason.code().as_str() == "expired",
                };
                self.refused_wrongly += u64::from(!is_right);
            }
            Ok(()) => {}
        }
        actor.waits = 0;
        if let Some(since) = actor.waits_since.take() {
            self.delays.push(at - since);
        }
    }

    /// Looks whether anything was noticed; only until something is.
    fn look(&mut self, guard: &Guard<Fixture>, at: u64) {
        if self.penalty_at.is_some() && self.report_at.is_some() || self.tried > 10_000 {
            return;
        }
        if self.penalty_at.is_some() && !self.tried.is_multiple_of(100) {
            return;
        }
        let penalties = guard.health().penalties;
        if penalties.total > 0 {
            self.penalty_at.get_or_insert(at);
        }
        if penalties.floods > 0 {
            self.report_at.get_or_insert(at);
        }
    }

    fn print(&self, name: &str) {
        let seconds = |at: Option<u64>| {
            at.map_or_else(
                || "-".to_owned(),
                |at| format!("{:.1} s", at as f64 / 1_000.0),
            )
        };
        let sum: u64 = self.delays.iter().sum();
        let mean = sum.checked_div(self.delays.len() as u64);
        let row = [
            format!("{name:<36}"),
            format!("{:>9}", self.offenders),
            format!("{:>7}", self.tried),
            format!("{:>8}", self.answered),
            format!("{:>9}", seconds(self.penalty_at)),
            format!("{:>9}", self.penalties),
            format!("{:>9}", seconds(self.report_at)),
            format!("{:>9}", self.innocents),
            format!("{:>6}", self.hit),
            format!("{:>10}", seconds(mean)),
            format!("{:>9}", seconds(self.delays.iter().copied().max())),
            format!("{:>10}", self.most_waits),
        ];
        println!("| {} |", row.join(" | "));
    }

    /// Nobody who is innocent was told to wait.
    fn assert_nobody_hit(&self) {
        assert_eq!(
            (self.hit, self.most_waits, self.refused_wrongly),
            (0, 0, 0),
            "{self:?}"
        );
    }
}

fn print_head() {
    println!(
        "| {:<36} | offenders |   tried | answered | 1st pen. | penalties | reported | innocents | hit    \
         | mean delay | max delay | most waits |",
        "scenario"
    );
    println!("| --- |{}", " --: |".repeat(11));
}

// ---- the scenarios

/// One address tries a hundred made-up tokens a second, for a minute.
async fn scanner() -> Outcome {
    let stage = stage().await;
    let mut actors = stage.elsewhere(200, 60_000);
    let plan = times(6_000, || Shows::MadeUp);
    actors.push(Actor::offender(address(1, 0), 0, 10, plan));
    stage.run(actors).await
}

/// Ten thousand addresses try two tokens each, in five minutes; some are those of innocents' homes.
async fn stuffer() -> Outcome {
    let stage = stage().await;
    let mut actors = stage.elsewhere(200, 300_000);
    for (place, actor) in actors.iter_mut().enumerate().take(100) {
        actor.addresses = vec![address(2, place)];
    }
    for bot in 0..10_000 {
        let plan = times(2, || Shows::MadeUp);
        actors.push(Actor::offender(
            address(2, bot),
            bot as u64 * 30,
            60_000,
            plan,
        ));
    }
    stage.run(actors).await
}

/// A client that does not stop for five minutes: it shows the same token ten times a second.
async fn broken_client(is_expired: bool) -> Outcome {
    let stage = stage().await;
    let mut actors = stage.elsewhere(200, 300_000);
    let token = stage.issuer.token();
    let token = if is_expired {
        token.expired()
    } else {
        token.wrong_audience()
    };
    let token: Arc<str> = token.mint().into();
    let plan = times(3_000, || Shows::One(Arc::clone(&token)));
    actors.push(Actor::offender(address(1, 0), 0, 100, plan));
    stage.run(actors).await
}

/// Five hundred users behind one address, in a morning: they begin without a token, use one until after it has
/// expired, go on with a new one, and ask for more than it grants now and then. Some paste a wrong one once.
fn office(stage: &Stage) -> Vec<Actor> {
    let users = (0..500).map(|user| {
        let (old, new) = (
            stage
                .issuer
                .token()
                .subject(&format!("user-{user}"))
                .expired()
                .mint(),
            stage.token(user),
        );
        let old: Arc<str> = old.into();
        let mut plan = vec![Shows::Nothing];
        plan.extend(times(3, || Shows::One(Arc::clone(&old))));
        plan.extend(times(5, || Shows::One(Arc::clone(&new))));
        plan.extend(times(2, || Shows::Beyond(Arc::clone(&new))));
        plan.extend(times(3, || Shows::One(Arc::clone(&new))));
        plan.reverse();
        Actor::innocent(address(3, 0), user as u64 * 1_200, 20_000, plan)
    });
    let mut actors: Vec<Actor> = users.collect();
    for pasted in 0..20 {
        let plan = vec![Shows::MadeUp];
        actors.push(Actor::offender(address(3, 0), pasted * 150_000, 0, plan));
    }
    actors
}

/// Twenty thousand users of a hosted client behind eight addresses, within five minutes, each request from
/// another one. Of forty attackers among them, half try new tokens all the time, and half come back with
/// theirs when they are told to.
async fn hosted() -> Outcome {
    const USERS: usize = 20_000;
    const OVER: u64 = 300_000;
    let stage = stage().await;
    let addresses: Vec<IpAddr> = (0..8).map(|place| address(4, place)).collect();
    let turned = |by: usize| {
        let mut addresses = addresses.clone();
        addresses.rotate_left(by % 8);
        addresses
    };
    let mut actors = stage.elsewhere(200, OVER);
    for user in 0..USERS {
        let token = stage.token(1_000 + user);
        // Some come back later.
        let count = if user % 4 == 0 { 2 } else { 1 };
        let plan = times(count, || Shows::One(Arc::clone(&token)));
        let begins = OVER * user as u64 / USERS as u64;
        let mut actor = Actor::innocent(addresses[0], begins, 60_000, plan);
        actor.addresses = turned(user);
        actors.push(actor);
    }
    for attacker in 0..40_u8 {
        let plan = if attacker % 2 == 0 {
            times(200, || Shows::MadeUp)
        } else {
            let signature = [attacker; 64];
            let bad: Arc<str> = with_signature(&stage.template, signature).into();
            times(150, || Shows::One(Arc::clone(&bad)))
        };
        let mut actor = Actor::offender(addresses[0], 37 * u64::from(attacker), 1_500, plan);
        actor.is_patient = attacker % 2 == 1;
        actor.addresses = turned(attacker.into());
        actors.push(actor);
    }
    stage.run(actors).await
}

/// Detection, and innocents hit: none in the first four; in the others nobody waits twice, and nobody longer
/// than five seconds.
#[tokio::test]
async fn offenders_are_found_and_innocents_spared() {
    print_head();
    let outcome = scanner().await;
    outcome.print("scanner, 1 address");
    outcome.assert_nobody_hit();
    assert!(
        outcome.penalty_at.is_some_and(|at| at <= 1_000),
        "{outcome:?}"
    );
    assert!(outcome.answered <= 60, "{outcome:?}");

    let outcome = stuffer().await;
    outcome.print("credential stuffer, 10 000 addresses");
    outcome.assert_nobody_hit();
    // Each keeps to its budget: what is seen is what they do together.
    assert_eq!((outcome.penalties, outcome.answered), (0, 20_000));
    assert!(
        outcome.report_at.is_some_and(|at| at <= 30_000),
        "{outcome:?}"
    );

    let outcome = broken_client(false).await;
    outcome.print("retry loop, token for others");
    outcome.assert_nobody_hit();
    assert!(
        outcome.penalty_at.is_some_and(|at| at <= 3_000),
        "{outcome:?}"
    );
    assert!(outcome.answered <= 100, "{outcome:?}");

    let outcome = broken_client(true).await;
    outcome.print("retry loop, expired token");
    outcome.assert_nobody_hit();
    // That is everyday life, and costs no signature check after the first.
    assert_eq!(outcome.penalties, 0);

    let quiet = stage().await;
    let actors = office(&quiet);
    let outcome = quiet.run(actors).await;
    outcome.print("office, 500 users, 1 address");
    outcome.assert_nobody_hit();
    assert_eq!((outcome.penalties, outcome.answered), (0, 20));

    let loud = stage().await;
    let mut actors = office(&loud);
    let plan = times(1_800, || Shows::MadeUp);
    actors.push(Actor::offender(address(3, 0), 0, 500, plan));
    let outcome = loud.run(actors).await;
    outcome.print("the same with an attacker inside");
    outcome.assert_at_most_one_wait();

    let outcome = hosted().await;
    outcome.print("hosted, 20 000 users, 8 addresses");
    outcome.assert_at_most_one_wait();
    assert!(
        outcome.penalty_at.is_some_and(|at| at <= 30_000),
        "{outcome:?}"
    );
    assert!(
        outcome.hit > 1_000,
        "they were not hit at all: {}",
        outcome.hit
    );
}

impl Outcome {
    /// Nobody who is innocent waited twice for a token, or for longer than five seconds, and the attackers' tokens
    /// were not all checked.
    fn assert_at_most_one_wait(&self) {
        assert_eq!((self.most_waits, self.refused_wrongly), (1, 0), "{self:?}");
        assert!(self.delays.iter().all(|delay| *delay <= 5_000));
        assert!(
            self.answered * 2 <= self.tried,
            "{}/{}",
            self.answered,
            self.tried
        );
        // Each token was looked at after its wait.
        assert!(self.hit <= self.delays.len(), "{self:?}");
    }
}

/// An offender is what the health says it is.
#[tokio::test]
async fn the_scanner_is_named() {
    let stage = stage().await;
    let guard = stage.guard.clone();
    let plan = times(100, || Shows::MadeUp);
    stage
        .run(vec![Actor::offender(address(1, 0), 0, 10, plan)])
        .await;
    let latest = guard.health().penalties.latest;
    let expected = Offender::Peer(address(1, 0).to_string().parse().expect("a network"));
    assert_eq!(
        latest.last().map(|penalty| &penalty.offender),
        Some(&expected)
    );
}

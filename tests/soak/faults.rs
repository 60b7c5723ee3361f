//! What happens to the server, to a line, or to a machine.

use std::time::{Duration, Instant};

use tokio::time::sleep;

use super::figures::WELL;
use super::fleet::{MACHINES, SLOW, server};
use super::load::Load;
use crate::redis_server::program::Program;
use crate::redis_server::world::{BOUND, create, eventually, options};
use crate::support::proxy::Proxy;

#[derive(Clone, Copy)]
enum Fault {
    /// The server ends as without power, and comes back with what it had.
    Killed,
    /// It does nothing, and its connections stay open.
    Paused,
    /// It ends, and comes back with nothing. An operator makes the store anew.
    Emptied,
    /// A replica that has missed the last entries takes its place.
    FailedOver,
    /// The line of one machine is slow.
    Slow,
    /// The line of one machine is open, and nothing comes through.
    HalfOpen,
    /// A machine ends, and is started again.
    Restarted,
}

const ALL: [(Fault, &str); 7] = [
    (Fault::Killed, "Redis killed, restarted with its data"),
    (Fault::Paused, "Redis paused"),
    (Fault::Emptied, "Redis killed, restarted empty"),
    (Fault::Slow, "latency of 60 ms to one machine"),
    (Fault::HalfOpen, "half-open to one machine"),
    (Fault::FailedOver, "failed over to a lagging replica"),
    // The last one: it learns what was lost before, and put back by those who knew.
    (Fault::Restarted, "a machine killed and restarted"),
];

/// Longer than a machine may rely on what it knows.
const LONG: Duration = BOUND.saturating_add(Duration::from_millis(200));

/// Longer than machines take to notice that the server is another one.
const QUIET: Duration = Duration::from_millis(400);
const EVERYONE: [usize; MACHINES] = [0, 1, 2];

pub(crate) struct Faults<'l> {
    load: &'l Load,
    pub(crate) rounds: u32,
}

impl<'l> Faults<'l> {
    pub(crate) const fn new(load: &'l Load) -> Self {
        Self { load, rounds: 0 }
    }

    /// Each of them, with a time between in which all is well.
    pub(crate) async fn all_once(&mut self) {
        self.rounds += 1;
        for (number, (fault, name)) in (1..).zip(ALL) {
            self.well().await;
            self.load.figures().begin(name);
            // In later rounds shorter and longer ones, by turns.
            let hold = match (self.rounds * 3 + number) % 4 {
                _ if self.rounds == 1 => LONG,
                0 => LONG / 4,
                1 => LONG * 3,
                _ => LONG,
            };
            let begun = Instant::now();
            let ended = self.happens(fault, hold).await;
            let (serves, counts) = self.recovers(ended).await;
            let mut figures = self.load.figures();
            figures.recovered(ended - begun, serves, counts);
            figures.look(false);
        }
        self.well().await;
    }

    /// A time in which nobody has an excuse.
    async fn well(&self) {
        self.load.figures().begin(WELL);
        self.load.calm(true);
        sleep(Duration::from_millis(400)).await;
        self.load.calm(false);
        self.load.figures().look(true);
    }

    /// It happens, goes on for so long, and ends. Gives when it ended.
    async fn happens(&self, fault: Fault, hold: Duration) -> Instant {
        let fleet = &self.load.fleet;
        let mut server = fleet.server.lock().await;
        match fault {
            Fault::Killed => {
                server.kill();
                self.is_cut_off(&EVERYONE, hold).await;
                server.run().await;
            }
            Fault::Paused => {
                server.pause();
                self.is_cut_off(&EVERYONE, hold).await;
                server.go_on();
            }
            Fault::Emptied => {
                server.lose();
                fleet.cuts_off(&EVERYONE, true);
                server.run().await;
                self.is_cut_off(&EVERYONE, hold).await;
                create(&options(&server.url())).await;
            }
            Fault::FailedOver => {
                let replica = lagging(&server, hold).await;
                fleet.turn_to(replica.port);
                *server = replica;
            }
            Fault::Slow => {
                let line = fleet.line(1);
                line.delay(SLOW);
                line.turn_to(server.port);
                sleep(hold / 2).await;
                line.delay(Duration::ZERO);
                line.turn_to(server.port);
            }
            Fault::HalfOpen => {
                fleet.line(1).hold();
                self.is_cut_off(&[1], hold).await;
                fleet.line(1).pass();
            }
            Fault::Restarted => {
                fleet.stop(2);
                sleep(hold / 2).await;
                // To start is a part of the recovery.
                let ended = Instant::now();
                fleet.start(2).await;
                return ended;
            }
        }
        Instant::now()
    }

    /// These machines have no server for so long.
    async fn is_cut_off(&self, machines: &[usize], hold: Duration) {
        self.load.fleet.cuts_off(machines, true);
        sleep(hold).await;
        self.load.fleet.cuts_off(machines, false);
    }

    /// Waits until all machines let somebody in and count together, and have for some time. Gives how long it
    /// was since the end of the fault until nobody was refused any more, and until they counted together.
    async fn recovers(&self, since: Instant) -> (Duration, Duration) {
        for machine in 0..MACHINES {
            self.load.serves(machine).await;
        }
        let after = |last: Option<Instant>| {
            last.map_or(Duration::ZERO, |last| last.saturating_duration_since(since))
        };
        let mut last = (None, None);
        eventually("all is well again", async || {
            let figures = self.load.figures();
            last = (figures.last_refused, figures.last_apart);
            drop(figures);
            let quiet = |last: Option<Instant>| last.is_none_or(|last| last.elapsed() > QUIET);
            let is_current = |machine| self.load.fleet.is_current(machine) == [true; 2];
            since.elapsed() > QUIET
                && quiet(last.0)
                && quiet(last.1)
                && (0..MACHINES).all(is_current)
        })
        .await;
        (after(last.0), after(last.1))
    }
}

/// A replica of the server that has missed what came for some time, and leads now.
async fn lagging(primary: &Program, hold: Duration) -> Program {
    let replica = server().await;
    let link = Proxy::to(primary.port).await;
    let port = link.address().port().to_string();
    let done: String = replica.ask(&["REPLICAOF", "127.0.0.1", &port]).await;
    assert_eq!(done, "OK");
    eventually("the replica follows", async || {
        let text: String = replica.ask(&["INFO", "replication"]).await;
        text.contains("master_link_status:up")
    })
    .await;
    link.hold();
    sleep(hold).await;
    link.cut();
    let done: String = replica.ask(&["REPLICAOF", "NO", "ONE"]).await;
    assert_eq!(done, "OK");
    replica
}

//! All that can happen, one after another by chance, while machines revoke: nobody is let in by a token
//! that was revoked a bound ago.

use std::time::{Duration, Instant};

use libtest_mimic::Trial;

use super::program::Program;
use super::trial::trial;
use super::world::{BOUND, Machine, World, create, options};
use crate::support::proxy::Proxy;

pub(crate) fn trials() -> Vec<Trial> {
    let seeds = [1, 2, 3];
    let all = seeds.map(|seed| {
        trial(&format!("no_wrong_decision_by_chance_{seed}"), move || {
            chance(seed)
        })
    });
    all.into()
}

/// The same numbers for the same seed.
struct Dice(u64);

impl Dice {
    fn below(&mut self, most: u64) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005);
        self.0 = self.0.wrapping_add(1_442_695_040_888_963_407);
        usize::try_from((self.0 >> 33) % most).expect("a small number")
    }
}

/// Machines, each with a line of its own to the server.
struct Net {
    world: World,
    server: Program,
    lines: Vec<Proxy>,
    machines: Vec<Machine>,
    /// Who was revoked, and when that was said to be done.
    revoked: Vec<(String, Option<Instant>)>,
    decisions: usize,
}

impl Net {
    async fn start() -> Self {
        let settings = ["--appendonly", "yes", "--appendfsync", "always"];
        let (world, server) = (World::new().await, Program::start_with(&settings).await);
        create(&options(&server.url())).await;
        let (mut lines, mut machines) = (Vec::new(), Vec::new());
        for _ in 0..3 {
            let line = Proxy::to(server.port).await;
            let url = format!("redis://{}/", line.address());
            machines.push(world.machine(options(&url)).await);
            lines.push(line);
        }
        for machine in &machines {
            machine.is_current().await;
        }
        Self {
            world,
            server,
            lines,
            machines,
            revoked: Vec::new(),
            decisions: 0,
        }
    }

    async fn happens(&mut self, what: usize, to: usize) {
        let line = &self.lines[to];
        match what {
            0 => line.hold(),
            1 => line.cut(),
            2 => line.forget(),
            3 => {
                self.server.pause();
                self.decide(Duration::from_millis(300)).await;
                self.server.go_on();
            }
            4 => {
                self.server.kill();
                self.decide(Duration::from_millis(300)).await;
                self.server.run().await;
            }
            5 => {
                // Who holds what is lost here has to be able to say so.
                self.all_is_well().await;
                let lost = ["entries", "expiry", "feed"][to];
                let key = format!("clearance:{{files}}:revoked:{lost}");
                self.server.ask::<redis::Value>(&["DEL", &key]).await;
            }
            _ => self.lines.iter().for_each(Proxy::pass),
        }
    }

    async fn all_is_well(&self) {
        self.lines.iter().for_each(Proxy::pass);
        for machine in &self.machines {
            machine.is_current().await;
        }
    }

    async fn revoke(&mut self, by: usize) {
        let who = format!("u{}", self.revoked.len());
        let what = self.world.of_subject(&who);
        let done = self.machines[by].guard.revocations().revoke(what).await;
        self.revoked.push((who, done.is_ok().then(Instant::now)));
    }

    /// Asks for a while, about those who were revoked lately.
    async fn decide(&mut self, time: Duration) {
        let start = Instant::now();
        while start.elapsed() < time {
            for (who, since) in self.revoked.iter().rev().take(8) {
                let token = self.world.token(who, who);
                for machine in &self.machines {
                    let late = since.is_some_and(|since| since.elapsed() >= BOUND);
                    let said = machine.says(&token).await;
                    assert!(!(late && said == "ok"), "{who} was let in");
                    self.decisions += 1;
                }
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
}

async fn chance(seed: u64) {
    let (mut net, mut dice) = (Net::start().await, Dice(seed));
    for _ in 0..25 {
        let (what, to, by) = (dice.below(8), dice.below(3), dice.below(3));
        net.happens(what, to).await;
        net.revoke(by).await;
        net.decide(Duration::from_millis(200)).await;
    }
    net.all_is_well().await;
    // What could not be told at the time was told since.
    let late = net.world.machine(options(&net.server.url())).await;
    for machine in net.machines.iter().chain([&late]) {
        machine
            .comes_to_say(&net.world.token("another", "t"), "ok")
            .await;
        for (who, _) in &net.revoked {
            let token = net.world.token(who, who);
            machine.comes_to_say(&token, "revoked").await;
        }
    }
    assert!(net.decisions > 1_000, "{}", net.decisions);
}

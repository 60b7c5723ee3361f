//! More than one server: what a failover loses comes back, and a primary that nobody follows any more
//! is noticed.

use std::time::{Duration, Instant};

use clearance::lifecycle::RevocationError;
use libtest_mimic::Trial;

use super::program::Program;
use super::trial::trial;
use super::world::{BOUND, World, create, eventually, options};
use crate::support::proxy::Proxy;

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        trial("what_a_replica_has_missed_is_put_back", failover),
        trial("a_primary_alone_gives_no_sign_of_life", isolated),
        trial(
            "a_primary_alone_that_may_write_is_believed",
            isolated_and_open,
        ),
        trial("revoke_waits_for_replicas", waiting),
    ]
}

const ENTRIES: [&str; 2] = ["HLEN", "clearance:{files}:revoked:entries"];

/// A primary, a replica of it, and what lies between them.
struct Pair {
    primary: Program,
    replica: Program,
    link: Proxy,
}

impl Pair {
    async fn start(of_primary: &[&str]) -> Self {
        let primary = Program::start_with(of_primary).await;
        let link = Proxy::to(primary.port).await;
        let port = link.address().port().to_string();
        let replica = Program::start_with(&["--replicaof", "127.0.0.1", &port]).await;
        let this = Self {
            primary,
            replica,
            link,
        };
        eventually("the replica follows", async || {
            let text: String = this.replica.ask(&["INFO", "replication"]).await;
            text.contains("master_link_status:up")
        })
        .await;
        this
    }

    async fn promote(&self) {
        let done: String = self.replica.ask(&["REPLICAOF", "NO", "ONE"]).await;
        assert_eq!(done, "OK");
    }
}

async fn failover() {
    let (world, pair) = (World::new().await, Pair::start(&[]).await);
    let front = Proxy::to(pair.primary.port).await;
    let url = format!("redis://{}/", front.address());
    create(&options(&url)).await;
    let machines = [
        world.machine(options(&url)).await,
        world.machine(options(&url)).await,
    ];
    for machine in &machines {
        machine.is_current().await;
    }
    let [alice, bob, carol] = ["alice", "bob", "carol"].map(|who| world.token(who, who));
    machines[0].revoke(world.of_subject("bob")).await;
    eventually("the replica has it", async || {
        pair.replica.ask::<usize>(&ENTRIES).await == 1
    })
    .await;
    // The replica misses what comes now, and is promoted all the same.
    pair.link.hold();
    machines[0].revoke(world.of_subject("alice")).await;
    machines[1].comes_to_say(&alice, "revoked").await;
    pair.link.cut();
    pair.promote().await;
    front.turn_to(pair.replica.port);
    assert_eq!(pair.replica.ask::<usize>(&ENTRIES).await, 1, "it lags");
    // One that comes now sees what is left alone, and lets nobody in by it.
    let late = world.machine(options(&url)).await;
    for machine in [&late, &machines[0], &machines[1]] {
        machine.never_lets_in(&alice).await;
        machine.never_lets_in(&bob).await;
        machine.comes_to_say(&carol, "ok").await;
    }
    assert_eq!(pair.replica.ask::<usize>(&ENTRIES).await, 2);
}

/// Twice as long as a primary may believe that its replica is there, in which it looks once a second.
const LAG: Duration = Duration::from_secs(3);

async fn isolated() {
    let settings = [
        "--min-replicas-to-write",
        "1",
        "--min-replicas-max-lag",
        "1",
    ];
    let settings = [&settings[..], &["--repl-ping-replica-period", "1"]].concat();
    let (world, pair) = (World::new().await, Pair::start(&settings).await);
    eventually("the primary has its replica", async || {
        let text: String = pair.primary.ask(&["INFO", "replication"]).await;
        text.contains("min_slaves_good_slaves:1")
    })
    .await;
    let front = Proxy::to(pair.primary.port).await;
    let url = format!("redis://{}/", front.address());
    create(&options(&url)).await;
    let here = world.machine(options(&url)).await;
    here.is_current().await;
    let [alice, bob] = ["alice", "bob"].map(|who| world.token(who, who));
    assert_eq!(here.says(&alice).await, "ok");
    pair.link.cut();
    let since = Instant::now();
    pair.promote().await;
    let there = world.machine(options(&pair.replica.url())).await;
    there.comes_to_say(&bob, "ok").await;
    there.revoke(world.of_subject("alice")).await;
    // The old primary refuses to write, so it gives no sign of life either.
    here.knows_nothing_within(BOUND + LAG, since, &alice).await;
    let revoked = here.guard.revocations().revoke(world.of_subject("bob"));
    let Err(RevocationError::Unpublished(why)) = revoked.await else {
        panic!("published where nobody reads it");
    };
    assert_eq!(why.cause(), "not_primary");
    // It becomes a replica, and that is no primary either.
    let port = pair.replica.port.to_string();
    let done: String = pair.primary.ask(&["REPLICAOF", "127.0.0.1", &port]).await;
    assert_eq!(done, "OK");
    eventually("it follows", async || {
        let text: String = pair.primary.ask(&["INFO", "replication"]).await;
        text.contains("master_link_status:up")
    })
    .await;
    assert_eq!(here.says(&alice).await, "unavailable");
    // Its machine is led to the new primary, learns what it has missed, and tells what it could not.
    front.turn_to(pair.replica.port);
    here.never_lets_in(&alice).await;
    there.comes_to_say(&bob, "revoked").await;
    let carol = world.token("carol", "carol");
    for machine in [&here, &there] {
        machine.comes_to_say(&carol, "ok").await;
    }
}

/// What the documentation says of an old primary which may go on: nobody who asks it can know.
async fn isolated_and_open() {
    let (world, pair) = (World::new().await, Pair::start(&[]).await);
    create(&options(&pair.primary.url())).await;
    let here = world.machine(options(&pair.primary.url())).await;
    here.is_current().await;
    let alice = world.token("alice", "t");
    eventually("the replica has the epoch", async || {
        pair.replica
            .ask::<usize>(&["EXISTS", "clearance:{files}:revoked:state"])
            .await
            == 1
    })
    .await;
    pair.link.cut();
    pair.promote().await;
    let there = world.machine(options(&pair.replica.url())).await;
    there.is_current().await;
    there.revoke(world.of_subject("alice")).await;
    let since = Instant::now();
    while since.elapsed() < BOUND + LAG {
        here.is_current().await;
        assert_eq!(here.says(&alice).await, "ok");
    }
    assert_eq!(there.says(&alice).await, "revoked");
}

async fn waiting() {
    let (world, pair) = (World::new().await, Pair::start(&[]).await);
    create(&options(&pair.primary.url())).await;
    let wait =
        |count| options(&pair.primary.url()).wait_for_replicas(count, Duration::from_secs(1));
    let (one, two) = (world.machine(wait(1)).await, world.machine(wait(2)).await);
    one.is_current().await;
    two.is_current().await;
    one.revoke(world.of_subject("alice")).await;
    assert_eq!(pair.replica.ask::<usize>(&ENTRIES).await, 1);
    let too_few = async |machine: &super::world::Machine, who: &str| {
        let revoked = machine.guard.revocations().revoke(world.of_subject(who));
        let Err(RevocationError::Unpublished(why)) = revoked.await else {
            panic!("not so many replicas");
        };
        assert_eq!(why.cause(), "too_few_replicas");
    };
    too_few(&two, "bob").await;
    pair.link.hold();
    too_few(&one, "carol").await;
    // While writers wait, signs of life go on.
    for machine in [&one, &two] {
        machine.comes_to_say(&world.token("dora", "t"), "ok").await;
    }
}

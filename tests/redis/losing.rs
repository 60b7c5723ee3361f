//! A store that has lost data gets it back, and lets nobody in meanwhile.

use std::time::Instant;

use clearance::redis::{RedisRevocations, RedisStoreError};
use libtest_mimic::Trial;

use super::trial::trial;
use super::world::{BOUND, SETTLING, World, create, options};

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        trial("a_store_is_made_once", made_once),
        trial("those_who_are_there_are_waited_for", waited_for),
        trial("a_server_that_lost_all_gets_it_back", lost_all),
    ]
}

async fn made_once() {
    let (world, server, machines) = World::with(1).await;
    let again = RedisRevocations::create(&options(&server.url())).await;
    assert_eq!(again, Err(RedisStoreError::AlreadyCreated));
    machines[0].revoke(world.of_subject("alice")).await;
    let late = world.machine(options(&server.url())).await;
    late.never_lets_in(&world.token("alice", "t")).await;
}

async fn lost_all() {
    let (world, mut server, machines) = World::with(2).await;
    let (alice, bob) = (world.token("alice", "t"), world.token("bob", "u"));
    machines[0].revoke(world.of_subject("alice")).await;
    machines[1].comes_to_say(&alice, "revoked").await;
    server.lose();
    server.run().await;
    for machine in &machines {
        machine.is_stale().await;
        assert_eq!(machine.says(&bob).await, "unavailable");
        assert_eq!(machine.says(&alice).await, "revoked");
    }
    // Nobody but the operator makes it again: neither those who were there nor one that comes.
    let late = world.machine(options(&server.url())).await;
    assert_eq!(late.says(&bob).await, "unavailable");
    let keys: Vec<String> = server.ask(&["KEYS", "*"]).await;
    assert_eq!(keys, Vec::<String>::new());
    let since = Instant::now();
    create(&options(&server.url())).await;
    let last = world.machine(options(&server.url())).await;
    for machine in [&late, &last] {
        machine.never_lets_in(&alice).await;
    }
    last.comes_to_say(&bob, "ok").await;
    assert!(
        since.elapsed() >= SETTLING,
        "others had no time to put back"
    );
    for machine in machines.iter().chain([&late, &last]) {
        machine.comes_to_say(&bob, "ok").await;
        assert_eq!(machine.says(&alice).await, "revoked");
    }
    let entries: usize = server
        .ask(&["HLEN", "clearance:{files}:revoked:entries"])
        .await;
    assert_eq!(entries, 1);
}

async fn waited_for() {
    let (world, server, machines) = World::with(2).await;
    let (alice, bob) = (world.token("alice", "t"), world.token("bob", "u"));
    machines[0].revoke(world.of_subject("alice")).await;
    // Somebody is there that does not come to put back what it holds.
    let there = "clearance:{files}:revoked:machines";
    let ahead = "9000000000000000";
    assert_eq!(
        server
            .ask::<usize>(&["ZADD", there, ahead, "another"])
            .await,
        1
    );
    assert_eq!(
        server
            .ask::<usize>(&["DEL", "clearance:{files}:revoked:entries"])
            .await,
        1
    );
    let late = world.machine(options(&server.url())).await;
    let since = Instant::now();
    for machine in machines.iter().chain([&late]) {
        machine.knows_nothing_within(BOUND, since, &bob).await;
    }
    // The time of settling goes by, with signs of life that would have it waited for again and again.
    while since.elapsed() < 3 * BOUND {
        assert_eq!(
            server
                .ask::<usize>(&["ZADD", there, ahead, "another"])
                .await,
            0
        );
        for machine in machines.iter().chain([&late]) {
            assert_ne!(machine.says(&bob).await, "ok");
            assert_ne!(machine.says(&alice).await, "ok");
        }
    }
    assert_eq!(server.ask::<usize>(&["ZREM", there, "another"]).await, 1);
    for machine in machines.iter().chain([&late]) {
        machine.comes_to_say(&bob, "ok").await;
        assert_eq!(machine.says(&alice).await, "revoked");
    }
}

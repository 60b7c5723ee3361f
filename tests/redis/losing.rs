//! A store that has lost data gets it back, and lets nobody in meanwhile.

use clearance::redis::{RedisRevocations, RedisStoreError};
use libtest_mimic::Trial;

use super::trial::trial;
use super::world::{World, create, options};

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        trial("a_store_is_made_once", made_once),
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
    create(&options(&server.url())).await;
    let last = world.machine(options(&server.url())).await;
    for machine in [&late, &last] {
        machine.never_lets_in(&alice).await;
    }
    for machine in machines.iter().chain([&late, &last]) {
        machine.comes_to_say(&bob, "ok").await;
        assert_eq!(machine.says(&alice).await, "revoked");
    }
    let entries: usize = server
        .ask(&["HLEN", "clearance:{files}:revoked:entries"])
        .await;
    assert_eq!(entries, 1);
}

//! A store that does not answer for a while: nobody is let in after the bound, and nothing is lost.

use std::time::Instant;

use clearance::lifecycle::RevocationError;
use libtest_mimic::Trial;

use super::program::Program;
use super::trial::trial;
use super::world::{BOUND, World, create, options};

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        trial("a_server_that_is_paused_is_not_relied_on", paused),
        trial(
            "a_server_that_keeps_its_data_is_known_again",
            killed_with_aof,
        ),
    ]
}

async fn paused() {
    let (world, server, machines) = World::with(2).await;
    let (alice, bob) = (world.token("alice", "t"), world.token("bob", "u"));
    for machine in &machines {
        assert_eq!(machine.says(&alice).await, "ok");
    }
    server.pause();
    let since = Instant::now();
    let revoked = machines[0]
        .guard
        .revocations()
        .revoke(world.of_subject("alice"));
    let Err(RevocationError::Unpublished(why)) = revoked.await else {
        panic!("published to nobody");
    };
    assert_eq!(why.cause(), "timed_out");
    assert_eq!(machines[0].says(&alice).await, "revoked");
    // The other one cannot know, and says so in time.
    for token in [&alice, &bob] {
        machines[1].knows_nothing_within(BOUND, since, token).await;
    }
    machines[0].is_stale().await;
    assert_eq!(machines[0].says(&alice).await, "revoked");
    server.go_on();
    for machine in &machines {
        machine.comes_to_say(&bob, "ok").await;
        // What was revoked meanwhile was not lost.
        machine.comes_to_say(&alice, "revoked").await;
    }
    let late = world.machine(options(&server.url())).await;
    late.never_lets_in(&alice).await;
}

async fn killed_with_aof() {
    let world = World::new().await;
    let mut server = Program::start_with(&["--appendonly", "yes", "--appendfsync", "always"]).await;
    create(&options(&server.url())).await;
    let machine = world.machine(options(&server.url())).await;
    machine.is_current().await;
    let (alice, bob) = (world.token("alice", "t"), world.token("bob", "u"));
    machine.revoke(world.of_subject("alice")).await;
    assert_eq!(machine.says(&bob).await, "ok");
    server.kill();
    let since = Instant::now();
    machine.knows_nothing_within(BOUND, since, &bob).await;
    server.run().await;
    machine.comes_to_say(&bob, "ok").await;
    assert_eq!(machine.says(&alice).await, "revoked");
    // It was there, and nobody has to have put it back.
    drop(machine);
    let late = world.machine(options(&server.url())).await;
    late.never_lets_in(&alice).await;
    late.comes_to_say(&bob, "ok").await;
}

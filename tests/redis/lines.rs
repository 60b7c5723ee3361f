//! What lies between a machine and the server: half-open connections, slow ones, and none.

use std::time::{Duration, Instant};

use libtest_mimic::Trial;

use super::program::Program;
use super::trial::trial;
use super::world::{BOUND, World, create, options};
use crate::support::proxy::Proxy;

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        trial("a_half_open_connection_is_not_relied_on", half_open),
        trial("connections_that_died_silently_are_made_anew", silent),
        trial("a_slow_line_is_a_line", slow),
        trial("connections_that_end_are_made_anew", cut),
        trial("what_was_cut_from_the_feed_is_not_missed", trimmed),
        trial("who_comes_back_late_puts_back_what_it_holds", straggler),
        trial("a_machine_starts_without_its_server", without),
    ]
}

async fn half_open() {
    let (world, server, machines) = World::with(1).await;
    let line = Proxy::to(server.port).await;
    let url = format!("redis://{}/", line.address());
    let far = world.machine(options(&url)).await;
    let bob = world.token("bob", "bob");
    for who in ["alice", "carol", "dora"] {
        let alice = world.token(who, who);
        far.comes_to_say(&alice, "ok").await;
        line.hold();
        let since = Instant::now();
        machines[0].revoke(world.of_subject(who)).await;
        far.says_within(BOUND, since, &bob, "unavailable").await;
        line.pass();
        far.comes_to_say(&bob, "ok").await;
        far.comes_to_say(&alice, "revoked").await;
    }
}

async fn silent() {
    let (world, server, machines) = World::with(1).await;
    let line = Proxy::to(server.port).await;
    let url = format!("redis://{}/", line.address());
    let far = world.machine(options(&url)).await;
    for round in 0..3 {
        let who = format!("u{round}");
        let token = world.token(&who, &who);
        far.comes_to_say(&token, "ok").await;
        line.forget();
        machines[0].revoke(world.of_subject(&who)).await;
        far.refuses_within(BOUND, Instant::now(), &token).await;
        // It writes again as well.
        far.is_current().await;
        let mine = format!("m{round}");
        let done = far.guard.revocations().revoke(world.of_subject(&mine));
        done.await.ok();
        let token = world.token(&mine, &mine);
        machines[0].comes_to_say(&token, "revoked").await;
    }
}

async fn slow() {
    let (world, server, machines) = World::with(1).await;
    let line = Proxy::to(server.port).await;
    line.delay(Duration::from_millis(60));
    let url = format!("redis://{}/", line.address());
    let far = world.machine(options(&url)).await;
    let token = world.token("alice", "t");
    far.comes_to_say(&token, "ok").await;
    machines[0].revoke(world.of_subject("alice")).await;
    far.refuses_within(BOUND, Instant::now(), &token).await;
    far.is_current().await;
    far.revoke(world.of_subject("bob")).await;
    let bob = world.token("bob", "u");
    machines[0]
        .refuses_within(BOUND, Instant::now(), &bob)
        .await;
}

async fn cut() {
    let (world, server, machines) = World::with(1).await;
    let line = Proxy::to(server.port).await;
    let url = format!("redis://{}/", line.address());
    let far = world.machine(options(&url)).await;
    let [alice, bob] = ["alice", "bob"].map(|who| world.token(who, who));
    far.comes_to_say(&alice, "ok").await;
    line.cut();
    let since = Instant::now();
    machines[0].revoke(world.of_subject("alice")).await;
    far.knows_nothing_within(BOUND, since, &bob).await;
    line.pass();
    far.never_lets_in(&alice).await;
    far.comes_to_say(&bob, "ok").await;
}

async fn without() {
    let (world, mut server) = (World::new().await, Program::start().await);
    server.kill();
    let machine = world.machine(options(&server.url())).await;
    let token = world.token("alice", "t");
    assert_eq!(machine.says(&token).await, "unavailable");
    assert!(
        machine
            .guard
            .revocations()
            .revoke(world.of_subject("bob"))
            .await
            .is_err()
    );
    server.run().await;
    create(&options(&server.url())).await;
    machine.comes_to_say(&token, "ok").await;
    // It had nowhere to go, and has gone there now.
    let late = world.machine(options(&server.url())).await;
    late.never_lets_in(&world.token("bob", "t")).await;
}

async fn trimmed() {
    let (world, server, machines) = World::with(1).await;
    let line = Proxy::to(server.port).await;
    let url = format!("redis://{}/", line.address());
    let far = world.machine(options(&url)).await;
    for round in 0..3 {
        let all = ["a", "b", "c"].map(|who| format!("{who}{round}"));
        let last = all.last().expect("three");
        far.comes_to_say(&world.token(last, last), "ok").await;
        line.hold();
        let since = Instant::now();
        for who in &all {
            machines[0].revoke(world.of_subject(who)).await;
        }
        let feed = "clearance:{files}:revoked:feed";
        let cut: usize = server.ask(&["XTRIM", feed, "MAXLEN", "1"]).await;
        assert!(cut >= 2);
        line.pass();
        for who in &all {
            let token = world.token(who, who);
            far.refuses_within(BOUND, since, &token).await;
        }
    }
}

async fn straggler() {
    let (world, server, machines) = World::with(1).await;
    let line = Proxy::to(server.port).await;
    let url = format!("redis://{}/", line.address());
    let far = world.machine(options(&url)).await;
    let [alice, bob, carol] = ["alice", "bob", "carol"].map(|who| world.token(who, who));
    far.comes_to_say(&alice, "ok").await;
    far.revoke(world.of_subject("alice")).await;
    machines[0].comes_to_say(&alice, "revoked").await;
    line.cut();
    far.is_stale().await;
    let mine = far.guard.revocations().revoke(world.of_subject("bob"));
    assert!(mine.await.is_err());
    // The store loses all, and goes on without the one that is away.
    server.ask::<redis::Value>(&["FLUSHALL"]).await;
    create(&options(&server.url())).await;
    machines[0].comes_to_say(&carol, "ok").await;
    assert_eq!(machines[0].says(&alice).await, "revoked");
    line.pass();
    machines[0].comes_to_say(&bob, "revoked").await;
    for machine in [&machines[0], &far] {
        machine.comes_to_say(&carol, "ok").await;
        assert_eq!(machine.says(&alice).await, "revoked");
    }
}

//! Who may ask: passwords, keys, and what is written of them.

use std::time::Duration;

use clearance::redis::{RedisAddress, RedisOptions, RedisRevocations, RedisStoreError, SharedKey};
use libtest_mimic::Trial;

use super::program::Program;
use super::trial::trial;
use super::world::{World, create, key, options, options_of};

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        trial("another_key_is_noticed", other_key),
        trial("passwords_are_asked_for_and_never_shown", passwords),
        trial("no_more_is_asked_for_than_is_documented", rights),
        trial("options_that_do_not_fit_are_refused", refused),
        trial("a_cluster_is_a_server", cluster),
    ]
}

fn address(url: &str) -> RedisAddress {
    url.parse().expect("an address")
}

async fn other_key() {
    let (world, server, machines) = World::with(1).await;
    let other = || SharedKey::from_bytes(&[8; 32]);
    let wrong = options_of("files", address(&server.url()), other());
    let connected = RedisRevocations::connect(wrong.clone()).await;
    assert!(matches!(connected, Err(RedisStoreError::WrongKey)));
    assert_eq!(
        RedisRevocations::create(&wrong).await,
        Err(RedisStoreError::AlreadyCreated)
    );
    // Somebody makes it again with another key: those who are there notice.
    server.ask::<redis::Value>(&["FLUSHALL"]).await;
    create(&wrong).await;
    let token = world.token("alice", "t");
    machines[0].comes_to_say(&token, "unavailable").await;
    let revoked = machines[0]
        .guard
        .revocations()
        .revoke(world.of_subject("alice"));
    assert!(revoked.await.is_err());
    let with_it = world.machine(wrong).await;
    with_it.comes_to_say(&token, "ok").await;
    assert_eq!(
        machines[0].says(&world.token("bob", "u")).await,
        "unavailable"
    );
}

async fn passwords() {
    let world = World::new().await;
    let server = Program::start_with(&["--requirepass", "sesame-open"]).await;
    let url = |password: &str| format!("redis://:{password}@127.0.0.1:{}/", server.port);
    let wrong = options(&url("wrong-one"));
    let made = RedisRevocations::create(&wrong).await;
    let refused = RedisStoreError::Unavailable("forbidden");
    assert_eq!(made, Err(refused));
    let connected = RedisRevocations::connect(wrong.clone())
        .await
        .expect_err("no");
    assert_eq!(connected, refused);
    for text in [format!("{wrong:?}"), format!("{connected} {connected:?}")] {
        assert!(!text.contains("wrong-one"), "{text}");
    }
    let right = options(&url("sesame-open"));
    create(&right).await;
    let machine = world.machine(right.clone()).await;
    machine.comes_to_say(&world.token("alice", "t"), "ok").await;
    let texts = [
        format!("{right:?}"),
        format!("{:?}", machine.store),
        format!("{:?}", machine.guard),
    ];
    for text in texts {
        assert!(
            !text.contains("sesame") && !text.contains("BwcHBw"),
            "{text}"
        );
    }
}

async fn refused() {
    let server = Program::start().await;
    let base = || options(&server.url());
    let zero = Duration::ZERO;
    let long = Duration::from_hours(2);
    for wrong in [
        base().bound(Duration::from_millis(400)),
        base().heartbeat(zero),
        base().response_timeout(zero),
        base().connection_timeout(zero),
        base().settling_time(zero),
        base().bound(long),
        base().wait_for_replicas(1, zero),
    ] {
        assert_eq!(
            RedisRevocations::create(&wrong).await,
            Err(RedisStoreError::Times)
        );
        let connected = RedisRevocations::connect(wrong).await;
        assert!(matches!(connected, Err(RedisStoreError::Times)));
    }
    let odd = RedisOptions::new(address(&server.url()), "a}b", key());
    assert_eq!(
        RedisRevocations::create(&odd).await,
        Err(RedisStoreError::WrongId)
    );
    for url in ["", "http://127.0.0.1/", "redis://"] {
        assert!(url.parse::<RedisAddress>().is_err(), "{url}");
    }
}

async fn cluster() {
    let world = World::new().await;
    let server = Program::start_with(&["--cluster-enabled", "yes"]).await;
    let done: String = server
        .ask(&["CLUSTER", "ADDSLOTSRANGE", "0", "16383"])
        .await;
    assert_eq!(done, "OK");
    super::world::eventually("the cluster is whole", async || {
        let text: String = server.ask(&["CLUSTER", "INFO"]).await;
        text.contains("cluster_state:ok")
    })
    .await;
    assert!(RedisAddress::of_cluster(&[]).is_err());
    let url = server.url();
    let options = || {
        let address = RedisAddress::of_cluster(&[&url]).expect("an address");
        options_of("files", address, key())
    };
    create(&options()).await;
    let machines = [
        world.machine(options()).await,
        world.machine(options()).await,
    ];
    let token = world.token("alice", "t");
    for machine in &machines {
        machine.comes_to_say(&token, "ok").await;
    }
    machines[0].revoke(world.of_subject("alice")).await;
    for machine in &machines {
        machine.comes_to_say(&token, "revoked").await;
    }
    let late = world.machine(options()).await;
    late.never_lets_in(&token).await;
    // It waits for replicas there too, of which there are none.
    let waiting = world
        .machine(options().wait_for_replicas(1, Duration::from_millis(50)))
        .await;
    waiting.is_current().await;
    let revoked = waiting.guard.revocations().revoke(world.of_subject("bob"));
    assert!(revoked.await.is_err());
}

/// The rights that the documentation names are enough.
async fn rights() {
    let (world, server) = (World::new().await, Program::start().await);
    let page = include_str!("../../src/redis/operations.md");
    let line = page.lines().find_map(|line| line.strip_prefix("| ACL `"));
    let (rights, _) = line
        .and_then(|line| line.split_once('`'))
        .expect("the rights");
    let rights = rights.replace("{id}", "{files}");
    let mut words = vec!["ACL", "SETUSER", "guard", "on", ">sesame", "resetchannels"];
    words.extend(rights.split(' '));
    assert_eq!(server.ask::<String>(&words).await, "OK");
    let url = format!("redis://guard:sesame@127.0.0.1:{}/", server.port);
    let with = |guard: &str| options_of(guard, address(&url), key());
    create(&with("files")).await;
    let waiting = with("files").wait_for_replicas(1, Duration::from_millis(20));
    let one = world.machine(waiting).await;
    let other = world.machine(with("files")).await;
    let [alice, bob] = ["alice", "bob"].map(|who| world.token(who, who));
    one.comes_to_say(&alice, "ok").await;
    other.revoke(world.of_subject("alice")).await;
    one.comes_to_say(&alice, "revoked").await;
    assert!(
        one.guard
            .revocations()
            .revoke(world.of_subject("bob"))
            .await
            .is_err()
    );
    other.comes_to_say(&bob, "revoked").await;
    // What is lost is put back with the same rights.
    let lost = server.ask::<usize>(&["DEL", "clearance:{files}:revoked:entries"]);
    assert_eq!(lost.await, 1);
    other.is_stale().await;
    other.is_current().await;
    let late = world.machine(with("files")).await;
    late.never_lets_in(&alice).await;
    let elsewhere = RedisRevocations::create(&with("mail")).await;
    assert_eq!(elsewhere, Err(RedisStoreError::Unavailable("forbidden")));
    let calls: Vec<redis::Value> = server.ask(&["ACL", "LOG"]).await;
    assert!(calls.len() <= 2, "more was asked for: {calls:?}");
}

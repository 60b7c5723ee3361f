//! What somebody else wrote into the store, or took out of it.
//!
//! Entries that nobody with the key wrote are left out, and said. What is missing or has no form makes the
//! store unknown, and then nobody is let in.

use std::time::Instant;

use clearance::lifecycle::RevocationError;
use libtest_mimic::Trial;

use super::log;
use super::program::Program;
use super::trial::trial;
use super::world::{BOUND, Machine, World, create, eventually, key, options_of};

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        trial("garbage_is_left_out", garbage),
        trial("a_feed_of_strangers_hides_nothing", feed),
        trial("a_list_that_was_taken_is_put_back", taken),
        trial("a_state_without_form_lets_nobody_in", damaged),
        trial("a_full_list_lets_nobody_in", full),
        trial("two_guards_of_one_server_do_not_meet", two_guards),
    ]
}

/// A server, and two machines of a guard.
struct Scene {
    world: World,
    server: Program,
    guard: &'static str,
    machines: Vec<Machine>,
}

impl Scene {
    async fn of(guard: &'static str) -> Self {
        let mut this = Self {
            world: World::new().await,
            server: Program::start().await,
            guard,
            machines: Vec::new(),
        };
        create(&this.options()).await;
        for _ in 0..2 {
            let machine = this.machine().await;
            machine.is_current().await;
            this.machines.push(machine);
        }
        this
    }

    fn options(&self) -> clearance::redis::RedisOptions {
        let address = self.server.url().parse().expect("an address");
        options_of(self.guard, address, key())
    }

    async fn machine(&self) -> Machine {
        self.world.machine(self.options()).await
    }

    fn key(&self, part: &str) -> String {
        format!("clearance:{{{}}}:revoked:{part}", self.guard)
    }

    async fn ask(&self, words: &[&str]) {
        self.server.ask::<redis::Value>(words).await;
    }
}

async fn garbage() {
    let scene = Scene::of("garbage").await;
    let (world, entries) = (&scene.world, scene.key("entries"));
    scene.machines[0].revoke(world.of_subject("alice")).await;
    let genuine: Vec<String> = scene.server.ask(&["HKEYS", &entries]).await;
    let long = "x".repeat(100_000);
    for (name, value) in [
        ("", ""),
        ("name", "value"),
        (&*long, &*long),
        (
            "A_name_of_forty_three_letters_as_a_code_has",
            "{\"issuer\":1}",
        ),
        ("\u{1}\u{0}", "\u{0}"),
    ] {
        scene.ask(&["HSET", &entries, name, value]).await;
    }
    for number in 0..1_000 {
        scene
            .ask(&["HSET", &entries, &format!("n{number}"), "junk"])
            .await;
    }
    let late = scene.machine().await;
    let [alice, bob] = ["alice", "bob"].map(|who| world.token(who, who));
    late.never_lets_in(&alice).await;
    late.comes_to_say(&bob, "ok").await;
    assert_eq!(late.guard.revocations().len(), 1);
    assert!(
        log::tells("garbage", "entries=1005 "),
        "{:?}",
        log::of("garbage")
    );
    // A genuine entry under another name is none, and its own name is not taken from it.
    let sealed: Vec<u8> = {
        let mut command = redis::cmd("HGET");
        command.arg(&entries).arg(&genuine[0]);
        scene.server.try_ask(&command).await.expect("an entry")
    };
    let mut command = redis::cmd("HSET");
    command.arg(&entries).arg("moved").arg(sealed);
    scene
        .server
        .try_ask::<i64>(&command)
        .await
        .expect("written");
    let last = scene.machine().await;
    last.never_lets_in(&alice).await;
    last.comes_to_say(&bob, "ok").await;
    assert!(
        log::tells("garbage", "entries=1006 "),
        "{:?}",
        log::of("garbage")
    );
}

async fn feed() {
    let scene = Scene::of("feed").await;
    let (world, feed) = (&scene.world, scene.key("feed"));
    scene.machines[0].revoke(world.of_subject("first")).await;
    // In each of them, `NEXT` is the place of the next entry.
    let replayed = "local first = redis.call('XRANGE', KEYS[1], '-', '+')[1][2] \
                    return redis.call('XADD', KEYS[1], 'NEXT', unpack(first))";
    let forged = [
        replayed,
        "return redis.call('XADD', KEYS[1], '*', 'n', 'x', 'e', 'y')",
        "return redis.call('XADD', KEYS[1], 'NEXT', 'n', 'x', 'e', 'y')",
        "return redis.call('XADD', KEYS[1], 'NEXT', 'a', 'b')",
        "return redis.call('XADD', KEYS[1], 'LAST-7', 'a', 'b')",
        "return redis.call('DEL', KEYS[1])",
        "return redis.call('XTRIM', KEYS[1], 'MAXLEN', 0)",
    ];
    for (number, script) in forged.iter().enumerate() {
        let state = scene.key("state");
        let counter: u64 = scene.server.ask(&["HGET", &state, "counter"]).await;
        let next = format!("{}-0", counter + 1);
        let script = script.replace("NEXT", &next);
        let script = script.replace("LAST", &counter.to_string());
        scene.ask(&["EVAL", &script, "1", &feed]).await;
        let who = format!("u{number}");
        let token = world.token(&who, &who);
        scene.machines[0].revoke(world.of_subject(&who)).await;
        let since = Instant::now();
        scene.machines[1].refuses_within(BOUND, since, &token).await;
        for machine in &scene.machines {
            machine.is_current().await;
        }
    }
}

async fn taken() {
    let scene = Scene::of("taken").await;
    let world = &scene.world;
    let [alice, bob, carol] = ["alice", "bob", "carol"].map(|who| world.token(who, who));
    scene.machines[0].revoke(world.of_subject("alice")).await;
    scene.machines[0].revoke(world.of_subject("bob")).await;
    scene.machines[1].comes_to_say(&bob, "revoked").await;
    let entries = scene.key("entries");
    let names: Vec<String> = scene.server.ask(&["HKEYS", &entries]).await;
    let part = ["HDEL".to_owned(), entries.clone(), names[0].clone()];
    let all = |key: &str| ["DEL".to_owned(), key.to_owned(), "x".to_owned()];
    for words in [
        part,
        all(&entries),
        all(&scene.key("expiry")),
        all(&scene.key("machines")),
    ] {
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        scene.ask(&words).await;
        let late = scene.machine().await;
        late.never_lets_in(&alice).await;
        late.never_lets_in(&bob).await;
        late.comes_to_say(&carol, "ok").await;
        eventually("all of it is back", async || {
            let there: usize = scene.server.ask(&["HLEN", &entries]).await;
            let times: usize = scene.server.ask(&["ZCARD", &scene.key("expiry")]).await;
            (there, times) == (2, 2)
        })
        .await;
    }
    assert!(log::tells("taken", "lost data"), "{:?}", log::of("taken"));
    assert!(log::tells("taken", "entries=2 "), "{:?}", log::of("taken"));
}

async fn damaged() {
    let scene = Scene::of("damaged").await;
    let world = &scene.world;
    let [alice, bob] = ["alice", "bob"].map(|who| world.token(who, who));
    scene.machines[0].revoke(world.of_subject("alice")).await;
    let state = scene.key("state");
    let wrong = [
        ("store_damaged", vec!["HSET", &state, "counter", "many"]),
        ("store_damaged", vec!["HDEL", &state, "generation"]),
        ("store_damaged", vec!["SET", &state, "a text"]),
        ("not_created", vec!["DEL", &state]),
    ];
    for (cause, words) in &wrong {
        scene.ask(words).await;
        let since = Instant::now();
        for machine in &scene.machines {
            machine.knows_nothing_within(BOUND, since, &bob).await;
        }
        let done = scene.machines[0]
            .guard
            .revocations()
            .revoke(world.of_subject("x"));
        let Err(RevocationError::Unpublished(why)) = done.await else {
            panic!("published: {words:?}");
        };
        assert_eq!(why.cause(), *cause, "{words:?}");
        let late = scene.machine().await;
        assert_eq!(late.says(&alice).await, "unavailable");
        // The operator begins anew: what is there stays, and what is missing is put back.
        scene.ask(&["DEL", &state]).await;
        create(&scene.options()).await;
        late.never_lets_in(&alice).await;
        for machine in scene.machines.iter().chain([&late]) {
            machine.comes_to_say(&bob, "ok").await;
        }
        assert!(log::tells("damaged", cause), "{:?}", log::of("damaged"));
    }
    for part in ["entries", "expiry", "feed", "machines"] {
        scene.ask(&["SET", &scene.key(part), "a text"]).await;
        let since = Instant::now();
        scene.machines[0]
            .knows_nothing_within(BOUND, since, &bob)
            .await;
        scene.ask(&["DEL", &scene.key(part)]).await;
        for machine in &scene.machines {
            machine.comes_to_say(&bob, "ok").await;
            assert_eq!(machine.says(&alice).await, "revoked");
        }
    }
}

async fn full() {
    let scene = Scene::of("full").await;
    let world = &scene.world;
    let small = world
        .machine_with(scene.options(), |builder| builder.max_revocations(2))
        .await;
    let token = world.token("other", "t");
    small.comes_to_say(&token, "ok").await;
    for who in ["a", "b"] {
        scene.machines[0].revoke(world.of_subject(who)).await;
    }
    small.comes_to_say(&world.token("b", "b"), "revoked").await;
    assert_eq!(small.says(&token).await, "ok");
    scene.machines[0].revoke(world.of_subject("c")).await;
    let since = Instant::now();
    small.knows_nothing_within(BOUND, since, &token).await;
    assert_eq!(scene.machines[1].says(&token).await, "ok");
    eventually("it says why", async || log::tells("full", "list_full")).await;
    // One that comes with too small a list never lets anybody in.
    let late = world
        .machine_with(scene.options(), |builder| builder.max_revocations(2))
        .await;
    eventually("it has read", async || late.guard.revocations().len() == 2).await;
    let since = Instant::now();
    while since.elapsed() < BOUND {
        assert_ne!(late.says(&token).await, "ok");
    }
}

async fn two_guards() {
    let (one, server) = (Scene::of("one").await, ());
    let () = server;
    let address = one.server.url().parse().expect("an address");
    let other = options_of("other", address, key());
    create(&other).await;
    let other = one.world.machine(other).await;
    other.is_current().await;
    let token = one.world.token("alice", "t");
    one.machines[0].revoke(one.world.of_subject("alice")).await;
    one.machines[1].comes_to_say(&token, "revoked").await;
    other.comes_to_say(&token, "ok").await;
    // Entries that were carried over are not those of the other one.
    let (from, to) = (one.key("entries"), "clearance:{other}:revoked:entries");
    one.ask(&["COPY", &from, to]).await;
    let address = one.server.url().parse().expect("an address");
    let late = one.world.machine(options_of("other", address, key())).await;
    late.comes_to_say(&token, "ok").await;
    assert!(log::tells("other", "entries=1 "), "{:?}", log::of("other"));
}

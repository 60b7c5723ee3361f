//! What one machine revokes is revoked on all, and nobody reads it in Redis.

use std::time::{Duration, Instant};

use chrono::TimeDelta;
use clearance::clock::Clock as _;
use clearance::id::{ClientId, IssuerSession};
use clearance::lifecycle::Revocation;
use libtest_mimic::Trial;
use redis::Value;

use super::program::Program;
use super::trial::trial;
use super::world::{BOUND, World, eventually, options};

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        trial("what_one_revokes_is_revoked_on_all", all_kinds),
        trial("written_twice_is_written_once", twice),
        trial("redis_holds_nothing_that_can_be_read", unreadable),
        trial("what_is_over_leaves", expiry),
        trial("a_warm_request_asks_nobody", warm),
        trial("a_guard_that_comes_later_learns_first", later_guard),
    ]
}

/// Tokens that have nothing in common but their issuer, and what revokes each of them.
fn one_of_each(world: &World) -> Vec<(String, Revocation)> {
    let issuer = world.issuer.id();
    let all = [
        world.of_token("t0"),
        world.of_subject("u1"),
        Revocation::of_client(issuer.clone(), ClientId::new("c2")),
        Revocation::of_session(issuer.clone(), IssuerSession::new("s3")),
    ];
    let numbered = all.into_iter().enumerate();
    numbered
        .map(|(number, what)| (token(world, number), what))
        .collect()
}

fn token(world: &World, number: usize) -> String {
    let token = world.issuer.token().subject(&format!("u{number}"));
    let token = token.client(&format!("c{number}"));
    let token = token.token_id(&format!("t{number}"));
    token.claim("sid", format!("s{number}")).mint()
}

async fn all_kinds() {
    let (world, server, machines) = World::with(3).await;
    let other = token(&world, 9);
    let all = one_of_each(&world);
    for (number, (token, what)) in all.iter().enumerate() {
        for machine in &machines {
            assert_eq!(machine.says(token).await, "ok");
        }
        let first = &machines[number % machines.len()];
        first.revoke(what.clone()).await;
        let since = Instant::now();
        assert_eq!(first.says(token).await, "revoked");
        for machine in &machines {
            machine.refuses_within(BOUND, since, token).await;
        }
    }
    // Who comes later learns all of it before it lets anybody in.
    let late = format!("{}?protocol=resp3", server.url());
    let late = world.machine(options(&late)).await;
    for (token, what) in &all {
        late.never_lets_in(token).await;
        assert_eq!(late.says(token).await, "revoked", "{what:?}");
    }
    for machine in machines.iter().chain([&late]) {
        machine.comes_to_say(&other, "ok").await;
        assert_eq!(machine.guard.revocations().len(), all.len());
    }
}

async fn twice() {
    let (world, server, machines) = World::with(2).await;
    let until = world.clock.now();
    let what = world.of_subject("alice").issued_until(until);
    let entries = || server.ask::<usize>(&["HLEN", "clearance:{files}:revoked:entries"]);
    let fed = || server.ask::<usize>(&["XLEN", "clearance:{files}:revoked:feed"]);
    for machine in [&machines[0], &machines[0], &machines[1]] {
        machine.revoke(what.clone()).await;
        assert_eq!((entries().await, fed().await), (1, 1));
    }
    // One that says another moment is another one, and the later moment counts, whichever comes last.
    let later = until + TimeDelta::seconds(30);
    machines[1].revoke(what.clone().issued_until(later)).await;
    machines[0].revoke(what).await;
    assert_eq!(entries().await, 2);
    world.clock.advance(TimeDelta::seconds(25));
    let token = world.token("alice", "t");
    let late = world.machine(options(&server.url())).await;
    for machine in machines.iter().chain([&late]) {
        machine.never_lets_in(&token).await;
    }
}

fn collect(value: &Value, into: &mut Vec<u8>) {
    match value {
        Value::BulkString(bytes) => into.extend_from_slice(bytes),
        Value::SimpleString(text) => into.extend_from_slice(text.as_bytes()),
        Value::Array(all) | Value::Set(all) => all.iter().for_each(|one| collect(one, into)),
        Value::Int(number) => into.extend_from_slice(number.to_string().as_bytes()),
        Value::Nil => {}
        other => panic!("not expected: {other:?}"),
    }
    into.push(b'\n');
}

/// All keys and values.
async fn all_of(server: &Program) -> Vec<u8> {
    let mut all = Vec::new();
    for key in server.ask::<Vec<String>>(&["KEYS", "*"]).await {
        all.extend_from_slice(key.as_bytes());
        let kind: String = server.ask(&["TYPE", &key]).await;
        let words: &[&str] = match kind.as_str() {
            "hash" => &["HGETALL", &key],
            "zset" => &["ZRANGE", &key, "0", "-1", "WITHSCORES"],
            "stream" => &["XRANGE", &key, "-", "+"],
            "set" => &["SMEMBERS", &key],
            "string" => &["GET", &key],
            other => panic!("{key} is a {other}"),
        };
        collect(&server.ask(words).await, &mut all);
    }
    all
}

fn holds(all: &[u8], text: &str) -> bool {
    let text = text.to_ascii_lowercase();
    let all = all.to_ascii_lowercase();
    all.windows(text.len()).any(|part| part == text.as_bytes())
}

async fn unreadable() {
    let (world, server, machines) = World::with(1).await;
    let issuer = world.issuer.id();
    let machine = &machines[0];
    machine.revoke(world.of_token("a-token-id")).await;
    machine.revoke(world.of_subject("a-subject")).await;
    let client = Revocation::of_client(issuer.clone(), ClientId::new("a-client"));
    machine.revoke(client).await;
    let login = Revocation::of_session(issuer.clone(), IssuerSession::new("a-login"));
    machine.revoke(login).await;
    let all = all_of(&server).await;
    // This can see what is there.
    for seen in ["clearance:{files}:revoked:entries", "generation"] {
        assert!(holds(&all, seen), "{seen}");
    }
    let address = issuer.as_str();
    let host = address.split("//").nth(1).expect("a host");
    let texts = [
        "a-token-id",
        "a-subject",
        "a-client",
        "a-login",
        "jti",
        "issuer",
    ];
    for text in texts.into_iter().chain([address, host]) {
        assert!(!holds(&all, text), "{text} can be read");
    }
    // Two of the same length differ in nothing that says which is which.
    let sealed: Vec<Vec<u8>> = server
        .ask(&["HVALS", "clearance:{files}:revoked:entries"])
        .await;
    assert_eq!(sealed.len(), 4);
    assert!(sealed.iter().all(|one| one.len() == sealed[0].len()));
}

async fn expiry() {
    let (world, server, machines) = World::with(2).await;
    let entries = || server.ask::<usize>(&["HLEN", "clearance:{files}:revoked:entries"]);
    // What was issued until then is dead in less than a second: the longest lifetime, the leeway and what
    // clocks of issuers may differ.
    let keep = TimeDelta::hours(24) + TimeDelta::seconds(70);
    let soon = world.clock.now() - keep + TimeDelta::milliseconds(700);
    machines[0]
        .revoke(world.of_subject("alice").issued_until(soon))
        .await;
    machines[0].revoke(world.of_subject("bob")).await;
    assert_eq!(entries().await, 2);
    eventually("it leaves", async || entries().await == 1).await;
    let times: usize = server
        .ask(&["ZCARD", "clearance:{files}:revoked:expiry"])
        .await;
    assert_eq!(times, 1);
    // The keys themselves end after the last of what they hold.
    for part in ["entries", "expiry", "feed"] {
        let key = format!("clearance:{{files}}:revoked:{part}");
        let left: i64 = server.ask(&["PTTL", &key]).await;
        let hours = left / 3_600_000;
        assert!((24..=26).contains(&hours), "{part}: {left}");
    }
    let epoch: i64 = server
        .ask(&["PTTL", "clearance:{files}:revoked:state"])
        .await;
    assert_eq!(epoch, -1, "the epoch stays");
    for machine in &machines {
        machine.is_current().await;
        machine.never_lets_in(&world.token("bob", "t")).await;
    }
}

async fn warm() {
    let (world, server, machines) = World::with(1).await;
    let token = world.token("alice", "t");
    let asked = async || {
        let text: String = server.ask(&["INFO", "stats"]).await;
        let line = text
            .lines()
            .find_map(|line| line.strip_prefix("total_commands_processed:"));
        line.expect("a line").parse::<u64>().expect("a number")
    };
    assert_eq!(machines[0].says(&token).await, "ok");
    let (before, start) = (asked().await, Instant::now());
    for _ in 0..5_000 {
        assert_eq!(machines[0].says(&token).await, "ok");
    }
    // Signs of life and reads go on; with their scripts they are some twenty commands each.
    let beats = 2 + start.elapsed().as_millis() / Duration::from_millis(200).as_millis();
    let more = u128::from(asked().await - before);
    assert!(
        more < 60 * beats && more < 5_000,
        "{more} commands in {beats} beats"
    );
}

/// A second guard of the same store, on a machine that knows all already.
async fn later_guard() {
    let (world, _server, machines) = World::with(1).await;
    let machine = &machines[0];
    let [alice, bob] = ["alice", "bob"].map(|who| world.token(who, who));
    machine.revoke(world.of_subject("alice")).await;
    for _ in 0..5 {
        machine.is_current().await;
        let second = world.guard_over(&machine.store, |builder| builder).await;
        second.never_lets_in(&alice).await;
        second.comes_to_say(&bob, "ok").await;
    }
}

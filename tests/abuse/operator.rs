//! What an operator sees of penalties, and takes back.

use std::time::Duration;

use chrono::TimeDelta;
use clearance::ConfigError;
use clearance::id::{ClientId, Subject};
use clearance::limit::{Offence, Offender, Peers, Quota};

use super::support::{FilesRead, Logs};
use super::{ATTACKER, HOME, Stage, stage, stage_with};

fn lines(logs: &Logs, what: &str) -> Vec<String> {
    let text = logs.text();
    let lines = text
        .lines()
        .filter(|line| line.ends_with(what) || line.contains(&format!("{what} ")));
    lines.map(str::to_owned).collect()
}

fn peer(text: &str) -> Offender {
    Offender::Peer(text.parse().expect("a network"))
}

impl Stage {
    async fn probe_until_penalised(&self, subject: &str) {
        let token = self.token(subject).mint();
        for _ in 0..31 {
            self.ask::<FilesRead>(HOME, &token)
                .await
                .expect_err("no scope");
        }
    }

    fn principal(&self, subject: &str) -> Offender {
        // There is no other way to write one down by hand than to take it from the health.
        let latest = self.guard.health().penalties.latest;
        let is = |offender: &Offender| matches!(offender, Offender::Principal { subject: of, .. } if *of == Subject::new(subject));
        let found = latest.into_iter().map(|penalty| penalty.offender).find(is);
        found.expect("a principal")
    }
}

/// Each penalty is one event, of an address or of a principal, and neither names a subject or a token.
#[tokio::test]
async fn penalties_are_events() {
    let stage = stage().await;
    let logs = Logs::capture();
    stage.penalise(ATTACKER).await;
    for _ in 0..100 {
        stage.verdict(ATTACKER, "a.b.c").await;
    }
    let [line] = &lines(&logs, "penalised")[..] else {
        panic!("not one event: {}", logs.text());
    };
    for part in [
        " WARN clearance",
        r#"peer="198.51.100.66""#,
        r#"reason="malformed_token""#,
        "level=0",
        "seconds=1",
    ] {
        assert!(line.contains(part), "{part}: {line}");
    }
    stage.pass(1);
    stage.penalise(ATTACKER).await;
    assert!(lines(&logs, "penalised")[1].contains("level=1 seconds=2"));

    stage.probe_until_penalised("u-secret").await;
    let line = &lines(&logs, "penalised")[2];
    let issuer = format!("issuer=\"{}\"", stage.issuer.id());
    for part in [&issuer, r#"client="client-1""#, r#"reason="scope_probing""#] {
        assert!(line.contains(part), "{part}: {line}");
    }
    assert!(
        !line.contains("u-secret") && !line.contains("peer="),
        "{line}"
    );
}

/// The health says who, why, how much and for how long, of the last thirty-two.
#[tokio::test]
async fn the_health_shows_who_has_a_penalty() {
    let stage = stage().await;
    assert_eq!(stage.guard.health().penalties.latest, []);
    for host in 1..=40 {
        stage.penalise(&format!("203.0.113.{host}")).await;
    }
    stage.clock.advance(TimeDelta::milliseconds(300));
    let penalties = stage.guard.health().penalties;
    assert_eq!(
        (penalties.peers, penalties.principals, penalties.total),
        (40, 0, 40)
    );
    assert_eq!((penalties.failures, penalties.floods), (40 * 21, 1));
    let names = penalties
        .latest
        .iter()
        .map(|penalty| penalty.offender.to_string());
    let expected = (9..=40).map(|host| format!("203.0.113.{host}"));
    assert!(names.eq(expected), "{:?}", penalties.latest);
    let last = penalties.latest.last().expect("a penalty");
    assert_eq!(
        (last.reason, last.level, last.left),
        (Offence::MalformedToken, 0, Duration::from_millis(700))
    );
    stage.pass(1);
    stage.penalise("203.0.113.20").await;
    let penalties = stage.guard.health().penalties;
    assert_eq!(
        (penalties.peers, penalties.total, penalties.latest.len()),
        (1, 41, 32)
    );
    let last = penalties.latest.last().expect("a penalty");
    assert_eq!(
        (last.offender.clone(), last.level),
        (peer("203.0.113.20"), 1)
    );
    stage.pass(2);
    let penalties = stage.guard.health().penalties;
    assert_eq!(penalties.peers, 0);
    assert!(
        penalties
            .latest
            .iter()
            .all(|penalty| penalty.left.is_zero())
    );
}

/// A penalty that is lifted is over at once, and its offender begins anew.
#[tokio::test]
async fn penalties_are_lifted() {
    let stage = stage().await;
    let other = "203.0.113.9";
    let fresh = || stage.token("u1").mint();
    stage.penalise(ATTACKER).await;
    stage.penalise(other).await;
    stage.penalise("2001:db8:1:2::7").await;
    assert_eq!(stage.guard.lift_penalty(&peer(HOME)), 0);
    assert_eq!(stage.guard.lift_penalty(&peer(ATTACKER)), 1);
    assert_eq!(stage.guard.lift_penalty(&peer(ATTACKER)), 0);
    assert_eq!(stage.verdict(ATTACKER, &fresh()).await, "ok");
    assert_eq!(stage.verdict(other, &fresh()).await, "wait 1");
    let left = stage.guard.health().penalties;
    assert_eq!((left.peers, left.latest.len(), left.total), (2, 2, 3));
    assert_eq!(stage.penalise(ATTACKER).await, 21, "a whole budget");
    assert_eq!(
        stage.verdict(ATTACKER, &fresh()).await,
        "wait 1",
        "and the first level"
    );
    // Any address of its network means a peer of IPv6, and a network means all that are in it.
    assert_eq!(stage.guard.lift_penalty(&peer("2001:db8:1:2:ffff::1")), 1);
    assert_eq!(stage.guard.lift_penalty(&peer("203.0.113.0/24")), 1);
    assert_eq!(stage.verdict(other, &fresh()).await, "ok");

    stage.probe_until_penalised("u2").await;
    stage.probe_until_penalised("u3").await;
    let first = stage.principal("u2");
    let Offender::Principal { client, .. } = &first else {
        panic!("{first:?}");
    };
    assert_eq!(*client, ClientId::new("client-1"));
    assert_eq!(stage.guard.lift_penalty(&first), 1);
    let refused = stage
        .ask::<FilesRead>(HOME, &stage.token("u2").mint())
        .await;
    assert_eq!(super::verdict(refused), "insufficient_scope");
    let refused = stage
        .ask::<FilesRead>(HOME, &stage.token("u3").mint())
        .await;
    assert_eq!(super::verdict(refused), "wait 1");
    // The attacker's, and that of the third.
    assert_eq!(stage.guard.lift_penalties(), 2);
    let none = stage.guard.health().penalties;
    assert_eq!((none.peers, none.principals, none.latest.len()), (0, 0, 0));
}

/// Many addresses that keep to their budgets are reported together.
#[tokio::test]
async fn failures_of_all_peers_together_are_reported() {
    let peers = Peers::of_connections().report_failures_beyond(100);
    let stage = stage_with(peers, |builder| builder).await;
    let logs = Logs::capture();
    let fail = async || {
        for host in 1..=101 {
            stage.verdict(&format!("203.0.113.{host}"), "a.b.c").await;
        }
    };
    fail().await;
    fail().await;
    let [line] = &lines(&logs, "many failures, of all peers together")[..] else {
        panic!("not one event: {}", logs.text());
    };
    assert!(
        line.contains("WARN clearance") && line.contains("failures=101"),
        "{line}"
    );
    stage.pass(60);
    fail().await;
    let penalties = stage.guard.health().penalties;
    assert_eq!(
        (penalties.floods, penalties.failures, penalties.total),
        (2, 303, 0)
    );
}

/// A budget of nothing would punish everybody, and one beyond counting nobody.
#[tokio::test]
async fn budgets_that_allow_nothing_are_refused() {
    let stage = stage().await;
    let peers = Peers::of_connections;
    let none = Quota::per_minute(0);
    for (peers, refusals, is_sound) in [
        (peers(), Quota::per_hour(1), true),
        (peers().failure_budget(none), Quota::per_hour(1), false),
        (
            peers().failure_budget(Quota::per_second(2_000_000_000)),
            Quota::per_hour(1),
            false,
        ),
        (
            peers().longest_wait(Duration::ZERO),
            Quota::per_hour(1),
            false,
        ),
        (
            peers().refuse_tokens_from_more_than(0),
            Quota::per_hour(1),
            false,
        ),
        (
            peers().refuse_tokens_from_more_than(1),
            Quota::per_hour(1),
            true,
        ),
        (
            peers().report_tokens_from_more_than(0),
            Quota::per_hour(1),
            true,
        ),
        (peers(), none, false),
    ] {
        let guard = super::support::strict(&stage.issuer, &stage.clock);
        let built = guard.peers(peers).refusal_budget(refusals).build();
        assert_eq!(built.is_ok(), is_sound);
        assert!(is_sound || matches!(built, Err(ConfigError::Quota)));
    }
}

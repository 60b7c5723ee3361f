//! Whose a task is.

use std::time::Duration;

use chrono::TimeDelta;
use clearance::session::{SealKey, SealKeys};

use super::fixture::{
    ALICE, BOB, EVERYTHING, METHODS, REVISIONS, about, plainly, policy, site, site_with, verdict,
};
use crate::support::request::{MODERN, code_of};

/// RS-092, RS-107: with somebody else's task id one is told what one is told with none of a task, and
/// nothing happens to the task.
#[tokio::test]
async fn a_task_is_its_owners() {
    let site = site().await;
    for revision in REVISIONS {
        let id = site.begin(revision, "tools/call export", ALICE).await;
        let (key, expected) = if revision == MODERN {
            ("1", 400)
        } else {
            ("0", 200)
        };
        for method in METHODS {
            let asked = about(revision, method, &id);
            let unknown = about(revision, method, "no-such-task");
            for stranger in [
                BOB,
                // Another client of the same user is another owner.
                ("alice", "c2", EVERYTHING),
                ("alice ", "c1", EVERYTHING),
                ("alicec", "1", EVERYTHING),
                ("c1", "alice", EVERYTHING),
            ] {
                let refused = site.send(&asked, stranger).await;
                assert_eq!(
                    (refused.status, code_of(&refused)),
                    (expected, -32602),
                    "{method}"
                );
                let of_nothing = site.send(&unknown, stranger).await;
                assert_eq!(plainly(refused), plainly(of_nothing.clone()), "{method}");
                // The owner himself learns no more of what is not there.
                let of_owner = site.send(&unknown, ALICE).await;
                assert_eq!(plainly(of_nothing), plainly(of_owner));
                assert!(site.log.take().is_empty(), "{method} ran for {stranger:?}");
                assert_eq!(site.state(key), Some("working"));
            }
            let answer = site.send(&asked, ALICE).await;
            assert_eq!(verdict(&answer), "passed", "{method} {answer:?}");
            assert_eq!(site.log.take(), [format!("{method} {key}")]);
            if method == "tasks/cancel" {
                assert_eq!(site.state(key), Some("cancelled"));
                // For the strangers that follow, it goes on.
                break;
            }
        }
    }
}

/// RS-107: who holds no scope at all learns no more than who holds all of them.
#[tokio::test]
async fn the_answer_does_not_depend_on_what_a_stranger_may_do() {
    let site = site().await;
    for revision in REVISIONS {
        let id = site.begin(revision, "tools/call export", ALICE).await;
        let asked = about(revision, "tasks/get", &id);
        let all = site.send(&asked, BOB).await;
        let none = site.send(&asked, ("bob", "c1", "")).await;
        assert_eq!(plainly(all), plainly(none));
        // To its owner it is a task that he may not look at.
        let answer = site.send(&asked, ("alice", "c1", "a")).await;
        assert_eq!(verdict(&answer), "lacks files:read a");
    }
    assert!(site.log.take().is_empty());
}

/// RS-107: it is the owner's with every token of his, also with one that he got later.
#[tokio::test]
async fn a_task_outlives_its_token() {
    let site = site().await;
    for revision in REVISIONS {
        let id = site.begin(revision, "tools/call export", ALICE).await;
        site.clock.advance(TimeDelta::minutes(50));
        let asked = about(revision, "tasks/get", &id);
        for scopes in ["files:read", "mcp:admin", "files:read b"] {
            let answer = site.send(&asked, ("alice", "c1", scopes)).await;
            assert_eq!(verdict(&answer), "passed");
        }
        site.clock
            .advance(TimeDelta::minutes(10) - TimeDelta::seconds(1));
        assert_eq!(verdict(&site.send(&asked, ALICE).await), "passed");
        // Its own time, which the service chose.
        site.clock.advance(TimeDelta::seconds(1));
        let over = site.send(&asked, ALICE).await;
        let unknown = site
            .send(&about(revision, "tasks/get", "none"), ALICE)
            .await;
        assert_eq!(plainly(over), plainly(unknown));
    }
}

/// RS-107: keys can be changed, and ids of the old one last as long as it is kept.
#[tokio::test]
async fn ids_survive_a_change_of_keys() {
    let key = |byte: u8| SealKey::from_bytes(&[byte; 32]);
    let lifetime = Duration::from_hours(1);
    let cases = [
        (
            SealKeys::from(key(1)),
            SealKeys::from([key(2), key(1)]),
            true,
        ),
        (
            SealKeys::from([key(1), key(2)]),
            SealKeys::from(key(1)),
            true,
        ),
        // The second one of the service does not seal.
        (
            SealKeys::from([key(1), key(2)]),
            SealKeys::from(key(2)),
            false,
        ),
        (SealKeys::from(key(1)), SealKeys::from(key(3)), false),
        (SealKeys::from(key(1)), SealKeys::this_process_only(), false),
        (
            SealKeys::this_process_only(),
            SealKeys::this_process_only(),
            false,
        ),
    ];
    for (at, (own, of_layer, is_opened)) in cases.into_iter().enumerate() {
        let site = site_with(policy(), lifetime, own, of_layer).await;
        let id = site.begin(MODERN, "tools/call export", ALICE).await;
        let answer = site.send(&about(MODERN, "tasks/get", &id), ALICE).await;
        let expected = if is_opened { "passed" } else { "400 -32602" };
        assert_eq!(verdict(&answer), expected, "case {at}");
        assert_eq!(site.log.take().len(), usize::from(is_opened), "case {at}");
    }
}

/// RS-107: of two issuers each may have an `alice`, and they are two.
#[tokio::test]
async fn a_namesake_is_somebody_else() {
    let (here, there) = (site().await, site().await);
    assert_ne!(here.issuer.id(), there.issuer.id());
    let id = here.begin(MODERN, "tools/call export", ALICE).await;
    let asked = about(MODERN, "tasks/get", &id);
    // The keys and the resource are the same.
    assert_eq!(here.guard.resource(), there.guard.resource());
    assert_eq!(verdict(&there.send(&asked, ALICE).await), "400 -32602");
    assert!(there.log.take().is_empty());
    assert_eq!(verdict(&here.send(&asked, ALICE).await), "passed");
}

/// RS-107: one flipped bit anywhere in an id makes it unknown.
#[tokio::test]
async fn a_changed_id_is_unknown() {
    let site = site().await;
    let id = site.begin("2025-11-25", "tools/call export", ALICE).await;
    let unknown = site
        .send(&about("2025-11-25", "tasks/get", "none"), ALICE)
        .await;
    let unknown = plainly(unknown);
    for at in 0..id.len() {
        for bit in [0, 2] {
            let mut changed = id.clone().into_bytes();
            changed[at] ^= 1 << bit;
            let changed = String::from_utf8(changed).expect("ASCII");
            let asked = about("2025-11-25", "tasks/get", &changed);
            let answer = site.send(&asked, ALICE).await;
            assert_eq!(plainly(answer), unknown, "byte {at}: {changed:?}");
        }
    }
    for changed in [
        String::new(),
        ".".to_owned(),
        format!("{id}A"),
        format!("{id}="),
        format!("{id}."),
        format!("A{id}"),
        format!(" {id}"),
        format!("{id} "),
        format!("{id}\n"),
        format!("{id}.{id}"),
        id.replace('.', ""),
        id.split_once('.').expect("two parts").0.to_owned(),
        format!(".{}", id.split_once('.').expect("two parts").1),
        "a".repeat(100_000),
    ] {
        let answer = site
            .send(&about("2025-11-25", "tasks/get", &changed), ALICE)
            .await;
        assert_eq!(plainly(answer), unknown, "{changed:?}");
    }
    assert!(site.log.take().is_empty());
    let answer = site
        .send(&about("2025-11-25", "tasks/get", &id), ALICE)
        .await;
    assert_eq!(verdict(&answer), "passed");
    // However JSON writes it, it is that id.
    let asked = about("2025-11-25", "tasks/get", &id);
    let escaped = asked.body.replace(&id, &id.replace('.', "\\u002e"));
    assert!(escaped.contains("u002e"));
    assert_eq!(
        verdict(&site.send(&asked.body(&escaped), ALICE).await),
        "passed"
    );
}

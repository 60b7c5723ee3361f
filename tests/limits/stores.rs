//! Quotas that are counted elsewhere. The real store is in `tests/redis.rs`; here one fails on purpose.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use chrono::TimeDelta;
use clearance::Problem;
use clearance::limit::{Charge, Counted, LimitStore, LimitsUnavailable, Quota, Verdict};

use super::world::{ALL, FORMS, call, server};
use crate::support::Logs;
use crate::support::request::{Request, error_of};

/// Lets everything pass unless it is told otherwise. Clones are the same one.
#[derive(Clone, Debug, Default)]
struct Store(Arc<State>);

#[derive(Debug, Default)]
struct State {
    is_down: AtomicBool,
    questions: AtomicUsize,
    /// At this place of the charges one is beyond its quota.
    beyond: Mutex<Option<usize>>,
    taken: Mutex<Vec<Vec<(u32, u32)>>>,
}

impl LimitStore for Store {
    fn count<'a>(&'a self, charges: &'a [Charge]) -> Counted<'a> {
        Box::pin(async move {
            // Like a real one: the answer is not there at once.
            tokio::task::yield_now().await;
            self.0.questions.fetch_add(1, Ordering::SeqCst);
            if self.0.is_down.load(Ordering::SeqCst) {
                return Err(LimitsUnavailable::new("connection_failed"));
            }
            let units = charges.iter().map(|charge| {
                assert!(!charge.account().is_empty());
                (charge.quota().count(), charge.units().get())
            });
            let units = units.collect();
            let mut taken = self.0.taken.lock().unwrap_or_else(PoisonError::into_inner);
            taken.push(units);
            let beyond = *self.0.beyond.lock().unwrap_or_else(PoisonError::into_inner);
            Ok(match beyond {
                Some(place) if place < charges.len() => Verdict::Beyond {
                    place,
                    wait: Duration::from_millis(3_500),
                },
                _ => Verdict::Within,
            })
        })
    }
}

impl Store {
    fn take(&self) -> Vec<Vec<(u32, u32)>> {
        let mut taken = self.0.taken.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::take(&mut *taken)
    }

    fn beyond(&self, place: Option<usize>) {
        *self.0.beyond.lock().unwrap_or_else(PoisonError::into_inner) = place;
    }

    fn go_down(&self, is_down: bool) {
        self.0.is_down.store(is_down, Ordering::SeqCst);
    }

    fn questions(&self) -> usize {
        self.0.questions.swap(0, Ordering::SeqCst)
    }
}

/// One question for a request, a second one where the call has a price of its own.
#[tokio::test]
async fn a_request_is_one_question() {
    for form in FORMS {
        let store = Store::default();
        let server = server(form, |guard| {
            guard
                .limit(Quota::per_minute(100))
                .limit_tool("get_weather", Quota::per_minute(7))
                .cost_of_tool("export", 10)
                .share_limits(store.clone())
        })
        .await;
        let mut asked = Vec::new();
        for what in ["whoami", "get_weather", "export"] {
            let answer = call(&server, "alice", &format!("tools/call {what}")).await;
            assert_eq!(answer.status, 200, "{form} {what}");
            asked.push(store.take());
        }
        assert_eq!(asked[0], [vec![(100, 1)]], "{form}");
        assert_eq!(asked[1], [vec![(100, 1)], vec![(7, 1)]], "{form}");
        assert_eq!(asked[2], [vec![(100, 1)], vec![(100, 9)]], "{form}");
        let token = server.scoped(ALL).mint();
        let batch = Request::new("2025-03-26", "batch ping + tools/call get_weather + ping");
        let answer = server.send(&batch.bearer(&token)).await;
        assert_eq!(answer.status, 200, "{form}");
        assert_eq!(
            store.take(),
            [vec![(100, 1)], vec![(100, 2), (7, 1)]],
            "{form}"
        );
    }
}

/// What is beyond a quota of all machines is refused, and says what of.
#[tokio::test]
async fn the_store_refuses() {
    for form in FORMS {
        let store = Store::default();
        let server = server(form, |guard| {
            guard
                .limit_tool("get_weather", Quota::per_minute(7))
                .share_limits(store.clone())
        })
        .await;
        store.beyond(Some(0));
        let refused = call(&server, "alice", "tools/call whoami").await;
        assert_eq!(
            (refused.status, refused.header("retry-after")),
            (429, Some("4"))
        );
        assert_eq!(
            error_of(&refused)["error"]["data"]["rateLimit"]["policy"],
            "principal"
        );
        assert!(server.log.take().is_empty(), "{form}");
        store.beyond(None);
        assert_eq!(
            call(&server, "alice", "tools/call whoami").await.status,
            200,
            "{form}"
        );
    }
}

/// What one machine alone refuses costs no question.
#[tokio::test]
async fn who_is_beyond_here_is_not_asked_about() {
    for form in FORMS {
        let store = Store::default();
        let server = server(form, |guard| {
            guard
                .limit(Quota::per_minute(2))
                .share_limits(store.clone())
        })
        .await;
        for expected in [200, 200, 429, 429, 429] {
            assert_eq!(
                call(&server, "alice", "tools/call whoami").await.status,
                expected,
                "{form}"
            );
        }
        assert_eq!(store.questions(), 2, "{form}");
    }
}

/// While the store is down each machine counts for itself, and says so.
#[tokio::test]
async fn machines_count_alone_while_the_store_is_down() {
    for form in FORMS {
        let store = Store::default();
        let logs = Logs::capture();
        let told = |what: &str| logs.text().matches(what).count();
        let server = server(form, |guard| {
            guard
                .limit(Quota::per_minute(3))
                .share_limits(store.clone())
        })
        .await;
        assert_eq!(
            call(&server, "alice", "tools/call whoami").await.status,
            200,
            "{form}"
        );
        store.go_down(true);
        for expected in [200, 200, 429] {
            assert_eq!(
                call(&server, "alice", "tools/call whoami").await.status,
                expected,
                "{form}"
            );
        }
        let health = server.guard.health();
        assert!(!health.limits.is_current && health.limits.goes_on, "{form}");
        assert!(health.is_ready(), "{form}");
        // The switch is one event, there and back.
        assert_eq!(told("quotas are not shared"), 1, "{form}");
        assert_eq!(told("quotas are shared again"), 0, "{form}");
        store.go_down(false);
        assert_eq!(
            call(&server, "bob", "tools/call whoami").await.status,
            200,
            "{form}"
        );
        assert!(server.guard.health().limits.is_current, "{form}");
        assert_eq!(told("quotas are not shared"), 1, "{form}");
        assert_eq!(told("quotas are shared again"), 1, "{form}");
    }
}

/// Or nobody is let in without it: 503, and the part that is missing.
#[tokio::test]
async fn or_nobody_is_let_in() {
    for form in FORMS {
        let store = Store::default();
        let server = server(form, |guard| {
            guard
                .limit(Quota::per_minute(30))
                .share_limits_or_refuse(store.clone())
        })
        .await;
        store.go_down(true);
        let refused = call(&server, "alice", "tools/call whoami").await;
        assert_eq!(
            (refused.status, refused.header("retry-after")),
            (503, Some("1"))
        );
        let health = server.guard.health();
        let problems: Vec<_> = health.problems().collect();
        assert_eq!(problems, [Problem::Limits], "{form}");
        // A machine that gets no requests because of it says so no longer than that.
        server.clock.advance(TimeDelta::seconds(6));
        assert!(server.guard.health().is_ready(), "{form}");
        assert_eq!(
            call(&server, "alice", "tools/call whoami").await.status,
            503,
            "{form}"
        );
        assert!(!server.guard.health().is_ready(), "{form}");
        store.go_down(false);
        assert_eq!(
            call(&server, "alice", "tools/call whoami").await.status,
            200,
            "{form}"
        );
        assert!(server.guard.health().is_ready(), "{form}");
    }
}

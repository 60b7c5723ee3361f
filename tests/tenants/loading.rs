//! Tenants that are fetched when somebody asks for them.
#![allow(
    unreachable_pub,
    clippy::allow_attributes,
    clippy::missing_panics_doc,
    reason = "some of it is for the tests beside it"
)]

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use chrono::TimeDelta;
use clearance::tenants::{LoadedTenant, Tenant, TenantLoader, TenantName, TenantUnavailable};
use clearance::{Guard, GuardBuilder};
use http::StatusCode;
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;

use super::world::{By, WAYS, WEATHER, World, handlers, oneshot};
use crate::support::http::{eventually, verdict};
use crate::support::mcp::Log;
use crate::support::request::{MODERN, Request};
use crate::support::{Fixture, Logs};

/// What a loader answers.
pub enum Answer {
    Tenant(Tenant),
    Absent,
    Unavailable,
    PanicsAtOnce,
    PanicsLater,
    Never,
}

/// A loader that answers when it is told, what it is told; whom it was not told of it does not know. Clones
/// are the same one.
#[derive(Clone)]
pub struct Desk(Arc<State>);

struct State {
    asked: Mutex<Vec<String>>,
    answers: Mutex<HashMap<String, VecDeque<Answer>>>,
    /// One for each answer.
    permits: Semaphore,
}

fn lock<T>(of: &Mutex<T>) -> MutexGuard<'_, T> {
    of.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Desk {
    pub fn new() -> Self {
        Self(Arc::new(State {
            asked: Mutex::default(),
            answers: Mutex::default(),
            permits: Semaphore::new(0),
        }))
    }

    /// One that answers at once.
    pub fn quick() -> Self {
        let desk = Self::new();
        desk.answer(Semaphore::MAX_PERMITS / 2);
        desk
    }

    pub fn answer(&self, count: usize) {
        self.0.permits.add_permits(count);
    }

    /// What it says next of this name.
    pub fn says(&self, name: &str, answer: Answer) {
        let mut answers = lock(&self.0.answers);
        answers
            .entry(name.to_owned())
            .or_default()
            .push_back(answer);
    }

    /// Whom it was asked for.
    pub fn asked(&self) -> Vec<String> {
        lock(&self.0.asked).clone()
    }

    pub async fn is_asked(&self, count: usize) {
        eventually(|| self.asked().len() == count).await;
    }
}

impl TenantLoader for Desk {
    fn load(&self, name: TenantName) -> LoadedTenant {
        lock(&self.0.asked).push(name.to_string());
        let answer = {
            let mut answers = lock(&self.0.answers);
            answers.get_mut(name.as_str()).and_then(VecDeque::pop_front)
        };
        assert!(!matches!(answer, Some(Answer::PanicsAtOnce)), "on purpose");
        let state = Arc::clone(&self.0);
        Box::pin(async move {
            state.permits.acquire().await.expect("open").forget();
            match answer {
                Some(Answer::Tenant(tenant)) => Ok(Some(tenant)),
                None | Some(Answer::Absent) => Ok(None),
                Some(Answer::Unavailable) => Err(TenantUnavailable::new("connection_failed")),
                Some(Answer::Never) => std::future::pending().await,
                Some(Answer::PanicsAtOnce | Answer::PanicsLater) => panic!("on purpose"),
            }
        })
    }
}

/// A tenant, and its guard.
pub fn tenant(world: &World, name: &str) -> (Tenant, Guard<Fixture>) {
    let guard = world.guard(name, &world.shared, GuardBuilder::unlimited);
    (handlers(&guard, &Log::default()), guard)
}

pub fn call(world: &World, name: &str) -> Request {
    let token = world.token(&world.shared, name).mint();
    world
        .by
        .to(name, Request::new(MODERN, WEATHER).bearer(&token))
}

pub async fn ask(world: &World, name: &str) -> u16 {
    oneshot(&world.tenants, &call(world, name))
        .await
        .status()
        .as_u16()
}

/// A request that goes on by itself.
fn begin(world: &World, name: &str) -> JoinHandle<StatusCode> {
    let (tenants, call) = (world.tenants.clone(), call(world, name));
    tokio::spawn(async move { oneshot(&tenants, &call).await.status() })
}

/// Lets all that can happen by itself happen.
async fn settle() {
    for _ in 0..1_000 {
        tokio::task::yield_now().await;
    }
}

async fn world(by: By, desk: &Desk) -> World {
    World::with(by, |tenants, _| tenants.loader(desk.clone())).await
}

#[tokio::test]
async fn many_requests_are_one_question() {
    for by in WAYS {
        let desk = Desk::new();
        let world = world(by, &desk).await;
        desk.says("a", Answer::Tenant(tenant(&world, "a").0));
        let waiting: Vec<_> = (0..50).map(|_| begin(&world, "a")).collect();
        desk.is_asked(1).await;
        settle().await;
        assert!(waiting.iter().all(|request| !request.is_finished()));
        desk.answer(1);
        for request in waiting {
            assert_eq!(request.await.expect("an answer"), 200);
        }
        assert_eq!(ask(&world, "a").await, 200);
        assert_eq!(desk.asked(), ["a"]);
        assert_eq!(world.tenants.stats().fetched, 1);
        assert_eq!(world.tenants.stats().set, 0);
    }
}

/// The same where there is no such tenant, or nobody can say: all who wait are told what one has learned.
#[tokio::test]
async fn many_requests_share_a_failure() {
    for (answer, expected) in [
        (Answer::Absent, 404),
        (Answer::Unavailable, 503),
        (Answer::PanicsLater, 503),
    ] {
        let desk = Desk::new();
        let world = world(By::Path, &desk).await;
        desk.says("a", answer);
        let waiting: Vec<_> = (0..20).map(|_| begin(&world, "a")).collect();
        desk.is_asked(1).await;
        settle().await;
        desk.answer(1);
        for request in waiting {
            assert_eq!(request.await.expect("an answer"), expected);
        }
        assert_eq!(desk.asked(), ["a"]);
    }
}

/// A client that goes away takes nothing from those who come later.
#[tokio::test]
async fn whoever_goes_away_does_not_end_the_question() {
    let desk = Desk::new();
    let world = world(By::Path, &desk).await;
    desk.says("a", Answer::Tenant(tenant(&world, "a").0));
    let gone = begin(&world, "a");
    desk.is_asked(1).await;
    let stays = begin(&world, "a");
    settle().await;
    gone.abort();
    assert!(gone.await.expect_err("it is gone").is_cancelled());
    desk.answer(1);
    assert_eq!(stays.await.expect("an answer"), 200);
    // Also where nobody is left.
    desk.says("b", Answer::Tenant(tenant(&world, "b").0));
    let gone = begin(&world, "b");
    desk.is_asked(2).await;
    gone.abort();
    desk.answer(1);
    eventually(|| world.tenants.contains("b")).await;
    assert_eq!(ask(&world, "b").await, 200);
    assert_eq!(desk.asked(), ["a", "b"]);
}

/// A name that nobody has is not asked for again for as long as was said; then it is.
#[tokio::test]
async fn who_is_absent_is_remembered_for_a_while() {
    let desk = Desk::quick();
    let world = World::with(By::Host, |tenants, _| {
        tenants
            .loader(desk.clone())
            .absent_for(Duration::from_secs(30))
    })
    .await;
    for _ in 0..3 {
        assert_eq!(ask(&world, "a").await, 404);
    }
    assert_eq!((desk.asked().len(), world.tenants.stats().missing), (1, 1));
    world.clock.advance(TimeDelta::milliseconds(29_999));
    assert_eq!((ask(&world, "a").await, desk.asked().len()), (404, 1));
    world.clock.advance(TimeDelta::milliseconds(1));
    desk.says("a", Answer::Tenant(tenant(&world, "a").0));
    assert_eq!((ask(&world, "a").await, desk.asked().len()), (200, 2));
    // Who says that something changed is believed at once.
    assert_eq!(ask(&world, "b").await, 404);
    assert!(!world.tenants.remove("b"));
    desk.says("b", Answer::Tenant(tenant(&world, "b").0));
    assert_eq!(ask(&world, "b").await, 200);
    assert_eq!(ask(&world, "c").await, 404);
    let (c, _) = tenant(&world, "c");
    assert_eq!(world.tenants.set(c), Ok(false));
    assert_eq!(ask(&world, "c").await, 200);
}

/// Who cannot say is asked again after a second, and requests are told when to come again.
#[tokio::test]
async fn who_cannot_say_is_asked_again() {
    let desk = Desk::quick();
    let world = world(By::Path, &desk).await;
    for (number, answer) in [
        Answer::Unavailable,
        Answer::PanicsAtOnce,
        Answer::PanicsLater,
    ]
    .into_iter()
    .enumerate()
    {
        desk.says("a", answer);
        for _ in 0..2 {
            let answer = oneshot(&world.tenants, &call(&world, "a")).await;
            assert_eq!(answer.status(), 503);
            assert_eq!(answer.headers()["retry-after"], "1");
            assert_eq!(answer.headers()["cache-control"], "no-store");
        }
        assert_eq!(desk.asked().len(), number + 1);
        world.clock.advance(TimeDelta::seconds(1));
    }
    desk.says("a", Answer::Tenant(tenant(&world, "a").0));
    assert_eq!(ask(&world, "a").await, 200);
}

/// A loader that never answers is given up, and others are asked for meanwhile.
#[tokio::test(start_paused = true)]
async fn who_never_answers_is_given_up() {
    let desk = Desk::quick();
    let world = World::with(By::Path, |tenants, _| {
        tenants
            .loader(desk.clone())
            .load_timeout(Duration::from_secs(7))
    })
    .await;
    desk.says("a", Answer::Never);
    desk.says("b", Answer::Tenant(tenant(&world, "b").0));
    let before = tokio::time::Instant::now();
    let waiting = [begin(&world, "a"), begin(&world, "a")];
    desk.is_asked(1).await;
    assert_eq!(ask(&world, "b").await, 200);
    for request in waiting {
        assert_eq!(request.await.expect("an answer"), 503);
    }
    assert_eq!(before.elapsed().as_secs(), 7);
    assert_eq!(desk.asked(), ["a", "b"]);
    world.clock.advance(TimeDelta::seconds(1));
    desk.says("a", Answer::Tenant(tenant(&world, "a").0));
    assert_eq!(ask(&world, "a").await, 200);
}

/// A tenant of another resource than the one that was asked for is nobody's, and what happened is written down.
#[tokio::test]
async fn a_loader_that_confuses_tenants_gives_none() {
    let logs = Logs::capture();
    let desk = Desk::quick();
    let world = world(By::Path, &desk).await;
    let (b, guard) = tenant(&world, "b");
    desk.says("a", Answer::Tenant(b));
    assert_eq!(ask(&world, "a").await, 503);
    assert!(!world.tenants.contains("a") && !world.tenants.contains("b"));
    let of_b = world.token(&world.shared, "b").mint();
    let as_b = world
        .by
        .to("a", Request::new(MODERN, WEATHER).bearer(&of_b));
    assert_eq!(oneshot(&world.tenants, &as_b).await.status(), 503);
    assert_eq!(verdict(&guard, &of_b).await, "ok");
    let text = logs.text();
    assert_eq!(text.matches("other_resource").count(), 1, "{text}");
}

/// A loader that gives a guard which was retired gives nobody.
#[tokio::test]
async fn a_loader_does_not_bring_back_who_was_retired() {
    let desk = Desk::quick();
    let world = world(By::Path, &desk).await;
    let (first, guard) = tenant(&world, "a");
    desk.says("a", Answer::Tenant(first));
    assert_eq!(ask(&world, "a").await, 200);
    assert!(world.tenants.remove("a"));
    desk.says("a", Answer::Tenant(handlers(&guard, &Log::default())));
    assert_eq!(ask(&world, "a").await, 503);
    assert!(!world.tenants.contains("a"));
    world.clock.advance(TimeDelta::seconds(1));
    desk.says("a", Answer::Tenant(tenant(&world, "a").0));
    assert_eq!(ask(&world, "a").await, 200);
}

/// What is fetched while somebody removes the tenant is out of date: it is asked for again.
#[tokio::test]
async fn what_is_removed_meanwhile_is_asked_for_again() {
    type Stale = fn(&World) -> (Answer, Option<Guard<Fixture>>);
    let stale_ones: [Stale; 3] = [
        |world| {
            let (tenant, guard) = tenant(world, "a");
            (Answer::Tenant(tenant), Some(guard))
        },
        |_| (Answer::Absent, None),
        |_| (Answer::Unavailable, None),
    ];
    for stale in stale_ones {
        let desk = Desk::new();
        let world = world(By::Path, &desk).await;
        let (answer, former) = stale(&world);
        desk.says("a", answer);
        let waiting: Vec<_> = (0..5).map(|_| begin(&world, "a")).collect();
        desk.is_asked(1).await;
        settle().await;
        world.tenants.remove("a");
        let (fresh, guard) = tenant(&world, "a");
        desk.says("a", Answer::Tenant(fresh));
        let late = begin(&world, "a");
        settle().await;
        assert_eq!(desk.asked(), ["a"]);
        desk.answer(2);
        for request in waiting.into_iter().chain([late]) {
            assert_eq!(request.await.expect("an answer"), 200);
        }
        assert_eq!(desk.asked(), ["a", "a"]);
        let token = world.token(&world.shared, "a").mint();
        assert_eq!(verdict(&guard, &token).await, "ok");
        if let Some(former) = former {
            assert_ne!(verdict(&former, &token).await, "ok");
        }
        assert_eq!(world.tenants.stats().missing, 0);
    }
}

/// Who is set meanwhile counts, for those who wait as well, and what was fetched is retired.
#[tokio::test]
async fn what_is_set_meanwhile_counts_more() {
    for is_found in [true, false] {
        let desk = Desk::new();
        let world = world(By::Host, &desk).await;
        let (found, former) = tenant(&world, "a");
        desk.says(
            "a",
            if is_found {
                Answer::Tenant(found)
            } else {
                Answer::Absent
            },
        );
        let waiting: Vec<_> = (0..5).map(|_| begin(&world, "a")).collect();
        desk.is_asked(1).await;
        settle().await;
        let (said, guard) = tenant(&world, "a");
        assert_eq!(world.tenants.set(said), Ok(false));
        assert_eq!(ask(&world, "a").await, 200);
        desk.answer(1);
        for request in waiting {
            assert_eq!(request.await.expect("an answer"), 200);
        }
        assert_eq!(guard.cache_stats().hits + guard.cache_stats().misses, 6);
        assert_eq!(former.cache_stats().misses, 0);
        let stats = world.tenants.stats();
        assert_eq!((stats.set, stats.fetched, stats.missing), (1, 0, 0));
        if is_found {
            let token = world.token(&world.shared, "a").mint();
            assert_ne!(verdict(&former, &token).await, "ok");
        }
    }
}

/// Other tenants may change as often as they like: what is fetched meanwhile is asked for once.
#[tokio::test]
async fn changes_elsewhere_disturb_nobody() {
    let desk = Desk::new();
    let world = world(By::Path, &desk).await;
    desk.says("a", Answer::Tenant(tenant(&world, "a").0));
    let waiting = begin(&world, "a");
    desk.is_asked(1).await;
    for number in 0..500 {
        let name = format!("t{number}");
        world.tenants.set(tenant(&world, &name).0).expect("a place");
        world.tenants.remove(&name);
    }
    desk.answer(1);
    assert_eq!(waiting.await.expect("an answer"), 200);
    assert_eq!(desk.asked(), ["a"]);
}

/// So many at once; one more is told to come again, and nothing is remembered of it.
#[tokio::test]
async fn only_so_many_are_asked_for_at_once() {
    let desk = Desk::new();
    let world = World::with(By::Path, |tenants, _| {
        tenants.loader(desk.clone()).loads_at_once(2)
    })
    .await;
    let known = world.add("known", &world.shared);
    for name in ["a", "b", "c"] {
        desk.says(name, Answer::Tenant(tenant(&world, name).0));
    }
    let waiting = [begin(&world, "a"), begin(&world, "b"), begin(&world, "a")];
    desk.is_asked(2).await;
    settle().await;
    assert_eq!(ask(&world, "c").await, 503);
    // Whoever is there is served.
    let token = world.token(&world.shared, "known").mint();
    world.is_let_in(&known, &token).await;
    desk.answer(2);
    for request in waiting {
        assert_eq!(request.await.expect("an answer"), 200);
    }
    desk.answer(1);
    assert_eq!(ask(&world, "c").await, 200);
    assert_eq!(desk.asked(), ["a", "b", "c"]);
}

/// However many names are made up, only so many are remembered; and what is no name is asked of nobody.
#[tokio::test]
async fn a_flood_of_names_is_bounded() {
    let desk = Desk::quick();
    let world = World::with(By::Path, |tenants, _| {
        tenants.loader(desk.clone()).max_absent(100)
    })
    .await;
    for number in 0..2_000 {
        assert_eq!(ask(&world, &format!("n{number}")).await, 404);
    }
    assert_eq!(desk.asked().len(), 2_000);
    let stats = world.tenants.stats();
    assert!(stats.missing <= 128, "{stats:?}");
    assert_eq!((stats.set, stats.fetched), (0, 0));
    for target in [
        "/.x/mcp",
        "/a%62/mcp",
        "/a;b/mcp",
        "//mcp",
        "/",
        "/a%2fb/mcp",
    ] {
        let mut call = call(&world, "x");
        target.clone_into(&mut call.target);
        assert_eq!(
            oneshot(&world.tenants, &call).await.status(),
            404,
            "{target}"
        );
    }
    let long = "x".repeat(254);
    assert_eq!(ask(&world, &long).await, 404);
    assert_eq!(desk.asked().len(), 2_000);
}

/// Bounds at their ends are no trap.
#[tokio::test]
async fn bounds_at_their_ends() {
    for most in [0, 1, usize::MAX] {
        let desk = Desk::quick();
        let world = World::with(By::Path, |tenants, _| {
            let tenants = tenants.loader(desk.clone());
            let tenants = tenants.max_absent(most).max_fetched(most);
            tenants
                .load_timeout(Duration::MAX)
                .absent_for(Duration::MAX)
        })
        .await;
        for name in ["a", "b", "c", "d"] {
            desk.says(name, Answer::Tenant(tenant(&world, name).0));
            assert_eq!(ask(&world, name).await, 200, "{most}");
        }
        assert_eq!(ask(&world, "nobody").await, 404);
    }
    let desk = Desk::quick();
    let world = World::with(By::Path, |tenants, _| {
        tenants.loader(desk.clone()).loads_at_once(usize::MAX)
    })
    .await;
    assert_eq!(ask(&world, "nobody").await, 404);
}

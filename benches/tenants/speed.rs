//! A warm request, with one tenant and with many.

use axum::Router;
use axum::body::Body;
use axum::http::{Request, StatusCode};
use clearance::mcp;
use clearance::tenants::{TenantName, TenantUnavailable, Tenants};
use clearance::testing::Issuer;
use tokio::runtime::Runtime;
use tower::ServiceExt as _;

use super::common::{Turn, both, time};
use super::{call, fixed, guard, mint, place, status, tenant, tool};

const ROUNDS: usize = 3_000;
const TENANTS: usize = 10_000;
/// What the number of tenants may cost: times one tenant.
const BAR: f64 = 1.05;

/// So many tenants, all said at the start.
fn set(issuer: &Issuer, count: usize) -> Tenants {
    let tenants = place().build().expect("a place");
    for number in 0..count {
        let guard = guard(fixed(issuer), number).build().expect("a guard");
        tenants.set(tenant(&guard)).expect("it is there");
    }
    tenants
}

/// The same, each fetched when it is asked for.
fn fetched(issuer: &Issuer) -> Tenants {
    let trusted = fixed(issuer);
    let load = move |name: TenantName| {
        let number = name.as_str().trim_start_matches("tenant-").parse();
        let guard = guard(trusted.clone(), number.unwrap_or_default()).build();
        let tenant = guard.map(|guard| Some(tenant(&guard)));
        let tenant = tenant.map_err(|_why| TenantUnavailable::new("configuration"));
        async move { tenant }
    };
    let tenants = place().loader(load).max_fetched(2 * TENANTS).build();
    tenants.expect("a place")
}

fn alone(issuer: &Issuer) -> Router {
    let guard = guard(fixed(issuer), 0).build().expect("a guard");
    let service = mcp::Router::new(&guard).tool("tool-0", tool).build();
    service.expect("a router")
}

/// All that is measured, warm.
struct Sides {
    alone: Router,
    one: Tenants,
    many: Tenants,
    on_demand: Tenants,
    /// Tokens of users of the first tenant.
    users: Turn<String>,
    /// A tenant, and a token of a user of it.
    each: Turn<(usize, String)>,
}

impl Sides {
    fn new(runtime: &Runtime, issuer: &Issuer) -> Self {
        let users = (0..TENANTS).map(|user| mint(issuer, 0, user)).collect();
        let each = (0..TENANTS).map(|number| (number, mint(issuer, number, 0)));
        let this = Self {
            alone: alone(issuer),
            one: set(issuer, 1),
            many: set(issuer, TENANTS),
            on_demand: fetched(issuer),
            users: Turn::new(users),
            each: Turn::new(each.collect()),
        };
        runtime.block_on(this.warm());
        this
    }

    async fn warm(&self) {
        let answer = self.alone.clone().oneshot(call(0, self.users.next())).await;
        assert_eq!(answer.expect("an answer").status(), StatusCode::OK);
        for _ in 0..TENANTS {
            let (number, own) = self.each.next();
            for (tenants, request) in [
                (&self.many, call(*number, own)),
                (&self.on_demand, call(*number, own)),
                (&self.one, call(0, self.users.next())),
            ] {
                assert_eq!(status(tenants, request).await, StatusCode::OK);
            }
        }
    }

    fn of_users(&self) -> Vec<Request<Body>> {
        self.users.batch(|token| call(0, token))
    }

    fn of_tenants(&self) -> Vec<Request<Body>> {
        self.each.batch(|(number, token)| call(*number, token))
    }
}

fn line(what: &str, [all, quiet]: [f64; 2], bar: Option<f64>) {
    let verdict = bar.map_or("", |bar| {
        if quiet <= bar {
            "1.05  holds"
        } else {
            "1.05  MISSED"
        }
    });
    println!("{what:<58} {all:>9.3} {quiet:>9.3}  {verdict}");
}

pub(super) fn table(runtime: &Runtime, issuer: &Issuer) {
    let sides = Sides::new(runtime, issuer);
    // One user of the first tenant, who is known to all of them.
    let first = mint(issuer, 0, 0);
    let same = || (0..super::common::BATCH).map(|_| call(0, &first)).collect();
    let mut times = [const { Vec::new() }; 6];
    for _ in 0..ROUNDS {
        let [bare, single, known, in_users, in_tenants, fetched] = &mut times;
        bare.push(time(runtime, &sides.alone, same()));
        single.push(time(runtime, &sides.one, same()));
        known.push(time(runtime, &sides.many, same()));
        in_users.push(time(runtime, &sides.one, sides.of_users()));
        in_tenants.push(time(runtime, &sides.many, sides.of_tenants()));
        fetched.push(time(runtime, &sides.on_demand, sides.of_tenants()));
    }
    let [bare, single, known, in_users, in_tenants, _] = &times;
    let ratio = |a: &[f64], b: &[f64]| both(|t| t(a) / t(b));
    println!("{:<58} {:>9} {:>9}  bar", "", "median", "quiet");
    line(
        "10 000 tenants / one tenant",
        ratio(known, single),
        Some(BAR),
    );
    let in_turn = ratio(in_tenants, in_users);
    line(
        "10 000 tenants in turn / one with 10 000 users in turn",
        in_turn,
        None,
    );
    line("one tenant / its service alone", ratio(single, bare), None);
    for (what, times) in [
        "its service alone",
        "one tenant",
        "one of 10 000 tenants",
        "10 000 users of one tenant in turn",
        "10 000 tenants in turn",
        "10 000 fetched tenants in turn",
    ]
    .iter()
    .zip(&times)
    {
        let [all, quiet] = both(|t| t(times));
        println!("    {what:<54} {all:>9.0} {quiet:>9.0} ns");
    }
}

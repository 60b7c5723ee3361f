//! Any sequence of requests and changes over several tenants comes out as a list of who trusts whom says.

use std::sync::Arc;

use clearance::id::{ClientId, Subject, TokenId};
use clearance::lifecycle::Revocation;
use clearance::tenants::Tenants;
use clearance::testing::Issuer;
use clearance::{Guard, GuardBuilder};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

use super::world::{Board, By, WEATHER, World, guard, handlers, oneshot};
use crate::support::Fixture;
use crate::support::mcp::Log;
use crate::support::request::{MODERN, Request};

const NAMES: [&str; 3] = ["a", "b", "c"];
const SUBJECTS: [&str; 2] = ["alice", "bob"];
const CLIENTS: [&str; 2] = ["editor", "phone"];
const IDS: [&str; 2] = ["one", "two"];

/// A token: of which tenant, by which issuer, and what it says of its owner.
#[derive(Clone, Debug)]
struct Shown {
    of: usize,
    by: usize,
    subject: usize,
    client: usize,
    id: usize,
}

#[derive(Clone, Debug)]
enum Step {
    /// A token is shown at a tenant.
    Ask(usize, Shown),
    /// Something of a token is revoked at a tenant: its `jti`, its subject, or its client.
    Revoke(usize, u8, Shown),
    /// A tenant is set, trusting this issuer.
    Set(usize, usize),
    Remove(usize),
}

fn shown() -> impl Strategy<Value = Shown> {
    let one = || 0..2_usize;
    (0..NAMES.len(), one(), one(), one(), one()).prop_map(|(of, by, subject, client, id)| Shown {
        of,
        by,
        subject,
        client,
        id,
    })
}

fn step() -> impl Strategy<Value = Step> {
    let name = || 0..NAMES.len();
    prop_oneof![
        12 => (name(), shown()).prop_map(|(at, shown)| Step::Ask(at, shown)),
        // What is right, more often than by chance.
        6 => shown().prop_map(|shown| Step::Ask(shown.of, shown)),
        3 => (name(), 0..3_u8, shown()).prop_map(|(at, by, shown)| Step::Revoke(at, by, shown)),
        1 => (name(), 0..2_usize).prop_map(|(at, by)| Step::Set(at, by)),
        1 => name().prop_map(Step::Remove),
    ]
}

/// What is known of a tenant: its guard, whom it trusts, and what is revoked there.
#[derive(Clone)]
struct Known {
    guard: Guard<Fixture>,
    trusts: usize,
    revoked: Vec<(u8, usize)>,
}

struct Model<'w> {
    world: &'w World,
    issuers: [&'w Issuer; 2],
    by: By,
    board: Option<Arc<Board>>,
    tenants: Tenants,
    known: Vec<Option<Known>>,
    /// What the store knows of each tenant, by issuer.
    stored: Vec<Vec<(usize, u8, usize)>>,
}

impl Model<'_> {
    fn set(&mut self, at: usize, trusts: usize) {
        let (by, clock) = (self.by, &self.world.clock);
        let guard = guard(by, clock, NAMES[at], self.issuers[trusts], |builder| {
            let builder: GuardBuilder<_, _> = builder.unlimited();
            match self.board.clone() {
                Some(board) => builder.revocation_store(board),
                None => builder,
            }
        });
        let tenant = handlers(&guard, &Log::default());
        let was_there = self.tenants.set(tenant).expect("a place");
        assert_eq!(was_there, self.known[at].is_some());
        // What was published of this issuer's tokens is known to whoever begins to follow.
        let of_store = self.stored[at].iter().filter(|(by, ..)| *by == trusts);
        let revoked = of_store.map(|(_, kind, value)| (*kind, *value)).collect();
        self.known[at] = Some(Known {
            guard,
            trusts,
            revoked,
        });
    }

    /// The status of the answer that must come.
    fn expected(&self, at: usize, shown: &Shown) -> u16 {
        let Some(known) = &self.known[at] else {
            return 404;
        };
        let is_own = shown.of == at && shown.by == known.trusts;
        let is_revoked = known.revoked.iter().any(|(kind, value)| {
            *value == [shown.id, shown.subject, shown.client][usize::from(*kind)]
        });
        if is_own && !is_revoked { 200 } else { 401 }
    }

    async fn revoke(&mut self, at: usize, kind: u8, shown: &Shown) {
        let Some(known) = &mut self.known[at] else {
            return;
        };
        let issuer = self.issuers[known.trusts].id().clone();
        let (value, revocation) = match kind {
            0 => (
                shown.id,
                Revocation::of_token(issuer, TokenId::new(IDS[shown.id])),
            ),
            1 => (
                shown.subject,
                Revocation::of_subject(issuer, Subject::new(SUBJECTS[shown.subject])),
            ),
            _ => (
                shown.client,
                Revocation::of_client(issuer, ClientId::new(CLIENTS[shown.client])),
            ),
        };
        let revoked = known.guard.revocations().revoke(revocation).await;
        revoked.expect("room");
        known.revoked.push((kind, value));
        if self.board.is_some() {
            self.stored[at].push((known.trusts, kind, value));
        }
    }

    async fn ask(&self, at: usize, shown: &Shown) -> u16 {
        let issuer = self.issuers[shown.by];
        let token = self.world.token(issuer, "a");
        let token = token.audience(self.by.resource(NAMES[shown.of]));
        let token = token.subject(SUBJECTS[shown.subject]);
        let token = token.client(CLIENTS[shown.client]).token_id(IDS[shown.id]);
        let call = Request::new(MODERN, WEATHER).bearer(&token.mint());
        let call = self.by.to(NAMES[at], call);
        oneshot(&self.tenants, &call).await.status().as_u16()
    }
}

/// RS-035: over all pairs of tenants, by path and by host, issuers shared and not, one store or lists of
/// their own: a token is let in where it belongs, for as long as it does, and nowhere else.
#[test]
fn tenants_are_as_if_each_were_alone() {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let world = runtime.block_on(World::new(By::Path));
    let way = (
        select(vec![By::Host, By::Path]),
        any::<bool>(),
        vec(0..2_usize, 3),
    );
    let steps = vec(step(), 5..40);
    proptest!(ProptestConfig::with_cases(150), |((by, is_stored, trusts) in way, steps in steps)| {
        let mut model = Model {
            world: &world,
            issuers: [&world.shared, &world.own],
            by,
            board: is_stored.then(Arc::default),
            tenants: Tenants::builder(by.place()).build().expect("tenants"),
            known: vec![None, None, None],
            stored: vec![Vec::new(), Vec::new(), Vec::new()],
        };
        for (at, trusts) in trusts.into_iter().enumerate() {
            model.set(at, trusts);
        }
        for step in steps {
            match step {
                Step::Ask(at, shown) => {
                    let expected = model.expected(at, &shown);
                    let status = runtime.block_on(model.ask(at, &shown));
                    prop_assert_eq!(status, expected, "{:?} at {}", shown, NAMES[at]);
                }
                Step::Revoke(at, kind, shown) => runtime.block_on(model.revoke(at, kind, &shown)),
                Step::Set(at, trusts) => model.set(at, trusts),
                Step::Remove(at) => {
                    let was_there = model.tenants.remove(NAMES[at]);
                    prop_assert_eq!(was_there, model.known[at].is_some());
                    model.known[at] = None;
                }
            }
        }
    });
}

//! What is remembered of tokens changes no verdict: any sequence of requests, of clocks that go on or are
//! set, and of revocations is decided as a model decides it that remembers nothing.
#![cfg(test)]
#![allow(
    clippy::allow_attributes,
    clippy::arithmetic_side_effects,
    clippy::expect_used,
    reason = "a test that cannot go on must panic"
)]

mod support;

use std::sync::LazyLock;

use chrono::{DateTime, TimeDelta, Utc};
use clearance::Guard;
use clearance::TrustedIssuer;
use clearance::clock::Clock as _;
use clearance::id::{ClientId, IssuerSession, Subject, TokenId};
use clearance::keys::FixedKeys;
use clearance::lifecycle::Revocation;
use clearance::testing::{Issuer, ManualClock};
use proptest::collection::vec;
use proptest::prelude::*;
use support::Fixture;
use support::http::verdict;
use tokio::runtime::Runtime;

const LEEWAY: TimeDelta = TimeDelta::seconds(60);
/// How far `iat` may be ahead, and how long after its moment a revocation counts.
const SKEW: TimeDelta = TimeDelta::seconds(10);
const OLDEST: TimeDelta = TimeDelta::minutes(40);

/// A token as the model knows it. Times are seconds from the start.
#[derive(Clone, Debug)]
struct Known {
    issued: i64,
    not_before: i64,
    expires: i64,
    who: [usize; 3],
    is_forged: bool,
    text: String,
}

/// The tokens of all cases: minting takes longer than deciding.
struct World {
    runtime: Runtime,
    issuer: Issuer,
    start: DateTime<Utc>,
    tokens: Vec<Known>,
}

static WORLD: LazyLock<World> = LazyLock::new(|| {
    let clock = support::clock();
    let (runtime, issuer) = support::issuer_apart(&clock);
    let start = clock.now();
    let times = [
        [0, 0, 120],
        [0, 0, 600],
        [0, 0, 7_200],
        [300, 400, 1_500],
        [-3_000, -3_000, 60],
        [5, 200, 4_000],
    ];
    let tokens = (0..24).map(|number: usize| {
        let [issued, not_before, expires] = times[number % times.len()];
        let who = [number % 2, number % 3, number % 4];
        let is_forged = number % 8 == 7;
        let at = |seconds| start + TimeDelta::seconds(seconds);
        let token = issuer
            .token()
            .issued_at(at(issued))
            .expires_at(at(expires))
            .claim("nbf", at(not_before).timestamp())
            .token_id(&format!("t{number}"))
            .subject(&format!("subject-{}", who[0]))
            .client(&format!("client-{}", who[1]))
            .claim("sid", format!("login-{}", who[2]));
        let token = if is_forged {
            token.wrong_signature()
        } else {
            token
        };
        Known {
            issued,
            not_before,
            expires,
            who,
            is_forged,
            text: token.mint(),
        }
    });
    let tokens = tokens.collect();
    World {
        runtime,
        issuer,
        start,
        tokens,
    }
});

#[derive(Clone, Copy, Debug)]
enum Step {
    Ask(usize),
    /// Time goes on, in milliseconds.
    Wait(i64),
    /// The time of day is set, this far from where it is.
    Set(i64),
    RevokeToken(usize),
    /// By subject, client or login of this token, and how many seconds ago it counts.
    Revoke(usize, usize, i64),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        8 => (0..24_usize).prop_map(Step::Ask),
        3 => prop_oneof![0..2_000_i64, 0..400_000_i64].prop_map(Step::Wait),
        1 => (-400_000..400_000_i64).prop_map(Step::Set),
        1 => (0..24_usize).prop_map(Step::RevokeToken),
        1 => (0..24_usize, 0..3_usize, -100..500_i64).prop_map(|(of, by, ago)| Step::Revoke(of, by, ago)),
    ]
}

/// What is true, by the simplest means.
#[derive(Default)]
struct Model {
    tokens: Vec<usize>,
    /// Kind, name, and until when tokens were issued that are revoked.
    others: Vec<(usize, usize, DateTime<Utc>)>,
}

impl Model {
    fn verdict(&self, number: usize, now: DateTime<Utc>) -> &'static str {
        let token = &WORLD.tokens[number];
        let at = |seconds| WORLD.start + TimeDelta::seconds(seconds);
        let is_revoked = |(kind, name, until): &(usize, usize, DateTime<Utc>)| {
            // A login has no new tokens.
            token.who[*kind] == *name && (*kind == 2 || at(token.issued) <= *until + SKEW)
        };
        if token.is_forged {
            "bad_signature"
        } else if now >= at(token.expires) + LEEWAY {
            "expired"
        } else if at(token.not_before) > now + LEEWAY {
            "not_yet_valid"
        } else if at(token.issued) > now + SKEW {
            "issued_in_future"
        } else if now - at(token.issued) > OLDEST {
            "too_old"
        } else if self.tokens.contains(&number) || self.others.iter().any(is_revoked) {
            "revoked"
        } else {
            "ok"
        }
    }
}

/// A guard, its clock and what is true of it.
struct Case {
    guard: Guard<Fixture>,
    clock: ManualClock,
    model: Model,
}

impl Case {
    fn new(most: usize) -> Self {
        let clock = ManualClock::new(WORLD.start);
        let keys = FixedKeys::from_json(WORLD.issuer.jwks());
        let rules = TrustedIssuer::with_keys(WORLD.issuer.id().clone(), keys);
        let builder = support::with_rules(rules, &clock).unlimited();
        let builder = builder.max_age(OLDEST).max_cached_tokens(most);
        Self {
            guard: builder.build().expect("a guard"),
            clock,
            model: Model::default(),
        }
    }

    /// Does a step; what the guard says, and what is true.
    fn take(&mut self, step: Step) -> Option<(&'static str, &'static str)> {
        match step {
            Step::Ask(number) => {
                let token = &WORLD.tokens[number];
                let said = WORLD.runtime.block_on(verdict(&self.guard, &token.text));
                return Some((said, self.model.verdict(number, self.clock.now())));
            }
            Step::Wait(millis) => self.clock.advance(TimeDelta::milliseconds(millis)),
            Step::Set(millis) => {
                let to = self.clock.now() + TimeDelta::milliseconds(millis);
                self.clock.set(to);
            }
            Step::RevokeToken(number) => {
                let id = TokenId::new(format!("t{number}"));
                self.revoke(Revocation::of_token(WORLD.issuer.id().clone(), id));
                self.model.tokens.push(number);
            }
            Step::Revoke(of, by, ago) => {
                let name = WORLD.tokens[of].who[by];
                let issuer = WORLD.issuer.id().clone();
                let what = match by {
                    0 => Revocation::of_subject(issuer, Subject::new(format!("subject-{name}"))),
                    1 => Revocation::of_client(issuer, ClientId::new(format!("client-{name}"))),
                    _ => {
                        let login = IssuerSession::new(format!("login-{name}"));
                        Revocation::of_session(issuer, login)
                    }
                };
                let until = self.clock.now() - TimeDelta::seconds(ago);
                self.revoke(what.issued_until(until));
                self.model.others.push((by, name, until));
            }
        }
        None
    }

    fn revoke(&self, what: Revocation) {
        let revoked = self.guard.revocations().revoke(what);
        WORLD.runtime.block_on(revoked).expect("room");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    /// RS-146
    #[test]
    fn what_is_remembered_changes_no_verdict(
        steps in vec(step(), 1..120),
        most in prop_oneof![Just(0_usize), Just(8), Just(1_000)],
    ) {
        let mut case = Case::new(most);
        for (number, step) in steps.iter().enumerate() {
            if let Some((said, expected)) = case.take(*step) {
                prop_assert_eq!(said, expected, "step {}: {:?}", number, step);
            }
        }
    }
}

//! What passes in any window.

use chrono::TimeDelta;
use clearance::GuardBuilder;
use clearance::limit::Quota;
use clearance::refusal::Reason;
use proptest::prelude::*;

use crate::support::http::ask;
use crate::support::{clock, issuer_apart, strict};

fn quotas() -> impl Strategy<Value = (Quota, u64, u64)> {
    // A quota, the nanoseconds in which one comes back, and how many there are at once.
    let window = prop_oneof![Just(1_u64), Just(60), Just(3_600)];
    (window, 1_u32..50, 1_u32..20).prop_map(|(window, count, burst)| {
        let quota = match window {
            1 => Quota::per_second(count),
            60 => Quota::per_minute(count),
            _ => Quota::per_hour(count),
        };
        let each = window * 1_000_000_000 / u64::from(count);
        (quota.burst(burst), each, u64::from(burst))
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    /// In no window do more than burst plus rate times its length pass, and whoever waits as long as he is
    /// told is let in.
    #[test]
    fn no_window_has_too_many(
        (quota, each, burst) in quotas(),
        pauses in prop::collection::vec((0_u64..4, 0.0_f64..3.0), 1..60),
    ) {
        let clock = clock();
        let (runtime, issuer) = issuer_apart(&clock);
        let guard = strict(&issuer, &clock).limit(quota).build().expect("a guard");
        let token = issuer.token().lifetime(TimeDelta::hours(20)).mint();
        let (mut now, mut passed) = (0_u64, Vec::new());
        let advance = |now: &mut u64, nanos: u64| {
            *now += nanos;
            clock.advance(TimeDelta::nanoseconds(i64::try_from(nanos).expect("a time")));
        };
        for (asks, pause) in pauses {
            // Around the time in which one comes back.
            let nanos = (pause * each as f64) as u64;
            if now + nanos < 10 * 3_600 * 1_000_000_000 {
                advance(&mut now, nanos);
            }
            for _ in 0..asks {
                match runtime.block_on(ask::<()>(&guard, &token)) {
                    Ok(_) => passed.push(now),
                    Err(refusal) => {
                        let Reason::LimitExceeded(not_until) = refusal.reason() else {
                            panic!("{refusal:?}");
                        };
                        prop_assert!(not_until.wait().as_nanos() <= u128::from(each));
                    }
                }
            }
        }
        for (first, from) in passed.iter().enumerate() {
            for (place, to) in passed.iter().enumerate().skip(first) {
                let count = (place - first + 1) as u64;
                prop_assert!(count <= burst + (to - from) / each, "{count} in {} ns", to - from);
            }
        }
        // Use it up, and wait as long as is said, and a moment less.
        let wait = loop {
            match runtime.block_on(ask::<()>(&guard, &token)) {
                Ok(_) => {}
                Err(refusal) => match refusal.reason() {
                    Reason::LimitExceeded(not_until) => break not_until.wait(),
                    reason => panic!("{reason:?}"),
                },
            }
        };
        let wait = u64::try_from(wait.as_nanos()).expect("a time");
        advance(&mut now, wait - 1);
        prop_assert!(runtime.block_on(ask::<()>(&guard, &token)).is_err());
        advance(&mut now, 1);
        prop_assert!(runtime.block_on(ask::<()>(&guard, &token)).is_ok());
    }
}

/// The guard that these cases make is one.
#[test]
fn a_guard_without_a_quota_has_no_window() {
    let clock = clock();
    let (runtime, issuer) = issuer_apart(&clock);
    let guard = GuardBuilder::unlimited(strict(&issuer, &clock))
        .build()
        .expect("a guard");
    let token = issuer.token().mint();
    for _ in 0..5_000 {
        assert!(runtime.block_on(ask::<()>(&guard, &token)).is_ok());
    }
}

//! Tokens that have to wait before their signature is checked, and those that need not.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use super::table::{Crowded, Fades, Table};
use crate::limit::Quota;

/// How many verified tokens are remembered, until they expire.
const MOST_KNOWN: usize = 1 << 16;
/// How many tokens may wait.
const MOST_WAITING: usize = 1 << 16;
/// For how long after its wait a token may come back and be sure that it is known, however many others wait.
const GRACE: Duration = Duration::from_mins(1);
/// How many are checked at once while there is no place for them to wait.
const OVERFLOW: Quota = Quota::per_second(100);

/// What is known of tokens by their keyed hashes.
///
/// A token waits once. As long as it waits, and a minute longer, no other takes its place, whoever brings
/// how many; where there is none left, a newcomer need not wait, as long as these are not more than a
/// hundred a second. So whoever comes back in time is not told to wait again.
#[derive(Debug)]
pub(super) struct Deferral {
    known: Table<Known>,
    waiting: Table<Waiting>,
    /// When the budget of those who find no place is whole again.
    overflow: Mutex<Duration>,
}

/// A token that was verified, and when it expires.
#[derive(Debug, Default)]
struct Known(Duration);

/// When a token's wait is over; nothing for one that just came.
#[derive(Debug, Default)]
struct Waiting(Option<Duration>);

impl Deferral {
    pub(super) const fn new() -> Self {
        Self {
            known: Table::new(MOST_KNOWN),
            waiting: Table::new(MOST_WAITING),
            overflow: Mutex::new(Duration::ZERO),
        }
    }

    /// Whether this token was verified, and has not expired since.
    pub(super) fn is_known(&self, token: u64, now: Duration) -> bool {
        let until = self.known.look(token, |known| known.0);
        until.is_some_and(|until| now < until)
    }

    /// Remembers a token that was verified.
    pub(super) fn keep(&self, token: u64, until: Duration) {
        self.known
            .change(token, Crowded::Evicts, |known| *known = Known(until));
        self.waiting.forget(token);
    }

    /// Forgets that this token has waited: it was not worth it.
    pub(super) fn failed(&self, token: u64) {
        self.waiting.forget(token);
    }

    /// Whether the token's signature may be checked now, or in which time.
    pub(super) fn check(&self, token: u64, wait: Duration, now: Duration) -> Result<(), Duration> {
        let checked = self.waiting.change(token, Crowded::Keeps(now), |waiting| {
            let is_new = waiting.0.is_none();
            let due = *waiting.0.get_or_insert(now.saturating_add(wait));
            let left = due.saturating_sub(now);
            if left.is_zero() && !is_new {
                Ok(())
            } else {
                Err(left)
            }
        });
        checked.unwrap_or_else(|| {
            if self.overflows(now) {
                Ok(())
            } else {
                Err(wait)
            }
        })
    }

    fn overflows(&self, now: Duration) -> bool {
        let mut whole_at = self.overflow.lock().unwrap_or_else(PoisonError::into_inner);
        let spent = OVERFLOW.spend(*whole_at, now);
        *whole_at = spent.unwrap_or(*whole_at);
        spent.is_some()
    }
}

impl Fades for Known {
    fn fades_at(&self) -> Duration {
        self.0
    }
}

impl Fades for Waiting {
    fn fades_at(&self) -> Duration {
        self.0.unwrap_or_default().saturating_add(GRACE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WAIT: Duration = Duration::from_secs(8);

    const fn at(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn a_token_waits_once() {
        let deferral = Deferral::new();
        assert_eq!(deferral.check(1, WAIT, at(10)), Err(WAIT));
        assert_eq!(deferral.check(1, at(60), at(13)), Err(at(5)));
        assert_eq!(deferral.check(2, at(60), at(13)), Err(at(60)));
        for _ in 0..2 {
            assert_eq!(deferral.check(1, at(60), at(18)), Ok(()));
        }
        deferral.failed(1);
        assert_eq!(deferral.check(1, at(60), at(18)), Err(at(60)));
    }

    #[test]
    fn a_token_is_known_until_it_expires() {
        let deferral = Deferral::new();
        deferral.keep(1, at(100));
        assert!(deferral.is_known(1, at(99)));
        assert!(!deferral.is_known(1, at(100)));
        assert!(!deferral.is_known(2, at(1)));
    }

    /// Whoever was told to wait is checked when it comes back, though a million others came meanwhile.
    #[test]
    fn nobody_waits_twice_for_the_number_of_others() {
        let deferral = Deferral::new();
        let mine: Vec<u64> = (0..1_000).map(|n| n << 40 | n).collect();
        for token in &mine {
            assert_eq!(deferral.check(*token, WAIT, at(10)), Err(WAIT));
        }
        let others = (1 << 50_u64)..((1 << 50_u64) + 1_000_000);
        let at_once = others
            .filter(|token| deferral.check(*token, WAIT, at(11)).is_ok())
            .count();
        assert_eq!(at_once, 100);
        assert_eq!(deferral.waiting.count(|_| true), MOST_WAITING);
        for token in &mine {
            assert_eq!(deferral.check(*token, WAIT, at(18 + 60)), Ok(()));
        }
    }
}

//! What is remembered of one offender: its budget, and its penalty.

use std::sync::Arc;
use std::time::Duration;

use super::offender::Offender;
use super::table::Fades;
use crate::limit::Quota;

/// The highest level there is: what it lasts is cut at [`LONGEST`].
const HIGHEST: u32 = 6;
/// How long a penalty lasts at most.
const LONGEST: Duration = Duration::from_mins(1);
/// A penalty's level goes down by one in each of these that passes without another.
const QUIET: Duration = Duration::from_mins(1);

/// How long a penalty of this level lasts: a second, and twice as long with each level.
fn lasts(level: u32) -> Duration {
    let seconds = 1_u64.checked_shl(level).unwrap_or(u64::MAX);
    Duration::from_secs(seconds).min(LONGEST)
}

/// What is remembered of one offender.
#[derive(Debug, Default)]
pub(super) struct Record {
    /// When its budget is whole again.
    whole_at: Duration,
    /// When its last penalty ends.
    until: Duration,
    /// The level of its last penalty, if it had one.
    level: Option<u32>,
    /// Who it is, once it had a penalty.
    pub(super) who: Option<Arc<Offender>>,
}

/// A penalty that runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Running {
    pub(super) level: u32,
    /// How long it lasts as a whole.
    pub(super) lasts: Duration,
    /// How long it goes on from now.
    pub(super) left: Duration,
}

/// What comes of a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// Nothing.
    Tolerated,
    /// A penalty, from now on.
    Begins(Running),
    /// There is one already.
    Runs(Running),
}

impl Record {
    /// The penalty that runs, if one does.
    pub(super) fn running(&self, now: Duration) -> Option<Running> {
        let level = self.level.filter(|_| now < self.until)?;
        Some(Running {
            level,
            lasts: lasts(level),
            left: self.until.saturating_sub(now),
        })
    }

    /// Takes note of a failure. What fails while a penalty runs uses up the budget too, and changes
    /// nothing about the penalty: many at once are not worse than one.
    pub(super) fn fails(&mut self, budget: Quota, now: Duration) -> Outcome {
        let spent = budget.spend(self.whole_at, now);
        self.whole_at = spent.unwrap_or(self.whole_at);
        if let Some(running) = self.running(now) {
            return Outcome::Runs(running);
        }
        if spent.is_some() {
            return Outcome::Tolerated;
        }
        let level = self.next_level(now);
        let lasts = lasts(level);
        self.level = Some(level);
        self.until = now.saturating_add(lasts);
        Outcome::Begins(Running {
            level,
            lasts,
            left: lasts,
        })
    }

    /// One above the last one, and one below for each quiet minute since its end.
    fn next_level(&self, now: Duration) -> u32 {
        let Some(level) = self.level else {
            return 0;
        };
        let quiet = now.saturating_sub(self.until).as_secs();
        let quiet = quiet.checked_div(QUIET.as_secs()).unwrap_or_default();
        let quiet = u32::try_from(quiet).unwrap_or(u32::MAX);
        level.saturating_add(1).saturating_sub(quiet).min(HIGHEST)
    }
}

impl Fades for Record {
    fn fades_at(&self) -> Duration {
        let quiet = |level: u32| QUIET.saturating_mul(level.saturating_add(1));
        let forgiven = self
            .level
            .map(|level| self.until.saturating_add(quiet(level)));
        self.whole_at.max(forgiven.unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BUDGET: Quota = Quota::per_minute(12).burst(3);

    const fn at(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    /// Fails until there is a penalty.
    fn penalised(record: &mut Record, now: Duration) -> Running {
        for _ in 0..100 {
            if let Outcome::Begins(running) = record.fails(BUDGET, now) {
                return running;
            }
        }
        panic!("no penalty");
    }

    #[test]
    fn a_budget_comes_back_and_who_keeps_to_it_has_no_penalty() {
        let mut record = Record::default();
        for second in 0..3 {
            assert_eq!(record.fails(BUDGET, at(second)), Outcome::Tolerated);
        }
        for failure in 1..100 {
            let now = at(5 * failure);
            assert_eq!(record.fails(BUDGET, now), Outcome::Tolerated, "{failure}");
            assert_eq!(record.running(now), None);
        }
        let mut hasty = Record::default();
        let outcomes = [0; 4].map(|now| hasty.fails(BUDGET, at(now)));
        assert_eq!(outcomes[..3], [Outcome::Tolerated; 3]);
        assert!(matches!(outcomes[3], Outcome::Begins(_)), "{outcomes:?}");
    }

    #[test]
    fn penalties_double_up_to_a_minute_and_go_down_with_quiet_minutes() {
        let mut record = Record::default();
        let mut now = at(1_000);
        for (level, seconds) in (0..).zip([1, 2, 4, 8, 16, 32, 60]) {
            let running = penalised(&mut record, now);
            assert_eq!((running.level, running.lasts), (level, at(seconds)));
            now += running.lasts;
            assert_eq!(record.running(now), None);
        }
        assert_eq!(penalised(&mut record, now).level, 6);
        now += at(60) + at(179);
        assert_eq!(penalised(&mut record, now).level, 5);
        now += at(32) + at(6 * 60 - 1);
        assert_eq!(penalised(&mut record, now).level, 1);
        now += at(2) + at(120);
        assert_eq!(record.fades_at(), now);
        assert_eq!(penalised(&mut record, now).level, 0);
    }

    #[test]
    fn what_fails_during_a_penalty_does_not_lengthen_it() {
        let mut record = Record::default();
        let first = penalised(&mut record, at(10));
        for _ in 0..500 {
            assert_eq!(record.fails(BUDGET, at(10)), Outcome::Runs(first));
        }
        assert_eq!(record.running(at(11)), None);
        assert_eq!(penalised(&mut record, at(11)).level, 1);
    }
}

//! One token, and the networks that it comes from.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::table::{Crowded, Fades, Table};

/// How many tokens are watched.
const MOST_TOKENS: usize = 1 << 14;
/// For how long networks are counted, from the first request on.
pub(super) const WINDOW: Duration = Duration::from_mins(1);

/// From how many networks a token may come within a minute.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SpreadChoices {
    /// Before it is reported.
    pub(crate) report: u8,
    /// Before it is refused to further ones.
    pub(crate) refuse: Option<u8>,
}

/// Counts the networks that tokens come from.
#[derive(Debug)]
pub(super) struct Spread {
    choices: SpreadChoices,
    table: Table<Networks>,
    reported: AtomicU64,
}

/// The networks that a token came from in its minute.
#[derive(Debug, Default)]
struct Networks {
    since: Duration,
    keys: Vec<u64>,
    is_reported: bool,
}

/// What a request says about its token.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Seen {
    /// From how many networks it came, if nobody was told in this minute.
    pub(super) report: Option<usize>,
    /// When it may come from this network again.
    pub(super) refused: Option<Duration>,
}

impl Spread {
    pub(super) const fn new(choices: SpreadChoices) -> Self {
        Self {
            choices,
            table: Table::new(MOST_TOKENS),
            reported: AtomicU64::new(0),
        }
    }

    /// From how many networks a token may come, if that is limited.
    pub(super) fn most(&self) -> Option<u32> {
        self.choices.refuse.map(u32::from)
    }

    pub(super) fn reported(&self) -> u64 {
        self.reported.load(Ordering::Relaxed)
    }

    /// The token came from this network.
    pub(super) fn seen(&self, token: u64, network: u64, now: Duration) -> Seen {
        let SpreadChoices { report, refuse } = self.choices;
        let most = usize::from(report.max(refuse.unwrap_or_default()));
        let seen = self.table.change(token, Crowded::Evicts, |networks| {
            let place = networks.place(network, most, now);
            let count = networks.keys.len();
            let is_news = count > usize::from(report) && !networks.is_reported;
            networks.is_reported |= is_news;
            let end = networks.since.saturating_add(WINDOW);
            Seen {
                report: is_news.then_some(count),
                refused: refuse
                    .filter(|most| place >= usize::from(*most))
                    .map(|_| end.saturating_sub(now)),
            }
        });
        let seen = seen.unwrap_or_default();
        if seen.report.is_some() {
            self.reported.fetch_add(1, Ordering::Relaxed);
        }
        seen
    }
}

impl Networks {
    /// The place of the network among those of this minute. Of more than so many, one is remembered.
    fn place(&mut self, network: u64, most: usize, now: Duration) -> usize {
        if now.saturating_sub(self.since) >= WINDOW || self.keys.is_empty() {
            *self = Self {
                since: now,
                ..Self::default()
            };
        }
        let known = self.keys.iter().position(|known| *known == network);
        known.unwrap_or_else(|| {
            let place = self.keys.len();
            if place <= most {
                self.keys.push(network);
            }
            place
        })
    }
}

impl Fades for Networks {
    fn fades_at(&self) -> Duration {
        self.since.saturating_add(WINDOW)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn at(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn a_token_is_reported_once_a_minute() {
        let spread = Spread::new(SpreadChoices {
            report: 2,
            refuse: None,
        });
        let reports = |now| {
            let networks = 0..1_000;
            let seen = networks.map(|network| spread.seen(7, network, at(now)));
            let seen: Vec<Seen> = seen.collect();
            assert!(seen.iter().all(|seen| seen.refused.is_none()));
            seen.iter()
                .filter_map(|seen| seen.report)
                .collect::<Vec<_>>()
        };
        assert_eq!(reports(5), [3]);
        assert_eq!(reports(64), [0; 0]);
        assert_eq!(reports(65), [3]);
        assert_eq!(spread.reported(), 2);
        assert_eq!(spread.table.look(7, |of| of.keys.len()), Some(3));
    }

    #[test]
    fn those_who_came_first_go_on() {
        let spread = Spread::new(SpreadChoices {
            report: 8,
            refuse: Some(3),
        });
        for _ in 0..2 {
            for network in 0..3 {
                assert_eq!(spread.seen(7, network, at(10)), Seen::default());
            }
            assert_eq!(spread.seen(7, 3, at(30)).refused, Some(at(40)));
        }
        assert_eq!(spread.seen(8, 3, at(30)), Seen::default(), "another token");
        assert_eq!(spread.seen(7, 3, at(70)), Seen::default());
    }
}

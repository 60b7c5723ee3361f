//! What is true, what the guard was told of it, and what the documentation lets it say then.

use std::collections::BTreeSet;

// Times are in milliseconds.
pub(crate) const SECOND: i64 = 1_000;
pub(crate) const MINUTE: i64 = 60 * SECOND;
pub(crate) const HOUR: i64 = 60 * MINUTE;
pub(crate) const DAY: i64 = 24 * HOUR;

/// What clocks may differ, for `exp` and `nbf`, and for `iat` and revocations.
pub(crate) const LEEWAY: i64 = MINUTE;
pub(crate) const SKEW: i64 = 10 * SECOND;
/// How long a key set serves, and how long while its issuer is down; when it is renewed at the earliest.
pub(crate) const LIFETIME: i64 = 10 * MINUTE;
pub(crate) const STALE: i64 = HOUR;
pub(crate) const AHEAD: i64 = LIFETIME * 3 / 4;
/// How often an issuer is asked at most, how often while unknown keys go on coming, and how long none
/// has to come until all is as before.
pub(crate) const COOLDOWN: i64 = 5 * SECOND;
pub(crate) const LONGEST_COOLDOWN: i64 = 30 * SECOND;
pub(crate) const QUIET: i64 = MINUTE;

/// How long a fetch takes at most by the manual clock.
pub(crate) const FLIGHT: i64 = SECOND;

/// A token, and the truth about it.
#[derive(Debug)]
pub(crate) struct Sample {
    pub(crate) text: String,
    pub(crate) kid: String,
    pub(crate) is_forged: bool,
    /// `iat`, `nbf` and `exp`.
    pub(crate) times: [i64; 3],
    /// `jti`, `sub`, `client_id` and `sid`.
    pub(crate) names: [String; 4],
    pub(crate) was_used: bool,
}

impl Sample {
    /// Whether it is over, whether its time has not come, and whether its issue has not.
    pub(crate) fn faults(&self, now: i64) -> [bool; 3] {
        let [issued_at, not_before, expires_at] = self.times;
        [
            now >= expires_at + LEEWAY,
            not_before > now + LEEWAY,
            issued_at > now + SKEW,
        ]
    }
}

/// What is true of the issuer's keys, and which of them the guard was given.
#[derive(Default)]
pub(crate) struct Keys {
    /// In the order of time, with the moment.
    pub(crate) published: Vec<(String, i64)>,
    pub(crate) retired: Vec<(String, i64)>,
    /// What the last answer said, and how many there were.
    pub(crate) served: BTreeSet<String>,
    pub(crate) answers: u64,
    /// What the last set said that arrived, and when it did.
    pub(crate) known: BTreeSet<String>,
    pub(crate) arrived_at: i64,
    /// Whether the last fetch failed; how many arrived and failed; how many failed for no reason.
    pub(crate) failed: bool,
    /// Whether it failed for a set without usable keys, which is no outage.
    pub(crate) taken_back: bool,
    pub(crate) landed: [u64; 2],
    pub(crate) too_slow: i64,
    /// When the last fetch began, how many did while the issuer was well and while not, and whether one
    /// is under way.
    pub(crate) asked_at: i64,
    pub(crate) asked: [i64; 2],
    pub(crate) flies: bool,
    /// Whether the issuer is not well, whether that was so during the last fetch, and for how long.
    pub(crate) ill: [bool; 2],
    pub(crate) ill_for: i64,
    /// When tokens with unknown keys came, for how long one after the other, and after how many pauses.
    pub(crate) unknown_at: [i64; 2],
    pub(crate) unknown_for: i64,
    pub(crate) unknown_spells: i64,
}

/// Since when this key has been here.
pub(crate) fn since(keys: &[(String, i64)], kid: &str) -> Option<i64> {
    let found = keys.iter().find(|(known, _)| known == kid);
    found.map(|(_, since)| *since)
}

impl Keys {
    /// Whether the guard may use this key now.
    pub(crate) fn serves(&self, kid: &str, now: i64) -> bool {
        let is_down = self.failed && !self.taken_back;
        let limit = [LIFETIME, STALE][usize::from(is_down)];
        let retired = since(&self.retired, kid).unwrap_or(now);
        self.known.contains(kid)
            && now - self.arrived_at <= limit
            && now - retired <= limit + FLIGHT
    }

    /// Whether the guard may say that there is no such key.
    pub(crate) fn may_be_unknown(&self, kid: &str, now: i64) -> bool {
        let is_quiet = self.unknown_at[1] - self.unknown_at[0] >= QUIET;
        let cooldown = [LONGEST_COOLDOWN, COOLDOWN][usize::from(is_quiet)];
        let is_current = now - self.arrived_at <= LIFETIME && !self.failed;
        let is_new = since(&self.published, kid).is_some();
        is_current && !self.known.contains(kid) && (!is_new || now - self.asked_at < cooldown)
    }

    /// Whether the guard may say that it cannot tell.
    pub(crate) fn may_be_unavailable(&self, kid: &str, now: i64) -> bool {
        self.failed && !self.serves(kid, now) && (self.ill[0] || now - self.asked_at < COOLDOWN)
    }

    pub(crate) fn note_unknown(&mut self, now: i64) {
        self.unknown_at = [self.unknown_at[1], now];
        let gap = now - self.unknown_at[0];
        let goes_on = gap < QUIET;
        self.unknown_for += gap * i64::from(goes_on);
        self.unknown_spells += i64::from(!goes_on);
    }

    /// How often the issuer may be asked until `now`, while it is well and while not.
    pub(crate) fn most_asked(&self, now: i64, outages: usize) -> [i64; 2] {
        let outages = i64::try_from(outages).expect("a count");
        // The cool-down of 5 seconds doubles to 30, so that a spell begins with three that are shorter.
        let unknown = self.unknown_for / LONGEST_COOLDOWN + 4 * (self.unknown_spells + outages);
        let well = now / AHEAD + 1 + unknown + self.too_slow;
        [well, self.ill_for / COOLDOWN + outages]
    }
}

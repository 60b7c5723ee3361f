//! What may be answered.

use std::sync::Mutex;
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};

use super::fleet::lock;
use crate::redis_server::world::BOUND;

/// A token, and what becomes of it.
pub(crate) struct Caller {
    pub(crate) token: String,
    pub(crate) fate: Fate,
}

pub(crate) enum Fate {
    /// Good all the time, and of somebody who asks seldom.
    Good,
    /// Good, and of somebody who asks far too often.
    Greedy,
    /// Never good: a name for it.
    Bad(&'static str),
    /// Good until then.
    Expiring(DateTime<Utc>),
    /// Good until it is revoked.
    Doomed(Mutex<When>),
}

/// What has happened to a token that is revoked.
#[derive(Clone, Copy, Default)]
pub(crate) struct When {
    /// Somebody was asked to.
    pub(crate) begun: Option<Instant>,
    /// This machine, when it had been started so often, has done it.
    pub(crate) here: Option<(usize, u32, Instant)>,
    /// All others were told.
    pub(crate) everywhere: Option<Instant>,
}

/// A moment, by both clocks.
#[derive(Clone, Copy)]
pub(crate) struct Moment {
    pub(crate) at: Instant,
    pub(crate) day: DateTime<Utc>,
}

impl Moment {
    pub(crate) fn now() -> Self {
        Self {
            at: Instant::now(),
            day: Utc::now(),
        }
    }
}

/// An answer, and what is known of when it was made.
pub(crate) struct Answer {
    pub(crate) machine: usize,
    /// How often the machine had been started, if it was not started meanwhile.
    pub(crate) boot: Option<u32>,
    pub(crate) sent: Moment,
    pub(crate) answered: Moment,
    /// Nothing if there was none.
    pub(crate) status: Option<u16>,
    /// All the time the machine could not ask the server, and that for longer than the bound.
    pub(crate) is_cut_off: bool,
    /// All is well, and the machine has known all the time what others have revoked.
    pub(crate) is_calm: bool,
}

impl Caller {
    pub(crate) fn kind(&self) -> &'static str {
        match self.fate {
            Fate::Good => "good",
            Fate::Greedy => "greedy",
            Fate::Bad(name) => name,
            Fate::Expiring(_) => "expiring",
            Fate::Doomed(_) => "revoked",
        }
    }

    /// Why the answer is wrong, if it is.
    pub(crate) fn fault(&self, answer: &Answer) -> Option<&'static str> {
        let status = answer.status?;
        if status == 200 && answer.is_cut_off {
            return Some("let in without the server, later than the bound");
        }
        match (&self.fate, status) {
            (Fate::Bad(_), 401)
            | (Fate::Good | Fate::Greedy, 200)
            | (Fate::Greedy | Fate::Doomed(_), 429) => None,
            (Fate::Good | Fate::Greedy | Fate::Expiring(_) | Fate::Doomed(_), 503) => {
                answer.is_calm.then_some("unavailable for no reason")
            }
            (Fate::Good | Fate::Greedy, 401) => Some("a good token was refused"),
            (Fate::Expiring(end), 200) => (answer.sent.day >= *end).then_some("expired, let in"),
            (Fate::Expiring(end), 401) => {
                (answer.answered.day < *end).then_some("refused before it expires")
            }
            (Fate::Doomed(when), 200) => {
                let when = *lock(when);
                let knows = |(machine, boot, at)| {
                    machine == answer.machine && answer.boot == Some(boot) && answer.sent.at > at
                };
                if when.here.is_some_and(knows) {
                    return Some("revoked here, let in");
                }
                let late = |at| answer.sent.at.saturating_duration_since(at) > BOUND;
                let is_late = when.everywhere.is_some_and(late);
                is_late.then_some("revoked, let in later than the bound")
            }
            (Fate::Doomed(when), 401) => {
                let begun = lock(when).begun;
                let is_early = begun.is_none_or(|begun| answer.answered.at < begun);
                is_early.then_some("refused before it is revoked")
            }
            // Of those who come and go there may be few, and each of these is asked for often then.
            (Fate::Expiring(end), 429) => {
                (answer.sent.day >= *end).then_some("expired, and counted")
            }
            _ => Some("an answer that this caller never gets"),
        }
    }
}

/// In no time more than the burst passes and what comes back in it; one more, since nobody sees from outside
/// when between sending and answer a request was counted. `passed` is when each was sent and answered.
pub(crate) fn too_many(
    passed: &[(Instant, Instant)],
    rate: u32,
    burst: u32,
) -> Option<(u32, Duration)> {
    for (first, _) in passed {
        let later = passed.iter().filter(|(sent, _)| sent >= first);
        let mut ends: Vec<Instant> = later.map(|(_, answered)| *answered).collect();
        ends.sort_unstable();
        for (count, end) in (1_u32..).zip(ends) {
            let time = end.saturating_duration_since(*first);
            let allowed = f64::from(burst) + f64::from(rate) * time.as_secs_f64();
            if f64::from(count) > allowed + 1.0 {
                return Some((count, time));
            }
        }
    }
    None
}

/// A model that finds nothing wrong would find nothing.
pub(crate) fn knows_right_from_wrong() {
    answers();
    sums();
}

fn answers() {
    let now = Moment::now();
    let later = |time: Duration| Moment {
        at: now.at + time,
        day: now.day + time,
    };
    let second = Duration::from_secs(1);
    let doomed = |begun: u64, here: u64, everywhere: Option<u64>| {
        let at = |seconds| now.at + second * u32::try_from(seconds).expect("few");
        Fate::Doomed(Mutex::new(When {
            begun: Some(at(begun)),
            here: Some((1, 1, at(here))),
            everywhere: everywhere.map(at),
        }))
    };
    let end = later(second * 5).day;
    // Whose it is, the machine, when it was sent (it takes half a second), the answer, whether all is well, and
    // whether it is wrong.
    for (number, (fate, machine, sent, status, is_calm, is_wrong)) in [
        (Fate::Good, 0, 0, 200, true, false),
        (Fate::Good, 0, 0, 401, false, true),
        (Fate::Good, 0, 0, 429, false, true),
        (Fate::Good, 0, 0, 503, false, false),
        (Fate::Good, 0, 0, 503, true, true),
        (Fate::Greedy, 0, 0, 429, true, false),
        (Fate::Greedy, 0, 0, 401, false, true),
        (Fate::Bad("any"), 0, 0, 401, false, false),
        (Fate::Bad("any"), 0, 0, 200, false, true),
        (Fate::Bad("any"), 0, 0, 503, false, true),
        (Fate::Expiring(end), 0, 4, 200, true, false),
        (Fate::Expiring(end), 0, 4, 401, true, true),
        (Fate::Expiring(end), 0, 5, 200, true, true),
        (Fate::Expiring(end), 0, 4, 429, true, false),
        (Fate::Expiring(end), 0, 5, 429, true, true),
        (doomed(5, 6, None), 0, 4, 401, true, true),
        (doomed(5, 6, None), 0, 5, 401, true, false),
        (doomed(5, 6, None), 1, 5, 200, true, false),
        (doomed(5, 6, None), 1, 7, 200, true, true),
        (doomed(5, 6, Some(6)), 0, 7, 200, true, false),
        (doomed(5, 6, Some(6)), 0, 8, 200, true, true),
        (doomed(5, 6, Some(6)), 0, 8, 503, false, false),
        (doomed(5, 6, Some(6)), 0, 8, 500, false, true),
    ]
    .into_iter()
    .enumerate()
    {
        let token = String::new();
        let mut answer = Answer {
            machine,
            boot: Some(1),
            sent: later(second * sent),
            answered: later(second * sent + second / 2),
            status: Some(status),
            is_cut_off: false,
            is_calm,
        };
        let caller = Caller { token, fate };
        let fault = caller.fault(&answer);
        assert_eq!(fault.is_some(), is_wrong, "row {number}: {fault:?}");
        answer.is_cut_off = true;
        let is_wrong = is_wrong || status == 200;
        assert_eq!(caller.fault(&answer).is_some(), is_wrong, "row {number}");
    }
}

fn sums() {
    let now = Instant::now();
    let passed = |many: u32, each: Duration| -> Vec<(Instant, Instant)> {
        let all = (0..many).map(|number| now + each * number);
        all.map(|at| (at, at)).collect()
    };
    let each = Duration::from_millis(25);
    assert!(too_many(&passed(200, each), 40, 20).is_none());
    assert!(too_many(&passed(200, each / 2), 40, 20).is_some());
    assert!(too_many(&passed(21, Duration::ZERO), 40, 20).is_none());
    assert!(too_many(&passed(22, Duration::ZERO), 40, 20).is_some());
}

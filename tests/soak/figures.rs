//! What is counted and measured.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::fleet::{BURST, MACHINES, RATE};
use super::load::Load;
use super::model::{Answer, Caller, too_many};
use super::process::Usage;
use crate::redis_server::world::BOUND;
use crate::support::Held;

/// How often something took how long, to an eighth.
#[derive(Default)]
struct Times(BTreeMap<u32, u64>);

impl Times {
    fn add(&mut self, time: Duration) {
        let micros = u64::try_from(time.as_micros()).unwrap_or(u64::MAX).max(8);
        let power = micros.ilog2();
        let eighth = u32::try_from((micros >> (power - 3)) & 7).expect("three bits");
        *self.0.entry(power * 8 + eighth).or_default() += 1;
    }

    /// The time that so many of a hundred took at most.
    fn quantile(&self, hundredths: u64) -> Duration {
        let all: u64 = self.0.values().sum();
        let mut left = all * hundredths / 100;
        for (place, count) in &self.0 {
            let next = place + 1;
            if *count > left {
                let (power, eighth) = (next / 8, u64::from(next % 8));
                return Duration::from_micros((8 + eighth) << (power - 3));
            }
            left -= count;
        }
        Duration::ZERO
    }
}

/// What was seen of a fault, each time that it happened.
#[derive(Clone, Copy, Default)]
struct Row {
    times: u32,
    answers: u64,
    unavailable: u64,
    silent: u64,
    wrong: u64,
    /// The longest: how long it went on, and after its end until all machines let in again, and count together.
    held: Duration,
    serves: Duration,
    counts: Duration,
}

/// When it was sent and answered.
type Passed = (Instant, Instant);

#[derive(Default)]
pub(crate) struct Figures {
    answers: BTreeMap<(&'static str, Option<u16>), u64>,
    calm: Times,
    troubled: Times,
    rows: Vec<(&'static str, Row)>,
    now: usize,
    pub(crate) peak: u64,
    pub(crate) wrong: u64,
    /// The first of them.
    pub(crate) faults: Vec<String>,
    /// Since the last look, by machine and how often it was started, what passed of the greedy one.
    passed: BTreeMap<(usize, u32), Vec<Passed>>,
    /// A machine has counted for itself since the last look.
    pub(crate) alone: bool,
    /// How often it was looked whether too many passed on all machines together.
    looked: u64,
    /// When somebody was last told that it is not known, or nothing; and when machines last counted apart.
    pub(crate) last_refused: Option<Instant>,
    pub(crate) last_apart: Option<Instant>,
    revoked: u64,
    /// How many of them were let in afterwards, and for how long at most.
    late: u64,
    latest: Duration,
}

/// While nothing is wrong.
pub(crate) const WELL: &str = "all is well";

impl Figures {
    pub(crate) fn count(&mut self, caller: &Caller, answer: &Answer, is_calm: bool) {
        let kind = caller.kind();
        *self.answers.entry((kind, answer.status)).or_default() += 1;
        let (sent, answered) = (answer.sent.at, answer.answered.at);
        let times = if is_calm {
            &mut self.calm
        } else {
            &mut self.troubled
        };
        times.add(answered.saturating_duration_since(sent));
        if let (true, Some(200), Some(boot)) = (caller.is_greedy(), answer.status, answer.boot) {
            let passed = self.passed.entry((answer.machine, boot));
            passed.or_default().push((sent, answered));
        }
        let row = self.row();
        row.answers += 1;
        match answer.status {
            Some(503) => row.unavailable += 1,
            None => row.silent += 1,
            Some(_) => {}
        }
        if matches!(answer.status, Some(503) | None) {
            self.last_refused = Some(answered);
        }
        if let Some(fault) = caller.fault(answer) {
            let (status, machine) = (answer.status, answer.machine);
            self.wrong(format!("{kind} on {machine}: {status:?}: {fault}"));
        }
    }

    fn row(&mut self) -> &mut Row {
        if self.rows.is_empty() {
            self.rows.push((WELL, Row::default()));
        }
        &mut self.rows[self.now].1
    }

    pub(crate) fn wrong(&mut self, what: String) {
        self.wrong += 1;
        self.row().wrong += 1;
        if self.faults.len() < 20 {
            self.faults.push(what);
        }
    }

    /// What comes now is counted here.
    pub(crate) fn begin(&mut self, name: &'static str) {
        self.row();
        let known = self.rows.iter().position(|row| row.0 == name);
        self.now = known.unwrap_or(self.rows.len());
        if known.is_none() {
            self.rows.push((name, Row::default()));
        }
        self.row().times += 1;
    }

    /// It has gone on so long, and then all machines let in and counted together so long after its end.
    pub(crate) fn recovered(&mut self, held: Duration, serves: Duration, counts: Duration) {
        let row = self.row();
        row.held = row.held.max(held);
        row.serves = row.serves.max(serves);
        row.counts = row.counts.max(counts);
    }

    /// Something was revoked, and let in for so long afterwards, if it was.
    pub(crate) fn revoked(&mut self, let_in: Option<Duration>) {
        self.revoked += 1;
        self.late += u64::from(let_in.is_some());
        self.latest = self.latest.max(let_in.unwrap_or_default());
    }

    /// Looks whether too many have passed since the last look: on each machine by itself, and on all together
    /// if all were well all the time.
    pub(crate) fn look(&mut self, was_calm: bool) {
        let passed = std::mem::take(&mut self.passed);
        for ((machine, _), own) in &passed {
            if let Some((count, time)) = too_many(own, RATE, BURST) {
                self.wrong(format!("{count} passed on {machine} in {time:?}"));
            }
        }
        if was_calm && !self.alone {
            self.looked += 1;
            let all: Vec<Passed> = passed.into_values().flatten().collect();
            if let Some((count, time)) = too_many(&all, RATE, BURST) {
                self.wrong(format!("{count} passed on all in {time:?}"));
            }
        }
        self.alone = false;
    }

    /// Whether all machines count together, whether they should, and the memory of the moment.
    fn sees(&mut self, is_together: bool, is_calm: bool, memory: u64) {
        self.alone |= is_calm && !is_together;
        if !is_together {
            self.last_apart = Some(Instant::now());
        }
        self.peak = self.peak.max(memory);
    }

    /// What should have been seen, and was not.
    pub(crate) fn lack(&self) -> Vec<String> {
        let bad = [
            "wrong signature",
            "unknown key",
            "wrong audience",
            "long expired",
            "malformed",
        ];
        let bad = bad.map(|name| (name, 401));
        let others = [
            ("good", 200),
            ("good", 503),
            ("greedy", 200),
            ("greedy", 429),
            ("expiring", 200),
            ("expiring", 401),
            ("revoked", 200),
            ("revoked", 401),
        ];
        let wanted = bad.into_iter().chain(others);
        let lack = wanted.filter(|(name, status)| {
            let known = self.answers.get(&(*name, Some(*status)));
            known.is_none_or(|times| *times < 5)
        });
        let mut lack: Vec<String> = lack
            .map(|(name, status)| format!("{name} {status}"))
            .collect();
        if self.looked == 0 {
            lack.push("what passes on all machines together".to_owned());
        }
        lack
    }
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let statuses = [Some(200), Some(401), Some(429), Some(503), None];
        let titles = ["200", "401", "429", "503", "no answer"];
        let mut kinds: Vec<&str> = self.answers.keys().map(|(kind, _)| *kind).collect();
        kinds.dedup();
        write!(f, "\n{:<40}", "token")?;
        titles.iter().try_for_each(|it| write!(f, "{it:>10}"))?;
        writeln!(f)?;
        for kind in kinds {
            write!(f, "{kind:<40}")?;
            for status in statuses {
                let times = self.answers.get(&(kind, status)).unwrap_or(&0);
                write!(f, "{times:>10}")?;
            }
            writeln!(f)?;
        }
        write!(f, "\n{:<40}", "fault")?;
        for title in ["times", "answers", "503", "no answer", "wrong", "held ms"] {
            write!(f, "{title:>10}")?;
        }
        writeln!(f, "{:>20}{:>20}", "lets in after ms", "counts after ms")?;
        for (name, row) in &self.rows {
            write!(f, "{name:<40}{:>10}{:>10}", row.times, row.answers)?;
            write!(f, "{:>10}{:>10}", row.unavailable, row.silent)?;
            write!(f, "{:>10}{:>10}", row.wrong, row.held.as_millis())?;
            let [serves, counts] = [row.serves, row.counts].map(|time| time.as_millis());
            writeln!(f, "{serves:>20}{counts:>20}")?;
        }
        let requests: u64 = self.answers.values().sum();
        let (calm, troubled) = (&self.calm, &self.troubled);
        writeln!(f, "\nrequests: {requests}; wrong decisions: {}", self.wrong)?;
        writeln!(
            f,
            "p50 {:.1?}, p99 {:.1?} while all is well; p50 {:.1?}, p99 {:.1?} in faults",
            calm.quantile(50),
            calm.quantile(99),
            troubled.quantile(50),
            troubled.quantile(99)
        )?;
        let (revoked, late, latest) = (self.revoked, self.late, self.latest);
        write!(
            f,
            "{revoked} tokens revoked; {late} of them let in once more, {latest:.1?} later at most, of {BOUND:?}"
        )
    }
}

/// Looks at what changes by itself, for as long as this is held.
pub(crate) fn watch(load: &Arc<Load>) -> Held {
    let load = Arc::clone(load);
    let task = tokio::spawn(async move {
        loop {
            let together = (0..MACHINES).all(|machine| load.fleet.is_current(machine)[1]);
            let memory = Usage::now().memory;
            load.figures().sees(together, load.is_calm(), memory);
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    });
    task.into()
}

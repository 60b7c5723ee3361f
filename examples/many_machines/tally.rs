//! What was answered, phase by phase.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use tokio::time::Instant;

use crate::load::Answer;
use crate::machine::{BURST, RATE};

/// How often a machine answered what, in a phase.
#[derive(Clone, Default)]
struct Row {
    requests: u64,
    statuses: BTreeMap<Option<u16>, u64>,
    wrong: u64,
}

struct Phase {
    name: &'static str,
    machines: Vec<Row>,
    refused_after: Duration,
    revoked: u64,
    recovered_after: Option<Duration>,
}

/// All that was answered.
pub(crate) struct Tally {
    machines: usize,
    phases: Vec<Phase>,
    /// What the greedy one was let in with: when it was sent, and when it was answered.
    passed: Vec<(Instant, Instant)>,
    wrong: Vec<String>,
}

impl Tally {
    pub(crate) fn new(machines: usize) -> Self {
        let mut tally = Self {
            machines,
            phases: Vec::new(),
            passed: Vec::new(),
            wrong: Vec::new(),
        };
        tally.begin("starting");
        tally
    }

    /// Another phase begins.
    pub(crate) fn begin(&mut self, name: &'static str) {
        self.phases.push(Phase {
            name,
            machines: vec![Row::default(); self.machines],
            refused_after: Duration::ZERO,
            revoked: 0,
            recovered_after: None,
        });
    }

    pub(crate) fn count(&mut self, answer: &Answer, is_greedy: bool, fault: Option<&'static str>) {
        if is_greedy && answer.status == Some(200) {
            self.passed.push((answer.sent, Instant::now()));
        }
        let Some(phase) = self.phases.last_mut() else {
            return;
        };
        let Some(row) = phase.machines.get_mut(answer.machine) else {
            return;
        };
        row.requests = row.requests.saturating_add(1);
        let times = row.statuses.entry(answer.status).or_default();
        *times = times.saturating_add(1);
        if let Some(fault) = fault {
            row.wrong = row.wrong.saturating_add(1);
            let (status, machine) = (answer.status, answer.machine.saturating_add(1));
            let name = phase.name;
            self.wrong(format!("{fault}: {status:?}, machine {machine}, {name}"));
        }
    }

    /// Something was revoked, and no machine let it in after that time.
    pub(crate) fn refused_after(&mut self, time: Duration) {
        if let Some(phase) = self.phases.last_mut() {
            phase.refused_after = phase.refused_after.max(time);
            phase.revoked = phase.revoked.saturating_add(1);
        }
    }

    /// All machines let somebody in again.
    pub(crate) fn recovered_after(&mut self, time: Duration) {
        if let Some(phase) = self.phases.last_mut() {
            phase.recovered_after = Some(time);
        }
    }

    pub(crate) fn wrong(&mut self, what: String) {
        self.wrong.push(what);
    }

    /// What else is wrong at the end, and whether all is right.
    pub(crate) fn end(&mut self) -> bool {
        let too_many = self.too_many();
        self.wrong.extend(too_many);
        // Who sees nothing sees nothing wrong.
        for (phase, statuses) in [
            (1, [200, 401, 429]),
            (2, [401, 503, 503]),
            (4, [200, 401, 429]),
        ] {
            let rows = self.phases.get(phase).map(|phase| &phase.machines);
            let rows = rows.into_iter().flatten().take(2);
            let lack = rows.flat_map(|row| {
                let is_lacking = |status: &u16| !row.statuses.contains_key(&Some(*status));
                statuses.into_iter().filter(is_lacking)
            });
            let lack: Vec<String> = lack.map(|it| format!("no {it} in phase {phase}")).collect();
            self.wrong.extend(lack);
        }
        self.wrong.is_empty()
    }

    /// In no time more than the burst passes and what comes back in it; one more, since nobody sees from here
    /// when between sending and answer a request was counted.
    fn too_many(&self) -> Option<String> {
        for (first, _) in &self.passed {
            let later = self.passed.iter().filter(|(sent, _)| sent >= first);
            let mut ends: Vec<Instant> = later.map(|(_, answered)| *answered).collect();
            ends.sort_unstable();
            for (passed, end) in (1_u32..).zip(ends) {
                let time = end.saturating_duration_since(*first);
                let allowed = allowed(time);
                if f64::from(passed) > allowed + 1.0 {
                    return Some(format!("{passed} passed in {time:?}, of {allowed:.1}"));
                }
            }
        }
        None
    }
}

/// How many requests of one principal may pass in this time, on all machines together.
fn allowed(time: Duration) -> f64 {
    f64::from(BURST) + f64::from(RATE) * time.as_secs_f64()
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let titles = ["requests", "200", "401", "429", "503", "no answer", "wrong"];
        write!(f, "{:<22} machine", "phase")?;
        for title in titles {
            write!(f, " {title:>9}")?;
        }
        writeln!(f)?;
        for phase in &self.phases {
            for (number, row) in (1..).zip(&phase.machines) {
                write!(f, "{:<22} {number:>7} {:>9}", phase.name, row.requests)?;
                for status in [Some(200), Some(401), Some(429), Some(503), None] {
                    let times = row.statuses.get(&status).unwrap_or(&0);
                    write!(f, " {times:>9}")?;
                }
                writeln!(f, " {:>9}", row.wrong)?;
            }
        }
        writeln!(f)?;
        for phase in self.phases.iter().filter(|phase| phase.revoked > 0) {
            let (name, revoked, time) = (phase.name, phase.revoked, phase.refused_after);
            let recovered = phase
                .recovered_after
                .map(|time| format!("; all well after {time:.0?}"));
            let recovered = recovered.unwrap_or_default();
            writeln!(
                f,
                "{name:<22} {revoked:>3} tokens revoked, refused everywhere after {time:.0?} at most{recovered}"
            )?;
        }
        if let (Some((first, _)), Some((_, last))) = (self.passed.first(), self.passed.last()) {
            let time = last.saturating_duration_since(*first);
            let (passed, allowed) = (self.passed.len(), allowed(time));
            writeln!(
                f,
                "the greedy one passed {passed} times on all machines in {time:.1?}, of {allowed:.0} that may"
            )?;
        }
        writeln!(f, "wrong decisions: {}", self.wrong.len())?;
        for wrong in self.wrong.iter().take(20) {
            writeln!(f, "  {wrong}")?;
        }
        Ok(())
    }
}

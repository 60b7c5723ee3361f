//! The scripts, and what they answer.

use std::time::Duration;

use ::redis::{Cmd, Script, ScriptInvocation, cmd};

use super::entry::Entry;
use super::keys::Keys;

/// The server's history: who has another one has to look at all entries again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Lineage {
    /// Goes up with each loss of data.
    pub(super) generation: u64,
    /// The replication id.
    pub(super) replica: Box<str>,
}

impl std::fmt::Display for Lineage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}", self.generation, self.replica)
    }
}

/// What a script answers.
#[derive(Debug)]
pub(super) enum Answer {
    /// The store is there.
    There(Standing),
    /// It has no epoch.
    NoEpoch,
    /// It has another epoch: its name and what its key makes of it.
    OtherEpoch(Box<str>, Box<str>),
    /// It was made before.
    Exists,
    /// It has no form that these scripts know.
    Damaged,
}

/// How the store is.
#[derive(Debug)]
pub(super) struct Standing {
    pub(super) lineage: Lineage,
    pub(super) counter: u64,
    pub(super) is_settled: bool,
    pub(super) has_lost: bool,
}

impl Answer {
    pub(super) fn of(texts: &[String]) -> Self {
        let mut texts = texts.iter().map(String::as_str);
        let kind = texts.next().unwrap_or_default();
        let mut next = || texts.next().unwrap_or_default();
        match kind {
            "none" => Self::NoEpoch,
            "other" => Self::OtherEpoch(next().into(), next().into()),
            "exists" => Self::Exists,
            "ok" => {
                let generation = next().parse().unwrap_or_default();
                Self::There(Standing {
                    lineage: Lineage {
                        generation,
                        replica: next().into(),
                    },
                    counter: next().parse().unwrap_or_default(),
                    is_settled: next() == "1",
                    has_lost: next() == "1",
                })
            }
            _ => Self::Damaged,
        }
    }
}

/// The scripts over one guard's keys.
#[derive(Debug)]
pub(super) struct Scripts {
    names: [String; 6],
    create: Script,
    beat: Script,
}

macro_rules! text {
    ($file:literal) => {
        concat!(
            include_str!("scripts/common.lua"),
            include_str!(concat!("scripts/", $file, ".lua"))
        )
    };
}

/// What a machine tells the store with each sign of life.
#[derive(Debug)]
pub(super) struct Greeting<'a> {
    pub(super) epoch: &'a str,
    pub(super) machine: &'a str,
    /// Where it has put back all that it holds.
    pub(super) merged: Option<&'a Lineage>,
    /// The last generation, and its counter, that it has seen.
    pub(super) seen: (u64, u64),
    pub(super) settling: Duration,
    pub(super) longest: Duration,
}

impl Scripts {
    pub(super) fn over(keys: &Keys) -> Self {
        let parts = ["state", "entries", "expiry", "feed", "machines", "merged"];
        Self {
            names: parts.map(|part| keys.key(&format!("revoked:{part}"))),
            create: Script::new(text!("create")),
            beat: Script::new(text!("beat")),
        }
    }

    /// The key of all entries.
    pub(super) fn entries(&self) -> &str {
        let [_, entries, ..] = &self.names;
        entries
    }

    /// The key of the feed.
    pub(super) fn feed(&self) -> &str {
        let [_, _, _, feed, ..] = &self.names;
        feed
    }

    pub(super) fn create(
        &self,
        epoch: &str,
        check: &str,
        settling: Duration,
        longest: Duration,
    ) -> ScriptInvocation<'_> {
        let mut call = self.create.prepare_invoke();
        call.key(&self.names).arg(epoch).arg(check);
        call.arg(milliseconds(settling)).arg(milliseconds(longest));
        call
    }

    pub(super) fn beat(&self, greeting: &Greeting<'_>) -> ScriptInvocation<'_> {
        let merged = greeting.merged.map(ToString::to_string).unwrap_or_default();
        let (generation, counter) = greeting.seen;
        let mut call = self.beat.prepare_invoke();
        call.key(&self.names)
            .arg(greeting.epoch)
            .arg(greeting.machine);
        call.arg(merged).arg(generation).arg(counter);
        call.arg(milliseconds(greeting.settling))
            .arg(milliseconds(greeting.longest));
        call
    }

    /// Takes these entries, each for as long as it matters. It is a whole text, so that it can go together
    /// with other commands.
    pub(super) fn write(&self, epoch: &str, all: &[(Entry, Duration)]) -> Cmd {
        let mut call = self.evaluated(text!("write"), epoch);
        for (entry, left) in all {
            call.arg(&entry.name).arg(entry.sealed.as_slice());
            call.arg(milliseconds(*left));
        }
        call
    }

    /// Where the server stands.
    pub(super) fn look(&self, epoch: &str) -> Cmd {
        self.evaluated(text!("look"), epoch)
    }

    fn evaluated(&self, text: &str, epoch: &str) -> Cmd {
        let mut call = cmd("EVAL");
        call.arg(text).arg(self.names.len()).arg(&self.names);
        call.arg(epoch);
        call
    }
}

/// The longest time that a script is told: what adds up with a time of day is still a number there.
const LONGEST: u64 = 1_000_000_000_000_000;

fn milliseconds(time: Duration) -> u64 {
    // Rounded up: nothing ends too early.
    let whole = u64::try_from(time.as_millis()).unwrap_or(LONGEST);
    whole.saturating_add(1).min(LONGEST)
}

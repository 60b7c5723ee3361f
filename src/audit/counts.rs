//! Decisions, counted.

use std::sync::atomic::{AtomicU64, Ordering};

use super::{AuditDecision, ReasonCode};

/// What a guard has decided since it was made, in numbers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct DecisionStats {
    /// How often somebody was let in: each proof counts, and a request may obtain several, or be one of a
    /// batch that counts once.
    pub allowed: u64,
    /// How often somebody was refused, for each reason that there was, in the order of their names.
    pub refused: Vec<(ReasonCode, u64)>,
    /// How many answers were cut because their token died.
    pub ended: Vec<(ReasonCode, u64)>,
}

/// How often what was decided.
#[derive(Debug)]
pub(super) struct Counts {
    allowed: AtomicU64,
    /// By the place of the reason in [`ReasonCode::ALL`].
    refused: Box<[AtomicU64]>,
    ended: Box<[AtomicU64]>,
}

impl Counts {
    pub(super) fn new() -> Self {
        let zeros = || ReasonCode::ALL.iter().map(|_| AtomicU64::new(0)).collect();
        Self {
            allowed: AtomicU64::new(0),
            refused: zeros(),
            ended: zeros(),
        }
    }

    pub(super) fn add(&self, decision: AuditDecision, reason: Option<ReasonCode>) {
        let place = |counts: &'_ [AtomicU64]| {
            let place = ReasonCode::ALL
                .iter()
                .position(|code| Some(*code) == reason);
            if let Some(count) = place.and_then(|place| counts.get(place)) {
                count.fetch_add(1, Ordering::Relaxed);
            }
        };
        match decision {
            AuditDecision::Allowed => {
                self.allowed.fetch_add(1, Ordering::Relaxed);
            }
            AuditDecision::Ended => place(&self.ended),
            AuditDecision::Refused | AuditDecision::Unavailable => place(&self.refused),
        }
    }

    pub(super) fn stats(&self) -> DecisionStats {
        DecisionStats {
            allowed: self.allowed.load(Ordering::Relaxed),
            refused: pairs(&self.refused),
            ended: pairs(&self.ended),
        }
    }
}

fn pairs(counts: &[AtomicU64]) -> Vec<(ReasonCode, u64)> {
    let codes = ReasonCode::ALL.iter().copied();
    let counts = counts.iter().map(|count| count.load(Ordering::Relaxed));
    codes.zip(counts).filter(|(_, count)| *count > 0).collect()
}

//! How often a person is asked.

use std::collections::VecDeque;

use chrono::{DateTime, TimeDelta, Utc};

use super::error::AccessError;
use crate::client::Scopes;

/// How long it is remembered what was asked and refused.
const WINDOW: TimeDelta = TimeDelta::minutes(10);
/// The most authorization requests within that time, whatever they are for.
const MOST: usize = 3;
/// The most that are for the same scopes.
const MOST_STEP_UPS: usize = 2;

/// What was asked of the person, and what they refused, within the last minutes.
#[derive(Debug, Default)]
pub(super) struct Bounds {
    asked: VecDeque<Asked>,
    /// Scopes beyond those that were granted; none stands for a request that named none.
    refused: VecDeque<(DateTime<Utc>, Scopes)>,
}

#[derive(Debug)]
struct Asked {
    at: DateTime<Utc>,
    /// What the endpoint wanted more, if it was for that.
    step_up: Option<Scopes>,
}

impl Bounds {
    /// Takes note that these scopes are asked for at `now`, beyond those that were granted.
    ///
    /// # Errors
    /// [`AccessError::Denied`] if one of them was refused just now; [`AccessError::InsufficientScope`] or
    /// [`AccessError::Unauthorized`] if enough was asked.
    pub(super) fn ask(
        &mut self,
        more: &Scopes,
        is_step_up: bool,
        now: DateTime<Utc>,
    ) -> Result<(), AccessError> {
        self.forget_until(now);
        let is_the_same =
            |refused: &Scopes| more.iter().any(|one| refused.contains(one)) || more == refused;
        if self.refused.iter().any(|(_, refused)| is_the_same(refused)) {
            return Err(AccessError::Denied);
        }
        let for_these = |asked: &&Asked| asked.step_up.as_ref() == Some(more);
        if is_step_up && self.asked.iter().filter(for_these).count() >= MOST_STEP_UPS {
            return Err(AccessError::InsufficientScope);
        }
        if self.asked.len() >= MOST {
            return Err(if is_step_up {
                AccessError::InsufficientScope
            } else {
                AccessError::Unauthorized
            });
        }
        let step_up = is_step_up.then(|| more.clone());
        self.asked.push_back(Asked { at: now, step_up });
        Ok(())
    }

    /// Takes note that these were refused. As many are kept as may be asked for.
    pub(super) fn refuse(&mut self, scopes: Scopes, now: DateTime<Utc>) {
        if self.refused.len() >= MOST {
            self.refused.pop_front();
        }
        self.refused.push_back((now, scopes));
    }

    /// All that was refused just now.
    pub(super) fn refused(&mut self, now: DateTime<Utc>) -> Scopes {
        self.forget_until(now);
        let refused = self.refused.iter();
        refused.fold(Scopes::none(), |all, (_, scopes)| all.union(scopes))
    }

    fn forget_until(&mut self, now: DateTime<Utc>) {
        let is_kept = |at: DateTime<Utc>| now.signed_duration_since(at) < WINDOW;
        self.asked.retain(|asked| is_kept(asked.at));
        self.refused.retain(|(at, _)| is_kept(*at));
    }
}

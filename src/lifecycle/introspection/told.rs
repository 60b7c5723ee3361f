//! How it is with the questions to one issuer.

use std::time::Duration;

/// For how long nothing may be answered before the questions that strangers brought about say that the
/// issuer cannot be asked: some tokens that were made up find no answer anywhere.
const PATIENCE: Duration = Duration::from_secs(10);
/// How often it is tried whether questions are answered again.
const PAUSE: Duration = Duration::from_secs(5);

/// How it is with the questions to one issuer.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Told {
    /// How many there were.
    pub(crate) questions: u64,
    /// How many of them brought nothing.
    pub(crate) failures: u64,
    /// Whether it is known where to ask.
    is_found: bool,
    /// Why that was last looked for in vain.
    not_found: Option<&'static str>,
    /// Whether any question was ever answered.
    was_answered: bool,
    silence: Option<Silence>,
    /// When it was last tried whether questions are answered again, on the monotonic clock.
    tried_at: Option<Duration>,
}

/// Since the last answer there was none.
#[derive(Clone, Copy, Debug)]
struct Silence {
    /// When the first question after it failed, on the monotonic clock.
    since: Duration,
    /// Why the last one did.
    cause: &'static str,
    /// Whether that says something of the issuer, and not of a stranger's token.
    counts: bool,
}

impl Told {
    /// It was looked for where to ask.
    pub(super) const fn searched(&mut self, found: Result<(), &'static str>) {
        self.is_found = found.is_ok();
        self.not_found = match found {
            Ok(()) => None,
            Err(cause) => Some(cause),
        };
    }

    /// There was a question, and it is not known where to ask.
    pub(super) const fn asked_nobody(&mut self, cause: &'static str) {
        self.questions = self.questions.saturating_add(1);
        self.failures = self.failures.saturating_add(1);
        self.searched(Err(cause));
    }

    /// A question was answered.
    pub(super) const fn answered(&mut self) {
        self.questions = self.questions.saturating_add(1);
        self.is_found = true;
        self.not_found = None;
        self.was_answered = true;
        self.silence = None;
    }

    /// A question was not, at `now` on the monotonic clock. `is_ours` says that no stranger chose the token.
    pub(super) fn failed(&mut self, cause: &'static str, is_ours: bool, now: Duration) {
        self.questions = self.questions.saturating_add(1);
        self.failures = self.failures.saturating_add(1);
        let since = self.silence.map_or(now, |silence| silence.since);
        let counted = self.silence.is_some_and(|silence| silence.counts);
        let is_long = now.saturating_sub(since) >= PATIENCE;
        self.silence = Some(Silence {
            since,
            cause,
            // Where nothing was ever answered, nothing speaks for the issuer either.
            counts: counted || is_ours || is_long || !self.was_answered,
        });
    }

    /// Why questions are not answered, if they are not.
    pub(super) fn in_vain(&self) -> Option<&'static str> {
        let silence = self.silence.filter(|silence| silence.counts)?;
        Some(silence.cause)
    }

    /// Whether it is time to try again, which is then done.
    pub(super) fn is_time_to_ask(&mut self, now: Duration) -> bool {
        if self.in_vain().is_none() {
            return false;
        }
        let since = self.tried_at.map(|at| now.saturating_sub(at));
        let is_time = since.is_none_or(|since| since >= PAUSE);
        if is_time {
            self.tried_at = Some(now);
        }
        is_time
    }

    /// Whether tokens can be judged.
    pub(crate) fn is_ready(&self) -> bool {
        self.is_found && self.in_vain().is_none()
    }

    /// Why the issuer was last asked in vain; nothing after it has answered.
    pub(crate) fn last_error(&self) -> Option<&'static str> {
        let silence = self.silence.map(|silence| silence.cause);
        silence.or(self.not_found)
    }
}

//! New tokens, one at a time.
//!
//! Whoever wants to change the tokens waits for the turn. Who has waited takes what came of the turns of
//! others, be it tokens or an error: so there is one request to an authorization server, however many wait.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use chrono::{DateTime, TimeDelta, Utc};
use tokio::sync::OwnedMutexGuard;

use super::access::Access;
use super::error::AccessError;
use super::held::{Came, Held, Ticket};
use super::obtain::is_of;
use super::refresh::Refreshed;
use crate::client::{Challenge, Scopes, TokenSet};

/// How long a refresh is left alone that failed while the token was still good.
const PATIENCE: TimeDelta = TimeDelta::seconds(5);

/// What those who have turns tell one another.
#[derive(Debug, Default)]
pub(super) struct Turn {
    /// What the last turn was for, and why it failed.
    failed: Option<(Wanted, AccessError)>,
    /// No refresh ahead of time before this.
    not_before: Option<DateTime<Utc>>,
}

/// What a turn is for.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Wanted {
    /// Tokens.
    Tokens,
    /// Tokens with these scopes as well.
    Scopes(Scopes),
}

/// Waiting has ended.
enum Waited {
    /// With the turn.
    Turn(OwnedMutexGuard<Turn>),
    /// With what came of the turns of others.
    Shared(Result<Ticket, AccessError>),
}

impl Access {
    /// What a request goes with whose token is over, or is `good` but not for long.
    pub(super) async fn renewed(
        &self,
        good: Option<Ticket>,
        serial: u64,
    ) -> Result<Ticket, AccessError> {
        let now = self.client().now();
        let Some(good) = good else {
            return match self.wait(serial, &Wanted::Tokens, Held::good).await {
                Waited::Turn(turn) => self.end(turn, Wanted::Tokens, Self::replace).await,
                Waited::Shared(result) => result,
            };
        };
        // Others wait for nobody while the token is good.
        let Ok(turn) = Arc::clone(&self.shared().turns).try_lock_owned() else {
            return Ok(good);
        };
        let is_left_alone = turn.not_before.is_some_and(|moment| now < moment);
        let is_changed = self.held().serial() != serial;
        let can_be_refreshed = self.held().tokens().is_some_and(TokenSet::can_be_refreshed);
        if is_left_alone || is_changed || !can_be_refreshed {
            return Ok(good);
        }
        let (turn, done) = self.refresh(turn).await;
        if let (Some(mut turn), Err(_)) = (turn, done) {
            turn.not_before = now.checked_add_signed(PATIENCE);
        }
        Ok(self.held().good(now).unwrap_or(good))
    }

    /// What a request goes with after 401, with which the endpoint has refused `ticket`.
    ///
    /// # Errors
    /// [`AccessError`]
    pub(in crate::client) async fn refused(
        &self,
        ticket: &Ticket,
        challenge: Challenge,
    ) -> Result<Ticket, AccessError> {
        let newer = |held: &Held, now| held.good(now).filter(|ticket| ticket.header.is_some());
        match Box::pin(self.wait(ticket.serial, &Wanted::Tokens, newer)).await {
            Waited::Turn(turn) => {
                let work = async |access: &Self, turn| access.begin_anew(turn, &challenge).await;
                Box::pin(self.end(turn, Wanted::Tokens, work)).await
            }
            Waited::Shared(result) => result,
        }
    }

    /// What a request goes with after 403, with which the endpoint has said that `ticket` grants too little.
    ///
    /// # Errors
    /// [`AccessError`]
    pub(in crate::client) async fn step_up(
        &self,
        ticket: &Ticket,
        challenge: Challenge,
    ) -> Result<Ticket, AccessError> {
        let wanted = challenge.scopes().filter(|_| self.shared().steps_up);
        let wanted = wanted.ok_or(AccessError::InsufficientScope)?.clone();
        let newer = |held: &Held, now| held.good(now).filter(|ticket| ticket.header.is_some());
        let for_these = Wanted::Scopes(wanted.clone());
        match Box::pin(self.wait(ticket.serial, &for_these, newer)).await {
            Waited::Turn(turn) => {
                let work = async |access: &Self, turn| {
                    let done = access.extend(&challenge, &wanted).await;
                    (Some(turn), done)
                };
                Box::pin(self.end(turn, for_these, work)).await
            }
            Waited::Shared(result) => result,
        }
    }

    /// Waits for the turn, with tokens of this `serial`. What others have got meanwhile is taken, if it is
    /// `newer`; or their error, if they wanted the same.
    async fn wait(
        &self,
        serial: u64,
        wanted: &Wanted,
        newer: impl FnOnce(&Held, DateTime<Utc>) -> Option<Ticket>,
    ) -> Waited {
        let shared = self.shared();
        let before = shared.ended.load(Ordering::Acquire);
        let turn = Arc::clone(&shared.turns).lock_owned().await;
        let held = self.held();
        if held.serial() != serial
            && let Some(ticket) = newer(&held, self.client().now())
        {
            return Waited::Shared(Ok(ticket));
        }
        match &turn.failed {
            Some((for_that, error))
                if for_that == wanted && shared.ended.load(Ordering::Acquire) != before =>
            {
                Waited::Shared(Err(*error))
            }
            _ => Waited::Turn(turn),
        }
    }

    /// Does `work` in this turn, and tells those who wait what came of it.
    async fn end(
        &self,
        turn: OwnedMutexGuard<Turn>,
        wanted: Wanted,
        work: impl AsyncFnOnce(
            &Self,
            OwnedMutexGuard<Turn>,
        ) -> (Option<OwnedMutexGuard<Turn>>, Result<Ticket, AccessError>),
    ) -> Result<Ticket, AccessError> {
        let (turn, done) = work(self, turn).await;
        if let Some(mut turn) = turn {
            turn.failed = done.as_ref().err().map(|error| (wanted, *error));
            self.shared().ended.fetch_add(1, Ordering::AcqRel);
        }
        done
    }

    /// The ticket of what is in use now.
    pub(super) fn current(&self) -> Result<Ticket, AccessError> {
        let ticket = self.held().good(self.client().now());
        // Tokens that are over when they come are of no use to anybody.
        ticket.ok_or(AccessError::Unauthorized)
    }

    /// Tokens in place of those that are over, or that nobody has looked for yet.
    async fn replace(
        &self,
        turn: OwnedMutexGuard<Turn>,
    ) -> (Option<OwnedMutexGuard<Turn>>, Result<Ticket, AccessError>) {
        if matches!(*self.held(), Held::Unknown)
            && let Err(error) = self.look_up().await
        {
            return (Some(turn), Err(error));
        }
        if let Ok(ticket) = self.current() {
            return (Some(turn), Ok(ticket));
        }
        let (turn, done) = self.refresh(turn).await;
        let done = match done {
            Ok(Refreshed::New) => self.current(),
            // The endpoint says what it wants before a person is asked.
            Ok(Refreshed::Over) if self.shared().grant.asks_a_person() => {
                self.publish_none();
                self.current()
            }
            Ok(Refreshed::Over) => Box::pin(self.obtain_anew(&Challenge::default())).await,
            Err(error) => Err(error),
        };
        (turn, done)
    }

    /// Uses what is kept.
    pub(super) async fn look_up(&self) -> Result<(), AccessError> {
        if let Some(tokens) = self.last_used().await? {
            return self.publish(tokens, Came::FromStore);
        }
        self.publish_none();
        Ok(())
    }

    /// Tokens in place of those that the endpoint does not take. Its metadata is read again: the issuer may
    /// be another one, and what the old one has given is not for the new one.
    async fn begin_anew(
        &self,
        turn: OwnedMutexGuard<Turn>,
        challenge: &Challenge,
    ) -> (Option<OwnedMutexGuard<Turn>>, Result<Ticket, AccessError>) {
        let discovered = match Box::pin(self.client().discover(challenge)).await {
            Ok(discovered) => discovered,
            Err(error) => return (Some(turn), Err(error.into())),
        };
        let held = self.held();
        let is_same = |tokens: &TokenSet| is_of(tokens, &discovered);
        if !held.tokens().is_some_and(is_same) {
            return (Some(turn), self.obtain(discovered, None).await);
        }
        let (turn, done) = self.refresh(turn).await;
        let done = match done {
            Ok(Refreshed::New) => self.current(),
            Ok(Refreshed::Over) => self.obtain(discovered, None).await,
            Err(error) => Err(error),
        };
        (turn, done)
    }

    async fn obtain_anew(&self, challenge: &Challenge) -> Result<Ticket, AccessError> {
        let discovered = self.client().discover(challenge).await?;
        self.obtain(discovered, None).await
    }

    /// Tokens with `wanted` as well.
    async fn extend(&self, challenge: &Challenge, wanted: &Scopes) -> Result<Ticket, AccessError> {
        let is_granted = |tokens: &TokenSet| tokens.granted().covers(wanted);
        if self.held().tokens().is_some_and(is_granted) {
            return Err(AccessError::InsufficientScope);
        }
        let discovered = Box::pin(self.client().discover(challenge)).await?;
        self.obtain(discovered, Some(wanted)).await
    }
}

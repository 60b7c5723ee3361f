//! Who asks.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use chrono::{TimeDelta, Utc};
use clearance::id::{ClientId, IssuerSession, Subject, TokenId};
use clearance::lifecycle::Revocation;
use clearance::testing::{Issuer, TokenBuilder};

use super::fleet::lock;
use super::model::{Caller, Fate};

/// How many of those that come and go are remembered.
const MOST: usize = 200;

/// All callers of the moment.
pub(crate) struct Callers {
    always: Vec<Arc<Caller>>,
    pub(crate) greedy: Arc<Caller>,
    pub(crate) witness: Arc<Caller>,
    passing: Mutex<VecDeque<Arc<Caller>>>,
    dice: AtomicU64,
    minted: AtomicU64,
}

fn caller(token: &TokenBuilder<'_>, fate: Fate) -> Arc<Caller> {
    let token = token.mint();
    Arc::new(Caller { token, fate })
}

impl Callers {
    pub(crate) fn of(issuer: &Issuer) -> Self {
        let valid = |subject: &str| {
            let token = issuer.token().subject(subject).client("cli");
            token.lifetime(TimeDelta::hours(20))
        };
        let mut always = Vec::new();
        for number in 0..40 {
            let subject = format!("user {number}");
            always.push(caller(&valid(&subject), Fate::Good));
        }
        for number in 0..4 {
            let token = || valid(&format!("user {number}"));
            for (name, token) in [
                ("wrong signature", token().wrong_signature()),
                ("unknown key", token().unknown_key()),
                ("wrong audience", token().wrong_audience()),
                ("long expired", token().expired()),
            ] {
                always.push(caller(&token, Fate::Bad(name)));
            }
            let token = format!("mal.formed.{number}");
            let fate = Fate::Bad("malformed");
            always.push(Arc::new(Caller { token, fate }));
        }
        Self {
            always,
            greedy: caller(&valid("greedy"), Fate::Greedy),
            witness: caller(&valid("witness"), Fate::Good),
            passing: Mutex::default(),
            dice: AtomicU64::new(0),
            minted: AtomicU64::new(0),
        }
    }

    fn add(&self, caller: &Arc<Caller>) {
        let mut passing = lock(&self.passing);
        if passing.len() >= MOST {
            passing.pop_front();
        }
        passing.push_back(Arc::clone(caller));
    }

    /// Somebody whose token ends in a second or two.
    pub(crate) fn expiring(&self, issuer: &Issuer) {
        let number = self.minted.fetch_add(1, Ordering::Relaxed);
        let end = Utc::now() + TimeDelta::seconds(2);
        let token = issuer.token().subject(&format!("e{number}"));
        // Tokens know whole seconds.
        let whole = end - TimeDelta::nanoseconds(end.timestamp_subsec_nanos().into());
        self.add(&caller(&token.expires_at(end), Fate::Expiring(whole)));
    }

    /// Somebody whose token is going to be revoked, and by what.
    pub(crate) fn doomed(&self, issuer: &Issuer) -> (Arc<Caller>, Revocation) {
        let number = self.minted.fetch_add(1, Ordering::Relaxed);
        let [subject, client, id, login] = ["d", "c", "t", "s"].map(|of| format!("{of}{number}"));
        let token = issuer.token().subject(&subject).client(&client);
        let token = token.token_id(&id).claim("sid", login.as_str());
        let caller = caller(&token, Fate::Doomed(Mutex::default()));
        self.add(&caller);
        let issuer = issuer.id().clone();
        let what = match number % 4 {
            0 => Revocation::of_token(issuer, TokenId::new(id)),
            1 => Revocation::of_subject(issuer, Subject::new(subject)),
            2 => Revocation::of_client(issuer, ClientId::new(client)),
            _ => Revocation::of_session(issuer, IssuerSession::new(login)),
        };
        (caller, what)
    }

    /// Anybody but the greedy one.
    pub(crate) fn any(&self) -> Arc<Caller> {
        let seed = self
            .dice
            .fetch_add(0x9E37_79B9_7F4A_7C15, Ordering::Relaxed);
        let mixed = (seed ^ (seed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let dice = usize::try_from(mixed >> 33).expect("31 bits");
        let passing = lock(&self.passing);
        // Each second one is one of those that come and go.
        match passing.len() {
            many @ 1.. if dice.is_multiple_of(2) => Arc::clone(&passing[(dice / 2) % many]),
            _ => Arc::clone(&self.always[(dice / 2) % self.always.len()]),
        }
    }

    /// Nobody who comes and goes is remembered.
    pub(crate) fn forget(&self) {
        lock(&self.passing).clear();
    }

    /// Some that were revoked lately.
    pub(crate) fn revoked(&self) -> Vec<Arc<Caller>> {
        let passing = lock(&self.passing);
        let revoked = passing.iter().filter(|caller| match &caller.fate {
            Fate::Doomed(when) => lock(when).everywhere.is_some(),
            _ => false,
        });
        revoked.rev().take(50).cloned().collect()
    }
}

//! Who fails again and again: what counts, what comes of it, and that nobody else pays for it.
#![cfg(test)]
#![allow(
    clippy::allow_attributes,
    clippy::arithmetic_side_effects,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::too_many_lines,
    reason = "a test that cannot go on must panic, and a table may be long"
)]

#[path = "abuse/operator.rs"]
mod operator;
#[path = "abuse/peers.rs"]
mod peers;
#[path = "abuse/principals.rs"]
mod principals;
#[path = "abuse/spread.rs"]
mod spread;
mod support;

use std::net::{IpAddr, SocketAddr};

use chrono::TimeDelta;
use clearance::limit::{LimitedBy, Peers};
use clearance::refusal::{Reason, Refusal};
use clearance::scope::{KnownTo, Set};
use clearance::testing::{Issuer, ManualClock, TokenBuilder};
use clearance::{Authorized, Guard, GuardBuilder, PeerInfo, Ready};
use support::http::parts_with;
use support::tokens::with_signature;
use support::{Fixture, among_peers, clock};

/// Addresses, by who is there.
const ATTACKER: &str = "198.51.100.66";
const HOME: &str = "192.0.2.1";

/// A guard that knows its peers, the issuer whose keys it was given, and time.
struct Stage {
    issuer: Issuer,
    clock: ManualClock,
    guard: Guard<Fixture>,
}

async fn stage() -> Stage {
    stage_with(Peers::of_connections(), |builder| builder).await
}

async fn stage_with(
    peers: Peers,
    change: impl FnOnce(GuardBuilder<Fixture, Ready>) -> GuardBuilder<Fixture, Ready>,
) -> Stage {
    let clock = clock();
    let (issuer, builder) = among_peers(&clock, peers).await;
    let guard = change(builder).build().expect("a guard");
    Stage {
        issuer,
        clock,
        guard,
    }
}

impl Stage {
    fn token(&self, subject: &str) -> TokenBuilder<'_> {
        let token = self.issuer.token().subject(subject);
        token.lifetime(TimeDelta::hours(20))
    }

    /// The text of a token of this subject that nobody signed, another one for each number.
    fn made_up(&self, subject: &str, number: u64) -> String {
        let mut signature = [0; 64];
        signature[..8].copy_from_slice(&number.to_be_bytes());
        with_signature(&self.token(subject).mint(), signature)
    }

    /// What becomes of a token that is shown from this address.
    async fn ask<S: Set + KnownTo<Fixture>>(
        &self,
        address: &str,
        token: &str,
    ) -> Result<Authorized<S>, Refusal> {
        let mut parts = parts_with(token);
        let address: IpAddr = address.parse().expect("an address");
        let address = SocketAddr::new(address, 50_000);
        parts.extensions.insert(PeerInfo::tls(address));
        self.guard.authorize(&mut parts).await
    }

    /// The same as a code, which is `wait N` for whoever has to wait that many seconds for a penalty.
    async fn verdict(&self, address: &str, token: &str) -> String {
        verdict(self.ask::<()>(address, token).await)
    }

    /// Fails from this address until there is a penalty, and says after how many failures.
    async fn penalise(&self, address: &str) -> u64 {
        let before = self.guard.health().penalties.total;
        for failures in 1..=1_000 {
            let verdict = self.verdict(address, "a.b.c").await;
            assert_eq!(verdict, "malformed_base64");
            if self.guard.health().penalties.total > before {
                return failures;
            }
        }
        panic!("no penalty");
    }

    fn pass(&self, seconds: i64) {
        self.clock.advance(TimeDelta::seconds(seconds));
    }
}

fn verdict<T>(asked: Result<T, Refusal>) -> String {
    match asked.map_err(|refusal| refusal.reason().clone()) {
        Ok(_) => "ok".to_owned(),
        Err(Reason::LimitExceeded(wait)) if wait.limited_by() == LimitedBy::Penalty => {
            format!("wait {}", wait.wait().as_secs_f64())
        }
        Err(reason) => reason.code().as_str().to_owned(),
    }
}

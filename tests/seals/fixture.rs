//! Seals, and callers who hold proofs.
#![allow(
    unreachable_pub,
    clippy::allow_attributes,
    clippy::missing_panics_doc,
    reason = "it is for the tests beside it"
)]

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use clearance::scope::{Set, Vocabulary};
use clearance::session::{Purpose, Seal, SealKey, SealKeys, Sealed};
use clearance::testing::{Issuer, ManualClock};
use clearance::{Authorized, Guard, TrustedIssuer};

use crate::support::http::parts_with;
use crate::support::{self, Fixture};

/// A deletion that somebody has to confirm.
pub struct Confirmation;

impl Purpose for Confirmation {
    const NAME: &'static str = "files.confirmation";
    type Content = String;
}

/// Another purpose with the same content.
pub struct Upload;

impl Purpose for Upload {
    const NAME: &'static str = "files.upload";
    type Content = String;
}

/// A purpose whose name goes on where that of another one ends.
pub struct Longer;

impl Purpose for Longer {
    const NAME: &'static str = "files.confirmationtools/call";
    type Content = String;
}

/// What JSON has no form for, in part.
pub struct Pairs;

impl Purpose for Pairs {
    const NAME: &'static str = "pairs";
    type Content = BTreeMap<(u8, u8), u8>;
}

pub const LIFETIME: Duration = Duration::from_mins(5);

pub const REQUEST: &str = "tools/call delete_file";

pub fn key(byte: u8) -> SealKey {
    SealKey::from_bytes(&[byte; 32])
}

pub fn seal<P: Purpose>(keys: impl Into<SealKeys>) -> Seal<P> {
    Seal::new(keys.into(), LIFETIME)
}

/// A file that may be deleted, sealed for whoever holds the proof.
pub fn confirmed<S: Set>(
    seal: &Seal<Confirmation>,
    auth: &Authorized<S>,
    file: &str,
) -> Sealed<Confirmation> {
    seal.seal(auth, REQUEST, &file.to_owned()).expect("a value")
}

/// What was sealed, if it can be opened.
pub fn opened<P: Purpose, S: Set>(
    seal: &Seal<P>,
    auth: &Authorized<S>,
    request: &str,
    sealed: &Sealed<P>,
) -> Option<P::Content> {
    seal.open(auth, request, sealed).ok()
}

/// An issuer, and a guard that trusts it.
pub struct World {
    pub clock: ManualClock,
    pub issuer: Issuer,
    pub guard: Guard<Fixture>,
}

impl World {
    pub async fn new() -> Self {
        let clock = support::clock();
        let issuer = support::issuer(&clock).await;
        let guard = guard(&[&issuer], support::E).await;
        Self {
            clock,
            issuer,
            guard,
        }
    }

    /// The proof of a request of `subject` by `client`.
    pub async fn proof(&self, subject: &str, client: &str) -> Authorized<()> {
        let token = self.issuer.token().subject(subject).client(client).mint();
        proof(&self.guard, &token).await
    }

    pub async fn alice(&self) -> Authorized<()> {
        self.proof("alice", "c1").await
    }
}

/// A guard of this resource that trusts these issuers.
pub async fn guard<V: Vocabulary>(issuers: &[&Issuer], resource: &str) -> Guard<V> {
    let (first, others) = issuers.split_first().expect("an issuer");
    let trusted = |issuer: &Issuer| TrustedIssuer::new(issuer.id().clone());
    let mut builder = Guard::<V>::builder(resource.parse().expect("a resource"))
        .clock(Arc::clone(first.clock()))
        .trusted_issuer(trusted(first))
        .unlimited();
    for issuer in others {
        builder = builder.trusted_issuer(trusted(issuer));
    }
    let guard = builder.build().expect("a guard");
    guard.ready().await.expect("keys");
    guard
}

pub async fn proof<V: Vocabulary>(guard: &Guard<V>, token: &str) -> Authorized<()> {
    let mut parts = parts_with(token);
    guard.authorize(&mut parts).await.expect("a proof")
}

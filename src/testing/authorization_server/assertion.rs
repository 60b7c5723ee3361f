//! Clients that sign who they are: `private_key_jwt` (RFC 7523 section 2.2).

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, TimeDelta, Utc};
use serde::de::{DeserializeOwned, Error, IgnoredAny};
use serde::{Deserialize, Deserializer};
use serde_json::json;

use super::bounded::Bounded;
use super::random::Digest;
use super::site::{Site, later};
use crate::jwk::{Algorithm, KeySet};
use crate::keys::FixedKeys;
use crate::testing::mint::Mint as _;

/// The name of the only kind of assertion (RFC 7523 section 2.2).
pub(super) const JWT_BEARER: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// What an assertion may call itself, if it does. An access token is none.
const TYPES: [&str; 2] = ["JWT", "client-authentication+jwt"];

/// How far ahead an assertion may end.
const LONGEST_LIFE: TimeDelta = TimeDelta::minutes(5);
/// How far a client's clock may be ahead.
const LEEWAY: TimeDelta = TimeDelta::seconds(10);

const MOST_SPENT: usize = 10_000;

/// A key set names the issuer that it belongs to. That of a client belongs to none, and no token
/// comes from this name.
const NO_ISSUER: &str = "https://client.invalid";

/// An assertion that was taken apart. Nothing that it says is believed.
pub(super) struct Assertion {
    header: Header,
    claims: Claims,
    signed: String,
    signature: Vec<u8>,
}

#[derive(Deserialize)]
struct Header {
    alg: String,
    #[serde(default, deserialize_with = "some")]
    kid: Option<String>,
    #[serde(default, deserialize_with = "some")]
    typ: Option<String>,
    /// What must be understood: nothing is (RFC 7515 section 4.1.11).
    #[serde(default, deserialize_with = "some")]
    crit: Option<IgnoredAny>,
}

#[derive(Deserialize)]
struct Claims {
    iss: String,
    sub: String,
    aud: Audience,
    #[serde(deserialize_with = "date")]
    exp: DateTime<Utc>,
    #[serde(default, deserialize_with = "some_date")]
    iat: Option<DateTime<Utc>>,
    #[serde(default, deserialize_with = "some_date")]
    nbf: Option<DateTime<Utc>>,
    jti: String,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Audience {
    One(String),
    Several(Vec<String>),
}

/// The public keys of a client. None if `document` is no key set, or has no key that can verify a
/// signature.
pub(super) fn keys(document: &str) -> Option<KeySet> {
    let issuer = NO_ISSUER.parse().ok()?;
    let keys = FixedKeys::from_json(document).load(issuer, &Algorithm::ALL);
    keys.ok().filter(|keys| !keys.is_empty())
}

impl Assertion {
    /// Takes apart what a client has sent. None if it is no assertion of a client about itself.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (signed, signature) = text.rsplit_once('.')?;
        let (header, claims) = signed.split_once('.')?;
        let header: Header = read(header)?;
        let claims: Claims = read(claims)?;
        let is_of_type = |kind: &String| TYPES.iter().any(|known| known.eq_ignore_ascii_case(kind));
        if header.crit.is_some() || !header.typ.as_ref().is_none_or(is_of_type) {
            return None;
        }
        if claims.iss != claims.sub || claims.jti.is_empty() {
            return None;
        }
        Some(Self {
            header,
            claims,
            signed: signed.to_owned(),
            signature: URL_SAFE_NO_PAD.decode(signature).ok()?,
        })
    }

    /// The client that it speaks of.
    pub(super) fn client(&self) -> &str {
        &self.claims.sub
    }

    /// Whether one of `keys` has signed it.
    pub(super) fn is_signed_by(&self, keys: &KeySet) -> bool {
        let Some(algorithm) = Algorithm::named(&self.header.alg) else {
            return false;
        };
        let (kid, message) = (self.header.kid.as_deref(), self.signed.as_bytes());
        keys.verify(kid, algorithm, message, &self.signature)
            .is_ok()
    }

    /// Whether it is for this server alone, in force, and shown for the first time. Then it is spent.
    pub(super) fn is_good_for(&self, site: &Site) -> bool {
        let claims = &self.claims;
        let now = site.now();
        let has_begun = |at: &DateTime<Utc>| *at <= later(now, LEEWAY);
        claims.aud.is_only(site.issuer.as_str())
            && claims.iat.as_ref().is_none_or(has_begun)
            && claims.nbf.as_ref().is_none_or(has_begun)
            && now < claims.exp
            && claims.exp <= later(now, LONGEST_LIFE)
            && site.state().assertions.spend(self.name(), claims.exp)
    }

    /// What it is known by: other clients may use the same `jti`.
    fn name(&self) -> Digest {
        Digest::of(&json!([self.claims.sub, self.claims.jti]).to_string())
    }
}

impl Audience {
    /// Who else could take the assertion could show it here
    /// (draft-ietf-oauth-rfc7523bis section 4).
    fn is_only(&self, issuer: &str) -> bool {
        match self {
            Self::One(text) => text == issuer,
            Self::Several(texts) => matches!(texts.as_slice(), [text] if text == issuer),
        }
    }
}

/// The assertions that were good, so that none is good twice.
#[derive(Debug)]
pub(super) struct SpentAssertions {
    ends: Bounded<Digest, DateTime<Utc>>,
    /// Of those that are forgotten, the latest end: what ends no later may be one of them.
    forgotten: DateTime<Utc>,
}

impl SpentAssertions {
    pub(super) fn new() -> Self {
        Self {
            ends: Bounded::new(MOST_SPENT),
            forgotten: DateTime::UNIX_EPOCH,
        }
    }

    /// Whether this one was not spent before. Now it is.
    fn spend(&mut self, name: Digest, end: DateTime<Utc>) -> bool {
        if end <= self.forgotten || self.ends.get(&name).is_some() {
            return false;
        }
        for forgotten in self.ends.insert(name, end) {
            self.forgotten = self.forgotten.max(forgotten);
        }
        true
    }
}

/// A JSON object in base64url. A member that is read stands once.
fn read<T: DeserializeOwned>(segment: &str) -> Option<T> {
    let json = URL_SAFE_NO_PAD.decode(segment).ok()?;
    // An array would be taken for the members in their order.
    let is_object = json.trim_ascii_start().starts_with(b"{");
    serde_json::from_slice(&json).ok().filter(|_| is_object)
}

/// A member that is there: `null` is no way to leave it out.
fn some<'de, D: Deserializer<'de>, T: Deserialize<'de>>(from: D) -> Result<Option<T>, D::Error> {
    T::deserialize(from).map(Some)
}

fn some_date<'de, D: Deserializer<'de>>(from: D) -> Result<Option<DateTime<Utc>>, D::Error> {
    date(from).map(Some)
}

/// A `NumericDate`, which may have a fraction (RFC 7519 section 2).
fn date<'de, D: Deserializer<'de>>(from: D) -> Result<DateTime<Utc>, D::Error> {
    let seconds = f64::deserialize(from)?;
    Duration::try_from_secs_f64(seconds)
        .ok()
        .and_then(|since| TimeDelta::from_std(since).ok())
        .and_then(|since| DateTime::UNIX_EPOCH.checked_add_signed(since))
        .ok_or_else(|| D::Error::custom("not a date"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_forgotten_is_spent() {
        let mut spent = SpentAssertions::new();
        let at = |seconds| later(DateTime::UNIX_EPOCH, TimeDelta::seconds(seconds));
        let mut is_new = |name: usize, end| spent.spend(Digest::of(&name.to_string()), at(end));
        assert!(is_new(0, 60));
        for name in 1..MOST_SPENT {
            assert!(is_new(name, 61), "{name}");
        }
        assert!(!is_new(0, 60));
        // One more, and the first is forgotten, and with it all that ends with it or before.
        assert!(is_new(MOST_SPENT, 61));
        assert!(!is_new(0, 60));
        assert!(!is_new(MOST_SPENT + 1, 60));
        assert!(!is_new(MOST_SPENT + 2, 59));
        assert!(!is_new(1, 61));
        assert!(is_new(MOST_SPENT + 3, 62));
        // Now one that ends later is, too.
        assert!(!is_new(1, 61));
        assert!(!is_new(MOST_SPENT + 4, 61));
        assert!(is_new(MOST_SPENT + 5, 62));
    }
}

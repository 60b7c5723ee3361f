//! What a guard accepts: its resources, its issuers' rules, its tolerance for clocks.

use std::any::Any;
use std::fmt;
use std::hash::Hasher as _;
use std::sync::Arc;
use std::time::Duration;

use siphasher::sip::SipHasher13;
use zeroize::{Zeroize, ZeroizeOnDrop};

use super::verified::{Principal, Verified};
use crate::clock::{Clock, WakeUp};
use crate::id::{Issuer, Resource};
use crate::jwk::Algorithm;
use crate::scope::ScopeTable;

/// What one guard accepts as an access token.
///
/// The guard's builder makes it, and [`Token::verify_audience`](super::Token::verify_audience)
/// demands it: an audience cannot be checked against nothing.
#[derive(Debug)]
pub struct Acceptance(Arc<Rules>);

impl Acceptance {
    pub(crate) fn new(rules: Rules) -> Self {
        Self(Arc::new(rules))
    }

    pub(crate) const fn rules(&self) -> &Arc<Rules> {
        &self.0
    }

    /// The resource whose tokens are accepted.
    pub fn resource(&self) -> &Resource {
        &self.0.resource
    }
}

/// Knows when a token dies, by time or by revocation.
pub(crate) trait Ends: fmt::Debug + Send + Sync {
    /// Ends when the token does of which this is the content.
    fn end_of(&self, verified: &Arc<Verified>) -> WakeUp;
}

/// The content of an [`Acceptance`].
#[derive(Debug)]
pub(crate) struct Rules {
    pub(crate) resource: Resource,
    /// The origin, where it is a resource of its own.
    pub(crate) alias: Option<Resource>,
    pub(crate) issuers: Vec<IssuerRules>,
    pub(crate) leeway: Duration,
    pub(crate) max_lifetime: Duration,
    pub(crate) max_age: Option<Duration>,
    pub(crate) table: ScopeTable,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) ends: Arc<dyn Ends>,
    pub(crate) hash_key: HashKey,
}

impl Rules {
    /// From when on a token is older than the guard allows, that was issued at this moment; all since 1970.
    pub(super) fn too_old_at(&self, issued_at: Duration) -> Duration {
        const INSTANT: Duration = Duration::from_nanos(1);
        let oldest = |oldest| issued_at.saturating_add(oldest).saturating_add(INSTANT);
        self.max_age.map_or(Duration::MAX, oldest)
    }
}

/// A random key, so that nobody can choose two principals whose hashes collide.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub(crate) struct HashKey(pub(crate) [u8; 16]);

impl HashKey {
    pub(super) fn of(&self, principal: &Principal) -> u64 {
        let Principal {
            issuer,
            subject,
            client,
        } = principal;
        let mut hasher = SipHasher13::new_with_key(&self.0);
        // The lengths keep ("a", "bc") and ("ab", "c") apart.
        hasher.write_usize(issuer.as_str().len());
        hasher.write_usize(subject.as_str().len());
        hasher.write(issuer.as_str().as_bytes());
        hasher.write(subject.as_str().as_bytes());
        hasher.write(client.as_str().as_bytes());
        hasher.finish()
    }

    /// Of texts that are no principal.
    pub(crate) fn of_parts(&self, parts: &[&str]) -> u64 {
        let mut hasher = SipHasher13::new_with_key(&self.0);
        for part in parts {
            hasher.write_usize(part.len());
            hasher.write(part.as_bytes());
        }
        hasher.finish()
    }

    /// Of a number.
    pub(crate) fn of_bits(&self, bits: u128) -> u64 {
        let mut hasher = SipHasher13::new_with_key(&self.0);
        hasher.write_u128(bits);
        hasher.finish()
    }
}

impl fmt::Debug for HashKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("HashKey(..)")
    }
}

/// The claim that names the client, where it is not `client_id`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ClientClaim {
    /// `appid`, as Microsoft Entra writes it into tokens of version 1.
    AppId,
    /// `azp`, as in ID tokens (`OpenID` Connect Core section 2).
    Azp,
    /// `cid`, as Okta writes it.
    Cid,
    /// `client_id`, as RFC 9068 section 2.2 wants it.
    ClientId,
}

/// Where the scopes of a token stand.
#[derive(Clone, Debug)]
pub(crate) enum ScopeSource {
    /// `scope`, text with blanks (RFC 8693 section 4.2).
    Scope,
    /// `scope`, text or an array.
    ScopeOrArray,
    /// `scp`, text or an array.
    Scp,
    /// One other claim; each of its values may stand for one scope.
    Mapped {
        path: Vec<Box<str>>,
        table: Vec<(Box<str>, Box<str>)>,
    },
}

/// Decodes extra claims into a type that the operator named.
pub(crate) type Decode = fn(&str) -> Option<Box<dyn Any + Send + Sync>>;

/// What is accepted of one issuer. The default is RFC 9068 to the letter.
#[derive(Clone, Debug)]
pub(crate) struct IssuerRules {
    pub(crate) issuer: Issuer,
    pub(crate) algorithms: Vec<Algorithm>,
    /// Audience values beside the guard's resources.
    pub(crate) audiences: Vec<Box<str>>,
    /// Accept a missing `typ` or `JWT`.
    pub(crate) generic_type: bool,
    /// Other values of `typ`, in lower case and without `application/`.
    pub(crate) types: Vec<Box<str>>,
    pub(crate) client: Option<ClientClaim>,
    pub(crate) scopes: ScopeSource,
    pub(crate) scope_prefix: Option<Box<str>>,
    pub(crate) token_id_required: bool,
    /// Whether `iat` may be missing; then every revocation of whom it speaks of concerns it.
    pub(crate) issued_at_optional: bool,
    pub(crate) extra: Option<Decode>,
}

impl IssuerRules {
    pub(crate) fn strict(issuer: Issuer) -> Self {
        Self {
            issuer,
            algorithms: Algorithm::STANDARD.to_vec(),
            audiences: Vec::new(),
            generic_type: false,
            types: Vec::new(),
            client: None,
            scopes: ScopeSource::Scope,
            scope_prefix: None,
            token_id_required: true,
            issued_at_optional: false,
            extra: None,
        }
    }
}

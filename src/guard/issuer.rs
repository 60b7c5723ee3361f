//! An issuer that a guard trusts, and by which rules.

use std::any::Any;
use std::fmt;

use serde::de::DeserializeOwned;

use crate::fetch::FetchOptions;
use crate::id::Issuer;
use crate::jwk::Algorithm;
use crate::keys::FixedKeys;
#[cfg(feature = "fetch")]
use crate::lifecycle::Introspection;
use crate::token::{ClientClaim, IssuerRules, ScopeSource};

/// An authorization server whose tokens are accepted, and how it deviates from RFC 9068.
///
/// Without any option its tokens must be RFC 9068 to the letter. Each option accepts one deviation
/// of this one issuer, and says what that costs.
///
/// # Examples
/// ```
/// use clearance::TrustedIssuer;
/// use clearance::keys::FixedKeys;
/// use clearance::token::ClientClaim;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let issuer = TrustedIssuer::with_keys("https://auth.example.com".parse()?, FixedKeys::from_json("{}"))
///     .client_from(ClientClaim::Azp)
///     .scopes_from_scp();
/// # let _ = issuer;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct TrustedIssuer {
    pub(super) rules: IssuerRules,
    pub(super) keys: KeyConfig,
    pub(super) fetch: FetchOptions,
}

#[derive(Clone)]
pub(super) enum KeyConfig {
    #[cfg(feature = "fetch")]
    Discover,
    #[cfg(feature = "fetch")]
    JwksUri(Box<str>),
    Fixed(FixedKeys),
    #[cfg(feature = "fetch")]
    Asked(Introspection),
}

impl TrustedIssuer {
    /// An issuer whose keys are found through its metadata (RFC 8414).
    ///
    /// The issuer's own origin is asked wherever it is, in a private network as well. Where its
    /// metadata names a key set on another origin (scheme, host or port), that one is asked at public
    /// addresses only, and on this machine if the issuer is there. For a key set elsewhere in a
    /// private network there is [`with_jwks_uri`](Self::with_jwks_uri).
    #[cfg(feature = "fetch")]
    pub fn new(issuer: Issuer) -> Self {
        Self::with(issuer, KeyConfig::Discover)
    }

    /// An issuer whose keys are at `uri`, for issuers that publish no metadata. It is asked wherever
    /// it is, like the issuer's own origin.
    #[cfg(feature = "fetch")]
    pub fn with_jwks_uri(issuer: Issuer, uri: impl Into<Box<str>>) -> Self {
        Self::with(issuer, KeyConfig::JwksUri(uri.into()))
    }

    /// An issuer whose keys are given and never change, for servers without a way out.
    pub fn with_keys(issuer: Issuer, keys: FixedKeys) -> Self {
        Self::with(issuer, KeyConfig::Fixed(keys))
    }

    /// An issuer whose tokens say nothing to anybody else, and which is asked about each of them
    /// (RFC 7662). A guard has at most one such issuer: a token of which nothing can be read must not
    /// be shown to somebody whom it does not come from.
    ///
    /// It is asked about tokens that are no JWT, and about JWTs that name it as their `iss`; every other
    /// JWT is judged by the keys of the issuer that it names, or refused. What it answers is judged like
    /// a JWT: `sub`, `client_id`, `aud` and `exp` must be there, `aud` must be the guard's resource, and
    /// `token_type`, `nbf`, `iat` and `cnf` are looked at. `jti` may be missing, which RFC 7662
    /// section 2.2 allows; such a token can be revoked here with all others of its subject, client or
    /// login only.
    ///
    /// While the issuer cannot be asked, or does not let this server ask, requests are answered with
    /// 503.
    ///
    /// # Examples
    /// ```
    /// use clearance::credentials::{ClientAuthentication, ClientSecret};
    /// use clearance::lifecycle::Introspection;
    /// use clearance::mcp::McpScopes;
    /// use clearance::{Guard, TrustedIssuer};
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let secret = ClientSecret::new(std::env::var("CLIENT_SECRET").unwrap_or("s3cret".to_owned()));
    /// let authentication = ClientAuthentication::client_secret_basic("files-server", secret);
    /// let guard = Guard::<McpScopes>::builder("https://files.example.com/mcp".parse()?)
    ///     .trusted_issuer(TrustedIssuer::introspected(
    ///         "https://auth.example.com".parse()?,
    ///         Introspection::by(authentication),
    ///     ))
    ///     .build()?;
    /// # let _ = guard;
    /// # Ok(())
    /// # }
    /// ```
    #[cfg(feature = "fetch")]
    pub fn introspected(issuer: Issuer, introspection: Introspection) -> Self {
        let mut this = Self::with(issuer, KeyConfig::Asked(introspection));
        this.rules.token_id_required = false;
        this
    }

    fn with(issuer: Issuer, keys: KeyConfig) -> Self {
        Self {
            rules: IssuerRules::strict(issuer),
            keys,
            fetch: FetchOptions::standard(),
        }
    }

    /// Allows one more algorithm: `RS384`, `RS512`, `PS384`, `PS512` or `ES512`.
    #[must_use]
    pub fn allow_algorithm(mut self, algorithm: Algorithm) -> Self {
        if !self.rules.algorithms.contains(&algorithm) {
            self.rules.algorithms.push(algorithm);
        }
        self
    }

    /// Allows these algorithms and no others.
    #[must_use]
    pub fn only_algorithms(mut self, algorithms: &[Algorithm]) -> Self {
        self.rules.algorithms = algorithms.to_vec();
        self
    }

    /// Accepts `typ` missing or `JWT`, where RFC 9068 section 2.1 wants `at+jwt`.
    ///
    /// Cost: ID tokens and access tokens of this issuer differ only in their claims then. So a
    /// token without `typ` must have a claim for scopes, `client_id` or `azp`, and none of
    /// `nonce`, `at_hash` and `c_hash`.
    #[must_use]
    pub fn accept_generic_type(mut self) -> Self {
        self.rules.generic_type = true;
        self
    }

    /// Accepts one other media type in `typ`. Types that name another kind of token are refused by
    /// the guard's `build`.
    ///
    /// Cost: whatever this issuer signs under that type counts as an access token.
    #[must_use]
    pub fn accept_type(mut self, media_type: &str) -> Self {
        let lower = media_type.to_ascii_lowercase();
        let short = lower.strip_prefix("application/").unwrap_or(&lower);
        self.rules.types.push(short.into());
        self
    }

    /// Accepts `audience` beside the guard's resource, for issuers that put something of their own
    /// into `aud` (Microsoft Entra writes a GUID).
    ///
    /// Cost: a token for anything else that the issuer calls by this name is accepted.
    #[must_use]
    pub fn accept_audience(mut self, audience: impl Into<Box<str>>) -> Self {
        self.rules.audiences.push(audience.into());
        self
    }

    /// Reads the client from this claim, and from no other.
    ///
    /// Cost: none, if the issuer says that the claim names the client. `azp` names the party that
    /// asked for the token, which some issuers fill in for ID tokens only.
    #[must_use]
    pub fn client_from(mut self, claim: ClientClaim) -> Self {
        self.rules.client = Some(claim);
        self
    }

    /// Reads `scope` as an array too.
    ///
    /// Cost: none that is known; it is against RFC 8693 section 4.2.
    #[must_use]
    pub fn scopes_may_be_arrays(mut self) -> Self {
        self.rules.scopes = ScopeSource::ScopeOrArray;
        self
    }

    /// Reads scopes from `scp`, text or an array, and not from `scope`.
    ///
    /// Cost: none, if the issuer writes delegated permissions there.
    #[must_use]
    pub fn scopes_from_scp(mut self) -> Self {
        self.rules.scopes = ScopeSource::Scp;
        self
    }

    /// Reads scopes from one other claim, such as roles or groups: `path` leads to text or an array
    /// of texts, and `table` says which value stands for which scope of the guard's vocabulary.
    /// Values that the table does not have mean nothing.
    ///
    /// Cost: the user has these scopes whatever the client asked for and the user consented to.
    ///
    /// # Examples
    /// ```
    /// use clearance::TrustedIssuer;
    /// use clearance::keys::FixedKeys;
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let issuer = TrustedIssuer::with_keys("https://sso.example.com".parse()?, FixedKeys::from_json("{}"))
    ///     .scopes_from_claim(&["realm_access", "roles"], &[("operator", "mcp:tools:execute")]);
    /// # let _ = issuer;
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn scopes_from_claim(mut self, path: &[&str], table: &[(&str, &str)]) -> Self {
        self.rules.scopes = ScopeSource::Mapped {
            path: path.iter().map(|&name| name.into()).collect(),
            table: table
                .iter()
                .map(|&(value, scope)| (value.into(), scope.into()))
                .collect(),
        };
        self
    }

    /// Puts `prefix` before scope names in challenges, and takes it off in tokens, for issuers that
    /// name scopes after the resource (`api://files/`).
    ///
    /// Cost: a scope counts with and without the prefix.
    #[must_use]
    pub fn scope_prefix(mut self, prefix: impl Into<Box<str>>) -> Self {
        self.rules.scope_prefix = Some(prefix.into());
        self
    }

    /// Accepts tokens without `jti`.
    ///
    /// Cost: such a token cannot be revoked alone, only with all others of its subject.
    #[must_use]
    pub fn without_token_id(mut self) -> Self {
        self.rules.token_id_required = false;
        self
    }

    /// Accepts answers about tokens without `iat` from an issuer that is
    /// [introspected](Self::introspected), where RFC 7662 section 2.2 allows that. Of a JWT it is
    /// required all the same.
    ///
    /// Cost: nobody knows when such a token was issued. So every revocation of its subject, client or
    /// login concerns it, however new it is; one that lives longer than the guard's
    /// [`max_lifetime`](crate::GuardBuilder::max_lifetime) is refused until no more than that is left of
    /// it, and may then outlive a revocation; and with a
    /// [`max_age`](crate::GuardBuilder::max_age) it is refused.
    #[cfg(feature = "fetch")]
    #[must_use]
    pub fn without_issued_at(mut self) -> Self {
        self.rules.issued_at_optional = matches!(self.keys, KeyConfig::Asked(_));
        self
    }

    /// Decodes the claims of this issuer's tokens into a `T` as well, once, when a token is
    /// verified. Handlers get it by [`Authorized::claims`](crate::Authorized::claims).
    ///
    /// A token whose claims are not a `T` is refused.
    #[must_use]
    pub fn extra_claims<T: DeserializeOwned + Send + Sync + 'static>(mut self) -> Self {
        self.rules.extra = Some(|claims| {
            let claims: T = serde_json::from_str(claims).ok()?;
            let claims: Box<dyn Any + Send + Sync> = Box::new(claims);
            Some(claims)
        });
        self
    }
}

impl fmt::Debug for KeyConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A URL may have a password in it, until somebody looks whether it may.
        f.write_str(match self {
            #[cfg(feature = "fetch")]
            Self::Discover => "Discover",
            #[cfg(feature = "fetch")]
            Self::JwksUri(_) => "JwksUri(..)",
            Self::Fixed(_) => "Fixed(..)",
            #[cfg(feature = "fetch")]
            Self::Asked(_) => "Asked(..)",
        })
    }
}

impl fmt::Display for TrustedIssuer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.rules.issuer, f)
    }
}

/// Scope names as this issuer's clients must ask for them.
pub(super) fn joined(names: &[&str], issuer: Option<&IssuerRules>) -> Box<str> {
    let prefix = issuer
        .and_then(|rules| rules.scope_prefix.as_deref())
        .unwrap_or_default();
    let names: Vec<String> = names.iter().map(|name| format!("{prefix}{name}")).collect();
    names.join(" ").into()
}

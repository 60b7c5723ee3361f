//! Calls to other services on behalf of a caller, without passing its token on (RFC 8693).

mod builder;
mod error;
mod token;

pub use builder::{ExchangeBuilder, WantsUpstream};
pub use error::{ExchangeConfigError, ExchangeError};
pub use token::UpstreamToken;

use std::fmt;
use std::sync::Arc;

use aws_lc_rs::hmac;
use quick_cache::sync::Cache;

use super::discovery::TokenServer;
use super::grant::TokenExchange;
use super::registration::{Registration, RegistrationMethod};
use super::scopes::Scopes;
use super::shared::Client;
use super::tokens::Asked;
use crate::authorized::Authorized;
use crate::guard::{ExchangeSource, Guard, Standing};
use crate::scope::Set;
use crate::secret::{BearerToken, ClientSecret, authenticated};

const ACCESS_TOKEN: &str = "urn:ietf:params:oauth:token-type:access_token";
const JWT: &str = "urn:ietf:params:oauth:token-type:jwt";

/// Exchanges the token of a verified caller for one that another service accepts (RFC 8693).
///
/// A handler holds a proof and no token, so it has nothing to pass on, which MCP forbids. Where it calls
/// another service on behalf of the caller, it gives the proof to an exchange, and the issuer of the caller's
/// token decides whether this server may act there for that caller. The guard must have been told to
/// [keep tokens](crate::GuardBuilder::keep_tokens_for_exchange) for this.
///
/// What was exchanged is remembered, for this token of this caller, until either token is over.
///
/// # Proves
/// The caller's token went to the token endpoint of its own issuer and nowhere else, and what came back is
/// another token, for the upstream service.
///
/// # Does not prove
/// That the issuer has given less than it should: it decides what the upstream token may do.
///
/// # Examples
/// ```
/// use clearance::client::Exchange;
/// use clearance::credentials::{ClientAuthentication, ClientSecret};
/// use clearance::{Authorized, Guard, mcp::{McpScopes, ToolsExecute}};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let issuer: clearance::id::Issuer = "https://auth.example.com".parse()?;
/// let guard = Guard::<McpScopes>::builder("https://files.example.com/mcp".parse()?)
///     .issuer(issuer.clone())
///     .keep_tokens_for_exchange()
///     .build()?;
///
/// // This server is a client of the issuer, too.
/// let me = ClientAuthentication::client_secret_basic("files", ClientSecret::new("a secret"));
/// let archive = Exchange::builder(&guard)?
///     .upstream("https://archive.example.com/api".parse()?)
///     .authentication(issuer, me)
///     .scope("archive:read")
///     .build()?;
///
/// async fn fetch(archive: &Exchange, auth: &Authorized<ToolsExecute>) -> Result<(), Box<dyn std::error::Error>> {
///     let url = "https://archive.example.com/api/files/1";
///     let token = archive.of(auth).await?;
///     let request = http::Request::get(url).header("authorization", token.authorization_for(url)?);
///     # let _ = request;
///     Ok(())
/// }
/// # let _ = fetch;
/// # Ok(())
/// # }
/// ```
///
/// # Specification
/// [RFC 8693](https://www.rfc-editor.org/rfc/rfc8693),
/// [MCP authorization, Access Token Privilege Restriction](https://modelcontextprotocol.io/specification/2025-11-25/basic/authorization#access-token-privilege-restriction)
#[derive(Clone)]
pub struct Exchange {
    shared: Arc<Shared>,
}

struct Shared {
    source: ExchangeSource,
    /// Of the upstream service.
    client: Client,
    audience: Box<str>,
    scopes: Scopes,
    tokens: Cache<[u8; 32], UpstreamToken>,
    /// Under which the callers' tokens are looked up; nobody else knows it.
    names: hmac::Key,
}

impl Exchange {
    /// Begins an exchange of the tokens of `guard`'s callers.
    ///
    /// # Errors
    /// [`ExchangeConfigError::NotKept`], if the guard was not told to
    /// [keep tokens](crate::GuardBuilder::keep_tokens_for_exchange).
    pub fn builder<V>(guard: &Guard<V>) -> Result<WantsUpstream, ExchangeConfigError> {
        let source = ExchangeSource::of(guard).ok_or(ExchangeConfigError::NotKept)?;
        Ok(WantsUpstream::new(source))
    }

    /// A token of the upstream service, on behalf of the caller whom `auth` speaks of.
    ///
    /// Those who ask for one caller at once share one request to the issuer.
    ///
    /// # Errors
    /// [`ExchangeError`]. Nothing that failed is remembered.
    pub async fn of<S: Set>(&self, auth: &Authorized<S>) -> Result<UpstreamToken, ExchangeError> {
        let shared = &*self.shared;
        let verified = auth.verified();
        if !shared.source.has_made(verified) {
            return Err(ExchangeError::ForeignProof);
        }
        // Work that goes on for long may outlive its caller's token.
        self.is_in_force(auth)?;
        let token = auth.subject_token().ok_or(ExchangeError::ForeignProof)?;
        let (name, now) = (self.name(auth, token), shared.client.now());
        let is_good = |known: &UpstreamToken| known.is_good_at(now);
        if let Some(known) = shared.tokens.get(&name).filter(is_good) {
            return Ok(known);
        }
        shared.tokens.remove_if(&name, |known| !is_good(known));
        let ask = self.ask(auth, token);
        let given = shared.tokens.get_or_insert_async(&name, ask).await?;
        // That took a while.
        self.is_in_force(auth)?;
        Ok(given)
    }

    fn is_in_force<S: Set>(&self, auth: &Authorized<S>) -> Result<(), ExchangeError> {
        match self.shared.source.standing(auth.verified()) {
            Standing::InForce => Ok(()),
            Standing::Over => Err(ExchangeError::Expired),
            Standing::Unknown => Err(ExchangeError::RevocationsUnknown),
        }
    }

    /// The name of a caller's token among those that were exchanged. Another token of the same caller has
    /// another name: it may grant less.
    fn name<S: Set>(&self, auth: &Authorized<S>, token: &BearerToken) -> [u8; 32] {
        let (issuer, subject) = (auth.issuer().as_str(), auth.subject().as_str());
        let caller = [issuer, subject, auth.client().as_str()].map(str::as_bytes);
        let parts = caller.into_iter().chain([token.expose()]);
        let tag = authenticated(&self.shared.names, parts);
        tag.as_ref().first_chunk().copied().unwrap_or_default()
    }

    async fn ask<S: Set>(
        &self,
        auth: &Authorized<S>,
        token: &BearerToken,
    ) -> Result<UpstreamToken, ExchangeError> {
        let shared = &*self.shared;
        let (client, issuer) = (&shared.client, auth.issuer());
        let who = client.pre_registered(issuer);
        let who = who.ok_or_else(|| ExchangeError::NotRegistered(issuer.clone()))?;
        let server: TokenServer = client.token_server(issuer).await?;
        // One `b64token`, so it is ASCII.
        let text = String::from_utf8_lossy(token.expose()).into_owned();
        let subject_token = ClientSecret::new(text);
        let exchange = TokenExchange {
            subject_token: &subject_token,
            subject_token_type: ACCESS_TOKEN,
            requested_token_type: ACCESS_TOKEN,
            audience: &shared.audience,
            resource: client.endpoint(),
            scopes: &shared.scopes,
        };
        let answer = exchange.ask(client, &server, who).await?;
        // RFC 8693 section 2.2.1: it says what was given.
        if !matches!(
            answer.issued_token_type.as_deref(),
            Some(ACCESS_TOKEN | JWT)
        ) {
            return Err(ExchangeError::TokenType);
        }
        let given = answer.into_tokens(Asked {
            endpoint: client.place().clone(),
            registration: Registration {
                issuer: issuer.clone(),
                by: RegistrationMethod::PreRegistered,
                authentication: who.clone(),
                redirect_uris: None,
                secret_expires_at: None,
            },
            resource: client.endpoint().clone(),
            scopes: shared.scopes.clone(),
        })?;
        UpstreamToken::new(given, &subject_token, auth.deadline()).ok_or(ExchangeError::Passthrough)
    }
}

impl fmt::Debug for Exchange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Exchange")
            .field("upstream", self.shared.client.endpoint())
            .field("tokens", &self.shared.tokens.len())
            .finish_non_exhaustive()
    }
}

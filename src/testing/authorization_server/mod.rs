//! A small OAuth 2.1 authorization server.
//!
//! A request goes from `endpoints` to the file of its endpoint; `site` holds what all of them share
//! and `store` what was granted. The rule: **what a request says is believed only after it was
//! compared with what was kept**, and codes, tokens and secrets are kept as digests.
//!
//! Layer L7: sockets on loopback, no file, nothing fetched.

mod answer;
mod assertion;
mod authorize;
mod bounded;
mod builder;
mod client;
mod consent;
mod endpoints;
mod error;
mod exchange;
mod fault;
mod grant;
mod html;
mod introspection;
mod metadata;
mod page;
mod parameters;
mod random;
mod record;
mod redirect_uri;
mod registration;
mod revocation;
mod scope_list;
mod site;
mod store;
mod token;
mod user;

use std::sync::Arc;
use std::{fmt, io};

use tokio::sync::oneshot;

pub use builder::AuthorizationServerBuilder;
pub use fault::ServerFault;
pub use record::RecordedRequest;
pub use user::User;

use self::site::{Consent, Site};
use super::fault::Fault;
use super::token::TokenBuilder;
use crate::clock::Clock;
use crate::id::{self, Resource, TokenId};
use crate::jwk::Algorithm;

/// A small OAuth 2.1 authorization server, on loopback: **for tests and quick starts, never for
/// production**.
///
/// Its users, [`alice` and `bob`](User), have no passwords: whoever sits before its consent page
/// picks one of them. It keeps everything in memory, bounded: what it forgets when there is too much is
/// revoked. When it is dropped it takes no more requests, and ends with the last that is running. All
/// else it does as a server should, so that a client which gets along with it has done things right:
///
/// | endpoint | what it does | specification |
/// | --- | --- | --- |
/// | `/.well-known/..` | metadata, at the places of OAuth and of OIDC | RFC 8414 section 3 |
/// | `/jwks` | the keys; [`rotate`](Self::rotate) changes them | RFC 7517 section 5 |
/// | `/authorize` | asks the user, and answers with `code`, `state` and `iss`; wants PKCE with S256 and `resource` | OAuth 2.1 section 4.1, RFC 7636, RFC 8707, RFC 9207 |
/// | `/token` | code, refresh token (rotated), client credentials, token exchange | RFC 6749 section 5, RFC 8693 |
/// | `/register` | takes clients that register themselves | RFC 7591 |
/// | `/revoke` | ends a token; [`on_revoked`](Self::on_revoked) hears of it | RFC 7009 |
/// | `/introspect` | tells [confidential clients](AuthorizationServerBuilder::client) what an access token is worth | RFC 7662 |
///
/// At `/token`, `/revoke` and `/introspect` a client proves who it is in the one way for which it was
/// registered: not at all, with a [secret](AuthorizationServerBuilder::client) in the header or in the
/// form, or with an assertion that it signs with one of its
/// [keys](AuthorizationServerBuilder::client_with_keys) (RFC 7523 section 2.2).
///
/// Access tokens are those of RFC 9068, with `resource` in `aud`, or with
/// [`opaque_tokens`](AuthorizationServerBuilder::opaque_tokens) random text that `/introspect` alone
/// explains. A client may also be a URL with a metadata document behind it, given by
/// [`with_client_document`](AuthorizationServerBuilder::with_client_document). The server fetches
/// nothing, ever.
///
/// The page after the consent page should be the client's own: Chromium may stop a callback that
/// redirects to yet another origin, since the consent page lets its form lead to the callback's alone.
///
/// What it refuses: a redirect URI that is not registered letter by letter (the port on loopback
/// aside, RFC 8252 section 7.3), and then it sends the browser nowhere; a code that is shown twice,
/// which also ends what came of the first time; a refresh token that is shown twice, likewise; a
/// code of another client; `plain` and missing challenges; parameters that stand twice; an answer
/// to the consent page that the page itself did not send; and requests under a host name that is not
/// this machine's.
///
/// # Examples
/// A guard takes its tokens, and hears of it when one is revoked:
/// ```
/// # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
/// use clearance::Guard;
/// use clearance::mcp::McpScopes;
/// use clearance::testing::AuthorizationServer;
///
/// let server = AuthorizationServer::builder("https://files.example.com/mcp".parse()?)
///     .describing::<McpScopes>()
///     .public_client("editor", ["http://127.0.0.1/callback"])
///     .start()
///     .await?;
/// let guard = Guard::<McpScopes>::builder(server.resource().clone())
///     .issuer(server.id().clone())
///     .build()?;
/// guard.ready().await?;
///
/// let revocations = guard.revocations().clone();
/// server.on_revoked(move |issuer, token| {
///     revocations.revoke_token(issuer, token).ok();
/// });
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct AuthorizationServer {
    site: Arc<Site>,
    /// Dropped with the handle, which ends the server.
    _stop: oneshot::Sender<()>,
}

impl AuthorizationServer {
    /// Starts a server that gives out tokens for `resource`, on a free port of 127.0.0.1, with one
    /// ES256 key and the system's clock.
    ///
    /// # Errors
    /// See [`AuthorizationServerBuilder::start`].
    pub async fn start(resource: Resource) -> io::Result<Self> {
        Self::builder(resource).start().await
    }

    /// A server with clients, scopes, a clock, or a port of your choice.
    pub fn builder(resource: Resource) -> AuthorizationServerBuilder {
        AuthorizationServerBuilder::new(resource)
    }

    fn new(site: Arc<Site>, stop: oneshot::Sender<()>) -> Self {
        Self { site, _stop: stop }
    }

    /// The issuer identifier: what the guard is told to trust.
    pub fn id(&self) -> &id::Issuer {
        &self.site.issuer
    }

    /// The resource that the server was started for.
    pub fn resource(&self) -> &Resource {
        &self.site.settings.resource
    }

    /// The time as this server sees it.
    pub fn clock(&self) -> &Arc<dyn Clock> {
        &self.site.settings.clock
    }

    /// Scheme, address and port, without a path.
    pub fn origin(&self) -> &str {
        &self.site.origin
    }

    /// Where a browser is sent with an authorization request.
    pub fn authorization_endpoint(&self) -> String {
        self.site.endpoint("/authorize")
    }

    /// Where clients get tokens.
    pub fn token_endpoint(&self) -> String {
        self.site.endpoint("/token")
    }

    /// Starts a token that is right in every way, as [`Issuer::token`](super::Issuer::token) does,
    /// without any grant behind it: it can be neither revoked nor introspected here. For one that can
    /// see [`grant`](Self::grant).
    pub fn token(&self) -> TokenBuilder<'_> {
        TokenBuilder::new(&*self.site)
    }

    /// Gives `client` an access token for the server's [resource](Self::resource), as if `user` had
    /// just agreed to `scope` (separated by one space each; if it is empty, the
    /// [default scope](AuthorizationServerBuilder::default_scope)).
    ///
    /// It is a token as the flow gives it, a JWT or [opaque](AuthorizationServerBuilder::opaque_tokens):
    /// it can be introspected, exchanged and revoked, and is the first of a grant of its own, without
    /// a refresh token. Any client will do that the server knows, also one that no user is ever asked
    /// about.
    ///
    /// # Errors
    /// If there is no such client or no such scope.
    ///
    /// # Examples
    /// ```
    /// # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
    /// use clearance::testing::{AuthorizationServer, User};
    ///
    /// let server = AuthorizationServer::builder("https://files.example.com/mcp".parse()?)
    ///     .public_client("editor", ["http://127.0.0.1/callback"])
    ///     .opaque_tokens()
    ///     .start()
    ///     .await?;
    /// let token = server.grant(User::Alice, "editor", "files:read")?;
    /// assert!(!token.contains('.'));
    /// assert!(server.grant(User::Alice, "nobody", "files:read").is_err());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn grant(&self, user: User, client: &str, scope: &str) -> io::Result<String> {
        let granted = grant::grant(&self.site, user, client, scope);
        // For one more grant an old one may be forgotten.
        self.site.tell_what_was_revoked();
        granted
    }

    /// Publishes one more key and returns its `kid`.
    pub fn add_key(&self, algorithm: Algorithm) -> String {
        self.site.keyring().add(algorithm).kid
    }

    /// Puts a new key in place of all published keys of `algorithm`, and returns its `kid`.
    pub fn rotate(&self, algorithm: Algorithm) -> String {
        self.site.keyring().rotate(algorithm).kid
    }

    /// Publishes the key `kid` no longer. False if it was not published.
    pub fn retire(&self, kid: &str) -> bool {
        self.site.keyring().retire(kid)
    }

    /// Says yes in the name of `user` to whatever is asked from now on: `/authorize` answers with
    /// the redirect, and nobody sees a page. For tests without a browser: in one, every site that it
    /// visits could ask as well, and nobody would notice.
    pub fn approve_automatically(&self, user: User) {
        self.site.state().consent = Consent::Approve(user);
    }

    /// Says no to whatever is asked from now on, without a page.
    pub fn deny_automatically(&self) {
        self.site.state().consent = Consent::Deny;
    }

    /// Shows the consent page from now on, as at the start.
    pub fn ask_for_consent(&self) {
        self.site.state().consent = Consent::Ask;
    }

    /// Ends everything that `user` has ever agreed to.
    pub fn revoke_user(&self, user: User) {
        self.site.state().store.revoke_subject(user.as_str());
        self.site.tell_what_was_revoked();
    }

    /// Calls `listener` with this server's identifier and the `jti` of each access token that is
    /// revoked from now on: at `/revoke`, because a code or a refresh token was used twice, by
    /// [`revoke_user`](Self::revoke_user), or because its grant or its client is forgotten. It is
    /// called before the request is answered, and must not itself revoke anything here.
    pub fn on_revoked(&self, listener: impl Fn(&id::Issuer, &TokenId) + Send + Sync + 'static) {
        self.site.listen(Arc::new(listener));
    }

    /// Misbehaves for metadata from now on, [`Fault::None`] to end it.
    ///
    /// Unlike with an [`Issuer`](super::Issuer), the head of a [`Fault::Slow`] answer comes at once.
    pub fn metadata_fault(&self, fault: Fault) {
        self.site.state().metadata_fault = fault;
    }

    /// Misbehaves for keys from now on.
    pub fn jwks_fault(&self, fault: Fault) {
        self.site.state().jwks_fault = fault;
    }

    /// Misbehaves at the token endpoint from now on: the request is carried out, and then its answer
    /// is spoiled.
    pub fn token_fault(&self, fault: Fault) {
        self.site.state().token_fault = fault;
    }

    /// Misbehaves at the introspection endpoint from now on, whatever is asked and whoever asks.
    ///
    /// To say that a token is in force which is not, give the whole answer with [`Fault::Body`].
    pub fn introspection_fault(&self, fault: Fault) {
        self.site.state().introspection_fault = fault;
    }

    /// Breaks a rule of OAuth from now on, besides those that it breaks already.
    pub fn misbehave(&self, fault: ServerFault) {
        self.site.state().faults.push(fault);
    }

    /// Ends every fault.
    pub fn behave(&self) {
        let mut state = self.site.state();
        state.faults.clear();
        state.metadata_fault = Fault::None;
        state.jwks_fault = Fault::None;
        state.token_fault = Fault::None;
        state.introspection_fault = Fault::None;
    }

    /// What was asked for, in order; the latest 1 000 requests.
    pub fn requests(&self) -> Vec<RecordedRequest> {
        self.site.state().records.all()
    }
}

impl fmt::Debug for AuthorizationServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AuthorizationServer")
            .field("id", self.id())
            .field("resource", self.resource())
            .finish_non_exhaustive()
    }
}

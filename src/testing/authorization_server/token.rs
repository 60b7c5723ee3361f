//! The token endpoint (OAuth 2.1 section 3.2).

use axum::response::Response;
use chrono::{DateTime, TimeDelta, Utc};
use http::StatusCode;
use serde_json::{Value, json};

use super::client::Client;
use super::error::{Code, OAuthError};
use super::fault::ServerFault;
use super::parameters::Parameters;
use super::random::{self, Digest};
use super::scope_list::ScopeList;
use super::site::{Site, State, later};
use super::store::{AccessToken, AuthorizationCode, Grant, GrantId, Shown, Terms};
use super::{answer, exchange};
use crate::id::{Resource, TokenId};
use crate::testing::mint::Mint as _;
use crate::testing::token::TokenBuilder;

/// The name of the grant of RFC 8693 section 2.1.
pub(super) const TOKEN_EXCHANGE: &str = "urn:ietf:params:oauth:grant-type:token-exchange";

const REFRESH_LIFETIME: TimeDelta = TimeDelta::days(30);

/// An access token that was just made.
pub(super) struct Issued {
    pub(super) text: String,
    pub(super) terms: Terms,
}

/// Answers a token request of a client that has proven who it is.
pub(super) fn token(
    site: &Site,
    client: &Client,
    parameters: &Parameters,
) -> Result<Response, OAuthError> {
    match parameters.get("grant_type") {
        Some("authorization_code") => by_code(site, client, parameters),
        Some("refresh_token") => by_refresh_token(site, client, parameters),
        Some("client_credentials") => for_client(site, client, parameters),
        Some(TOKEN_EXCHANGE) => exchange::exchange(site, client, parameters),
        Some(_) => Err(OAuthError::new(
            Code::UnsupportedGrantType,
            "this server has no such grant",
        )),
        None => Err(OAuthError::request(
            "the parameter `grant_type` is required",
        )),
    }
}

/// OAuth 2.1 section 4.1.3.
fn by_code(site: &Site, client: &Client, parameters: &Parameters) -> Result<Response, OAuthError> {
    let code = parameters.get("code");
    let code = code.ok_or(OAuthError::request("the parameter `code` is required"))?;
    // One lock from the first look to the last: of two that show one code, one comes second.
    let mut state = site.state();
    let found = match state.store.show_code(code) {
        Shown::First(found) => found,
        Shown::Again(came) => {
            // RFC 6749 section 4.1.2: somebody has a copy, and it may be that the other one was
            // the thief.
            if let Some(grant) = came {
                state.store.revoke_grant(grant);
            }
            return Err(OAuthError::grant("the code was used before"));
        }
        Shown::Unknown => return Err(OAuthError::grant("this server knows no such code")),
    };
    check_code(site, client, &found, parameters)?;
    let resource = site.one_resource(parameters)?;
    check_resource(&found.grant, &resource)?;
    let terms = terms(site, &found.grant, resource, found.grant.scopes.clone());
    let grant = state.store.add_grant(found.grant);
    state.store.code_became(code, grant);
    let refresh = if client.may_refresh {
        let text = random::text()?;
        let until = later(site.now(), REFRESH_LIFETIME);
        state.store.add_refresh_token(&text, grant, until);
        Some(text)
    } else {
        None
    };
    let issued = issue(site, &mut state, grant, terms)?;
    Ok(issued.answer(site.now(), refresh.as_deref()))
}

fn check_code(
    site: &Site,
    client: &Client,
    code: &AuthorizationCode,
    parameters: &Parameters,
) -> Result<(), OAuthError> {
    if code.grant.client != client.id {
        return Err(OAuthError::grant("the code is another client's"));
    }
    if site.now() >= code.expires_at {
        return Err(OAuthError::grant("the code has expired"));
    }
    // OAuth 2.1 no longer asks for it; clients of OAuth 2.0 send it.
    let redirect_uri = parameters.get("redirect_uri");
    if redirect_uri.is_some_and(|uri| uri != code.redirect_uri) {
        return Err(OAuthError::grant(
            "the redirect URI is not that of the request",
        ));
    }
    let verifier = parameters.get("code_verifier");
    let verifier = verifier.ok_or(OAuthError::request(
        "the parameter `code_verifier` is required",
    ))?;
    // RFC 7636 section 4.1.
    let is_unreserved = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    let is_verifier = (43..=128).contains(&verifier.len()) && verifier.bytes().all(is_unreserved);
    let challenge = Digest::of(verifier).to_base64url();
    if !is_verifier || !random::are_equal(&challenge, &code.challenge) {
        return Err(OAuthError::grant("the verifier does not fit the challenge"));
    }
    Ok(())
}

/// OAuth 2.1 section 4.3. The token that is shown is spent, and another one given
/// (RFC 9700 section 4.14.2).
fn by_refresh_token(
    site: &Site,
    client: &Client,
    parameters: &Parameters,
) -> Result<Response, OAuthError> {
    let shown = parameters.get("refresh_token");
    let shown = shown.ok_or(OAuthError::request(
        "the parameter `refresh_token` is required",
    ))?;
    let unknown = OAuthError::grant("the refresh token is not known, or no longer in force");
    let now = site.now();
    let mut state = site.state();
    let (id, until) = match state.store.refresh_token(shown) {
        Shown::First(found) => found,
        Shown::Again(came) => {
            if let Some(grant) = came {
                state.store.revoke_grant(grant);
            }
            return Err(unknown);
        }
        Shown::Unknown => return Err(unknown),
    };
    let grant = state.store.grant(id).cloned().ok_or(unknown)?;
    let is_refused = state.faults.contains(&ServerFault::RefuseRefresh);
    if grant.client != client.id || now >= until || is_refused {
        return Err(unknown);
    }
    let scopes = narrowed(parameters, &grant.scopes)?;
    let resource = site.one_resource(parameters)?;
    check_resource(&grant, &resource)?;
    let terms = terms(site, &grant, resource, scopes);
    let next = random::text()?;
    state.store.spend_refresh_token(shown);
    state.store.add_refresh_token(&next, id, until);
    let issued = issue(site, &mut state, id, terms)?;
    Ok(issued.answer(now, Some(&next)))
}

/// OAuth 2.1 section 4.2.
fn for_client(
    site: &Site,
    client: &Client,
    parameters: &Parameters,
) -> Result<Response, OAuthError> {
    let own = client.own_scopes.as_ref().ok_or(OAuthError::new(
        Code::UnauthorizedClient,
        "only confidential clients that were registered by hand act for themselves",
    ))?;
    let resource = site.one_resource(parameters)?;
    let asked = parameters.get("scope");
    let scopes = site.scopes(asked)?;
    let scopes = if asked.is_none() {
        scopes.and(own)
    } else if scopes.is_within(own) {
        scopes
    } else {
        return Err(beyond());
    };
    let grant = Grant {
        client: client.id.clone(),
        subject: client.id.clone(),
        resources: vec![resource.clone()],
        scopes: scopes.clone(),
    };
    let terms = terms(site, &grant, resource, scopes);
    let mut state = site.state();
    let grant = state.store.reuse_grant(grant);
    let issued = issue(site, &mut state, grant, terms)?;
    Ok(issued.answer(site.now(), None))
}

/// The scopes that a request asks for, none of them beyond `granted`; all of these if it does not
/// say (RFC 6749 section 6).
pub(super) fn narrowed(
    parameters: &Parameters,
    granted: &ScopeList,
) -> Result<ScopeList, OAuthError> {
    let Some(text) = parameters.get("scope") else {
        return Ok(granted.clone());
    };
    let scopes = ScopeList::parse(text)?;
    if scopes.is_within(granted) {
        Ok(scopes)
    } else {
        Err(beyond())
    }
}

fn beyond() -> OAuthError {
    OAuthError::new(Code::InvalidScope, "the scope is more than was granted")
}

fn check_resource(grant: &Grant, resource: &Resource) -> Result<(), OAuthError> {
    if grant.resources.contains(resource) {
        Ok(())
    } else {
        Err(OAuthError::target(
            "the resource is not one that was granted",
        ))
    }
}

/// What stands in a new token of `grant` in which nobody acts for the subject.
pub(super) fn terms(site: &Site, grant: &Grant, resource: Resource, scopes: ScopeList) -> Terms {
    Terms {
        client: grant.client.clone(),
        subject: grant.subject.clone(),
        resource,
        scopes,
        actors: Vec::new(),
        expires_at: later(site.now(), site.settings.access_token_lifetime),
    }
}

/// Makes an access token that belongs to `grant`.
///
/// # Errors
/// If the grant has ended: nobody could revoke what is made then.
pub(super) fn issue(
    site: &Site,
    state: &mut State,
    grant: GrantId,
    terms: Terms,
) -> Result<Issued, OAuthError> {
    // To remember the refresh token of a grant may be to forget another one of the same grant.
    if state.store.grant(grant).is_none() {
        return Err(OAuthError::grant("the grant has ended"));
    }
    let id = random::text()?;
    let issued_at = site.now();
    let text = if site.settings.has_opaque_tokens {
        random::text()?
    } else {
        jwt(site, &terms, &id, issued_at)
    };
    let remembered = AccessToken {
        id: TokenId::new(id),
        grant,
        terms: terms.clone(),
        issued_at,
        is_revoked: false,
    };
    state.store.add_access_token(&text, remembered);
    Ok(Issued { text, terms })
}

/// An access token that says all that the server knows of it (RFC 9068 section 2).
fn jwt(site: &Site, terms: &Terms, id: &str, issued_at: DateTime<Utc>) -> String {
    let mut token = TokenBuilder::new(site)
        .subject(&terms.subject)
        .client(&terms.client)
        .audience(terms.resource.as_str())
        .token_id(id)
        .issued_at(issued_at)
        .expires_at(terms.expires_at);
    if !terms.scopes.is_empty() {
        token = token.scope(&terms.scopes.to_string());
    }
    if let Some(act) = act(terms) {
        token = token.claim("act", act);
    }
    token.mint()
}

/// Who acts for the subject, and within it who did before (RFC 8693 section 4.1).
pub(super) fn act(terms: &Terms) -> Option<Value> {
    terms.actors.iter().fold(None, |earlier, actor| {
        let mut act = json!({ "sub": actor });
        if let (Some(members), Some(earlier)) = (act.as_object_mut(), earlier) {
            members.insert("act".to_owned(), earlier);
        }
        Some(act)
    })
}

impl Issued {
    /// RFC 6749 section 5.1.
    fn answer(&self, now: DateTime<Utc>, refresh_token: Option<&str>) -> Response {
        let mut answer = self.members(now);
        if let (Some(members), Some(text)) = (answer.as_object_mut(), refresh_token) {
            members.insert("refresh_token".to_owned(), text.into());
        }
        answer::secret_json(StatusCode::OK, &answer)
    }

    /// What every token response has.
    pub(super) fn members(&self, now: DateTime<Utc>) -> Value {
        let left = self.terms.expires_at.signed_duration_since(now);
        let mut answer = json!({
            "access_token": self.text,
            "token_type": "Bearer",
            "expires_in": left.num_seconds(),
        });
        if let Some(members) = answer.as_object_mut()
            && !self.terms.scopes.is_empty()
        {
            let scope = self.terms.scopes.to_string();
            members.insert("scope".to_owned(), scope.into());
        }
        answer
    }
}

#[cfg(test)]
mod tests {
    use super::super::store::MOST_REFRESH_TOKENS;
    use super::super::{AuthorizationServer, Site};
    use super::*;

    const FILES: &str = "https://files.example.com/mcp";

    async fn server() -> AuthorizationServer {
        AuthorizationServer::builder(FILES.parse().unwrap())
            .public_client("editor", ["http://127.0.0.1/callback"])
            .client("machine", "s3cret", "read write")
            .start()
            .await
            .unwrap()
    }

    fn ask(site: &Site, client: &str, form: &str) -> Result<Response, OAuthError> {
        let client = site.client(client).unwrap();
        let form = format!("{form}&resource={FILES}");
        token(site, &client, &Parameters::parse(form.as_bytes()))
    }

    fn refresh(site: &Site, shown: &str) -> Result<Response, OAuthError> {
        let form = format!("grant_type=refresh_token&refresh_token={shown}");
        ask(site, "editor", &form)
    }

    fn grant(subject: &str) -> Grant {
        Grant {
            client: "editor".to_owned(),
            subject: subject.to_owned(),
            resources: vec![FILES.parse().unwrap()],
            scopes: ScopeList::default(),
        }
    }

    #[tokio::test]
    async fn no_token_is_made_for_a_grant_that_ends_meanwhile() {
        let server = server().await;
        let site = &*server.site;
        let id = site.state().store.add_grant(grant("alice"));
        for number in 0..MOST_REFRESH_TOKENS {
            let until = later(site.now(), REFRESH_LIFETIME);
            let name = number.to_string();
            site.state().store.add_refresh_token(&name, id, until);
        }
        // The next one is one too many: the first is forgotten, and the grant is over with it.
        let refused = refresh(site, "7").unwrap_err();
        assert_eq!(refused.code, Code::InvalidGrant);
        assert!(site.state().store.grant(id).is_none());
        assert!(refresh(site, "8").is_err());
    }

    #[tokio::test]
    async fn a_client_that_acts_for_itself_has_one_grant_for_each_purpose() {
        let server = server().await;
        let site = &*server.site;
        let first = site.state().store.add_grant(grant("alice"));
        for scope in ["read", "read", "write", "read"] {
            let form = format!("grant_type=client_credentials&scope={scope}");
            assert!(ask(site, "machine", &form).is_ok());
        }
        let last = site.state().store.add_grant(grant("bob"));
        assert_eq!(last, first + 3);
    }
}

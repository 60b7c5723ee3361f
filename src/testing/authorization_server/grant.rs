//! A grant that a test makes by itself: no browser, no request.

use std::io;

use super::error::{Code, OAuthError};
use super::site::Site;
use super::store::Grant;
use super::token::{issue, terms};
use super::user::User;

/// An access token for the server's resource, as if `user` had just agreed to it.
///
/// # Errors
/// If there is no such client or scope, or if the system has no random numbers.
pub(super) fn grant(site: &Site, user: User, client: &str, scope: &str) -> io::Result<String> {
    granted(site, user, client, scope).map_err(|error| {
        let kind = if error.code == Code::ServerError {
            io::ErrorKind::Other
        } else {
            io::ErrorKind::InvalidInput
        };
        io::Error::new(kind, error.description)
    })
}

fn granted(site: &Site, user: User, client: &str, scope: &str) -> Result<String, OAuthError> {
    let reason = "this server knows no such client";
    let client = site.client(client).ok_or(OAuthError::request(reason))?;
    let scopes = site.scopes(Some(scope).filter(|scope| !scope.is_empty()))?;
    let resource = site.settings.resource.clone();
    let grant = Grant {
        client: client.id.clone(),
        subject: user.as_str().to_owned(),
        resources: vec![resource.clone()],
        scopes: scopes.clone(),
    };
    let terms = terms(site, &grant, resource, scopes);
    let mut state = site.state();
    let id = state.store.add_grant(grant);
    Ok(issue(site, &mut state, id, terms)?.text)
}

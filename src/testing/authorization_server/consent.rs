//! The question to the user, and the answer.
//!
//! Whoever can make a browser post the answer has the user's consent. So the answer must carry a
//! token that only the page has, which is good for one answer; the browser must have the cookie that
//! came with the page; and the browser must say that this server's own page posts it.
//!
//! The cookie is the weakest of the three. Servers on other ports of this machine share it: they can
//! read it, and can set one whose value they know, which is then taken over. Against their pages only
//! what the browser says of itself holds, `Sec-Fetch-Site` or `Origin`.

use axum::response::Response;
use chrono::{DateTime, TimeDelta, Utc};
use http::{HeaderMap, HeaderValue, StatusCode, header};

use super::authorize::AuthorizationRequest;
use super::page;
use super::parameters::Parameters;
use super::random::{self, Digest};
use super::site::{Site, later};
use super::user::User;
use crate::testing::mint::Mint as _;

/// How long a page may stay open.
const PATIENCE: TimeDelta = TimeDelta::minutes(10);

/// A page that waits for its answer.
#[derive(Debug)]
pub(super) struct Pending {
    request: AuthorizationRequest,
    /// The cookie of the browser that has the page.
    browser: Digest,
    expires_at: DateTime<Utc>,
}

/// Shows the page.
pub(super) fn ask(site: &Site, headers: &HeaderMap, request: AuthorizationRequest) -> Response {
    // Pages in several tabs share one cookie. It is `Lax`, for the site of a client leads here: a
    // strict one would not come then, and a new one would end the pages that are open.
    let known = cookies(site, headers).find(|value| random::is_well_formed(value));
    let (browser, is_new) = match known {
        Some(value) => (Ok(value.to_owned()), false),
        None => (random::text(), true),
    };
    let (Ok(form_token), Ok(browser)) = (random::text(), browser) else {
        let reason = "This server has no random numbers.";
        return page::failure(StatusCode::INTERNAL_SERVER_ERROR, reason);
    };
    let mut response = page::consent(site, &request, &form_token);
    if is_new {
        let name = cookie_name(site);
        let cookie = format!("{name}={browser}; Path=/; HttpOnly; SameSite=Lax");
        if let Ok(cookie) = HeaderValue::from_str(&cookie) {
            response.headers_mut().insert(header::SET_COOKIE, cookie);
        }
    }
    let pending = Pending {
        request,
        browser: Digest::of(&browser),
        expires_at: later(site.now(), PATIENCE),
    };
    let key = Digest::of(&form_token);
    site.state().pending.insert(key, pending);
    response
}

/// Takes the answer.
pub(super) fn decide(site: &Site, headers: &HeaderMap, form: &Parameters) -> Response {
    if !is_posted_by_own_page(site, headers) {
        let reason = "This answer does not come from the page of this server.";
        return page::failure(StatusCode::FORBIDDEN, reason);
    }
    let is_allowed = match form.get("decision") {
        Some("allow") => true,
        Some("deny") => false,
        _ => return page::failure(StatusCode::BAD_REQUEST, "The answer is neither yes nor no."),
    };
    let user = form.get("user").and_then(User::named);
    let Some(request) = take(site, headers, form) else {
        let reason = "This page was answered before, is too old, or is not from this browser. \
                      Go back to the application and begin again.";
        return page::failure(StatusCode::BAD_REQUEST, reason);
    };
    match (is_allowed, user) {
        (true, Some(user)) => request.approve(site, user),
        (true, None) => page::failure(StatusCode::BAD_REQUEST, "Nobody was chosen to say yes."),
        (false, _) => request.deny(site),
    }
}

/// The request that the form is about; from now on there is none.
fn take(site: &Site, headers: &HeaderMap, form: &Parameters) -> Option<AuthorizationRequest> {
    let key = Digest::of(form.get("form_token")?);
    let now = site.now();
    let mut state = site.state();
    // Another browser must not be able to end a page, either.
    let pending = state.pending.get(&key)?;
    if !cookies(site, headers).any(|value| pending.browser.is_of(value)) {
        return None;
    }
    let pending = state.pending.remove(&key)?;
    (now < pending.expires_at).then_some(pending.request)
}

/// Whether the browser says that a page of this very origin has posted the form.
///
/// `Sec-Fetch-Site` says it best, `Origin` says it for browsers that do not send the other. The policy
/// of the page is `same-origin`, with which `Origin` is not `null`.
fn is_posted_by_own_page(site: &Site, headers: &HeaderMap) -> bool {
    let only = |name: &str| {
        let mut values = headers.get_all(name).iter();
        match (values.next(), values.next()) {
            (Some(value), None) => Some(value.to_str().unwrap_or_default()),
            (None, _) => None,
            // Two of them say nothing.
            (Some(_), Some(_)) => Some(""),
        }
    };
    let origin = only("origin");
    let host = only("host").map(|host| format!("http://{host}"));
    let is_own = |origin: &str| origin == site.origin || Some(origin) == host.as_deref();
    match only("sec-fetch-site") {
        Some(site) => site == "same-origin" && origin.is_none_or(is_own),
        None => origin.is_some_and(is_own),
    }
}

/// Ports share cookies, so the name says which server it is from.
fn cookie_name(site: &Site) -> String {
    format!("clearance-consent-{}", site.port)
}

/// The values of our cookie. Other servers of this machine may have others, in any letters.
fn cookies<'h>(site: &Site, headers: &'h HeaderMap) -> impl Iterator<Item = &'h str> {
    let start = format!("{}=", cookie_name(site));
    headers
        .get_all(header::COOKIE)
        .iter()
        .flat_map(|field| field.as_bytes().split(|byte| *byte == b';'))
        .filter_map(move |pair| {
            let value = pair.trim_ascii().strip_prefix(start.as_bytes())?;
            std::str::from_utf8(value).ok()
        })
}

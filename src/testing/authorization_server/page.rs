//! The pages: HTML and CSS, no scripts.

use std::fmt::Write as _;

use aws_lc_rs::digest;
use axum::body::Body;
use axum::response::Response;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderValue, StatusCode, header};
use url::{Host, Url};

use super::answer;
use super::authorize::AuthorizationRequest;
use super::client::Client;
use super::html::{escaped, is_blank, name};
use super::site::{Described, Site};
use super::user::User;

const STYLE: &str = include_str!("page.css");

const NOTE: &str = "This is a test server. Its users have no passwords, and what they allow is worth \
                    nothing elsewhere.";

/// The question whether a client may have what it asks for.
pub(super) fn consent(site: &Site, request: &AuthorizationRequest, form_token: &str) -> Response {
    let mut body = format!(
        "<h1>An application asks for access</h1>\n<dl>\n<dt>It calls itself</dt>{}\n<dt>Returns to</dt>\
         <dd><strong>{}</strong></dd>\n<dt>Server</dt>",
        who(request),
        escaped(&place(&request.back.redirect_uri)),
    );
    for resource in &request.resources {
        let resource = escaped(resource.as_str());
        text(
            &mut body,
            format_args!("<dd><strong>{resource}</strong></dd>"),
        );
    }
    text(
        &mut body,
        format_args!("\n</dl>\n{}", scopes(site, request)),
    );
    let action = format!("{}/consent", site.folder());
    text(
        &mut body,
        format_args!(
            "<form method=\"post\" action=\"{}\">\n\
             <input type=\"hidden\" name=\"form_token\" value=\"{}\">\n\
             <fieldset>\n<legend>Who are you?</legend>\n{}</fieldset>\n\
             <div class=\"buttons\">\n\
             <button name=\"decision\" value=\"deny\">Deny</button>\n\
             <button class=\"main\" name=\"decision\" value=\"allow\">Allow</button>\n\
             </div>\n</form>\n",
            escaped(&action),
            escaped(form_token),
            users(),
        ),
    );
    // Chromium applies the directive to the redirects that answer the form, too: to each of them. A
    // callback that redirects to another origin may be stopped there, after the code has arrived. To
    // allow every place would be to let the form be posted anywhere, so it stays like that.
    let form_action = format!("'self' {}", source(&request.back.redirect_uri));
    page(StatusCode::OK, "Allow access?", &body, &form_action)
}

/// What went wrong, for a user whom nobody can be trusted to take care of.
pub(super) fn failure(status: StatusCode, reason: &'static str) -> Response {
    let body = format!(
        "<h1>This does not work</h1>\n<p>{}</p>\n\
         <p>You were not sent on, and nothing was allowed.</p>\n",
        escaped(reason)
    );
    page(status, "This does not work", &body, "'none'")
}

/// What is wrong with a request of a client that nobody answers for: the user decides whether to go on
/// to where it leads.
pub(super) fn stopped(redirect_uri: &str, location: &str, reason: &'static str) -> Response {
    let body = format!(
        "<h1>This does not work</h1>\n<p>The application asked for something wrong: {}.</p>\n\
         <p>Nothing was allowed. <a href=\"{}\">Return to {}</a>, if you know the application.</p>\n",
        escaped(reason),
        escaped(location),
        escaped(&place(redirect_uri)),
    );
    page(
        StatusCode::BAD_REQUEST,
        "This does not work",
        &body,
        "'none'",
    )
}

/// What is here.
pub(super) fn index(site: &Site) -> Response {
    let issuer = escaped(site.issuer.as_str());
    let mut body = format!(
        "<h1>A small authorization server</h1>\n<dl>\n<dt>Issuer</dt><dd>{issuer}</dd>\n\
         <dt>Tokens for</dt>"
    );
    for resource in site.known_resources() {
        let resource = escaped(resource.as_str());
        text(&mut body, format_args!("<dd>{resource}</dd>"));
    }
    let (well_known, folder) = ("/.well-known/oauth-authorization-server", site.folder());
    let metadata = format!("{}{well_known}{folder}", site.origin);
    for (what, url) in [("Metadata", metadata), ("Keys", site.endpoint("/jwks"))] {
        let url = escaped(&url);
        text(
            &mut body,
            format_args!("\n<dt>{what}</dt><dd><a href=\"{url}\">{url}</a></dd>"),
        );
    }
    body.push_str("\n</dl>\n");
    page(
        StatusCode::OK,
        "A small authorization server",
        &body,
        "'none'",
    )
}

fn scopes(site: &Site, request: &AuthorizationRequest) -> String {
    if request.scopes.is_empty() {
        return "<h2>It asks for no scope</h2>\n<p>It may say who you are to the server, and do \
                what every user may do there.</p>\n"
            .to_owned();
    }
    let mut list = "<h2>It would be able to</h2>\n<ul>\n".to_owned();
    for scope in request.scopes.iter() {
        let known = site.settings.described(scope);
        text(
            &mut list,
            format_args!(
                "<li>{}<code>{}</code>",
                escaped(&sentence(known)),
                escaped(scope)
            ),
        );
        // What is asked for by itself has a line of its own.
        let included = known.into_iter().flat_map(|known| &known.includes);
        for included in included.filter(|included| !request.scopes.contains(included)) {
            let known = site.settings.described(included);
            text(
                &mut list,
                format_args!(
                    "\n<p class=\"soft\">Includes: {} <code>{}</code></p>",
                    escaped(&sentence(known)),
                    escaped(included)
                ),
            );
        }
        list.push_str("</li>\n");
    }
    list.push_str("</ul>\n");
    list
}

fn sentence(known: Option<&Described>) -> String {
    match known {
        // Documentation marks code so; here it would only be in the way.
        Some(scope) if !scope.sentence.is_empty() => scope.sentence.replace('`', ""),
        _ => "Something that has no description.".to_owned(),
    }
}

fn users() -> String {
    let mut list = String::new();
    let mut mark = " checked";
    for user in User::ALL {
        let user = user.as_str();
        text(
            &mut list,
            format_args!(
                "<label><input type=\"radio\" name=\"user\" value=\"{user}\"{mark}>{user}</label>\n"
            ),
        );
        mark = "";
    }
    list
}

/// The client, as it calls itself. Only the host of a metadata document is more than its own word.
fn who(request: &AuthorizationRequest) -> String {
    let client: &Client = &request.client;
    let called = if is_blank(&client.name) {
        &client.id
    } else {
        &client.name
    };
    let mut who = format!("<dd><strong><bdi>{}</bdi></strong></dd>", name(called));
    if let Some(host) = client.document_host() {
        let host = escaped(&host);
        text(
            &mut who,
            format_args!("<dd class=\"soft\">described at {host}</dd>"),
        );
        if !request.back.redirect_uri.starts_with("https:") {
            // Whoever listens on this machine can take the name of anybody's document.
            who.push_str(
                "<dd class=\"soft\">Any program on this computer could say so. Go on only if you \
                 have just started this one.</dd>",
            );
        }
    }
    who
}

/// Where a redirect URI leads, for people.
fn place(uri: &str) -> String {
    let Ok(url) = Url::parse(uri) else {
        return String::new();
    };
    let host = url.host_str().unwrap_or_default();
    if url.scheme() == "https" {
        return host.to_owned();
    }
    match url.port() {
        Some(port) => format!("this computer ({host}:{port})"),
        None => format!("this computer ({host})"),
    }
}

/// The source expression for where a redirect URI leads (CSP level 3 section 2.3.1), which cannot
/// name an IPv6 address.
fn source(uri: &str) -> String {
    match Url::parse(uri) {
        Ok(url) if matches!(url.host(), Some(Host::Ipv6(_))) => format!("{}:", url.scheme()),
        Ok(url) => url.origin().ascii_serialization(),
        Err(_) => String::new(),
    }
}

fn page(status: StatusCode, title: &str, body: &str, form_action: &str) -> Response {
    let html = format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <title>{title}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n<main>\n\
         <p class=\"note\">{NOTE}</p>\n{body}</main>\n</body>\n</html>\n"
    );
    let hash = STANDARD.encode(digest::digest(&digest::SHA256, STYLE.as_bytes()));
    let policy = format!(
        "default-src 'none'; style-src 'sha256-{hash}'; form-action {form_action}; \
         frame-ancestors 'none'; base-uri 'none'"
    );
    let mut response = Response::new(Body::from(html));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    answer::set(
        headers,
        &[
            (header::CONTENT_TYPE, "text/html; charset=utf-8"),
            (header::CACHE_CONTROL, "no-store"),
            (header::REFERRER_POLICY, "same-origin"),
            (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
            (header::X_FRAME_OPTIONS, "DENY"),
        ],
    );
    // What cannot be written as a field would open the page: then there is no page.
    match HeaderValue::from_str(&policy) {
        Ok(policy) => {
            headers.insert(header::CONTENT_SECURITY_POLICY, policy);
            response
        }
        Err(_) => answer::json(StatusCode::INTERNAL_SERVER_ERROR, "{}".to_owned()),
    }
}

/// Writing to a `String` does not fail.
fn text(to: &mut String, what: std::fmt::Arguments<'_>) {
    to.write_fmt(what).ok();
}

#[cfg(test)]
mod tests {
    use super::STYLE;

    /// A browser drops a whole rule for one selector in it that it does not know.
    #[test]
    fn focus_is_seen_without_has() {
        let (before, guarded) = STYLE.split_once("@supports selector(:has(*)) {\n").unwrap();
        let (guarded, after) = guarded.split_once("\n}\n").unwrap();
        let everywhere = format!("{before}{after}");
        assert!(everywhere.contains("\n:focus-visible {\n  outline: 3px"));
        assert!(!everywhere.contains("outline: 0"));
        assert!(guarded.contains("outline: 0"));
        for line in everywhere.lines().filter(|line| line.contains(":has(")) {
            assert!(!line.contains(','), "{line}");
        }
    }
}

//! What is decided by the head of a request: its session, and requests without a body.

use http::header::{ACCEPT_ENCODING, AUTHORIZATION, CONNECTION, CONTENT_TYPE, ORIGIN, UPGRADE};
use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};

use super::Shared;
use super::decide::{Own, Pass, Session, Visitor, no_target};
use super::fields::Field;
use super::receive::NO_SUCH_METHOD;
use crate::mcp::error::{Fault, INVALID_REQUEST};
use crate::mcp::revision::{Revision, Said};
use crate::web::response::shared;

pub(super) static SESSION: HeaderName = HeaderName::from_static("mcp-session-id");
pub(super) static LAST_EVENT: HeaderName = HeaderName::from_static("last-event-id");
pub(super) static HTTP2_SETTINGS: HeaderName = HeaderName::from_static("http2-settings");

/// Fields by which something is decided, here or behind.
static DECISIVE: [HeaderName; 9] = [
    AUTHORIZATION,
    CONTENT_TYPE,
    ORIGIN,
    HeaderName::from_static("dpop"),
    HeaderName::from_static("last-event-id"),
    HeaderName::from_static("mcp-method"),
    HeaderName::from_static("mcp-name"),
    HeaderName::from_static("mcp-protocol-version"),
    HeaderName::from_static("mcp-session-id"),
];

fn is_decisive(name: &str) -> bool {
    DECISIVE
        .iter()
        .any(|known| known.as_str().eq_ignore_ascii_case(name))
}

/// Takes away what others read as one of these fields: gateways to CGI and WSGI know no difference
/// between `_` and `-`.
fn remove_similar(headers: &mut HeaderMap) {
    let is_similar = |name: &&HeaderName| {
        let name = name.as_str();
        name.contains('_') && is_decisive(&name.replace('_', "-"))
    };
    while let Some(name) = headers.keys().find(is_similar).cloned() {
        headers.remove(name);
    }
}

/// Whether a proxy behind would take one of these fields away (RFC 9110 section 7.6.1).
fn loses_one(headers: &HeaderMap) -> bool {
    let values = headers.get_all(CONNECTION).iter();
    let mut options = values.flat_map(|value| value.as_bytes().split(|byte| *byte == b','));
    options.any(|option| std::str::from_utf8(option.trim_ascii()).is_ok_and(is_decisive))
}

impl Shared {
    /// Leaves one reading of the head for whoever stands behind.
    pub(super) fn settle(headers: &mut HeaderMap, by: Visitor<'_>) -> Result<(), Own> {
        if !by.fields.have(Field::ODD) {
            return Ok(());
        }
        remove_similar(headers);
        if loses_one(headers) {
            let fault = Fault::new(None, INVALID_REQUEST, "Connection names a decisive field");
            return Err(by.faulty(StatusCode::BAD_REQUEST, fault));
        }
        // What another protocol says on the same connection is not decided about.
        headers.remove(UPGRADE);
        headers.remove(&HTTP2_SETTINGS);
        Ok(())
    }

    /// Decides about a request without a body: a stream of a session, or its end.
    pub(super) fn decide_head(&self, parts: &mut Parts, by: Visitor<'_>) -> Result<Pass, Own> {
        by.asks(parts.method.as_str(), no_target);
        Self::settle(&mut parts.headers, by)?;
        let is_messages = self
            .sse
            .as_ref()
            .is_some_and(|sse| sse.is_like_messages(parts.uri.path()));
        if is_messages || !matches!(parts.method, Method::GET | Method::DELETE) {
            return Err(self.other_method(by)?);
        }
        if self.is_old_stream(parts) {
            by.any_valid_token(None)?;
            by.remove(&mut parts.headers, Field::SESSION, &SESSION);
            by.remove(&mut parts.headers, Field::LAST_EVENT, &LAST_EVENT);
            // The address in it has to be found.
            by.remove(&mut parts.headers, Field::ACCEPT_ENCODING, &ACCEPT_ENCODING);
            return Ok(Pass {
                begins_stream: true,
                is_stream: true,
                ..Pass::of(Session::None)
            });
        }
        let revision = Revision::of_head(&self.served, &self.said(&parts.headers))
            .map_err(|fault| by.faulty(StatusCode::BAD_REQUEST, fault))?;
        if revision.is_modern() {
            return Err(self.other_method(by)?);
        }
        let Some(own) = self.open_session(&mut parts.headers, by, None)? else {
            // Without a session nothing says whose events are asked for.
            return Err(self.other_method(by)?);
        };
        self.open_event(&mut parts.headers, own.as_bytes(), by)?;
        by.any_valid_token(None)?;
        Ok(Pass {
            is_stream: parts.method == Method::GET,
            ..Pass::of(Session::Own(own))
        })
    }

    /// The answer to whoever has a valid token and asks in a way that means nothing here.
    fn other_method(&self, by: Visitor<'_>) -> Result<Own, Own> {
        let any = by.admitted.any(by.now).map(drop);
        any.map_err(|refusal| by.refused(refusal, None))?;
        by.admitted.faulty(NO_SUCH_METHOD);
        by.span.decided("refused", Some(NO_SUCH_METHOD));
        Ok(self.no_such_method(by.admitted.correlation()))
    }

    /// Puts the service's own session id in place of the sealed one, if there is one.
    fn open_session(
        &self,
        headers: &mut HeaderMap,
        by: Visitor<'_>,
        id: Option<&str>,
    ) -> Result<Option<HeaderValue>, Own> {
        if !by.fields.have(Field::SESSION) {
            return Ok(None);
        }
        let mut values = headers.get_all(&SESSION).iter();
        let Some(sealed) = values.next() else {
            return Ok(None);
        };
        let only = values.next().is_none();
        let sealed = sealed.to_str().unwrap_or_default();
        let own = self.ids.open(sealed, by.admitted.verified());
        let Some(own) = own.filter(|_| only).and_then(shared) else {
            return Err(by.refused(by.admitted.knows_no_session(), id));
        };
        headers.insert(&SESSION, own.clone());
        // The ids of events have to be found.
        by.remove(headers, Field::ACCEPT_ENCODING, &ACCEPT_ENCODING);
        Ok(Some(own))
    }

    pub(super) fn session_of(
        &self,
        headers: &mut HeaderMap,
        by: Visitor<'_>,
        id: Option<&str>,
    ) -> Result<Session, Own> {
        let own = self.open_session(headers, by, id)?;
        Ok(own.map_or(Session::None, Session::Own))
    }

    /// Puts the service's own event id in place of the sealed one: it counts in the session that it was
    /// given out in, whatever the service keeps its events by.
    fn open_event(
        &self,
        headers: &mut HeaderMap,
        session: &[u8],
        by: Visitor<'_>,
    ) -> Result<(), Own> {
        if !by.fields.have(Field::LAST_EVENT) {
            return Ok(());
        }
        let mut values = headers.get_all(&LAST_EVENT).iter();
        let Some(sealed) = values.next() else {
            return Ok(());
        };
        if values.next().is_some() {
            let fault = Fault::new(None, INVALID_REQUEST, "more than one Last-Event-ID");
            return Err(by.faulty(StatusCode::BAD_REQUEST, fault));
        }
        let owner = by.admitted.verified();
        let own = self.events.open(session, sealed.as_bytes(), owner);
        match own.map(HeaderValue::from_bytes) {
            Some(Ok(own)) => {
                headers.insert(&LAST_EVENT, own);
                Ok(())
            }
            _ => Err(by.refused(by.admitted.knows_no_session(), None)),
        }
    }

    /// Sessions in which the two agreed on 2024-11-05 go on as those of 2025-03-26, in which the
    /// transport is written down first.
    pub(super) fn said<'h>(&self, headers: &'h HeaderMap) -> Said<'h> {
        let is_served = self.served.contains(&Revision::March2025);
        Said::of(headers).without_version(|version| is_served && version == "2024-11-05")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(fields: &[(&str, &str)]) -> HeaderMap {
        let field = |(name, value): &(&str, &str)| {
            let name = HeaderName::from_bytes(name.as_bytes()).unwrap();
            (name, HeaderValue::from_str(value).unwrap())
        };
        fields.iter().map(field).collect()
    }

    #[test]
    fn names_that_others_mistake_are_taken_away() {
        let mut all = headers(&[
            ("mcp_session_id", "a"),
            ("mcp_session_id", "b"),
            ("Mcp-Session_Id", "c"),
            ("last_event-id", "d"),
            ("mcp-session-id", "e"),
            ("x_mine", "f"),
        ]);
        remove_similar(&mut all);
        let mut left: Vec<_> = all.keys().map(HeaderName::as_str).collect();
        left.sort_unstable();
        assert_eq!(left, ["mcp-session-id", "x_mine"]);
    }

    #[test]
    fn a_field_that_a_proxy_would_drop_is_seen() {
        for (connection, is_lost) in [
            ("keep-alive", false),
            ("close, Upgrade", false),
            ("close, Mcp-Session-Id", true),
            ("MCP-PROTOCOL-VERSION", true),
            ("a,,last-event-id ,", true),
        ] {
            let headers = headers(&[("connection", connection)]);
            assert_eq!(loses_one(&headers), is_lost, "{connection}");
        }
    }
}

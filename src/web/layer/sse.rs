//! The transport of 2024-11-05: a stream whose first event names the address for messages.
//!
//! The address gets a code behind it that makes it its caller's. Everything else passes as it is.

use std::sync::Arc;

use bytes::Bytes;
use http::Uri;
use http::uri::PathAndQuery;
use url::Url;

use crate::session::SessionIds;
use crate::token::Verified;

/// The parameter that carries the code.
const CODE: &str = "session_code=";

/// Where the old transport is, as the layer sees it.
#[derive(Clone, Debug)]
pub(super) struct HttpSse {
    pub(super) stream: Arc<str>,
    /// Without a slash at its end.
    pub(super) messages: Arc<str>,
    /// The same as it is compared with other spellings.
    pub(super) segments: Vec<String>,
    pub(super) ids: SessionIds,
    /// The origin of the guarded resource.
    pub(super) origin: Arc<str>,
}

/// How many bytes may come before the address is known.
pub(super) const LONGEST_BEGINNING: usize = 16 * 1024;

/// What is known of a stream after so many bytes.
pub(super) enum Beginning {
    /// The address has not come yet.
    Goes,
    /// It came: the same bytes with the caller's address.
    Sealed(Bytes),
    /// It is none that a client could be given.
    Broken,
}

impl HttpSse {
    pub(super) fn is_stream(&self, path: &str) -> bool {
        *self.stream == *path
    }

    /// Whether a path is the one for messages, or another spelling that the service may take for it.
    pub(super) fn is_like_messages(&self, path: &str) -> bool {
        // A reader that leaves dot segments alone has come to the messages if the path passes there.
        let mut is_there = false;
        walk(path, |kept| is_there |= *kept == *self.segments);
        is_there || self.session_of(path).is_some()
    }

    /// What follows the address for messages in a path.
    fn session_of<'p>(&self, path: &'p str) -> Option<&'p str> {
        let rest = path.strip_prefix(&*self.messages)?;
        (rest.is_empty() || rest.starts_with('/')).then_some(rest)
    }

    /// The service's own address, if the request's was sealed for this caller.
    pub(super) fn open(&self, uri: &Uri, owner: &Verified) -> Option<Uri> {
        let (path, query) = (uri.path(), uri.query().unwrap_or_default());
        let (query, code) = match query.rsplit_once('&') {
            Some((query, code)) => (Some(query), code),
            None => (None, query),
        };
        let code = code.strip_prefix(CODE).unwrap_or_default();
        let inner = inner(self.session_of(path)?, query);
        if !self.ids.is_owned(&inner, code, owner) {
            return None;
        }
        let mut parts = uri.clone().into_parts();
        let own = match query {
            Some(query) => format!("{path}?{query}"),
            None => path.to_owned(),
        };
        parts.path_and_query = Some(PathAndQuery::try_from(own).ok()?);
        Uri::from_parts(parts).ok()
    }

    /// Looks for the address in the beginning of a stream.
    pub(super) fn read(&self, beginning: &[u8], owner: &Verified) -> Beginning {
        let mut at = 0_usize;
        let mut event = Event::default();
        let mut rest = beginning;
        // A byte order mark before the first line is no part of it.
        if let Some(marked) = rest.strip_prefix(b"\xef\xbb\xbf") {
            (rest, at) = (marked, 3);
        }
        while let Some((line, length)) = line_of(rest) {
            if line.is_empty() {
                match event.end() {
                    Ended::Nothing => event = Event::default(),
                    Ended::Endpoint(place) => return self.sealed(beginning, place, owner),
                    Ended::Other => return Beginning::Broken,
                }
            } else {
                event.take(line, at);
            }
            at = at.saturating_add(length);
            rest = rest.get(length..).unwrap_or_default();
        }
        if beginning.len() > LONGEST_BEGINNING {
            return Beginning::Broken;
        }
        Beginning::Goes
    }

    fn sealed(&self, beginning: &[u8], place: (usize, usize), owner: &Verified) -> Beginning {
        let (start, end) = place;
        let whole = beginning
            .get(..start)
            .zip(beginning.get(start..end))
            .zip(beginning.get(end..));
        let sealed = whole.and_then(|((before, address), after)| {
            let address = self.seal(std::str::from_utf8(address).ok()?, owner)?;
            Some([before, address.as_bytes(), after].concat())
        });
        sealed.map_or(Beginning::Broken, |bytes| Beginning::Sealed(bytes.into()))
    }

    /// The address with the caller's code: relative or of the resource's origin, and one that the layer
    /// will know again.
    fn seal(&self, address: &str, owner: &Verified) -> Option<String> {
        let base = Url::parse(&self.origin).and_then(|origin| origin.join(&self.stream));
        let base = base.ok()?;
        let url = base.join(address).ok()?;
        let written = address.split('?').next().unwrap_or_default();
        let is_kept = written.ends_with(url.path()) || {
            let (_, last) = url.path().rsplit_once('/').unwrap_or_default();
            !written.is_empty() && written == last
        };
        if url.origin() != base.origin() || url.fragment().is_some() || !is_kept {
            return None;
        }
        if address.contains(CODE) || !url.username().is_empty() || url.password().is_some() {
            return None;
        }
        // The layer may stand below a path that it does not see.
        let path = url.path();
        let session = path
            .match_indices(&*self.messages)
            .find_map(|(at, _)| self.session_of(path.get(at..)?))?;
        let inner = inner(session, url.query());
        let code = self.ids.code(&inner, owner)?;
        let mark = if url.query().is_some() { '&' } else { '?' };
        Some(format!("{address}{mark}{CODE}{code}"))
    }
}

/// What a path says to whoever is not strict about encoding, case, slashes, dots and parameters.
pub(super) fn segments(path: &str) -> Vec<String> {
    walk(path, |_| {})
}

/// The same, with what is known after each segment.
fn walk(path: &str, mut seen: impl FnMut(&[String])) -> Vec<String> {
    // What is decoded twice somewhere is encoded twice.
    let path = decoded(&decoded(path)).replace('\\', "/").to_lowercase();
    let mut kept = Vec::new();
    for segment in path.split('/') {
        let name = segment.split(';').next().unwrap_or_default().trim();
        match name {
            "" | "." => {}
            ".." => drop(kept.pop()),
            name => kept.push(name.to_owned()),
        }
        seen(&kept);
    }
    kept
}

fn decoded(path: &str) -> String {
    let bytes = percent_encoding::percent_decode_str(path);
    bytes.decode_utf8_lossy().into_owned()
}

/// What the code is about: all of the address that tells sessions apart.
fn inner(session: &str, query: Option<&str>) -> String {
    match query {
        Some(query) => format!("{session}?{query}"),
        None => session.to_owned(),
    }
}

/// A line, and how long it is with its end; nothing if it goes on. What follows a carriage return may
/// come later, and is no line then either.
fn line_of(text: &[u8]) -> Option<(&[u8], usize)> {
    let end = memchr::memchr2(b'\r', b'\n', text)?;
    let line = text.get(..end)?;
    let more = match (text.get(end), text.get(end.saturating_add(1))) {
        (Some(b'\r'), Some(b'\n')) => 2,
        _ => 1,
    };
    Some((line, end.saturating_add(more)))
}

/// An event as far as it came (HTML standard, section Server-sent events).
#[derive(Default)]
struct Event {
    is_endpoint: bool,
    has_fields: bool,
    /// Where its one line of data stands.
    data: Option<(usize, usize)>,
    has_more_data: bool,
}

enum Ended {
    Nothing,
    Endpoint((usize, usize)),
    Other,
}

impl Event {
    fn take(&mut self, line: &[u8], at: usize) {
        let colon = memchr::memchr(b':', line);
        let (name, value_at) = match colon {
            // A comment.
            Some(0) => return,
            Some(colon) => {
                let after = colon.saturating_add(1);
                let blank = usize::from(line.get(after) == Some(&b' '));
                (
                    line.get(..colon).unwrap_or_default(),
                    after.saturating_add(blank),
                )
            }
            None => (line, line.len()),
        };
        let value = line.get(value_at..).unwrap_or_default();
        match name {
            b"event" => {
                self.is_endpoint = value == b"endpoint";
                self.has_fields = true;
            }
            b"data" => {
                self.has_more_data = self.data.is_some();
                let start = at.saturating_add(value_at);
                self.data = Some((start, start.saturating_add(value.len())));
                self.has_fields = true;
            }
            _ => {}
        }
    }

    const fn end(&self) -> Ended {
        match self.data {
            Some(place) if self.is_endpoint && !self.has_more_data => Ended::Endpoint(place),
            _ if self.has_fields => Ended::Other,
            _ => Ended::Nothing,
        }
    }
}

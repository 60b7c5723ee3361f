//! Which fields a request came with, of those that the layer asks for.

use http::HeaderMap;

/// The names in the head of a request as it came, of those that the layer asks for.
///
/// They are seen in one walk: most requests have few fields, and few of these, and to look up a name that
/// is not there costs as much as to pass by several. What is not among them is not in the head later
/// either, for the layer adds nothing to a head but in place of what was there.
#[derive(Clone, Copy, Debug)]
pub(super) struct Fields(u16);

/// One name, or several that go together.
#[derive(Clone, Copy, Debug)]
pub(super) struct Field(u16);

impl Field {
    pub(super) const TRACE_PARENT: Self = Self(1);
    pub(super) const HOST: Self = Self(1 << 1);
    pub(super) const ORIGIN: Self = Self(1 << 2);
    pub(super) const SESSION: Self = Self(1 << 3);
    pub(super) const LAST_EVENT: Self = Self(1 << 4);
    pub(super) const ACCEPT_ENCODING: Self = Self(1 << 5);
    pub(super) const CONTENT_ENCODING: Self = Self(1 << 6);
    /// What is about the connection or another protocol on it, and what others could take for another
    /// name.
    pub(super) const ODD: Self = Self(1 << 7);
    const OTHER: Self = Self(0);

    fn of(name: &str) -> Self {
        match (name.len(), name) {
            (4, "host") => Self::HOST,
            (6, "origin") => Self::ORIGIN,
            (7, "upgrade") | (10, "connection") | (14, "http2-settings") => Self::ODD,
            (11, "traceparent") => Self::TRACE_PARENT,
            (13, "last-event-id") => Self::LAST_EVENT,
            (14, "mcp-session-id") => Self::SESSION,
            (15, "accept-encoding") => Self::ACCEPT_ENCODING,
            (16, "content-encoding") => Self::CONTENT_ENCODING,
            _ if name.as_bytes().contains(&b'_') => Self::ODD,
            _ => Self::OTHER,
        }
    }
}

impl Fields {
    pub(super) fn of(headers: &HeaderMap) -> Self {
        let all = headers.keys().map(|name| Field::of(name.as_str()).0);
        Self(all.fold(0, |seen, field| seen | field))
    }

    pub(super) const fn have(self, Field(field): Field) -> bool {
        self.0 & field != 0
    }
}

#[cfg(test)]
mod tests {
    use http::header::{
        ACCEPT_ENCODING, CONNECTION, CONTENT_ENCODING, HOST, HeaderName, ORIGIN, UPGRADE,
    };

    use super::super::head::{HTTP2_SETTINGS, LAST_EVENT, SESSION};
    use super::*;

    #[test]
    fn each_name_is_seen_and_no_other() {
        let trace = HeaderName::from_static("traceparent");
        let similar = HeaderName::from_static("mcp_session-id");
        let all = [
            (Field::TRACE_PARENT, vec![&trace]),
            (Field::HOST, vec![&HOST]),
            (Field::ORIGIN, vec![&ORIGIN]),
            (Field::SESSION, vec![&SESSION]),
            (Field::LAST_EVENT, vec![&LAST_EVENT]),
            (Field::ACCEPT_ENCODING, vec![&ACCEPT_ENCODING]),
            (Field::CONTENT_ENCODING, vec![&CONTENT_ENCODING]),
            (
                Field::ODD,
                vec![&CONNECTION, &UPGRADE, &HTTP2_SETTINGS, &similar],
            ),
        ];
        let mut everything = HeaderMap::new();
        for (field, names) in &all {
            for name in names {
                let mut headers = HeaderMap::new();
                headers.insert("accept", "*/*".parse().unwrap());
                headers.append(*name, "a".parse().unwrap());
                headers.append(*name, "b".parse().unwrap());
                everything.append(*name, "a".parse().unwrap());
                let fields = Fields::of(&headers);
                for (other, _) in &all {
                    assert_eq!(fields.have(*other), field.0 == other.0, "{name}");
                }
            }
        }
        let everything = Fields::of(&everything);
        assert!(all.iter().all(|(field, _)| everything.have(*field)));
        assert_eq!(Fields::of(&HeaderMap::new()).0, 0);
    }
}

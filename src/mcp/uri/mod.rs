//! Resource URIs, normalised before they are compared, and the templates that they match.
//!
//! Two texts that a file system takes for one file must not be two resources to a policy
//! (RFC 3986 section 6.2.2). What has no one meaning is no resource at all.

mod segment;
mod template;

pub use template::TemplateError;

pub(crate) use template::Template;

/// A resource URI in its one spelling.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Normal(String);

impl Normal {
    /// The one spelling of `uri`: lower case in the scheme, no percent-encoding where none is
    /// needed, no dot segments. Nothing for what has none: other characters than those of RFC 3986,
    /// broken percent-encoding, a slash, backslash, percent sign or control character in disguise, a
    /// fragment, empty segments, dot segments that climb above the root, an authority with a user, a dot
    /// at its end, or a port that is empty, usual or written otherwise than in digits, a `file` with a
    /// host, a web address without one, a path that begins with a slash where an authority could stand
    /// and does not, or an empty query.
    pub(crate) fn of(uri: &str) -> Option<Self> {
        Self::readings(uri).map(|(normal, _)| normal)
    }

    /// The one spelling, and that for readers to whom dot segments are names, if there are any.
    pub(crate) fn readings(uri: &str) -> Option<(Self, Option<Self>)> {
        if uri.len() > LONGEST_URI {
            return None;
        }
        let (scheme, rest) = uri.split_once(':')?;
        let mut letters = scheme.bytes();
        if !letters.next()?.is_ascii_alphabetic()
            || !letters.all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte))
        {
            return None;
        }
        let (hierarchy, query) = match rest.split_once('?') {
            Some((hierarchy, query)) => (hierarchy, Some(query)),
            None => (rest, None),
        };
        let hierarchy = decoded(hierarchy, is_path)?;
        let (authority, path) = match hierarchy.strip_prefix("//") {
            Some(after) => {
                let end = after.find('/').unwrap_or(after.len());
                let (authority, path) = after.split_at_checked(end)?;
                (Some(authority.to_ascii_lowercase()), path)
            }
            None => (None, hierarchy.as_str()),
        };
        let mut normal = scheme.to_ascii_lowercase();
        let authority = authority.as_deref();
        let is_plain = |authority| is_plain(&normal, authority);
        if !authority.is_none_or(is_plain) || !has_its_authority(&normal, authority, path) {
            return None;
        }
        normal.push(':');
        if let Some(authority) = authority {
            normal.push_str("//");
            normal.push_str(authority);
        }
        let query = match query {
            Some(query) => {
                let query = decoded(query, is_unreserved).filter(|query| !query.is_empty());
                format!("?{}", query?)
            }
            None => String::new(),
        };
        let with = |path: &str| Self(format!("{normal}{path}{query}"));
        let literal = path.split('/').any(is_dots).then(|| with(path));
        Some((with(&without_dots(path)?), literal))
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// What others may read instead: the same without its query, and without a slash at its end.
    pub(crate) fn shorter(&self) -> impl Iterator<Item = Self> {
        let plain = self.0.split_once('?').map(|(plain, _)| plain);
        let path = plain.unwrap_or(&self.0);
        let name = path.strip_suffix('/');
        let name = name.filter(|name| !name.ends_with(['/', ':']));
        let both = plain.into_iter().chain(name);
        both.map(|text| Self(text.to_owned()))
    }

    /// The same with a slash at its end: to file systems both are one directory.
    pub(crate) fn as_directory(&self) -> Option<Self> {
        let path = self.0.split('?').next().unwrap_or_default();
        (!path.ends_with('/')).then(|| Self(format!("{path}/")))
    }
}

fn is_dots(segment: &str) -> bool {
    matches!(segment, "." | "..")
}

/// The longest URI or template that is looked at, in bytes.
const LONGEST_URI: usize = 8 * 1024;

/// Whether an authority has one spelling: RFC 3986 section 6.2.3 knows others for some.
fn is_plain(scheme: &str, authority: &str) -> bool {
    let (host, port) = match authority.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => (host, Some(port)),
        _ => (authority, None),
    };
    let is_port = port.is_none_or(|port| {
        let is_number = !port.starts_with('0') && port.bytes().all(|byte| byte.is_ascii_digit());
        let is_usual = matches!((scheme, port), ("https", "443") | ("http", "80"));
        is_number && !is_usual && port.parse::<u16>().is_ok()
    });
    is_port && !host.ends_with('.') && !authority.contains(['@', '%'])
}

/// Whether a scheme has an authority as it must: another spelling would be another name for the same
/// (RFC 8089 section 2, RFC 9110 section 4.2). To many readers `db:/a` and `db:///a` are one.
fn has_its_authority(scheme: &str, authority: Option<&str>, path: &str) -> bool {
    match scheme {
        "file" => authority == Some(""),
        "ftp" | "http" | "https" | "ws" | "wss" => {
            authority.is_some_and(|authority| !authority.is_empty())
        }
        _ => authority.is_some() || !path.starts_with('/'),
    }
}

/// `text` without percent-encoding where `needs_none` says so.
fn decoded(text: &str, needs_none: fn(u8) -> bool) -> Option<String> {
    let mut out = String::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        match byte {
            b'%' => {
                let byte = octet(&mut bytes)?;
                match byte {
                    b'/' | b'\\' | b'%' | 0..0x20 | 0x7f => return None,
                    _ if needs_none(byte) => out.push(char::from(byte)),
                    _ => {
                        out.push('%');
                        out.extend([byte >> 4, byte & 0xf].map(hex_digit));
                    }
                }
            }
            b'/' | b'?' => out.push(char::from(byte)),
            _ if is_path(byte) => out.push(char::from(byte)),
            _ => return None,
        }
    }
    Some(out)
}

/// What the two digits after a percent sign stand for.
fn octet(digits: &mut std::str::Bytes<'_>) -> Option<u8> {
    let mut digit = || char::from(digits.next()?).to_digit(16);
    let (high, low) = (digit()?, digit()?);
    u8::try_from(high.checked_mul(16)?.checked_add(low)?).ok()
}

/// In upper case (RFC 3986 section 6.2.2.1).
fn hex_digit(digit: u8) -> char {
    char::from_digit(digit.into(), 16).map_or('0', |digit| digit.to_ascii_uppercase())
}

/// What means itself in a segment of a path, encoded or not, as far as file systems and people see
/// it. RFC 3986 section 2.2 lets a scheme tell them apart; a policy must not.
fn is_path(byte: u8) -> bool {
    is_unreserved(byte) || b":[]@!$&'()*+,;=".contains(&byte)
}

/// RFC 3986 section 2.3.
fn is_unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~".contains(&byte)
}

/// RFC 3986 section 5.2.4, strictly: what would climb above the root is refused, and so are empty
/// segments, which file systems do not see.
fn without_dots(path: &str) -> Option<String> {
    let mut kept: Vec<&str> = Vec::new();
    let mut segments = path.split('/').peekable();
    // What begins with a slash has nothing before it; nowhere else is nothing between two slashes.
    let is_rooted = path.starts_with('/');
    let mut at = 0_usize;
    while let Some(segment) = segments.next() {
        let is_last = segments.peek().is_none();
        if segment.is_empty() && !is_last && !(at == 0 && is_rooted) {
            return None;
        }
        at = at.saturating_add(1);
        match segment {
            "." | ".." => {
                if segment == ".." {
                    // The first is what stands before the first slash.
                    if kept.len() < 2 {
                        return None;
                    }
                    kept.pop();
                }
                if is_last {
                    kept.push("");
                }
            }
            _ => kept.push(segment),
        }
    }
    Some(kept.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn normal(uri: &str) -> Option<String> {
        Normal::of(uri).map(|normal| normal.0)
    }

    /// RS-093
    #[test]
    fn one_resource_has_one_spelling() {
        for (uri, spelling) in [
            ("file:///pub/a.txt", Some("file:///pub/a.txt")),
            ("FILE:///pub/%61%2Etxt", Some("file:///pub/a.txt")),
            ("file:///pub/../secret", Some("file:///secret")),
            ("file:///pub/%2e%2e/secret", Some("file:///secret")),
            ("file:///pub/./a", Some("file:///pub/a")),
            ("file:///pub/..", Some("file:///")),
            (
                "https://Host.Example/A?b=%7e",
                Some("https://host.example/A?b=~"),
            ),
            ("note:a%20b", Some("note:a%20b")),
            ("docs:///team%40hr/a%28b%29", Some("docs:///team@hr/a(b)")),
            ("docs:///a%3Fb", Some("docs:///a%3Fb")),
            ("https://h.example:8443/a", Some("https://h.example:8443/a")),
            ("https://[::1]/a", Some("https://[::1]/a")),
            ("https://h.example:443/a", None),
            ("https://h.example:08443/a", None),
            ("https://h.example:+8443/a", None),
            ("https://h.example:84430/a", None),
            ("https:/h.example/a", None),
            ("https:h.example", None),
            ("https:///h.example/a", None),
            ("db:/pub/a", None),
            ("db:pub/a", Some("db:pub/a")),
            ("ftp:/h.example/a", None),
            ("file:///pub/a?", None),
            ("file:/pub/a", None),
            ("file:pub/a", None),
            ("file://localhost/pub/a", None),
            ("file://h.example/pub/a", None),
            ("repo://internal:/a", None),
            ("repo://@internal/a", None),
            ("repo://internal./a", None),
            ("repo://inte%72nal/a", Some("repo://internal/a")),
            ("repo://a%20b/a", None),
            ("file:///pub/x/..%2fsecret", None),
            ("file:///pub/x/..%5csecret", None),
            ("file:///pub/..\\secret", None),
            ("file:///../secret", None),
            ("file:///pub//secret", None),
            ("file:////pub", None),
            ("file:///pub/", Some("file:///pub/")),
            ("file:///pub/%252e%252e/secret", None),
            ("file:///pub/a%00b", None),
            ("file:///pub/a%0", None),
            ("file:///pub/a b", None),
            ("file:///pub/a#b", None),
            ("file:///pub/\u{e9}", None),
            ("no scheme", None),
            ("", None),
        ] {
            assert_eq!(normal(uri).as_deref(), spelling, "{uri}");
        }
    }
}

//! Resource URIs, normalised before they are compared, and the templates that they match.
//!
//! Two texts that a file system takes for one file must not be two resources to a policy
//! (RFC 3986 section 6.2.2). What has no one meaning is no resource at all.

use std::cmp::Ordering;

/// A resource URI in its one spelling.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Normal(String);

impl Normal {
    /// The one spelling of `uri`: lower case in the scheme, no percent-encoding where none is
    /// needed, no dot segments. Nothing for what has none: other characters than those of RFC 3986,
    /// broken percent-encoding, a slash, backslash, percent sign or control character in disguise, a
    /// fragment, empty segments, dot segments that climb above the root, or an authority with a user,
    /// an empty or usual port or a dot at its end.
    pub(crate) fn of(uri: &str) -> Option<Self> {
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
        let is_plain = |authority: &String| is_plain(&normal, authority);
        if !authority.as_ref().is_none_or(is_plain) {
            return None;
        }
        normal.push(':');
        if let Some(authority) = authority {
            normal.push_str("//");
            normal.push_str(&authority);
        }
        normal.push_str(&without_dots(path)?);
        if let Some(query) = query {
            normal.push('?');
            normal.push_str(&decoded(query, is_unreserved)?);
        }
        Some(Self(normal))
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

/// The longest URI that is looked at, in bytes.
const LONGEST_URI: usize = 8 * 1024;

/// Whether an authority has one spelling: RFC 3986 section 6.2.3 knows others for some.
fn is_plain(scheme: &str, authority: &str) -> bool {
    let (host, port) = match authority.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => (host, Some(port)),
        _ => (authority, None),
    };
    let usual = matches!(
        (scheme, port),
        (_, Some("")) | ("https", Some("443")) | ("http", Some("80"))
    );
    !usual && !host.ends_with('.') && !authority.contains(['@', '%'])
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

/// A URI in which `{x}` stands for one segment and `{*x}` for all that follow.
#[derive(Clone, Debug)]
pub(crate) struct Template {
    parts: Vec<Part>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Literal(Box<str>),
    One(Box<str>),
    Rest(Box<str>),
}

/// Why a text is no template.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TemplateError {
    /// `{` or `}` stands elsewhere than around a whole segment, or a name is empty or stands twice.
    #[error(
        "a variable is one whole segment, `{{name}}` or `{{*name}}`, and each has another name"
    )]
    Variable,
    /// It has variables and a query.
    #[error("a template with variables has no query")]
    Query,
    /// `{*name}` is not the last segment.
    #[error("`{{*name}}` stands for all that follows, so it is last")]
    Rest,
    /// Without its variables it is no URI, or not in its one spelling.
    #[error("not a URI in its normal spelling (RFC 3986 section 6.2.2)")]
    Uri,
}

impl Template {
    pub(crate) fn new(text: &str) -> Result<Self, TemplateError> {
        let mut parts = Vec::new();
        let mut names: Vec<&str> = Vec::new();
        let mut plain = Vec::new();
        for segment in text.split('/') {
            if parts.iter().any(|part| matches!(part, Part::Rest(_))) {
                return Err(TemplateError::Rest);
            }
            let variable = segment
                .strip_prefix('{')
                .and_then(|rest| rest.strip_suffix('}'));
            let Some(variable) = variable else {
                if segment.contains(['{', '}']) {
                    return Err(TemplateError::Variable);
                }
                parts.push(Part::Literal(segment.into()));
                plain.push(segment);
                continue;
            };
            let (name, rest) = match variable.strip_prefix('*') {
                Some(name) => (name, true),
                None => (variable, false),
            };
            let is_name = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
            if name.is_empty() || !name.bytes().all(is_name) || names.contains(&name) {
                return Err(TemplateError::Variable);
            }
            names.push(name);
            plain.push("x");
            parts.push(if rest {
                Part::Rest(name.into())
            } else {
                Part::One(name.into())
            });
        }
        let plain = plain.join("/");
        if Normal::of(&plain).is_none_or(|normal| normal.0 != plain) {
            return Err(TemplateError::Uri);
        }
        if !names.is_empty() && plain.contains('?') {
            return Err(TemplateError::Query);
        }
        Ok(Self { parts })
    }

    /// Whether it has no variables.
    pub(crate) fn is_literal(&self) -> bool {
        self.parts
            .iter()
            .all(|part| matches!(part, Part::Literal(_)))
    }

    /// What the variables stand for in `uri`, percent-encoding undone; nothing if it does not match.
    pub(crate) fn matches(&self, uri: &Normal) -> Option<Vec<(&str, String)>> {
        let mut found = Vec::new();
        let mut rest = Some(uri.as_str());
        for part in &self.parts {
            let text = rest?;
            let (segment, after) = match text.split_once('/') {
                Some((segment, after)) => (segment, Some(after)),
                None => (text, None),
            };
            rest = after;
            match part {
                Part::Literal(literal) if **literal == *segment => {}
                Part::Literal(_) => return None,
                Part::One(name) => found.push((&**name, segment)),
                Part::Rest(name) => {
                    rest = None;
                    found.push((&**name, text));
                }
            }
        }
        if rest.is_some() {
            return None;
        }
        let values = found.into_iter();
        values
            .map(|(name, text)| Some((name, value(text)?)))
            .collect()
    }

    /// Whether both match the same URIs.
    pub(crate) fn is_same_as(&self, other: &Self) -> bool {
        self.cmp_precision(other) == Ordering::Equal
    }

    /// The more precise one comes first: at the first segment that differs, a literal before `{x}`
    /// before `{*x}`.
    pub(crate) fn cmp_precision(&self, other: &Self) -> Ordering {
        let key = |part: &Part| match part {
            Part::Literal(text) => (0_u8, Some(text.clone())),
            Part::One(_) => (1, None),
            Part::Rest(_) => (2, None),
        };
        self.parts.iter().map(key).cmp(other.parts.iter().map(key))
    }
}

/// A variable is never empty, has no slash at its end, and holds no query.
fn value(text: &str) -> Option<String> {
    if text.is_empty() || text.ends_with('/') || text.contains('?') {
        return None;
    }
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(if byte == b'%' {
            octet(&mut rest)?
        } else {
            byte
        });
    }
    String::from_utf8(bytes).ok()
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

    #[test]
    fn templates_match_whole_segments() {
        let one = Template::new("file:///pub/{name}").unwrap();
        let rest = Template::new("file:///pub/{*path}").unwrap();
        let matched = |template: &Template, uri: &str| {
            let values = template.matches(&Normal::of(uri)?)?;
            values.into_iter().next().map(|(_, value)| value)
        };
        assert_eq!(matched(&one, "file:///pub/a%20b").as_deref(), Some("a b"));
        assert_eq!(matched(&one, "file:///pub/a/b"), None);
        assert_eq!(matched(&one, "file:///pub/"), None);
        assert_eq!(matched(&one, "file:///pub"), None);
        assert_eq!(matched(&one, "file:///pub/a?b"), None);
        assert_eq!(matched(&one, "file:///pub/%ff"), None);
        assert_eq!(matched(&rest, "file:///pub/a/b").as_deref(), Some("a/b"));
        assert_eq!(matched(&rest, "file:///pub/a/"), None);
        assert_eq!(one.cmp_precision(&rest), Ordering::Less);
        assert!(one.is_same_as(&Template::new("file:///pub/{other}").unwrap()));
        for (text, error) in [
            ("file:///pub/{a}/{a}", TemplateError::Variable),
            ("file:///pub/x{a}", TemplateError::Variable),
            ("file:///pub/{}", TemplateError::Variable),
            ("file:///{*a}/b", TemplateError::Rest),
            ("file:///a/../b", TemplateError::Uri),
            ("file:///a%40b", TemplateError::Uri),
            ("q://h/a?x/{name}", TemplateError::Query),
            ("pub", TemplateError::Uri),
        ] {
            assert_eq!(Template::new(text).unwrap_err(), error, "{text}");
        }
    }
}

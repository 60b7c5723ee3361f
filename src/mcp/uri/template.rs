//! Templates and patterns of URIs.

use std::cmp::Ordering;

use super::segment::Segment;
use super::{LONGEST_URI, Normal, octet};

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
    /// All that follows, whatever it is: no handler reads it.
    Any,
}

/// How many of another template's URIs one has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Covers {
    All,
    Some,
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
    /// A handler's URI ends in `/*`, which is a pattern of policies.
    #[error("`/*` at the end is a pattern, and a handler takes `{{*name}}`")]
    Pattern,
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
        if text.len() > LONGEST_URI {
            return Err(TemplateError::Uri);
        }
        for segment in text.split('/') {
            if matches!(parts.last(), Some(Part::Rest(_))) {
                return Err(TemplateError::Rest);
            }
            let (name, part) = match Segment::of(segment) {
                Segment::Literal => {
                    parts.push(Part::Literal(segment.into()));
                    plain.push(segment);
                    continue;
                }
                Segment::One(name) => (name, Part::One(name.into())),
                Segment::Rest(name) => (name, Part::Rest(name.into())),
                Segment::Other => return Err(TemplateError::Variable),
            };
            if names.contains(&name) {
                return Err(TemplateError::Variable);
            }
            names.push(name);
            plain.push("x");
            parts.push(part);
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

    /// The template of a handler. In a policy the same text is never read as more than that.
    pub(crate) fn of_handler(text: &str) -> Result<Self, TemplateError> {
        if text.ends_with("/*") {
            return Err(TemplateError::Pattern);
        }
        Self::new(text)
    }

    /// A template, or the pattern of a policy, which may end in `/*`.
    pub(crate) fn pattern(text: &str) -> Result<Self, TemplateError> {
        let Some(start) = text.strip_suffix("/*") else {
            return Self::new(text);
        };
        let mut template = Self::new(&format!("{start}/{{*x}}"))?;
        template.parts.pop();
        template.parts.push(Part::Any);
        Ok(template)
    }

    /// What a client calls a template, of which nobody here knows what it stands for: any expression of
    /// RFC 6570 but a plain one stands for all that may follow.
    pub(crate) fn of_client(text: &str) -> Option<Self> {
        if text.len() > LONGEST_URI {
            return None;
        }
        // Scheme and host are written in lower case, whatever the service writes.
        let end = match text.split_once("://") {
            Some((scheme, rest)) => {
                let host = rest.split('/').next().unwrap_or_default();
                scheme.len().saturating_add(3).saturating_add(host.len())
            }
            None => text.split(':').next().unwrap_or_default().len(),
        };
        let (start, path) = text.split_at_checked(end).unwrap_or((text, ""));
        let text = &*format!("{}{path}", start.to_ascii_lowercase());
        let mut parts = Vec::new();
        let mut plain = Vec::new();
        let mut segments = text.split('/').peekable();
        while let Some(segment) = segments.next() {
            let is_first = parts.is_empty();
            let part = match Segment::of(segment) {
                Segment::Literal if !segment.contains('?') => {
                    parts.push(Part::Literal(segment.into()));
                    plain.push(segment);
                    continue;
                }
                Segment::One(_) if !is_first => Part::One("x".into()),
                Segment::Rest(_) if !is_first && segments.peek().is_none() => {
                    Part::Rest("x".into())
                }
                Segment::Literal | Segment::One(_) | Segment::Rest(_) | Segment::Other => Part::Any,
            };
            plain.push("x");
            let is_any = part == Part::Any;
            parts.push(part);
            if is_any {
                break;
            }
        }
        // Others may overlook a slash at the end.
        if parts.len() > 2 && plain.last() == Some(&"") {
            parts.pop();
            parts.pop();
            parts.push(Part::Any);
        }
        let plain = plain.join("/");
        let is_normal = || Normal::of(&plain).is_some_and(|normal| normal.0 == plain);
        let is_anything = matches!(parts.as_slice(), [Part::Any]);
        (is_anything || is_normal()).then_some(Self { parts })
    }

    /// Those of templates, the most precise first, that share a URI with this one, and whether they have
    /// all of it: then those after it are about none of it.
    pub(crate) fn met_by<'t, T>(
        &self,
        all: &'t [T],
        template: impl Fn(&T) -> &Self,
    ) -> (Vec<&'t T>, bool) {
        let mut met = Vec::new();
        for known in all {
            let Some(covers) = template(known).meets(self) else {
                continue;
            };
            met.push(known);
            if covers == Covers::All {
                return (met, true);
            }
        }
        (met, false)
    }

    /// Whether some URI is both's, and if so, whether all of the other's are.
    fn meets(&self, other: &Self) -> Option<Covers> {
        let mut covers = Covers::All;
        let mut theirs = other.parts.iter();
        for own in &self.parts {
            let their = theirs.next()?;
            match (own, their) {
                (Part::Any, _) | (Part::Rest(_), Part::Rest(_)) => return Some(covers),
                (Part::Rest(_), Part::Literal(_) | Part::One(_)) => {
                    let is_open = |part: &Part| matches!(part, Part::Rest(_) | Part::Any);
                    let is_open = theirs.any(is_open);
                    return Some(if is_open { Covers::Some } else { covers });
                }
                (_, Part::Any | Part::Rest(_)) => return Some(Covers::Some),
                (Part::Literal(own), Part::Literal(their)) if own == their => {}
                (Part::Literal(_), Part::Literal(_)) => return None,
                (Part::Literal(_), Part::One(_)) => covers = Covers::Some,
                (Part::One(_), Part::Literal(_) | Part::One(_)) => {}
            }
        }
        theirs.next().is_none().then_some(covers)
    }

    /// Whether it has no variables.
    pub(crate) fn is_literal(&self) -> bool {
        let mut parts = self.parts.iter();
        parts.all(|part| matches!(part, Part::Literal(_)))
    }

    /// Whether it stands for all that follows, whatever it is.
    pub(crate) fn is_open(&self) -> bool {
        matches!(self.parts.last(), Some(Part::Any))
    }

    /// Whether it stands for `uri`.
    pub(crate) fn covers(&self, uri: &Normal) -> bool {
        self.matches(uri).is_some()
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
                Part::Any => rest = None,
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

    /// The same for all that match the same URIs. No URI has a blank.
    pub(crate) fn key(&self) -> String {
        let parts = self.parts.iter().map(|part| match part {
            Part::Literal(text) => text,
            Part::One(_) => " one",
            Part::Rest(_) => " rest",
            Part::Any => " any",
        });
        parts.collect::<Vec<_>>().join("/")
    }

    /// The more precise one comes first: at the first segment that differs, a literal before `{x}`
    /// before `{*x}` before `*`.
    pub(crate) fn cmp_precision(&self, other: &Self) -> Ordering {
        let key = |part: &Part| match part {
            Part::Literal(text) => (0_u8, Some(text.clone())),
            Part::One(_) => (1, None),
            Part::Rest(_) => (2, None),
            Part::Any => (3, None),
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

    #[test]
    fn templates_meet_where_they_share_a_uri() {
        for (own, client, expected) in [
            ("file:///pub/{a}", "file:///pub/{b}", Some(Covers::All)),
            ("file:///pub/{a}", "file:///{b}/x", Some(Covers::Some)),
            ("file:///pub/a", "file:///pub/{b}", Some(Covers::Some)),
            ("file:///pub/a", "file:///priv/{b}", None),
            ("file:///pub/{a}", "file:///pub/{b}/c", None),
            ("file:///pub/{a}/c", "file:///pub/{b}", None),
            ("file:///pub/{*a}", "file:///pub/{b}/c", Some(Covers::All)),
            ("file:///pub/{*a}", "file:///pub/{+b}", Some(Covers::Some)),
            ("file:///pub/{*a}", "file:///pub/{*b}", Some(Covers::All)),
            ("file:///pub/{a}", "file:///pub/{*b}", Some(Covers::Some)),
            ("file:///pub/*", "file:///pub/{+b}", Some(Covers::All)),
            ("file:///pub/*", "file:///{b}{?c}", Some(Covers::Some)),
            ("file:///pub/*", "file:///pub", None),
            (
                "file:///secret/a",
                "file:///secret/x{b}",
                Some(Covers::Some),
            ),
            ("file:///secret/a", "{+all}", Some(Covers::Some)),
            ("file:///pub/{a}", "file:///pub/{b}/", Some(Covers::Some)),
            ("file:///pub/*", "file:///pub/{b}/", Some(Covers::All)),
            ("file:///pub/a", "file:///pub/a?d/{b}", Some(Covers::Some)),
        ] {
            let theirs = Template::of_client(client).unwrap();
            let met = Template::pattern(own).unwrap().meets(&theirs);
            assert_eq!(met, expected, "{own} and {client}");
        }
        let long = format!("a:{}", "/".repeat(4 << 20));
        let capitals = Template::of_client("NOTES://My/Vault/{b}").unwrap();
        let known = Template::pattern("notes://my/Vault/{b}").unwrap();
        assert_eq!(known.meets(&capitals), Some(Covers::All));
        for text in ["", "file:///a/../{b}", "pub/{b}", &long] {
            assert!(Template::of_client(text).is_none(), "{text:.20}");
        }
    }

    #[test]
    fn a_pattern_covers_all_that_follows() {
        let covers = |pattern: &str, uri: &str| {
            let pattern = Template::pattern(pattern).unwrap();
            Normal::of(uri).is_some_and(|uri| pattern.covers(&uri))
        };
        for (uri, is_covered) in [
            ("file:///pub/a", true),
            ("file:///pub/a/b/", true),
            ("file:///pub/a?b", true),
            ("file:///pub/x/../a", true),
            ("file:///pub/", true),
            ("file:///pub", false),
            ("file:///pub/../a", false),
            ("file:///pub/%2e%2e/a", false),
            ("file:///pub/x/..%2fa", false),
        ] {
            assert_eq!(covers("file:///pub/*", uri), is_covered, "{uri}");
        }
        assert!(covers("file:///{name}/*", "file:///pub/a"));
        assert!(Template::pattern("file:///*/pub").is_ok_and(|it| it.is_literal()));
        assert_eq!(Template::pattern("*").unwrap_err(), TemplateError::Uri);
        let pattern = Template::pattern("file:///pub/*").unwrap();
        let rest = Template::new("file:///pub/{*path}").unwrap();
        assert_eq!(rest.cmp_precision(&pattern), Ordering::Less);
    }
}

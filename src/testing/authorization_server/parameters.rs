//! The parameters of a request: `application/x-www-form-urlencoded`, each name at most once.

use std::fmt;

use url::form_urlencoded;

/// Parameters as they came, in a query or in a body.
pub(super) struct Parameters(Vec<(String, String)>);

/// The one parameter that may be given more than once (RFC 8707 section 2).
const MAY_REPEAT: &str = "resource";

impl Parameters {
    pub(super) fn parse(encoded: &[u8]) -> Self {
        Self(form_urlencoded::parse(encoded).into_owned().collect())
    }

    /// Whether a parameter stands twice that must not (RFC 6749 sections 3.1 and 3.2), known or not.
    pub(super) fn repeat(&self) -> bool {
        let mut rest = self.0.as_slice();
        while let [(name, _), after @ ..] = rest {
            if name != MAY_REPEAT && after.iter().any(|(other, _)| other == name) {
                return true;
            }
            rest = after;
        }
        false
    }

    /// The value of `name`. None if it is not there, is empty (which is the same, RFC 6749
    /// section 3.1), or stands twice, for then nobody can say which one is meant.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        let mut values = self.0.iter().filter(|(known, _)| known == name);
        let (_, value) = values.next()?;
        let is_only = values.next().is_none();
        (is_only && !value.is_empty()).then_some(value.as_str())
    }

    /// All values of `name` that are not empty.
    pub(super) fn all<'p>(&'p self, name: &'p str) -> impl Iterator<Item = &'p str> {
        self.0
            .iter()
            .filter(move |(known, value)| known == name && !value.is_empty())
            .map(|(_, value)| value.as_str())
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
    }
}

impl fmt::Debug for Parameters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = self.0.iter().map(|(name, _)| name);
        f.debug_list().entries(names).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::Parameters;

    #[test]
    fn what_stands_twice_is_not_chosen_from() {
        let read = |text: &str| Parameters::parse(text.as_bytes());
        let twice = read("a=1&b=2&a=1");
        assert!(twice.repeat());
        assert_eq!((twice.get("a"), twice.get("b")), (None, Some("2")));
        assert!(read("a=&a=1").repeat());
        assert!(read("%61=1&a=1").repeat());
        assert!(!read("resource=1&resource=2").repeat());
        assert_eq!(read("a=").get("a"), None);
        assert_eq!(read("a=x%20y+z").get("a"), Some("x y z"));
        assert_eq!(format!("{twice:?}"), r#"["a", "b", "a"]"#);
    }
}

//! Where a value stands in a configuration.

use std::fmt;

use serde::de;

use super::error::{Problem, SettingError};

/// The keys and places that lead to a value: `issuers[1].introspection`.
#[derive(Clone, Copy)]
pub(super) enum Path<'a> {
    /// The whole configuration.
    Root,
    Key(&'a Self, &'a str),
    Item(&'a Self, usize),
}

impl Path<'_> {
    /// The value of a key in the table that stands here.
    pub(super) const fn key<'b>(&'b self, name: &'b str) -> Path<'b> {
        Path::Key(self, name)
    }

    /// A member of the list that stands here.
    pub(super) const fn item(&self, place: usize) -> Path<'_> {
        Path::Item(self, place)
    }

    /// What is wrong here.
    pub(super) fn fault(&self, problem: Problem) -> SettingError {
        SettingError::new(self.to_string(), problem)
    }

    /// The same, as an error of the format, which knows the line.
    pub(super) fn error<E: de::Error>(&self, problem: Problem) -> E {
        E::custom(self.fault(problem))
    }
}

impl fmt::Display for Path<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Root => Ok(()),
            Self::Item(list, place) => write!(f, "{list}[{place}]"),
            Self::Key(table, name) => {
                if !matches!(table, Self::Root) {
                    write!(f, "{table}.")?;
                }
                let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_-".contains(&byte);
                if !name.is_empty() && name.bytes().all(is_plain) {
                    f.write_str(name)
                } else {
                    fmt::Debug::fmt(name, f)
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_written_as_its_keys_are() {
        let root = Path::Root;
        let issuers = root.key("issuers");
        let second = issuers.item(1);
        let claim = second.key("scopes_from_claim");
        assert_eq!(root.to_string(), "");
        assert_eq!(claim.to_string(), "issuers[1].scopes_from_claim");
        for (name, written) in [
            ("a-b_9", "issuers.a-b_9"),
            ("", "issuers.\"\""),
            ("a.b", "issuers.\"a.b\""),
            ("\u{1b}[2J\n", "issuers.\"\\u{1b}[2J\\n\""),
        ] {
            assert_eq!(issuers.key(name).to_string(), written);
        }
    }
}

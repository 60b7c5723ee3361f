//! Documents in disguise.
//!
//! `serde_json` reads an object with one certain key as the document that stands there as text, where it
//! reads into a `Value`: what a handler sees would be another document than the one that was decided
//! about, and its depth would not be limited. No client has a reason to send it.

use std::borrow::Cow;
use std::collections::HashSet;
use std::fmt;
use std::sync::LazyLock;

use memchr::memmem::Finder;
use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};

use super::members::fold;

/// The key, as `serde_json` writes it.
pub(super) const KEY: &str = "$serde_json::private::";

/// What is looked for first: the key, and the escapes of its letters.
static SUSPECTS: LazyLock<[Finder<'static>; 2]> = LazyLock::new(|| [KEY, "\\u00"].map(Finder::new));

/// Whether the document has such an object, or is too deep to tell.
pub(super) fn is_in(document: &str) -> bool {
    // Its letters can be escaped, which only shows in the escapes of such letters.
    let is_suspect = SUSPECTS
        .iter()
        .any(|suspect| suspect.find(document.as_bytes()).is_some());
    is_suspect && serde_json::from_str::<Plain<false>>(document).is_err()
}

/// Whether no object of the document, however deep, has a member twice, be it in another case. What is
/// too deep to tell has.
pub(super) fn is_unambiguous(document: &str) -> bool {
    serde_json::from_str::<Plain<true>>(document).is_ok()
}

/// A document without such objects; with `UNIQUE`, no object has a member twice.
struct Plain<const UNIQUE: bool>;

impl<'de, const UNIQUE: bool> Deserialize<'de> for Plain<UNIQUE> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(Self)
    }
}

impl<'de, const UNIQUE: bool> Visitor<'de> for Plain<UNIQUE> {
    type Value = Self;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON document")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self, A::Error> {
        let mut seen = HashSet::new();
        while let Some(name) = map.next_key::<Cow<'_, str>>()? {
            if name.starts_with(KEY) {
                return Err(A::Error::custom("a document in disguise"));
            }
            if UNIQUE && !seen.insert(fold(&name)) {
                return Err(A::Error::custom("a member stands twice"));
            }
            map.next_value::<Self>()?;
        }
        Ok(self)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self, A::Error> {
        while seq.next_element::<Self>()?.is_some() {}
        Ok(self)
    }

    fn visit_str<E>(self, _: &str) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_unit<E>(self) -> Result<Self, E> {
        Ok(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_member_that_stands_twice_is_seen_at_every_depth() {
        for (document, is_fine) in [
            (r#"{"a":1,"b":[{"a":1}]}"#, true),
            (r#"{"a":1,"a":1}"#, false),
            (r#"{"a":1,"\u0061":1}"#, false),
            (r#"{"a":1,"A":1}"#, false),
            (r#"{"a":[{"b":{"c":1,"c":2}}]}"#, false),
            ("3", true),
        ] {
            assert_eq!(is_unambiguous(document), is_fine, "{document}");
        }
        let deep = "[".repeat(200) + &"]".repeat(200);
        assert!(!is_unambiguous(&deep));
    }

    #[test]
    fn they_are_seen_however_they_are_written() {
        for (document, is_disguised) in [
            (r#"{"a":"$serde_json::private::RawValue"}"#, false),
            (r#"{"caf\u00e9":1,"b":[1,-2,3.5,null,true,{}]}"#, false),
            (r#"{"$serde_json::private::RawValue":"{}"}"#, true),
            (r#"[{"a":{"$serde_json::private::Number":"1"}}]"#, true),
            (r#"{"\u0024serde_json::private::RawValue":"{}"}"#, true),
            (r#"{"$s\u0065rde_json::priv\u0061te::RawValue":"{}"}"#, true),
        ] {
            assert_eq!(is_in(document), is_disguised, "{document}");
        }
    }
}

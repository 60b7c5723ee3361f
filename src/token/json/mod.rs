//! Strict reading of JSON: no member twice, bounded depth and size, borrowed text.
//!
//! RFC 8725 section 3.7 and RFC 7515 section 4 want one meaning per token. Two parsers that
//! disagree about `{"aud":"a","aud":"b"}` are an attack, so such a document has no meaning here.

mod skip;
mod texts;

pub(super) use skip::Skip;
pub(super) use texts::{AsTexts, Texts};

use std::borrow::Cow;
use std::cell::Cell;
use std::fmt;
use std::time::Duration;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, Visitor};

use super::ParseError;

/// How deep objects and arrays may nest.
const DEEPEST: u8 = 16;
/// How many members all objects of one document may have together.
const MOST_MEMBERS: u16 = 256;
/// How many elements all arrays of one document may have together.
const MOST_ELEMENTS: u16 = 1024;
/// The last second that a `NumericDate` may name: 9999-12-31T23:59:59Z.
const LAST_SECOND: u64 = 253_402_300_799;

/// Text of a decoded document: a part of it, or a copy where it was written with escapes.
#[derive(Clone, Debug)]
pub(super) enum Text {
    Part { start: usize, end: usize },
    Copy(Box<str>),
}

impl Text {
    /// The text, given the document that it was read from.
    pub(super) fn of<'a>(&'a self, document: &'a str) -> &'a str {
        match self {
            Self::Part { start, end } => document.get(*start..*end).unwrap_or_default(),
            Self::Copy(text) => text,
        }
    }
}

/// What one reading shares: the document, what is left of its budget, and why it was refused.
#[derive(Debug)]
pub(super) struct Reading<'a> {
    document: &'a str,
    members: Cell<u16>,
    elements: Cell<u16>,
    fault: Cell<Option<ParseError>>,
}

impl<'a> Reading<'a> {
    pub(super) const fn new(document: &'a str) -> Self {
        Self {
            document,
            members: Cell::new(MOST_MEMBERS),
            elements: Cell::new(MOST_ELEMENTS),
            fault: Cell::new(None),
        }
    }

    /// Reads `part`, a slice of the document, which must be one JSON object and nothing else.
    pub(super) fn object<'de, V: Visitor<'de>>(
        &self,
        part: &'de str,
        visitor: V,
    ) -> Result<V::Value, ParseError> {
        let mut reader = serde_json::Deserializer::from_str(part);
        let read = Deserializer::deserialize_map(&mut reader, visitor);
        read.and_then(|value| reader.end().map(|()| value))
            .map_err(|error| {
                let by_kind = if error.is_data() {
                    ParseError::Member
                } else {
                    ParseError::Json
                };
                self.fault.get().unwrap_or(by_kind)
            })
    }

    pub(super) fn refuse<E: Error>(&self, why: ParseError) -> E {
        self.fault.set(Some(why));
        E::custom("refused")
    }

    /// The name of the next member, counted.
    pub(super) fn name<'de, M: MapAccess<'de>>(
        &self,
        map: &mut M,
    ) -> Result<Option<Cow<'de, str>>, M::Error> {
        let name = map.next_key_seed(Name)?;
        if name.is_some() {
            self.spend(&self.members)?;
        }
        Ok(name)
    }

    /// Puts a value into its place, unless the place is taken.
    pub(super) fn once<T, E: Error>(&self, place: &mut Option<T>, value: T) -> Result<(), E> {
        match place.replace(value) {
            None => Ok(()),
            Some(_) => Err(self.refuse(ParseError::Duplicate)),
        }
    }

    /// The depth of what is inside an array or object at `depth`.
    fn deeper<E: Error>(&self, depth: u8) -> Result<u8, E> {
        if depth > DEEPEST {
            return Err(self.refuse(ParseError::TooComplex));
        }
        Ok(depth.saturating_add(1))
    }

    fn spend<E: Error>(&self, budget: &Cell<u16>) -> Result<(), E> {
        match budget.get().checked_sub(1) {
            Some(left) => {
                budget.set(left);
                Ok(())
            }
            None => Err(self.refuse(ParseError::TooComplex)),
        }
    }

    /// The text of `text`, which was read from this document.
    pub(super) fn text_of<'t>(&'t self, text: &'t Text) -> &'t str {
        text.of(self.document)
    }

    fn text(&self, value: Cow<'_, str>) -> Text {
        let start = match &value {
            Cow::Borrowed(text) => text
                .as_ptr()
                .addr()
                .checked_sub(self.document.as_ptr().addr()),
            Cow::Owned(_) => None,
        };
        match start {
            Some(start) => Text::Part {
                start,
                end: start.saturating_add(value.len()),
            },
            None => Text::Copy(value.into()),
        }
    }
}

/// The names of the members that nothing here reads, to see one twice.
#[derive(Debug, Default)]
pub(super) struct Others<'de>(Vec<Cow<'de, str>>);

impl<'de> Others<'de> {
    /// Skips the value of the member `name`, at `depth`, strictly.
    pub(super) fn skip<M: MapAccess<'de>>(
        &mut self,
        reading: &Reading<'_>,
        name: Cow<'de, str>,
        map: &mut M,
        depth: u8,
    ) -> Result<(), M::Error> {
        if self.0.contains(&name) {
            return Err(reading.refuse(ParseError::Duplicate));
        }
        self.0.push(name);
        map.next_value_seed(Skip { reading, depth })
    }
}

/// A member name or a string: borrowed from the document where it has no escapes.
struct Name;

impl<'de> DeserializeSeed<'de> for Name {
    type Value = Cow<'de, str>;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Self::Value, D::Error> {
        from.deserialize_str(self)
    }
}

impl<'de> Visitor<'de> for Name {
    type Value = Cow<'de, str>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string")
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(Cow::Borrowed(text))
    }

    fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Cow::Owned(text.to_owned()))
    }
}

/// A member that must be a string.
#[derive(Clone, Copy, Debug)]
pub(super) struct AsText<'a>(pub(super) &'a Reading<'a>);

impl<'de> DeserializeSeed<'de> for AsText<'_> {
    type Value = Text;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Text, D::Error> {
        Name.deserialize(from).map(|text| self.0.text(text))
    }
}

/// A member that must be a `NumericDate`: a finite number of seconds, fractions allowed, from 1970
/// to 9999 (RFC 7519 section 2). It is read as the time since 1970.
#[derive(Clone, Copy, Debug)]
pub(super) struct AsDate;

impl<'de> DeserializeSeed<'de> for AsDate {
    type Value = Duration;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Self::Value, D::Error> {
        from.deserialize_f64(self)
    }
}

impl Visitor<'_> for AsDate {
    type Value = Duration;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a number of seconds from 1970 to 9999")
    }

    fn visit_u64<E: Error>(self, seconds: u64) -> Result<Duration, E> {
        if seconds > LAST_SECOND {
            return Err(E::custom("out of range"));
        }
        Ok(Duration::from_secs(seconds))
    }

    fn visit_i64<E: Error>(self, seconds: i64) -> Result<Duration, E> {
        self.visit_u64(u64::try_from(seconds).map_err(E::custom)?)
    }

    fn visit_f64<E: Error>(self, seconds: f64) -> Result<Duration, E> {
        let since_1970 = Duration::try_from_secs_f64(seconds).map_err(E::custom)?;
        if since_1970 > Duration::from_secs(LAST_SECOND) {
            return Err(E::custom("out of range"));
        }
        Ok(since_1970)
    }
}

//! Members that are one text or several.

use std::borrow::Cow;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};

use super::{Reading, Skip, Text};

/// A member that may be a string or an array of strings. What it is matters only to some issuers,
/// so a wrong type is kept and judged later.
#[derive(Debug)]
pub(in crate::token) enum Texts {
    One(Text),
    Many(Vec<Text>),
    Wrong,
}

impl Texts {
    /// The strings, given the document; nothing for a wrong type.
    pub(in crate::token) fn of<'a>(&'a self, document: &'a str) -> impl Iterator<Item = &'a str> {
        let texts = match self {
            Self::One(text) => std::slice::from_ref(text),
            Self::Many(texts) => texts.as_slice(),
            Self::Wrong => &[],
        };
        texts.iter().map(move |text| text.of(document))
    }
}

/// Reads [`Texts`].
#[derive(Clone, Copy, Debug)]
pub(in crate::token) struct AsTexts<'a> {
    reading: &'a Reading<'a>,
    /// How deep an array or object would be that starts here.
    depth: u8,
}

impl<'a> AsTexts<'a> {
    /// Reads the value of a member of the outermost object.
    pub(in crate::token) const fn new(reading: &'a Reading<'a>) -> Self {
        Self { reading, depth: 2 }
    }
}

impl<'de> DeserializeSeed<'de> for AsTexts<'_> {
    type Value = Texts;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Texts, D::Error> {
        from.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for AsTexts<'_> {
    type Value = Texts;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string or an array of strings")
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Texts, E> {
        Ok(Texts::One(self.reading.text(Cow::Borrowed(text))))
    }

    fn visit_str<E>(self, text: &str) -> Result<Texts, E> {
        Ok(Texts::One(self.reading.text(Cow::Owned(text.to_owned()))))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Texts, A::Error> {
        let reading = self.reading;
        let depth = reading.deeper(self.depth)?;
        let mut texts = Some(Vec::new());
        // An element of another type spoils the member, and the rest is still read strictly.
        while let Some(element) = seq.next_element_seed(Self { reading, depth })? {
            reading.spend(&reading.elements)?;
            match (element, &mut texts) {
                (Texts::One(text), Some(texts)) => texts.push(text),
                (_, texts) => *texts = None,
            }
        }
        Ok(texts.map_or(Texts::Wrong, Texts::Many))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Texts, A::Error> {
        let Self { reading, depth } = self;
        Skip { reading, depth }.visit_map(map)?;
        Ok(Texts::Wrong)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Texts, E> {
        Ok(Texts::Wrong)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Texts, E> {
        Ok(Texts::Wrong)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Texts, E> {
        Ok(Texts::Wrong)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Texts, E> {
        Ok(Texts::Wrong)
    }

    fn visit_unit<E>(self) -> Result<Texts, E> {
        Ok(Texts::Wrong)
    }
}

//! Members of a JSON object, borrowed.
//!
//! Others read JSON otherwise: some take the last of two members with one name, some (Go's
//! `encoding/json`) take `Method` for `method`. What such a reader could take for a member that is
//! decided about is refused.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

/// Members that are looked for in one object. The value of the last is read by `S`, in the same go.
#[derive(Clone, Copy)]
pub(super) struct Wanted<const N: usize, S> {
    pub(super) names: [&'static str; N],
    pub(super) last: (&'static str, S),
}

/// What was found.
pub(super) struct Found<'a, const N: usize, T> {
    pub(super) values: [Option<&'a RawValue>; N],
    pub(super) last: Option<T>,
    pub(super) is_object: bool,
    /// Whether one of them stands twice.
    is_twice: bool,
    strangers: Strangers,
}

/// What else there is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Strangers {
    None,
    Others,
    /// A name looks like one that is looked for.
    Similar,
}

impl<const N: usize, T> Found<'_, N, T> {
    const fn nothing() -> Self {
        Self {
            values: [None; N],
            last: None,
            is_object: false,
            is_twice: false,
            strangers: Strangers::None,
        }
    }

    /// Whether it is an object that no reader takes for another one.
    pub(super) const fn is_plain(&self) -> bool {
        self.is_well_formed() && !matches!(self.strangers, Strangers::Similar)
    }

    /// The same, with nothing in it but what was looked for.
    pub(super) const fn is_known(&self) -> bool {
        self.is_well_formed() && matches!(self.strangers, Strangers::None)
    }

    /// The same for names that may look like others.
    pub(super) const fn is_well_formed(&self) -> bool {
        self.is_object && !self.is_twice
    }
}

/// A value as it was written.
#[derive(Clone, Copy)]
pub(super) struct Raw;

impl<'de> DeserializeSeed<'de> for Raw {
    type Value = &'de RawValue;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Self::Value, D::Error> {
        serde::Deserialize::deserialize(from)
    }
}

impl<const N: usize, S> Wanted<N, S> {
    /// What is in `document`; nothing if that is no JSON.
    pub(super) fn read<'de>(self, document: &'de str) -> Option<Found<'de, N, S::Value>>
    where
        S: DeserializeSeed<'de> + Copy,
    {
        let mut reader = serde_json::Deserializer::from_str(document);
        let found = self.deserialize(&mut reader).ok()?;
        reader.end().ok()?;
        Some(found)
    }
}

impl<'de, const N: usize, S: DeserializeSeed<'de> + Copy> DeserializeSeed<'de> for Wanted<N, S> {
    type Value = Found<'de, N, S::Value>;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Self::Value, D::Error> {
        from.deserialize_any(self)
    }
}

impl<'de, const N: usize, S: DeserializeSeed<'de> + Copy> Visitor<'de> for Wanted<N, S> {
    type Value = Found<'de, N, S::Value>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON document")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut found = Found {
            is_object: true,
            ..Found::nothing()
        };
        let (last, read) = self.last;
        let name = Name {
            names: &self.names,
            last,
        };
        while let Some(place) = map.next_key_seed(name)? {
            match place {
                Place::At(at) => {
                    let value = map.next_value()?;
                    let place = found.values.get_mut(at);
                    found.is_twice |= place.is_none_or(|place| place.replace(value).is_some());
                }
                Place::Last => {
                    let value = map.next_value_seed(read)?;
                    found.is_twice |= found.last.replace(value).is_some();
                }
                Place::Similar => {
                    found.strangers = Strangers::Similar;
                    map.next_value::<IgnoredAny>()?;
                }
                Place::None => {
                    found.strangers = found.strangers.max(Strangers::Others);
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(found)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
        while seq.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Found::nothing())
    }

    fn visit_str<E>(self, _: &str) -> Result<Self::Value, E> {
        Ok(Found::nothing())
    }

    fn visit_bool<E>(self, _: bool) -> Result<Self::Value, E> {
        Ok(Found::nothing())
    }

    fn visit_i64<E>(self, _: i64) -> Result<Self::Value, E> {
        Ok(Found::nothing())
    }

    fn visit_u64<E>(self, _: u64) -> Result<Self::Value, E> {
        Ok(Found::nothing())
    }

    fn visit_f64<E>(self, _: f64) -> Result<Self::Value, E> {
        Ok(Found::nothing())
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(Found::nothing())
    }
}

/// Finds a name among those that are looked for.
#[derive(Clone, Copy)]
struct Name<'n, const N: usize> {
    names: &'n [&'static str; N],
    last: &'static str,
}

enum Place {
    At(usize),
    Last,
    Similar,
    None,
}

impl<'de, const N: usize> DeserializeSeed<'de> for Name<'_, N> {
    type Value = Place;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Place, D::Error> {
        from.deserialize_str(self)
    }
}

impl<const N: usize> Visitor<'_> for Name<'_, N> {
    type Value = Place;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a name")
    }

    fn visit_str<E: Error>(self, name: &str) -> Result<Place, E> {
        if name == self.last {
            return Ok(Place::Last);
        }
        if let Some(at) = self.names.iter().position(|wanted| *wanted == name) {
            return Ok(Place::At(at));
        }
        let is_similar = |wanted: &str| wanted.chars().map(folded).eq(name.chars().map(folded));
        let mut all = self.names.iter().chain([&self.last]);
        Ok(if all.any(|wanted| is_similar(wanted)) {
            Place::Similar
        } else {
            Place::None
        })
    }
}

/// A letter without its case, as far as a letter of ASCII can come of it.
const fn folded(letter: char) -> char {
    match letter {
        '\u{17f}' => 's',
        '\u{212a}' => 'k',
        '\u{130}' | '\u{131}' => 'i',
        _ => letter.to_ascii_lowercase(),
    }
}

/// A name without its case.
pub(super) fn fold(name: &str) -> String {
    name.chars().map(folded).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(object: &str) -> Option<Vec<Option<&str>>> {
        let wanted = Wanted {
            names: ["task"],
            last: ("kind", Raw),
        };
        let found = wanted.read(object).filter(Found::is_plain)?;
        let [task] = found.values;
        Some(
            [task, found.last]
                .map(|value| value.map(RawValue::get))
                .to_vec(),
        )
    }

    #[test]
    fn a_member_is_found_once_and_in_its_own_spelling() {
        assert_eq!(read("{}"), Some(vec![None, None]));
        assert_eq!(
            read(r#"{"kind":null,"t\u0061sk":[1],"other":{"kind":1}}"#),
            Some(vec![Some("[1]"), Some("null")])
        );
        for refused in [
            r#"{"kind":1,"kind":1}"#,
            r#"{"kind":1,"k\u0069nd":1}"#,
            r#"{"kind":1,"Kind":1}"#,
            r#"{"KIND":1}"#,
            "{\"\u{212a}ind\":1}",
            "{\"ta\u{17f}k\":1}",
            r#"{"kind":1} "#,
            r#"{"kind":1,}"#,
            "[]",
            r#"["kind"]"#,
            "",
        ] {
            let taken = read(refused);
            // A blank after it is no other document.
            assert_eq!(taken.is_some(), refused.ends_with("} "), "{refused}");
        }
    }
}

//! How values are read, so that each fault says where it is.
//!
//! The traits that `serde` derives say what is wrong, and not at which key; and they repeat the value,
//! which may be a secret. Here each value is read with its path at hand, and an error is made where the
//! format still knows the line.

use std::fmt;
use std::marker::PhantomData;

use serde::Deserializer;
use serde::de::{self, DeserializeSeed, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::error::{Problem, SettingError, listed};
use super::path::Path;

/// What a value can be made of. Whatever is not said is refused.
pub(super) trait Value: Sized {
    /// What is expected, after the word "expected".
    fn expected() -> String;

    fn of_flag(_: bool) -> Result<Self, Problem> {
        Self::of_other("a boolean")
    }

    fn of_number(_: i128) -> Result<Self, Problem> {
        Self::of_other("a whole number")
    }

    fn of_text(_: &str) -> Result<Self, Problem> {
        Self::of_other("text")
    }

    fn of_list<'de, A: SeqAccess<'de>>(at: Path<'_>, _: A) -> Result<Self, A::Error> {
        Self::of_other("a list").map_err(|problem| at.error(problem))
    }

    fn of_table<'de, A: MapAccess<'de>>(at: Path<'_>, _: A) -> Result<Self, A::Error> {
        Self::of_other("a table").map_err(|problem| at.error(problem))
    }

    /// Anything else, and everything that is not said.
    fn of_other(found: &'static str) -> Result<Self, Problem> {
        Err(Problem::Unexpected(Self::expected().into(), found))
    }
}

/// Reads a value at its path.
pub(super) struct At<'p, T> {
    at: Path<'p>,
    value: PhantomData<fn() -> T>,
}

impl<'p, T> At<'p, T> {
    pub(super) const fn new(at: Path<'p>) -> Self {
        let value = PhantomData;
        Self { at, value }
    }

    fn settled<E: de::Error>(&self, value: Result<T, Problem>) -> Result<T, E> {
        value.map_err(|problem| self.at.error(problem))
    }
}

impl<'de, T: Value> DeserializeSeed<'de> for At<'_, T> {
    type Value = T;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<T, D::Error> {
        // Formats that are asked for a number would repeat the text that they find instead.
        from.deserialize_any(self)
    }
}

impl<'de, T: Value> Visitor<'de> for At<'_, T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&T::expected())
    }

    fn visit_bool<E: de::Error>(self, flag: bool) -> Result<T, E> {
        self.settled(T::of_flag(flag))
    }

    fn visit_i64<E: de::Error>(self, number: i64) -> Result<T, E> {
        self.settled(T::of_number(number.into()))
    }

    fn visit_u64<E: de::Error>(self, number: u64) -> Result<T, E> {
        self.settled(T::of_number(number.into()))
    }

    fn visit_i128<E: de::Error>(self, number: i128) -> Result<T, E> {
        self.settled(T::of_number(number))
    }

    fn visit_u128<E: de::Error>(self, number: u128) -> Result<T, E> {
        self.settled(T::of_number(number.try_into().unwrap_or(i128::MAX)))
    }

    fn visit_f64<E: de::Error>(self, _: f64) -> Result<T, E> {
        self.settled(T::of_other("a floating-point number"))
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<T, E> {
        self.settled(T::of_text(text))
    }

    fn visit_bytes<E: de::Error>(self, _: &[u8]) -> Result<T, E> {
        self.settled(T::of_other("bytes"))
    }

    fn visit_none<E: de::Error>(self) -> Result<T, E> {
        self.settled(T::of_other("nothing"))
    }

    fn visit_unit<E: de::Error>(self) -> Result<T, E> {
        self.visit_none()
    }

    fn visit_some<D: Deserializer<'de>>(self, from: D) -> Result<T, D::Error> {
        from.deserialize_any(self)
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, from: D) -> Result<T, D::Error> {
        from.deserialize_any(self)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<T, A::Error> {
        T::of_list(self.at, list)
    }

    fn visit_map<A: MapAccess<'de>>(self, table: A) -> Result<T, A::Error> {
        T::of_table(self.at, table)
    }
}

/// The keys of a table, each with the place for its value. [`keys!`](super::keys) writes it.
pub(super) trait Table: Default {
    const KEYS: &'static [&'static str];

    fn take<'de, A: MapAccess<'de>>(&mut self, entry: Entry<'_, A>) -> Result<(), A::Error>;
}

/// One entry of a table, whose value was not read yet.
pub(super) struct Entry<'a, A> {
    pub(super) name: &'static str,
    table: &'a mut A,
    at: Path<'a>,
}

impl<'de, A: MapAccess<'de>> Entry<'_, A> {
    /// Reads the value into its place.
    pub(super) fn read<T: Value>(self, place: &mut Option<T>) -> Result<(), A::Error> {
        let at = self.at.key(self.name);
        if place.is_some() {
            return Err(at.error(Problem::Twice));
        }
        *place = Some(self.table.next_value_seed(At::new(at))?);
        Ok(())
    }

    /// Refuses a key that nothing reads.
    pub(super) fn refuse(self, known: &[&'static str]) -> Result<(), A::Error> {
        Err(de::Error::custom(unknown(self.at, self.name, known)))
    }
}

/// Reads a table and judges it as a whole.
pub(super) fn table<'de, T: Table, O, A: MapAccess<'de>>(
    at: Path<'_>,
    mut from: A,
    judge: impl FnOnce(T, Path<'_>) -> Result<O, SettingError>,
) -> Result<O, A::Error> {
    let (keys, unknown) = entries(at, &mut from, false)?;
    let judged = unknown.map_or_else(|| judge(keys, at), Err);
    judged.map_err(de::Error::custom)
}

/// The same for a table that may have a secret in it, written where none should be. What is wrong with
/// the table is told later, for a format that refuses it may show all of it.
#[cfg(feature = "fetch")]
pub(super) fn table_with_secrets<'de, T: Table, O, A: MapAccess<'de>>(
    at: Path<'_>,
    mut from: A,
    judge: impl FnOnce(T, Path<'_>) -> Result<O, SettingError>,
) -> Result<Result<O, SettingError>, A::Error> {
    let (keys, unknown) = entries(at, &mut from, true)?;
    Ok(unknown.map_or_else(|| judge(keys, at), Err))
}

/// All entries of a table; with `later`, what is wrong with the name of one is no error yet.
fn entries<'de, T: Table, A: MapAccess<'de>>(
    at: Path<'_>,
    table: &mut A,
    later: bool,
) -> Result<(T, Option<SettingError>), A::Error> {
    let (mut keys, mut unknown) = (T::default(), None);
    let known = T::KEYS;
    while let Some(name) = table.next_key_seed(Name { at, known, later })? {
        match name {
            Ok(name) => keys.take(Entry { name, table, at })?,
            Err(fault) => {
                table.next_value::<IgnoredAny>()?;
                unknown.get_or_insert(fault);
            }
        }
    }
    Ok((keys, unknown))
}

/// Reads the name of a key: one of these.
struct Name<'p> {
    at: Path<'p>,
    known: &'static [&'static str],
    later: bool,
}

impl<'de> DeserializeSeed<'de> for Name<'_> {
    type Value = Result<&'static str, SettingError>;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Self::Value, D::Error> {
        from.deserialize_identifier(self)
    }
}

impl Visitor<'_> for Name<'_> {
    type Value = Result<&'static str, SettingError>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let known = listed(self.known.iter().copied());
        write!(f, "one of the keys {known}")
    }

    fn visit_str<E: de::Error>(self, name: &str) -> Result<Self::Value, E> {
        let found = self.known.iter().find(|known| **known == name);
        match found {
            Some(name) => Ok(Ok(name)),
            None if self.later => Ok(Err(unknown(self.at, name, self.known))),
            None => Err(E::custom(unknown(self.at, name, self.known))),
        }
    }
}

fn unknown(at: Path<'_>, name: &str, known: &[&'static str]) -> SettingError {
    let there_are = listed(known.iter().copied());
    at.key(name).fault(Problem::Unknown(there_are))
}

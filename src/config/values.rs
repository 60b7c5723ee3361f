//! Values that stand for themselves.

use std::str::FromStr;
use std::time::Duration;

use chrono::TimeDelta;
use serde::de::{MapAccess, SeqAccess};

use super::error::{Problem, SettingError, listed};
use super::path::Path;
use super::read::{At, Value};
use crate::id::IdentifierError;
use crate::jwk::Algorithm;
use crate::scope::ScopeTable;
use crate::token::ClientClaim;

impl Value for bool {
    fn expected() -> String {
        "true or false".to_owned()
    }

    fn of_flag(flag: bool) -> Result<Self, Problem> {
        Ok(flag)
    }
}

/// Text that is not empty.
impl Value for Box<str> {
    fn expected() -> String {
        "text".to_owned()
    }

    fn of_text(text: &str) -> Result<Self, Problem> {
        if text.is_empty() {
            return Self::of_other("empty text");
        }
        Ok(text.into())
    }
}

/// A whole number within bounds.
#[derive(Clone, Copy, Debug)]
pub(super) struct Whole<const LEAST: u64, const MOST: u64>(u64);

impl<const LEAST: u64, const MOST: u64> Whole<LEAST, MOST> {
    pub(super) fn count(self) -> usize {
        self.0.try_into().unwrap_or(usize::MAX)
    }

    pub(super) fn small(self) -> u32 {
        self.0.try_into().unwrap_or(u32::MAX)
    }

    pub(super) const fn seconds(self) -> Duration {
        Duration::from_secs(self.0)
    }

    /// The same, for what is compared with dates.
    pub(super) fn span(self) -> TimeDelta {
        TimeDelta::from_std(self.seconds()).unwrap_or(TimeDelta::MAX)
    }
}

impl<const LEAST: u64, const MOST: u64> Value for Whole<LEAST, MOST> {
    fn expected() -> String {
        format!("a whole number from {LEAST} to {MOST}")
    }

    fn of_number(number: i128) -> Result<Self, Problem> {
        let number = u64::try_from(number).ok();
        match number.filter(|number| (LEAST..=MOST).contains(number)) {
            Some(number) => Ok(Self(number)),
            None => Self::of_other("a number out of range"),
        }
    }
}

/// One of a few words.
pub(super) trait Word: Copy + 'static {
    fn words() -> Vec<(&'static str, Self)>;
}

impl<T: Word> Value for T {
    fn expected() -> String {
        let words = T::words().into_iter().map(|(word, _)| word);
        format!("one of {}", listed(words))
    }

    fn of_text(text: &str) -> Result<Self, Problem> {
        let found = T::words().into_iter().find(|(word, _)| *word == text);
        match found {
            Some((_, value)) => Ok(value),
            None => Self::of_other("another text"),
        }
    }
}

impl Word for Algorithm {
    fn words() -> Vec<(&'static str, Self)> {
        let named = |algorithm: Self| (algorithm.as_str(), algorithm);
        Self::ALL.into_iter().map(named).collect()
    }
}

impl Word for ClientClaim {
    fn words() -> Vec<(&'static str, Self)> {
        vec![
            ("appid", Self::AppId),
            ("azp", Self::Azp),
            ("cid", Self::Cid),
            ("client_id", Self::ClientId),
        ]
    }
}

/// An identifier, or why it is none.
///
/// One that is none and may have a password in it is judged later: a format that refuses a value may
/// show the line that it stands in.
#[derive(Clone, Debug)]
pub(super) struct Identifier<T>(Result<T, IdentifierError>);

impl<T> Identifier<T> {
    pub(super) fn get(&self) -> Result<&T, Problem> {
        self.0.as_ref().map_err(|error| Problem::Identifier(*error))
    }
}

impl<T: FromStr<Err = IdentifierError>> Value for Identifier<T> {
    fn expected() -> String {
        "an https URL".to_owned()
    }

    fn of_text(text: &str) -> Result<Self, Problem> {
        match text.parse() {
            Err(error) if !text.contains('@') => Err(Problem::Identifier(error)),
            identifier => Ok(Self(identifier)),
        }
    }
}

impl<T: Value> Value for Vec<T> {
    fn expected() -> String {
        format!("a list, of {} each", T::expected())
    }

    fn of_list<'de, A: SeqAccess<'de>>(at: Path<'_>, mut list: A) -> Result<Self, A::Error> {
        let mut members = Self::new();
        while let Some(member) = list.next_element_seed(At::new(at.item(members.len())))? {
            members.push(member);
        }
        Ok(members)
    }
}

/// A list that is not empty.
#[derive(Clone, Debug)]
pub(super) struct NonEmpty<T> {
    pub(super) first: T,
    pub(super) rest: Vec<T>,
}

impl<T> NonEmpty<T> {
    pub(super) fn iter(&self) -> impl Iterator<Item = &T> {
        std::iter::once(&self.first).chain(&self.rest)
    }
}

impl<T: Value> Value for NonEmpty<T> {
    fn expected() -> String {
        "a list with one member at least".to_owned()
    }

    fn of_list<'de, A: SeqAccess<'de>>(at: Path<'_>, list: A) -> Result<Self, A::Error> {
        let mut members = Vec::<T>::of_list(at, list)?.into_iter();
        let Some(first) = members.next() else {
            return Self::of_other("an empty list").map_err(|problem| at.error(problem));
        };
        let rest = members.collect();
        Ok(Self { first, rest })
    }
}

/// Something for each of several names, in the order in which they stand.
#[derive(Clone, Debug)]
pub(super) struct Rows<T>(pub(super) Vec<(Box<str>, T)>);

impl<T: Value> Value for Rows<T> {
    fn expected() -> String {
        format!("a table by names, of {} each", T::expected())
    }

    fn of_table<'de, A: MapAccess<'de>>(at: Path<'_>, mut table: A) -> Result<Self, A::Error> {
        let mut rows = Vec::<(Box<str>, T)>::new();
        while let Some(name) = table.next_key_seed(At::<Box<str>>::new(at))? {
            let at = at.key(&name);
            if rows.iter().any(|(known, _)| *known == name) {
                return Err(at.error(Problem::Twice));
            }
            let value = table.next_value_seed(At::new(at))?;
            rows.push((name, value));
        }
        Ok(Self(rows))
    }
}

/// Which value of a claim stands for which scopes.
#[derive(Clone, Debug)]
pub(super) struct Mapping(pub(super) Vec<(Box<str>, Scopes)>);

impl Value for Mapping {
    fn expected() -> String {
        "a table of scopes by values of the claim".to_owned()
    }

    fn of_table<'de, A: MapAccess<'de>>(at: Path<'_>, table: A) -> Result<Self, A::Error> {
        let Rows(rows) = Rows::of_table(at, table)?;
        if rows.is_empty() {
            return Self::of_other("an empty table").map_err(|problem| at.error(problem));
        }
        Ok(Self(rows))
    }
}

/// One scope or several.
#[derive(Clone, Debug)]
pub(super) enum Scopes {
    One(Box<str>),
    Several(NonEmpty<Box<str>>),
}

impl Scopes {
    /// Each with the path that it stands at.
    pub(super) fn each<E>(
        &self,
        at: Path<'_>,
        mut visit: impl FnMut(Path<'_>, &str) -> Result<(), E>,
    ) -> Result<(), E> {
        match self {
            Self::One(scope) => visit(at, scope),
            Self::Several(scopes) => {
                let mut scopes = scopes.iter().enumerate();
                scopes.try_for_each(|(place, scope)| visit(at.item(place), scope))
            }
        }
    }
}

impl Value for Scopes {
    fn expected() -> String {
        "the name of a scope, or a list of them".to_owned()
    }

    fn of_text(text: &str) -> Result<Self, Problem> {
        Box::<str>::of_text(text).map(Self::One)
    }

    fn of_list<'de, A: SeqAccess<'de>>(at: Path<'_>, list: A) -> Result<Self, A::Error> {
        NonEmpty::of_list(at, list).map(Self::Several)
    }
}

/// The scope of this name in a vocabulary.
pub(super) fn scope_of(
    known: &ScopeTable,
    at: Path<'_>,
    name: &str,
) -> Result<&'static str, SettingError> {
    known.text(name).ok_or_else(|| {
        let names = listed(known.names(u64::MAX));
        at.fault(Problem::NoScope(names))
    })
}

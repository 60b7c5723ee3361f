//! The keys that seal what clients carry, as they are named.

use serde::de::{MapAccess, SeqAccess};

use super::error::{Problem, SettingError};
use super::path::Path;
use super::read::Value;
use super::reference::Reference;
use super::values::NonEmpty;
use crate::session::{SealKey, SealKeys};

/// Which keys seal what clients carry.
#[derive(Clone, Debug)]
pub(super) enum SealSetting {
    ThisProcessOnly,
    Keys(NonEmpty<Reference>),
}

/// The text that stands for a key which is over with the process.
const THIS_PROCESS_ONLY: &str = "this_process_only";

impl SealSetting {
    fn one(key: Reference) -> Self {
        let (first, rest) = (key, Vec::new());
        Self::Keys(NonEmpty { first, rest })
    }

    /// The keys, which are read now.
    pub(super) fn keys(&self, at: Path<'_>) -> Result<SealKeys, SettingError> {
        let key = |at: Path<'_>, reference: &Reference| {
            let key = reference.text(at)?.parse::<SealKey>();
            key.map_err(|error| at.fault(Problem::SealKey(error)))
        };
        match self {
            Self::ThisProcessOnly => Ok(SealKeys::this_process_only()),
            Self::Keys(NonEmpty { first, rest }) => {
                let first = key(at.item(0), first)?;
                let rest = (1..)
                    .zip(rest)
                    .map(|(place, rest)| key(at.item(place), rest));
                let rest: Result<Vec<_>, _> = rest.collect();
                Ok(SealKeys::in_order(first, rest?))
            }
        }
    }

    /// Whether each key is named; nothing is read.
    pub(super) fn check(&self, at: Path<'_>) -> Result<(), SettingError> {
        match self {
            Self::ThisProcessOnly => Ok(()),
            Self::Keys(keys) => {
                let mut keys = keys.iter().enumerate();
                keys.try_for_each(|(place, key)| key.check(at.item(place)))
            }
        }
    }
}

impl Value for SealSetting {
    fn expected() -> String {
        format!("a list of references to keys, or `{THIS_PROCESS_ONLY}`")
    }

    fn of_text(text: &str) -> Result<Self, Problem> {
        if text == THIS_PROCESS_ONLY {
            return Ok(Self::ThisProcessOnly);
        }
        Reference::of_text(text).map(Self::one)
    }

    fn of_list<'de, A: SeqAccess<'de>>(at: Path<'_>, list: A) -> Result<Self, A::Error> {
        NonEmpty::of_list(at, list).map(Self::Keys)
    }

    fn of_table<'de, A: MapAccess<'de>>(at: Path<'_>, table: A) -> Result<Self, A::Error> {
        Reference::of_table(at, table).map(Self::one)
    }
}

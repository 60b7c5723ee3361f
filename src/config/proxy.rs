//! A proxy, whose URL may be a secret.

use serde::de::MapAccess;

use super::error::{Problem, SettingError};
use super::path::Path;
use super::read::Value;
use super::reference::Reference;

/// The URL of a proxy: as text if nothing in it is a secret, or else by reference.
#[derive(Clone)]
pub(super) enum Proxy {
    Url(Box<str>),
    Secret(Reference),
}

impl Proxy {
    pub(super) fn url(&self, at: Path<'_>) -> Result<Box<str>, SettingError> {
        match self {
            Self::Url(url) => Ok(url.clone()),
            // The text is kept by the builder, as one that was given to it in code.
            Self::Secret(reference) => reference.text(at).map(|url| url.as_str().into()),
        }
    }
}

impl Value for Proxy {
    fn expected() -> String {
        "an http or https URL without a password, or a reference to one".to_owned()
    }

    fn of_text(text: &str) -> Result<Self, Problem> {
        if text.contains('@') {
            return Reference::of_text(text).map(Self::Secret);
        }
        Box::<str>::of_text(text).map(Self::Url)
    }

    fn of_table<'de, A: MapAccess<'de>>(at: Path<'_>, table: A) -> Result<Self, A::Error> {
        Reference::of_table(at, table).map(Self::Secret)
    }
}

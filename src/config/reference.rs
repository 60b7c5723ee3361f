//! Secrets, which stand elsewhere: in an environment variable or in a file.

use std::env;
use std::io::ErrorKind;

use serde::de::{IgnoredAny, MapAccess, SeqAccess};
use zeroize::Zeroizing;

use super::error::{Problem, SecretProblem, SettingError};
use super::path::Path;
use super::read::{At, Value};
use crate::secret::read_file;

/// The longest secret that is read, in bytes: more than any key is long.
const LONGEST: usize = 64 * 1024;

/// What names a secret.
///
/// Whatever is wrong with it is told when the secret is needed, and not while the text is read: a
/// format that refuses a value may show the line that it stands in, and the secret may stand there.
#[derive(Clone, Debug)]
pub(super) enum Reference {
    Variable(Box<str>),
    File(Box<str>),
    Wrong(SecretProblem),
}

impl Reference {
    fn variable(name: Box<str>) -> Self {
        let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte);
        if !name.is_empty() && name.bytes().all(fits) {
            Self::Variable(name)
        } else {
            // It may be the secret itself, so it must not be shown as a name.
            Self::Wrong(SecretProblem::NotAVariableName)
        }
    }

    fn file(name: Box<str>) -> Self {
        if name.is_empty() || name.contains(char::is_control) {
            Self::Wrong(SecretProblem::NotAFileName)
        } else {
            Self::File(name)
        }
    }

    /// Whether it names something; nothing is read.
    pub(super) fn check(&self, at: Path<'_>) -> Result<(), SettingError> {
        match self {
            Self::Variable(_) | Self::File(_) => Ok(()),
            Self::Wrong(problem) => Err(at.fault(problem.clone().into())),
        }
    }

    /// The secret.
    pub(super) fn text(&self, at: Path<'_>) -> Result<Zeroizing<String>, SettingError> {
        let (name, bytes) = match self {
            Self::Variable(name) => (name, in_variable(name)),
            Self::File(name) => (name, in_file(name)),
            Self::Wrong(problem) => return Err(at.fault(problem.clone().into())),
        };
        let bytes = bytes.map_err(|problem| at.fault(problem))?;
        match std::str::from_utf8(&bytes) {
            Ok(text) => Ok(Zeroizing::new(text.to_owned())),
            Err(_) => Err(at.fault(SecretProblem::NotText(name.clone()).into())),
        }
    }
}

fn in_variable(name: &str) -> Result<Zeroizing<Vec<u8>>, Problem> {
    let Some(value) = env::var_os(name) else {
        return Err(SecretProblem::NoVariable(name.into()).into());
    };
    let value = Zeroizing::new(value.into_encoded_bytes());
    if value.is_empty() {
        return Err(SecretProblem::EmptyVariable(name.into()).into());
    }
    Ok(value)
}

/// The file without the newline at its end, which editors and `echo` put there.
fn in_file(name: &str) -> Result<Zeroizing<Vec<u8>>, Problem> {
    let content = read_file(name.as_ref(), LONGEST);
    let mut content = content.map_err(|error| {
        let kind = error.kind();
        if kind == ErrorKind::FileTooLarge {
            return SecretProblem::TooLong(name.into()).into();
        }
        Problem::File(name.into(), kind)
    })?;
    for end in [b'\n', b'\r'] {
        if content.last() != Some(&end) {
            break;
        }
        content.pop();
    }
    if content.is_empty() {
        return Err(SecretProblem::EmptyFile(name.into()).into());
    }
    Ok(content)
}

impl Value for Reference {
    fn expected() -> String {
        "the name of a secret".to_owned()
    }

    fn of_text(_: &str) -> Result<Self, Problem> {
        Ok(Self::Wrong(SecretProblem::InText))
    }

    fn of_other(_: &'static str) -> Result<Self, Problem> {
        Ok(Self::Wrong(SecretProblem::NoReference))
    }

    fn of_list<'de, A: SeqAccess<'de>>(at: Path<'_>, list: A) -> Result<Self, A::Error> {
        Anything::of_list(at, list)?;
        Ok(Self::Wrong(SecretProblem::NoReference))
    }

    fn of_table<'de, A: MapAccess<'de>>(at: Path<'_>, mut table: A) -> Result<Self, A::Error> {
        let mut found = None;
        let mut is_alone = true;
        while let Some(key) = table.next_key_seed(At::<Anything>::new(at))? {
            let value = table.next_value_seed(At::<Anything>::new(at))?;
            let reference = match (key, value) {
                (Anything::Text(key), Anything::Text(name)) if &*key == "env" => {
                    Self::variable(name)
                }
                (Anything::Text(key), Anything::Text(name)) if &*key == "file" => Self::file(name),
                _ => Self::Wrong(SecretProblem::NoReference),
            };
            is_alone &= found.replace(reference).is_none();
        }
        let found = found.filter(|_| is_alone);
        Ok(found.unwrap_or(Self::Wrong(SecretProblem::NoReference)))
    }
}

/// What is read without a word, whatever it is.
enum Anything {
    Text(Box<str>),
    Other,
}

impl Value for Anything {
    fn expected() -> String {
        "anything".to_owned()
    }

    fn of_text(text: &str) -> Result<Self, Problem> {
        Ok(Self::Text(text.into()))
    }

    fn of_other(_: &'static str) -> Result<Self, Problem> {
        Ok(Self::Other)
    }

    fn of_list<'de, A: SeqAccess<'de>>(_: Path<'_>, mut list: A) -> Result<Self, A::Error> {
        while list.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Self::Other)
    }

    fn of_table<'de, A: MapAccess<'de>>(_: Path<'_>, mut table: A) -> Result<Self, A::Error> {
        while table.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Self::Other)
    }
}

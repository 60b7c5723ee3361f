//! What can be wrong with a setting.

use std::fmt;
use std::io;

#[cfg(feature = "fetch")]
use crate::credentials::ClientKeyError;
use crate::guard::ConfigError;
use crate::id::IdentifierError;
use crate::session::SealKeyError;

/// What is wrong with one setting: which key it is, and what was expected there.
///
/// The same sentence stands in the error of the format when a setting is refused while the text is
/// read; the format adds the line. No value is in it, for a value may be a secret that stands in the
/// wrong place: only names of keys, of environment variables and of files are, and what
/// [`ConfigError`] says.
///
/// # Examples
/// ```
/// use clearance::config::Config;
/// use clearance::mcp::McpScopes;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let config: Config = toml::from_str(
///     r#"
///     resource = "https://files.example.com/mcp"
///     baseline = ["files:read"]
///     issuers = [{ identifier = "https://auth.example.com" }]
///     "#,
/// )?;
/// let error = config.builder::<McpScopes>().unwrap_err();
/// assert_eq!(error.key(), "baseline[0]");
/// assert!(error.to_string().starts_with("`baseline[0]`: expected a scope of the vocabulary: "));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SettingError {
    key: Box<str>,
    problem: Problem,
}

impl SettingError {
    pub(super) fn new(key: impl Into<Box<str>>, problem: Problem) -> Self {
        let key = key.into();
        Self { key, problem }
    }

    /// The key, with all that leads to it: `issuers[1].introspection.client_secret`. Empty if it is not
    /// one key that is wrong.
    pub fn key(&self) -> &str {
        &self.key
    }
}

impl fmt::Display for SettingError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.key.is_empty() {
            write!(f, "`{}`: ", self.key)?;
        }
        fmt::Display::fmt(&self.problem, f)
    }
}

impl std::error::Error for SettingError {}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Problem {
    #[error("must not be given together with `{0}`")]
    Beside(&'static str),
    #[cfg(feature = "fetch")]
    #[error("{0}")]
    ClientKey(ClientKeyError),
    #[error("expected {0}")]
    Expected(Box<str>),
    #[error("the file `{0}` cannot be read: {1}")]
    File(Box<str>, io::ErrorKind),
    #[error("{0}")]
    Guard(ConfigError),
    #[error("{0}")]
    Identifier(IdentifierError),
    #[error("is missing{0}")]
    Missing(&'static str),
    #[error("expected a scope of the vocabulary: {0}")]
    NoScope(Box<str>),
    #[error("{0}")]
    SealKey(SealKeyError),
    #[error("{0}")]
    Secret(SecretProblem),
    #[error("stands twice")]
    Twice,
    #[error("expected {0}, found {1}")]
    Unexpected(Box<str>, &'static str),
    #[error("there is no such key; there are {0}")]
    Unknown(Box<str>),
    #[error("means nothing with {0}")]
    With(&'static str),
    #[cfg(feature = "fetch")]
    #[error("means nothing without `{0}`")]
    Without(&'static str),
}

/// Why there is no secret to be had. What is there instead is never shown.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum SecretProblem {
    #[error("the environment variable `{0}` is empty")]
    EmptyVariable(Box<str>),
    #[error("the file `{0}` is empty")]
    EmptyFile(Box<str>),
    #[error(
        "a secret does not stand in the configuration: name what holds it, \
         `{{ env = \"NAME\" }}` or `{{ file = \"/run/secrets/name\" }}`"
    )]
    InText,
    #[error(
        "expected `{{ env = \"NAME\" }}` or `{{ file = \"/run/secrets/name\" }}`, and no other key"
    )]
    NoReference,
    #[error("expected the name of a file, without control characters")]
    NotAFileName,
    #[error("expected the name of an environment variable: letters, digits, `_`, `.` and `-`")]
    NotAVariableName,
    #[error("what `{0}` holds is not UTF-8")]
    NotText(Box<str>),
    #[error("the environment variable `{0}` is not set")]
    NoVariable(Box<str>),
    #[error("the file `{0}` is longer than 64 KiB")]
    TooLong(Box<str>),
}

impl From<SecretProblem> for Problem {
    fn from(problem: SecretProblem) -> Self {
        Self::Secret(problem)
    }
}

impl Problem {
    pub(super) fn expected(what: impl Into<Box<str>>) -> Self {
        Self::Expected(what.into())
    }
}

/// Names for a sentence.
pub(super) fn listed(names: impl IntoIterator<Item = &'static str>) -> Box<str> {
    let names: Vec<_> = names.into_iter().map(|name| format!("`{name}`")).collect();
    names.join(", ").into()
}

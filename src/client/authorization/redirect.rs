//! The redirect that answers an authorization request (OAuth 2.1 section 4.1.2).

use std::borrow::Cow;
use std::fmt;

use url::form_urlencoded;
use zeroize::Zeroizing;

use super::AuthorizationError;

/// The longest redirect that is read.
const LONGEST: usize = 16 * 1024;

/// A redirect, as it arrived: the whole of it, because a code alone does not say who gave it.
///
/// # Examples
/// ```
/// use clearance::client::Redirect;
///
/// let redirect = Redirect::from_url("http://127.0.0.1:49152/callback?code=c&state=s&iss=i");
/// assert_eq!(format!("{redirect:?}"), "Redirect(..)");
/// ```
pub struct Redirect(Zeroizing<String>);

/// The parameters that count, decoded.
pub(super) struct Parameters<'a> {
    code: Found<'a>,
    error: Found<'a>,
    iss: Found<'a>,
    state: Found<'a>,
}

/// What stands under one name.
enum Found<'a> {
    Nothing,
    Once(Cow<'a, str>),
    Often,
}

impl Redirect {
    /// The redirect to this URL, or to this path and query.
    pub fn from_url(url: &str) -> Self {
        let url = url.split('#').next().unwrap_or_default();
        let query = url.split_once('?').map_or("", |(_, query)| query);
        Self::from_query(query)
    }

    /// The redirect with this query, without its question mark, and not decoded.
    pub fn from_query(query: &str) -> Self {
        Self(Zeroizing::new(query.to_owned()))
    }

    /// The query, as it arrived, for a host that hands the whole of it on to another process.
    pub fn expose(&self) -> &str {
        &self.0
    }

    pub(super) fn parameters(&self) -> Result<Parameters<'_>, AuthorizationError> {
        if self.0.len() > LONGEST {
            return Err(AuthorizationError::TooLong);
        }
        let mut found = Parameters {
            code: Found::Nothing,
            error: Found::Nothing,
            iss: Found::Nothing,
            state: Found::Nothing,
        };
        for (name, value) in form_urlencoded::parse(self.0.as_bytes()) {
            let place = match &*name {
                "code" => &mut found.code,
                "error" => &mut found.error,
                "iss" => &mut found.iss,
                "state" => &mut found.state,
                _ => continue,
            };
            *place = match place {
                Found::Nothing => Found::Once(value),
                Found::Once(_) | Found::Often => Found::Often,
            };
        }
        Ok(found)
    }
}

impl Parameters<'_> {
    pub(super) fn code(&self) -> Result<Option<&str>, AuthorizationError> {
        self.code.get()
    }

    pub(super) fn error(&self) -> Result<Option<&str>, AuthorizationError> {
        self.error.get()
    }

    pub(super) fn iss(&self) -> Result<Option<&str>, AuthorizationError> {
        self.iss.get()
    }

    pub(super) fn state(&self) -> Result<Option<&str>, AuthorizationError> {
        self.state.get()
    }
}

impl Found<'_> {
    fn get(&self) -> Result<Option<&str>, AuthorizationError> {
        match self {
            Self::Nothing => Ok(None),
            Self::Once(value) => Ok(Some(value)),
            Self::Often => Err(AuthorizationError::Repeated),
        }
    }
}

impl fmt::Debug for Redirect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Redirect(..)")
    }
}

//! The `scope` parameter: some scopes, in the order in which they were written.

use std::fmt;

use super::error::{Code, OAuthError};
use crate::scope::expansion::is_scope_token;

/// More than anybody reads before saying yes.
const MOST_SCOPES: usize = 100;
const LONGEST: usize = 4_096;

/// Scopes without repetition.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct ScopeList(Vec<String>);

impl ScopeList {
    /// Reads a `scope` parameter (RFC 6749 section 3.3).
    ///
    /// # Errors
    /// If it is not scope tokens with one space between them.
    pub(super) fn parse(text: &str) -> Result<Self, OAuthError> {
        if text.len() > LONGEST {
            return Err(too_long());
        }
        let mut list = Vec::new();
        for scope in text.split(' ') {
            if !is_scope_token(scope) {
                let reason = "the scope is not written as RFC 6749 section 3.3 says";
                return Err(OAuthError::new(Code::InvalidScope, reason));
            }
            if list.iter().all(|known| known != scope) {
                list.push(scope.to_owned());
            }
        }
        if list.len() > MOST_SCOPES {
            return Err(too_long());
        }
        Ok(Self(list))
    }

    pub(super) fn contains(&self, scope: &str) -> bool {
        self.0.iter().any(|known| known == scope)
    }

    pub(super) fn is_within(&self, other: &Self) -> bool {
        self.0.iter().all(|scope| other.contains(scope))
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }

    /// What both have.
    pub(super) fn and(&self, other: &Self) -> Self {
        Self(
            self.iter()
                .filter(|scope| other.contains(scope))
                .map(str::to_owned)
                .collect(),
        )
    }
}

impl fmt::Display for ScopeList {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join(" "))
    }
}

fn too_long() -> OAuthError {
    OAuthError::new(Code::InvalidScope, "the scope is longer than anybody reads")
}

//! Answers of a token endpoint (RFC 6749 section 5.1).

use chrono::{DateTime, TimeDelta, Utc};
use serde::Deserialize;
use serde_json::Value;

use super::super::endpoint::Endpoint;
use super::super::registration::Registration;
use super::super::scopes::Scopes;
use super::{SecretText, TokenError, TokenSet};
use crate::id::Resource;
use crate::secret::ClientSecret;

/// The longest lifetime that is believed: ten years.
const LONGEST: i64 = 10 * 366 * 24 * 3600;

#[derive(Deserialize)]
struct Written {
    access_token: Option<SecretText>,
    token_type: Option<String>,
    refresh_token: Option<SecretText>,
    expires_in: Option<Value>,
    scope: Option<Value>,
    issued_token_type: Option<String>,
}

/// What a token endpoint has given.
pub(in super::super) struct TokenAnswer {
    token: ClientSecret,
    token_type: Box<str>,
    pub(in super::super) issued_token_type: Option<Box<str>>,
    refresh: Option<ClientSecret>,
    scope: Option<Scopes>,
    now: DateTime<Utc>,
    deadline: Option<DateTime<Utc>>,
}

/// For whom and for what tokens were asked.
pub(in super::super) struct Asked {
    pub(in super::super) registration: Registration,
    pub(in super::super) endpoint: Endpoint,
    pub(in super::super) resource: Resource,
    pub(in super::super) scopes: Scopes,
}

impl TokenAnswer {
    pub(super) fn read(text: &[u8], now: DateTime<Utc>) -> Result<Self, TokenError> {
        let written: Written = serde_json::from_slice(text)
            .ok()
            .ok_or(TokenError::Malformed)?;
        let filled = |text: &SecretText| !text.0.is_empty();
        let token = written.access_token.filter(filled);
        let token = token.ok_or(TokenError::Malformed)?.into_secret();
        let deadline = written
            .expires_in
            .and_then(|value| seconds(&value))
            .and_then(|seconds| now.checked_add_signed(TimeDelta::seconds(seconds)));
        let scope = written.scope.as_ref().and_then(Value::as_str);
        Ok(Self {
            token,
            token_type: written.token_type.unwrap_or_default().into(),
            issued_token_type: written.issued_token_type.map(Into::into),
            refresh: written
                .refresh_token
                .filter(filled)
                .map(SecretText::into_secret),
            scope: scope.map(|scope| Scopes::read([scope])),
            now,
            deadline,
        })
    }

    /// What is no access token, and is shown to another token endpoint.
    pub(in super::super) fn into_assertion(self) -> ClientSecret {
        self.token
    }

    /// The tokens, if they can be used at a resource.
    pub(in super::super) fn into_tokens(self, asked: Asked) -> Result<TokenSet, TokenError> {
        // No proof of possession was asked for, so none can be given.
        if !self.token_type.eq_ignore_ascii_case("bearer") {
            return Err(TokenError::TokenType);
        }
        if !self
            .token
            .expose()
            .bytes()
            .all(|byte| (0x21..0x7f).contains(&byte))
        {
            return Err(TokenError::Malformed);
        }
        Ok(TokenSet {
            registration: asked.registration,
            endpoint: asked.endpoint,
            resource: asked.resource,
            access: self.token,
            refresh: self.refresh,
            granted: self.scope.unwrap_or_else(|| asked.scopes.clone()),
            requested: asked.scopes,
            obtained_at: self.now,
            deadline: self.deadline,
        })
    }
}

/// A number of seconds, which some servers write as a text. What is no number says nothing.
fn seconds(value: &Value) -> Option<i64> {
    let whole = |number: f64| format!("{number:.0}").parse().ok();
    let written = |text: &str| text.trim().parse().ok();
    let number = value.as_i64().or_else(|| value.as_f64().and_then(whole));
    let number: i64 = number.or_else(|| value.as_str().and_then(written))?;
    Some(number.clamp(0, LONGEST))
}

//! What an issuer says of a token, read by its rules.

use std::sync::{Arc, OnceLock};

use serde_json::Value;

use super::AudienceError;
use super::acceptance::{Acceptance, ClientClaim, IssuerRules, Rules, ScopeSource};
use super::audience::Window;
use super::claims::{Claims, Kind};
use super::json::{Text, Texts};
use super::state::{AudienceVerified, Statement};
use super::verified::{Principal, Verified};
use crate::id::{ClientId, Issuer, IssuerSession, KeyId, Subject, TokenId};
use crate::jwk::Thumbprint;
use crate::scope::Granted;

/// What an issuer says of a token, under its rules.
pub(super) struct Reading<'a> {
    pub(super) rules: &'a Arc<Rules>,
    pub(super) issuer: &'a IssuerRules,
    /// The place of the issuer among those of the guard.
    source: usize,
    statement: &'a Statement,
}

impl<'a> Reading<'a> {
    pub(super) fn of(
        statement: &'a Statement,
        acceptance: &'a Acceptance,
    ) -> Result<Self, AudienceError> {
        let rules = acceptance.rules();
        let mut issuers = rules.issuers.iter().enumerate();
        let (source, issuer) = issuers
            .find(|(_, of)| of.issuer == statement.issuer)
            .ok_or(AudienceError::UnknownIssuer)?;
        Ok(Self {
            rules,
            issuer,
            source,
            statement,
        })
    }

    pub(super) fn claims(&self) -> &Claims {
        &self.statement.claims
    }

    /// All that is left, once its time and its kind are right.
    pub(super) fn accept(
        &self,
        window: Window,
        (signed_by, key_id): (Option<Thumbprint>, Option<&KeyId>),
    ) -> Result<AudienceVerified, AudienceError> {
        self.audience()?;
        Ok(AudienceVerified {
            verified: Arc::new(Verified {
                principal_key: OnceLock::new(),
                principal: self.principal()?,
                token_id: self.token_id()?,
                session: self.session(),
                granted: self.scopes()?,
                extra: self.extra()?,
                issued_at: window.issued_at,
                deadline: window.deadline,
                signed_by,
                key_id: key_id.cloned(),
                source: self.source,
                rules: Arc::clone(self.rules),
            }),
        })
    }

    fn text<'t>(&'t self, text: Option<&'t Text>) -> Option<&'t str> {
        text.map(|text| text.of(&self.statement.decoded))
    }

    /// Refuses a token that is bound to a key.
    pub(super) fn unbound(&self) -> Result<(), AudienceError> {
        match self.claims().confirmation {
            Some(()) => Err(AudienceError::BoundToKey),
            None => Ok(()),
        }
    }

    /// Refuses a JWT of another kind than access tokens are.
    pub(super) fn kind(&self, kind: &Kind) -> Result<(), AudienceError> {
        self.unbound()?;
        let claims = self.claims();
        match kind {
            Kind::AccessToken => Ok(()),
            Kind::Missing | Kind::Jwt if self.issuer.generic_type => {
                // RFC 8725 section 3.12: without a type of their own, the kinds of token must be
                // told apart by claims that the others do not have.
                let scoped = match &self.issuer.scopes {
                    ScopeSource::Scope | ScopeSource::ScopeOrArray => claims.scope.is_some(),
                    ScopeSource::Scp => claims.scp.is_some(),
                    ScopeSource::Mapped { path, .. } => self.at_path(path).is_some(),
                };
                if claims.of_id_token || !scoped {
                    return Err(AudienceError::ForeignType);
                }
                Ok(())
            }
            Kind::Other(kind) if self.issuer.types.contains(kind) => Ok(()),
            Kind::Missing | Kind::Jwt | Kind::Other(_) => Err(AudienceError::ForeignType),
        }
    }

    fn audience(&self) -> Result<(), AudienceError> {
        let Some(audience) = &self.claims().audience else {
            return Err(AudienceError::MissingClaim);
        };
        if matches!(audience, Texts::Wrong) {
            return Err(AudienceError::MissingClaim);
        }
        let accepted = |value: &str| {
            self.rules.resource.is_named_by(value)
                || self
                    .rules
                    .alias
                    .as_ref()
                    .is_some_and(|alias| alias.is_named_by(value))
                || self.issuer.audiences.iter().any(|other| **other == *value)
        };
        if !audience.of(&self.statement.decoded).any(accepted) {
            return Err(AudienceError::OtherResource);
        }
        Ok(())
    }

    fn principal(&self) -> Result<Principal, AudienceError> {
        Ok(Principal {
            issuer: Issuer::clone(&self.issuer.issuer),
            subject: self
                .subject()
                .map(Subject::new)
                .ok_or(AudienceError::MissingClaim)?,
            client: self
                .client()
                .map(ClientId::new)
                .ok_or(AudienceError::MissingClaim)?,
        })
    }

    pub(super) fn subject(&self) -> Option<&str> {
        self.text(self.claims().subject.as_ref())
    }

    pub(super) fn client(&self) -> Option<&str> {
        let claims = self.claims();
        let claim = match self.issuer.client {
            Some(ClientClaim::AppId) => &claims.appid,
            Some(ClientClaim::Azp) => &claims.azp,
            Some(ClientClaim::Cid) => &claims.cid,
            // The option for generic types brings `azp` along.
            None if self.issuer.generic_type && claims.client_id.is_none() => &claims.azp,
            None | Some(ClientClaim::ClientId) => &claims.client_id,
        };
        match claim {
            Some(Texts::One(text)) => self.text(Some(text)).filter(|text| !text.is_empty()),
            None | Some(Texts::Many(_) | Texts::Wrong) => None,
        }
    }

    fn token_id(&self) -> Result<Option<TokenId>, AudienceError> {
        let id = self.text(self.claims().token_id.as_ref()).map(TokenId::new);
        if id.is_none() && self.issuer.token_id_required {
            return Err(AudienceError::MissingClaim);
        }
        Ok(id)
    }

    /// What is no text names no session.
    fn session(&self) -> Option<IssuerSession> {
        match &self.claims().session {
            Some(Texts::One(text)) => self.text(Some(text)).map(IssuerSession::new),
            None | Some(Texts::Many(_) | Texts::Wrong) => None,
        }
    }

    fn scopes(&self) -> Result<Granted, AudienceError> {
        let claims = self.claims();
        let (claim, arrays) = match &self.issuer.scopes {
            ScopeSource::Scope => (&claims.scope, false),
            ScopeSource::ScopeOrArray => (&claims.scope, true),
            ScopeSource::Scp => (&claims.scp, true),
            ScopeSource::Mapped { path, table } => return self.mapped(path, table),
        };
        match claim {
            // Absent means no scope (RFC 9068 section 2.2.3), never all of them.
            None => Ok(Granted::default()),
            Some(Texts::Wrong) => Err(AudienceError::MissingClaim),
            Some(Texts::Many(_)) if !arrays => Err(AudienceError::MissingClaim),
            Some(texts) => {
                let names = texts
                    .of(&self.statement.decoded)
                    .flat_map(|text| words(text.as_bytes()));
                Ok(self
                    .rules
                    .table
                    .read(names.map(|name| self.unprefixed(name))))
            }
        }
    }

    fn unprefixed<'t>(&self, name: &'t [u8]) -> &'t [u8] {
        match &self.issuer.scope_prefix {
            Some(prefix) => name.strip_prefix(prefix.as_bytes()).unwrap_or(name),
            None => name,
        }
    }

    /// Scopes from one other claim. The document was read strictly before, so reading it again
    /// gives the same members.
    fn mapped(
        &self,
        path: &[Box<str>],
        table: &[(Box<str>, Box<str>)],
    ) -> Result<Granted, AudienceError> {
        let values = match self.at_path(path) {
            None => return Ok(Granted::default()),
            Some(Value::String(value)) => vec![Value::String(value)],
            Some(Value::Array(values)) if values.iter().all(Value::is_string) => values,
            Some(_) => return Err(AudienceError::MissingClaim),
        };
        let scopes = values.iter().flat_map(|value| {
            let of_value = table
                .iter()
                .filter(|(from, _)| value.as_str() == Some(from));
            of_value.map(|(_, scope)| scope.as_bytes())
        });
        Ok(self.rules.table.read(scopes))
    }

    fn at_path(&self, path: &[Box<str>]) -> Option<Value> {
        let mut value: Value = serde_json::from_str(self.claims_text()).ok()?;
        for name in path {
            value = value.get_mut(&**name)?.take();
        }
        Some(value)
    }

    fn extra(&self) -> Result<Option<Box<dyn std::any::Any + Send + Sync>>, AudienceError> {
        match self.issuer.extra {
            None => Ok(None),
            Some(decode) => match decode(self.claims_text()) {
                Some(extra) => Ok(Some(extra)),
                None => Err(AudienceError::MissingClaim),
            },
        }
    }

    fn claims_text(&self) -> &str {
        self.statement
            .decoded
            .get(self.statement.boundary..)
            .unwrap_or_default()
    }
}

/// The parts of `text` between blanks, empty ones included.
fn words(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = Some(text);
    std::iter::from_fn(move || {
        let text = rest?;
        let (word, others) = match memchr::memchr(b' ', text) {
            Some(blank) => (text.get(..blank)?, text.get(blank.saturating_add(1)..)),
            None => (text, None),
        };
        rest = others;
        Some(word)
    })
}

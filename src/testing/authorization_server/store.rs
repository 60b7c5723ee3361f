//! What was granted: codes, tokens, and the grants that they belong to.

use chrono::{DateTime, Utc};

use super::bounded::Bounded;
use super::random::Digest;
use super::scope_list::ScopeList;
use crate::id::{Resource, TokenId};

const MOST_CODES: usize = 1_000;
const MOST_GRANTS: usize = 10_000;
const MOST_TOKENS: usize = 20_000;
/// Access tokens of one grant that are remembered, so that they can be revoked with it.
const MOST_TOKENS_OF_A_GRANT: usize = 1_000;

pub(super) type GrantId = u64;

/// What a client may ask tokens for: agreed to by a user, or given to the client itself.
#[derive(Clone, Debug)]
pub(super) struct Grant {
    pub(super) client: String,
    pub(super) subject: String,
    pub(super) resources: Vec<Resource>,
    pub(super) scopes: ScopeList,
}

/// An authorization code, and what it is bound to.
#[derive(Clone, Debug)]
pub(super) struct AuthorizationCode {
    pub(super) grant: Grant,
    pub(super) redirect_uri: String,
    /// The S256 challenge.
    pub(super) challenge: String,
    pub(super) expires_at: DateTime<Utc>,
}

/// What the server remembers of an access token.
#[derive(Clone, Debug)]
pub(super) struct AccessToken {
    pub(super) id: TokenId,
    pub(super) grant: GrantId,
    pub(super) terms: Terms,
    pub(super) issued_at: DateTime<Utc>,
    pub(super) is_revoked: bool,
}

/// What stands in an access token.
#[derive(Clone, Debug)]
pub(super) struct Terms {
    pub(super) client: String,
    pub(super) subject: String,
    pub(super) resource: Resource,
    pub(super) scopes: ScopeList,
    /// Who acts for the subject (RFC 8693 section 4.1).
    pub(super) actor: Option<String>,
    pub(super) expires_at: DateTime<Utc>,
}

#[derive(Debug)]
struct SpentOrNot {
    code: AuthorizationCode,
    is_spent: bool,
    /// What came of it.
    grant: Option<GrantId>,
}

#[derive(Debug)]
struct RefreshToken {
    grant: GrantId,
    expires_at: DateTime<Utc>,
    is_spent: bool,
}

#[derive(Debug)]
struct Family {
    grant: Grant,
    is_revoked: bool,
    /// The digests of its access tokens.
    tokens: Vec<Digest>,
}

/// What is known of a code or of a refresh token that somebody shows.
#[derive(Debug)]
pub(super) enum Shown<T> {
    /// For the first time.
    First(T),
    /// It was used before, and this came of it.
    Again(Option<GrantId>),
    /// It was never given out, or is forgotten.
    Unknown,
}

#[derive(Debug)]
pub(super) struct Store {
    codes: Bounded<Digest, SpentOrNot>,
    refresh_tokens: Bounded<Digest, RefreshToken>,
    access_tokens: Bounded<Digest, AccessToken>,
    families: Bounded<GrantId, Family>,
    last_grant: GrantId,
    /// Revoked since somebody was last told.
    revoked: Vec<TokenId>,
}

impl Store {
    pub(super) fn new() -> Self {
        Self {
            codes: Bounded::new(MOST_CODES),
            refresh_tokens: Bounded::new(MOST_GRANTS),
            access_tokens: Bounded::new(MOST_TOKENS),
            families: Bounded::new(MOST_GRANTS),
            last_grant: 0,
            revoked: Vec::new(),
        }
    }

    pub(super) fn add_code(&mut self, text: &str, code: AuthorizationCode) {
        let entry = SpentOrNot {
            code,
            is_spent: false,
            grant: None,
        };
        self.codes.insert(Digest::of(text), entry);
    }

    /// Spends a code, whatever comes of it: it is good for one attempt (RFC 6749 section 4.1.2).
    pub(super) fn show_code(&mut self, text: &str) -> Shown<AuthorizationCode> {
        match self.codes.get_mut(&Digest::of(text)) {
            None => Shown::Unknown,
            Some(entry) if entry.is_spent => Shown::Again(entry.grant),
            Some(entry) => {
                entry.is_spent = true;
                Shown::First(entry.code.clone())
            }
        }
    }

    /// Remembers what came of a code, to be revoked if the code is shown again.
    pub(super) fn code_became(&mut self, text: &str, grant: GrantId) {
        if let Some(entry) = self.codes.get_mut(&Digest::of(text)) {
            entry.grant = Some(grant);
        }
    }

    pub(super) fn add_grant(&mut self, grant: Grant) -> GrantId {
        self.last_grant = self.last_grant.saturating_add(1);
        let family = Family {
            grant,
            is_revoked: false,
            tokens: Vec::new(),
        };
        self.families.insert(self.last_grant, family);
        self.last_grant
    }

    /// A grant that is in force.
    pub(super) fn grant(&self, id: GrantId) -> Option<&Grant> {
        self.families
            .get(&id)
            .filter(|family| !family.is_revoked)
            .map(|family| &family.grant)
    }

    pub(super) fn add_refresh_token(&mut self, text: &str, grant: GrantId, until: DateTime<Utc>) {
        let entry = RefreshToken {
            grant,
            expires_at: until,
            is_spent: false,
        };
        self.refresh_tokens.insert(Digest::of(text), entry);
    }

    /// What is known of a refresh token; spends nothing.
    pub(super) fn refresh_token(&self, text: &str) -> Shown<(GrantId, DateTime<Utc>)> {
        match self.refresh_tokens.get(&Digest::of(text)) {
            None => Shown::Unknown,
            Some(entry) if entry.is_spent => Shown::Again(Some(entry.grant)),
            Some(entry) => Shown::First((entry.grant, entry.expires_at)),
        }
    }

    pub(super) fn spend_refresh_token(&mut self, text: &str) {
        if let Some(entry) = self.refresh_tokens.get_mut(&Digest::of(text)) {
            entry.is_spent = true;
        }
    }

    pub(super) fn add_access_token(&mut self, text: &str, token: AccessToken) {
        let digest = Digest::of(text);
        if let Some(family) = self.families.get_mut(&token.grant) {
            if family.tokens.len() >= MOST_TOKENS_OF_A_GRANT {
                family.tokens.remove(0);
            }
            family.tokens.push(digest);
        }
        self.access_tokens.insert(digest, token);
    }

    /// An access token of this server that was not revoked. It may have expired.
    pub(super) fn access_token(&self, text: &str) -> Option<&AccessToken> {
        self.access_tokens
            .get(&Digest::of(text))
            .filter(|token| !token.is_revoked)
    }

    pub(super) fn revoke_access_token(&mut self, text: &str) {
        self.revoke(&Digest::of(text));
    }

    /// Ends a grant with all tokens that came of it.
    pub(super) fn revoke_grant(&mut self, id: GrantId) {
        let Some(family) = self.families.get_mut(&id) else {
            return;
        };
        family.is_revoked = true;
        for digest in std::mem::take(&mut family.tokens) {
            self.revoke(&digest);
        }
    }

    /// Ends all grants of a subject, those of codes that were not shown yet included.
    pub(super) fn revoke_subject(&mut self, subject: &str) {
        for entry in self.codes.values_mut() {
            entry.is_spent |= entry.code.grant.subject == subject;
        }
        let mut digests = Vec::new();
        for family in self.families.values_mut() {
            if family.grant.subject == subject {
                family.is_revoked = true;
                digests.append(&mut family.tokens);
            }
        }
        for digest in digests {
            self.revoke(&digest);
        }
    }

    /// The tokens that were revoked since the last call.
    pub(super) fn take_revoked(&mut self) -> Vec<TokenId> {
        std::mem::take(&mut self.revoked)
    }

    fn revoke(&mut self, digest: &Digest) {
        if let Some(token) = self.access_tokens.get_mut(digest)
            && !token.is_revoked
        {
            token.is_revoked = true;
            self.revoked.push(token.id.clone());
        }
    }
}

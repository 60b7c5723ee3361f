//! What was granted: codes, tokens, and the grants that they belong to.
//!
//! Memory is bounded, and what is forgotten is over: a token that is not remembered cannot be revoked
//! later, nor can its second use be seen.

#[cfg(test)]
mod tests;

use chrono::{DateTime, Utc};

use super::bounded::Bounded;
use super::random::Digest;
use super::scope_list::ScopeList;
use crate::id::{Resource, TokenId};

const MOST_CODES: usize = 1_000;
const MOST_GRANTS: usize = 10_000;
pub(super) const MOST_REFRESH_TOKENS: usize = 10_000;
const MOST_TOKENS: usize = 20_000;
/// Access tokens of one grant that are remembered, so that they can be revoked with it.
const MOST_TOKENS_OF_A_GRANT: usize = 1_000;

pub(super) type GrantId = u64;

/// What a client may ask tokens for: agreed to by a user, or given to the client itself.
#[derive(Clone, Debug, PartialEq, Eq)]
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
    /// Who acts for the subject, and who did before (RFC 8693 section 4.1): the latest last.
    pub(super) actors: Vec<String>,
    pub(super) expires_at: DateTime<Utc>,
}

#[derive(Debug)]
struct SpentOrNot {
    code: AuthorizationCode,
    is_spent: bool,
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
    /// What it came of, so that a second use is seen when the code itself is forgotten.
    code: Option<Digest>,
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
            refresh_tokens: Bounded::new(MOST_REFRESH_TOKENS),
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
        };
        self.codes.insert(Digest::of(text), entry);
    }

    /// Spends a code, whatever comes of it: it is good for one attempt (RFC 6749 section 4.1.2).
    pub(super) fn show_code(&mut self, text: &str) -> Shown<AuthorizationCode> {
        let digest = Digest::of(text);
        match self.codes.get_mut(&digest) {
            Some(entry) if !entry.is_spent => {
                entry.is_spent = true;
                Shown::First(entry.code.clone())
            }
            Some(_) => Shown::Again(self.came_of(digest)),
            None => match self.came_of(digest) {
                None => Shown::Unknown,
                came => Shown::Again(came),
            },
        }
    }

    /// The grant that came of a code. There are some thousand at most, and nobody waits for it but
    /// who shows a code that is good for nothing.
    fn came_of(&self, code: Digest) -> Option<GrantId> {
        self.find(|family| family.code == Some(code))
    }

    fn find(&self, is_meant: impl Fn(&Family) -> bool) -> Option<GrantId> {
        let mut families = self.families.iter();
        let found = families.find(|(_, family)| is_meant(family));
        found.map(|(id, _)| *id)
    }

    /// Remembers what came of a code, to be revoked if the code is shown again.
    pub(super) fn code_became(&mut self, text: &str, grant: GrantId) {
        if let Some(family) = self.families.get_mut(&grant) {
            family.code = Some(Digest::of(text));
        }
    }

    pub(super) fn add_grant(&mut self, grant: Grant) -> GrantId {
        self.last_grant = self.last_grant.saturating_add(1);
        let family = Family {
            grant,
            is_revoked: false,
            code: None,
            tokens: Vec::new(),
        };
        for forgotten in self.families.insert(self.last_grant, family) {
            self.revoke_all(forgotten.tokens);
        }
        self.last_grant
    }

    /// The grant in force that is the same as this one, or else a new one: a client that acts for
    /// itself does not end the grants of others by asking often.
    pub(super) fn reuse_grant(&mut self, grant: Grant) -> GrantId {
        let is_same = |family: &Family| !family.is_revoked && family.grant == grant;
        match self.find(is_same) {
            Some(id) => id,
            None => self.add_grant(grant),
        }
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
        for forgotten in self.refresh_tokens.insert(Digest::of(text), entry) {
            self.revoke_grant(forgotten.grant);
        }
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
            family.tokens.push(digest);
            if family.tokens.len() > MOST_TOKENS_OF_A_GRANT {
                let oldest = family.tokens.remove(0);
                self.revoke(&oldest);
                // It takes no place that tokens of other grants need.
                self.access_tokens.remove(&oldest);
            }
        }
        for forgotten in self.access_tokens.insert(digest, token) {
            if !forgotten.is_revoked {
                self.revoked.push(forgotten.id);
            }
        }
    }

    /// An access token of this server that was not revoked, of a grant in force. It may have expired.
    pub(super) fn access_token(&self, text: &str) -> Option<&AccessToken> {
        self.access_tokens
            .get(&Digest::of(text))
            .filter(|token| !token.is_revoked && self.grant(token.grant).is_some())
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
        let tokens = std::mem::take(&mut family.tokens);
        self.revoke_all(tokens);
    }

    /// Ends all grants of a subject, those of codes that were not shown yet included.
    pub(super) fn revoke_subject(&mut self, subject: &str) {
        self.revoke_where(|grant| grant.subject == subject);
    }

    /// Ends all grants of a client, likewise.
    pub(super) fn revoke_client(&mut self, client: &str) {
        self.revoke_where(|grant| grant.client == client);
    }

    fn revoke_where(&mut self, is_meant: impl Fn(&Grant) -> bool) {
        for entry in self.codes.values_mut() {
            entry.is_spent |= is_meant(&entry.code.grant);
        }
        let mut digests = Vec::new();
        for family in self.families.values_mut() {
            if is_meant(&family.grant) {
                family.is_revoked = true;
                digests.append(&mut family.tokens);
            }
        }
        self.revoke_all(digests);
    }

    /// The tokens that were revoked since the last call.
    pub(super) fn take_revoked(&mut self) -> Vec<TokenId> {
        std::mem::take(&mut self.revoked)
    }

    fn revoke_all(&mut self, tokens: Vec<Digest>) {
        for digest in tokens {
            self.revoke(&digest);
        }
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

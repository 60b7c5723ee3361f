//! Which scopes are asked for.

use std::fmt;
use std::str::FromStr;

/// The most scopes that are kept of what a server says, and the most letters of one.
const MOST: usize = 256;
const LONGEST: usize = 256;

/// Scopes in order, each once (RFC 6749 section 3.3).
///
/// # Examples
/// ```
/// use clearance::client::Scopes;
///
/// let had: Scopes = "mcp:basic files:read".parse()?;
/// let more: Scopes = "mcp:write mcp:basic".parse()?;
/// assert_eq!(had.union(&more).to_string(), "mcp:basic files:read mcp:write");
/// # Ok::<(), clearance::client::ScopesError>(())
/// ```
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Scopes(Vec<Box<str>>);

/// The text is no list of scopes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a list of scopes as RFC 6749 section 3.3 writes it")]
#[non_exhaustive]
pub struct ScopesError;

impl Scopes {
    /// No scope: the parameter is left out, and the authorization server decides.
    pub const fn none() -> Self {
        Self(Vec::new())
    }

    /// What a server has written; what is no scope is left out.
    pub(crate) fn read<'a, T: IntoIterator<Item = &'a str>>(texts: T) -> Self {
        let mut scopes = Self::none();
        let all = texts.into_iter().flat_map(|text| text.split(' '));
        for text in all.filter(|text| is_scope(text)) {
            scopes.add(text);
        }
        scopes
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Their texts, in order.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(AsRef::as_ref)
    }

    /// Whether `scope` is one of them.
    pub fn contains(&self, scope: &str) -> bool {
        self.iter().any(|own| own == scope)
    }

    /// Whether all of `others` are among them.
    pub fn covers(&self, others: &Self) -> bool {
        others.iter().all(|other| self.contains(other))
    }

    /// These, and then what `others` add.
    #[must_use]
    pub fn union(&self, others: &Self) -> Self {
        let mut all = self.clone();
        for other in others.iter() {
            all.add(other);
        }
        all
    }

    /// These without `others`.
    #[must_use]
    pub fn without(&self, others: &Self) -> Self {
        let kept = self.0.iter().filter(|own| !others.contains(own));
        Self(kept.cloned().collect())
    }

    /// What a first request asks for: what the challenge names, or else all that the resource has; the
    /// scopes of the authorization server are no source (MCP authorization, Scope Selection Strategy).
    pub fn initial(challenged: Option<&Self>, supported: Option<&Self>) -> Self {
        let named = |scopes: &&Self| !scopes.is_empty();
        // Whether refresh is wanted, and may be asked for, is no matter of the resource (SEP-2207).
        let offline = Self::read([OFFLINE_ACCESS]);
        let supported = supported.map(|scopes| scopes.without(&offline));
        let chosen = challenged
            .filter(named)
            .or(supported.as_ref().filter(named));
        chosen.cloned().unwrap_or_default()
    }

    /// What is asked for after `insufficient_scope`: what was requested and granted before, and what the
    /// challenge names (MCP authorization, Step-Up Authorization Flow).
    pub fn stepping_up(requested: &Self, granted: &Self, challenged: &Self) -> Self {
        requested.union(granted).union(challenged)
    }

    /// With `offline_access` where refresh is wanted, the authorization server has it, and scopes are
    /// named at all: alone it would take the place of the server's own choice.
    pub(crate) fn and_offline(mut self, is_offered: bool) -> Self {
        if is_offered && !self.is_empty() {
            self.add(OFFLINE_ACCESS);
        }
        self
    }

    fn add(&mut self, text: &str) {
        if self.0.len() < MOST && !self.contains(text) {
            self.0.push(text.into());
        }
    }
}

/// The scope of refresh tokens (`OpenID` Connect Core section 11).
pub(super) const OFFLINE_ACCESS: &str = "offline_access";

/// RFC 6749 section 3.3: `1*( %x21 / %x23-5B / %x5D-7E )`.
fn is_scope(text: &str) -> bool {
    let fits = |byte: u8| matches!(byte, 0x21 | 0x23..=0x5b | 0x5d..=0x7e);
    (1..=LONGEST).contains(&text.len()) && text.bytes().all(fits)
}

impl FromStr for Scopes {
    type Err = ScopesError;

    fn from_str(text: &str) -> Result<Self, ScopesError> {
        let scopes = text.split(' ').filter(|scope| !scope.is_empty());
        if !scopes.clone().all(is_scope) || scopes.clone().count() > MOST {
            return Err(ScopesError);
        }
        Ok(Self::read(scopes))
    }
}

impl fmt::Display for Scopes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join(" "))
    }
}

impl fmt::Debug for Scopes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(&self.0).finish()
    }
}

//! The people who can say yes.

/// A user of an [`AuthorizationServer`](super::AuthorizationServer). There is no password: whoever
/// sits before the consent page picks one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum User {
    /// Tokens say `alice` in `sub`.
    Alice,
    /// Tokens say `bob` in `sub`.
    Bob,
}

impl User {
    pub(super) const ALL: [Self; 2] = [Self::Alice, Self::Bob];

    /// The name that tokens carry in `sub`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Alice => "alice",
            Self::Bob => "bob",
        }
    }

    pub(super) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|user| user.as_str() == name)
    }
}

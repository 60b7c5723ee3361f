//! Names that tokens carry.

use std::fmt::{self, Write as _};
use std::sync::Arc;

/// Writes one newtype over text: opaque, compared byte by byte.
macro_rules! name {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Arc<str>);

        impl $name {
            /// The name `text`.
            pub fn new(text: impl Into<Arc<str>>) -> Self {
                Self(text.into())
            }

            /// The text, as it was written.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Debug::fmt(&self.0, f)
            }
        }

        impl fmt::Display for $name {
            /// For people: characters that could forge a line or turn its direction are escaped.
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                printable(&self.0, f)
            }
        }
    };
}

name! {
    /// Whom a token speaks of: the `sub` claim (RFC 7519 section 4.1.2).
    ///
    /// A subject is unique only together with its issuer: the same text from two issuers is two
    /// principals.
    Subject
}

name! {
    /// The OAuth client that a token was issued to: the `client_id` claim (RFC 9068 section 2.2).
    ClientId
}

name! {
    /// The name of a key in its issuer's key set: the `kid` member (RFC 7517 section 4.5).
    KeyId
}

name! {
    /// A login at the issuer, from which tokens come: the `sid` claim (`OpenID` Connect Front-Channel Logout
    /// 1.0 section 3). It is no session of MCP.
    IssuerSession
}

name! {
    /// The name of one token: the `jti` claim (RFC 7519 section 4.1.7).
    TokenId
}

/// Writes text of strangers so that it stays where it is printed.
fn printable(text: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    for character in text.chars() {
        match character {
            '"' | '\'' | '\\' => f.write_char(character)?,
            _ => fmt::Display::fmt(&character.escape_debug(), f)?,
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RS-148
    #[test]
    fn names_stay_on_their_line() {
        let subject = Subject::new("a\nERROR \u{202e}b\u{1b}[31m it's \\");
        assert_eq!(
            subject.to_string(),
            "a\\nERROR \\u{202e}b\\u{1b}[31m it's \\"
        );
        assert_eq!(subject.as_str(), "a\nERROR \u{202e}b\u{1b}[31m it's \\");
    }
}

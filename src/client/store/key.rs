//! Where a record belongs.

use std::fmt::Write as _;

use aws_lc_rs::digest;

use crate::id::{Issuer, Resource};

/// Where a record belongs. Issuers and resources are kept apart as texts, letter by letter.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct StoreKey {
    kind: RecordKind,
    issuer: String,
    resource: String,
}

/// What a record is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RecordKind {
    /// Which issuer a resource was last used with. It holds no secret.
    Choice,
    /// How the client is registered with an issuer.
    Registration,
    /// Tokens of an issuer for a resource.
    Tokens,
}

impl StoreKey {
    /// For the issuer that `endpoint` was last used with.
    pub fn choice(endpoint: &Resource) -> Self {
        Self {
            kind: RecordKind::Choice,
            issuer: String::new(),
            resource: endpoint.as_str().to_owned(),
        }
    }

    /// For the registration with `issuer`.
    pub fn registration(issuer: &Issuer) -> Self {
        Self {
            kind: RecordKind::Registration,
            issuer: issuer.as_str().to_owned(),
            resource: String::new(),
        }
    }

    /// For tokens of `issuer` for `resource`.
    pub fn tokens(issuer: &Issuer, resource: &Resource) -> Self {
        Self {
            kind: RecordKind::Tokens,
            issuer: issuer.as_str().to_owned(),
            resource: resource.as_str().to_owned(),
        }
    }

    /// What the record is about.
    pub const fn kind(&self) -> RecordKind {
        self.kind
    }

    /// The issuer, as it writes itself; empty where there is none.
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    /// The resource, as it is written; empty where there is none.
    pub fn resource(&self) -> &str {
        &self.resource
    }

    /// The SHA-256 of all three, in hexadecimal digits: a name for the record that is no text of strangers,
    /// and is another one for any other key, also where letters have no case.
    pub fn name(&self) -> String {
        let hash = digest::digest(&digest::SHA256, &self.bytes());
        let mut name = String::new();
        for byte in hash.as_ref() {
            // Writing to a `String` does not fail.
            write!(name, "{byte:02x}").ok();
        }
        name
    }

    /// All three, one after the other. The lengths keep ("a", "bc") and ("ab", "c") apart.
    pub(super) fn bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        for part in [self.kind.as_str(), &self.issuer, &self.resource] {
            let length = u64::try_from(part.len()).unwrap_or(u64::MAX);
            bytes.extend_from_slice(&length.to_be_bytes());
            bytes.extend_from_slice(part.as_bytes());
        }
        bytes
    }
}

impl RecordKind {
    /// A stable name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Choice => "choice",
            Self::Registration => "registration",
            Self::Tokens => "tokens",
        }
    }
}

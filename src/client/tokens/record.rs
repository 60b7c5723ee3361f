//! Tokens and registrations as a store keeps them.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use super::super::Client;
use super::super::registration::{Registration, RegistrationMethod};
use super::super::scopes::Scopes;
use super::TokenSet;
use crate::credentials::ClientAuthentication;
use crate::secret::ClientSecret;

/// A text that is wiped when it is dropped.
#[derive(Serialize, Deserialize, Zeroize, ZeroizeOnDrop)]
#[serde(transparent)]
pub(in super::super) struct SecretText(pub(in super::super) String);

impl SecretText {
    pub(in super::super) fn into_secret(mut self) -> ClientSecret {
        ClientSecret::new(std::mem::take(&mut self.0))
    }

    pub(in super::super) fn of(secret: &ClientSecret) -> Self {
        Self(secret.expose().to_owned())
    }
}

/// A registration. What the application itself has brought is named only.
#[derive(Serialize, Deserialize)]
pub(in super::super) struct RegistrationRecord {
    issuer: String,
    by: String,
    client: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    method: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    secret: Option<SecretText>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    redirect_uris: Option<Box<[Box<str>]>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    secret_expires_at: Option<i64>,
}

#[derive(Serialize, Deserialize)]
struct TokenRecord {
    registration: RegistrationRecord,
    endpoint: String,
    resource: String,
    access: SecretText,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    refresh: Option<SecretText>,
    granted: String,
    requested: String,
    obtained_at: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    deadline: Option<i64>,
}

impl RegistrationRecord {
    pub(in super::super) fn of(registration: &Registration) -> Self {
        let authentication = &registration.authentication;
        let is_own = registration.by == RegistrationMethod::Dynamic;
        Self {
            issuer: registration.issuer.as_str().to_owned(),
            by: registration.by.name().to_owned(),
            client: registration.client().as_str().to_owned(),
            method: is_own.then(|| authentication.method().to_owned()),
            secret: authentication
                .secret()
                .filter(|_| is_own)
                .map(SecretText::of),
            redirect_uris: registration.redirect_uris.clone(),
            secret_expires_at: registration.secret_expires_at.map(|end| end.timestamp()),
        }
    }

    pub(in super::super) fn read(self, client: &Client) -> Option<Registration> {
        let issuer = self.issuer.parse().ok()?;
        let by = RegistrationMethod::named(&self.by)?;
        let authentication = match by {
            RegistrationMethod::Dynamic => {
                let secret = self.secret.map(SecretText::into_secret);
                match (self.method.as_deref()?, secret) {
                    ("none", _) => ClientAuthentication::none(&self.client),
                    ("client_secret_basic", Some(secret)) => {
                        ClientAuthentication::client_secret_basic(&self.client, secret)
                    }
                    ("client_secret_post", Some(secret)) => {
                        ClientAuthentication::client_secret_post(&self.client, secret)
                    }
                    _ => return None,
                }
            }
            RegistrationMethod::PreRegistered => client.pre_registered(&issuer)?.clone(),
            RegistrationMethod::MetadataDocument => client.document_client()?.clone(),
            RegistrationMethod::Unregistered => ClientAuthentication::none(&self.client),
        };
        if authentication.client().as_str() != self.client {
            return None;
        }
        let time = |seconds| DateTime::from_timestamp(seconds, 0);
        Some(Registration {
            issuer,
            by,
            authentication,
            redirect_uris: self.redirect_uris,
            secret_expires_at: self.secret_expires_at.and_then(time),
        })
    }
}

impl RegistrationMethod {
    const fn name(self) -> &'static str {
        match self {
            Self::PreRegistered => "pre_registered",
            Self::MetadataDocument => "metadata_document",
            Self::Dynamic => "dynamic",
            Self::Unregistered => "unregistered",
        }
    }

    fn named(name: &str) -> Option<Self> {
        [
            Self::PreRegistered,
            Self::MetadataDocument,
            Self::Dynamic,
            Self::Unregistered,
        ]
        .into_iter()
        .find(|method| method.name() == name)
    }
}

impl Registration {
    /// What a store keeps of it.
    pub(crate) fn to_bytes(&self) -> Zeroizing<Vec<u8>> {
        written(&RegistrationRecord::of(self))
    }
}

impl TokenSet {
    /// What a store keeps of them.
    pub(crate) fn to_bytes(&self) -> Zeroizing<Vec<u8>> {
        written(&TokenRecord {
            registration: RegistrationRecord::of(&self.registration),
            endpoint: self.endpoint().as_str().to_owned(),
            resource: self.resource.as_str().to_owned(),
            access: SecretText::of(&self.access),
            refresh: self.refresh.as_ref().map(SecretText::of),
            granted: self.granted.to_string(),
            requested: self.requested.to_string(),
            obtained_at: self.obtained_at.timestamp(),
            deadline: self.deadline.map(|end| end.timestamp()),
        })
    }
}

impl Client {
    /// The registration in what a store has kept, if it is one of this client's.
    pub(crate) fn registration_from(&self, bytes: &[u8]) -> Option<Registration> {
        let record: RegistrationRecord = serde_json::from_slice(bytes).ok()?;
        record.read(self)
    }

    /// The tokens in what a store has kept, if they are for this client's endpoint.
    pub(crate) fn tokens_from(&self, bytes: &[u8]) -> Option<TokenSet> {
        let record: TokenRecord = serde_json::from_slice(bytes).ok()?;
        if record.endpoint != self.endpoint().as_str() {
            return None;
        }
        let time = |seconds| DateTime::<Utc>::from_timestamp(seconds, 0);
        Some(TokenSet {
            registration: record.registration.read(self)?,
            endpoint: self.place().clone(),
            resource: record.resource.parse().ok()?,
            access: record.access.into_secret(),
            refresh: record.refresh.map(SecretText::into_secret),
            granted: Scopes::read([&*record.granted]),
            requested: Scopes::read([&*record.requested]),
            obtained_at: time(record.obtained_at)?,
            deadline: record.deadline.and_then(time),
        })
    }
}

/// As JSON. The buffer is as long as it has to be from the start, so that no copy is left behind.
pub(in super::super) fn written(record: &impl Serialize) -> Zeroizing<Vec<u8>> {
    struct Length(usize);

    impl std::io::Write for Length {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0 = self.0.saturating_add(bytes.len());
            Ok(bytes.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    let mut length = Length(0);
    // Texts and numbers are always JSON.
    let counted = serde_json::to_writer(&mut length, record);
    let mut bytes = Zeroizing::new(Vec::with_capacity(length.0));
    if counted.is_err() || serde_json::to_writer(&mut *bytes, record).is_err() {
        bytes.clear();
    }
    bytes
}

//! How an issuer is asked about its tokens, as it is written.

use serde::de::MapAccess;

use super::error::{Problem, SettingError};
use super::path::Path;
use super::read::{self, Value};
use super::reference::Reference;
use super::values::{Whole, Word};
use crate::credentials::{ClientAuthentication, ClientKey, ClientSecret};
use crate::jwk::Algorithm;
use crate::lifecycle::Introspection;

/// How an issuer is asked, or why that cannot be told.
#[derive(Clone)]
pub(super) struct IntrospectionSetting(Result<Question, SettingError>);

#[derive(Clone)]
struct Question {
    client_id: Box<str>,
    proof: Proof,
    endpoint: Option<Box<str>>,
    lifetime: Option<Lifetime>,
}

type Lifetime = Whole<0, 300>;

/// How the client proves who it is.
#[derive(Clone)]
enum Proof {
    Basic(Reference),
    Post(Reference),
    Key {
        key: Reference,
        algorithm: Algorithm,
        id: Option<Box<str>>,
    },
}

#[derive(Clone, Copy)]
enum Method {
    Basic,
    Post,
    PrivateKeyJwt,
}

impl Word for Method {
    fn words() -> Vec<(&'static str, Self)> {
        vec![
            ("client_secret_basic", Self::Basic),
            ("client_secret_post", Self::Post),
            ("private_key_jwt", Self::PrivateKeyJwt),
        ]
    }
}

#[derive(Default)]
struct IntrospectionKeys {
    client_id: Option<Box<str>>,
    authentication: Option<Method>,
    client_secret: Option<Reference>,
    private_key: Option<Reference>,
    private_key_algorithm: Option<Algorithm>,
    private_key_id: Option<Box<str>>,
    endpoint: Option<Box<str>>,
    lifetime_seconds: Option<Lifetime>,
}

super::keys!(
    IntrospectionKeys: client_id,
    authentication,
    client_secret,
    private_key,
    private_key_algorithm,
    private_key_id,
    endpoint,
    lifetime_seconds
);

impl IntrospectionKeys {
    fn judged(self, at: Path<'_>) -> Result<Question, SettingError> {
        // First of all: whoever wrote one down had better know.
        for (key, secret) in [
            ("client_secret", &self.client_secret),
            ("private_key", &self.private_key),
        ] {
            if let Some(secret) = secret {
                secret.check(at.key(key))?;
            }
        }
        let missing = |key| at.key(key).fault(Problem::Missing(""));
        let client_id = self.client_id.ok_or_else(|| missing("client_id"))?;
        let method = self
            .authentication
            .ok_or_else(|| missing("authentication"))?;
        let (secret, key) = (self.client_secret, self.private_key);
        let is_key = matches!(method, Method::PrivateKeyJwt);
        let idle = [
            ("client_secret", secret.is_some() && is_key),
            ("private_key", key.is_some() && !is_key),
            (
                "private_key_algorithm",
                self.private_key_algorithm.is_some() && !is_key,
            ),
            ("private_key_id", self.private_key_id.is_some() && !is_key),
        ];
        if let Some((idle, _)) = idle.into_iter().find(|(_, is_idle)| *is_idle) {
            return Err(at.key(idle).fault(Problem::With("this `authentication`")));
        }
        let secret = || secret.ok_or_else(|| missing("client_secret"));
        let proof = match method {
            Method::Basic => Proof::Basic(secret()?),
            Method::Post => Proof::Post(secret()?),
            Method::PrivateKeyJwt => Proof::Key {
                key: key.ok_or_else(|| missing("private_key"))?,
                algorithm: self
                    .private_key_algorithm
                    .ok_or_else(|| missing("private_key_algorithm"))?,
                id: self.private_key_id,
            },
        };
        Ok(Question {
            client_id,
            proof,
            endpoint: self.endpoint,
            lifetime: self.lifetime_seconds,
        })
    }
}

impl Value for IntrospectionSetting {
    fn expected() -> String {
        "a table with `client_id` and `authentication`".to_owned()
    }

    fn of_table<'de, A: MapAccess<'de>>(at: Path<'_>, table: A) -> Result<Self, A::Error> {
        read::table_with_secrets(at, table, IntrospectionKeys::judged).map(Self)
    }
}

impl IntrospectionSetting {
    /// With its secret, which is read now.
    pub(super) fn introspection(&self, at: Path<'_>) -> Result<Introspection, SettingError> {
        let question = self.0.as_ref().map_err(Clone::clone)?;
        let mut introspection = Introspection::by(question.authentication(at)?);
        if let Some(endpoint) = &question.endpoint {
            introspection = introspection.endpoint(endpoint.clone());
        }
        if let Some(lifetime) = question.lifetime {
            introspection = introspection.lifetime(lifetime.seconds());
        }
        Ok(introspection)
    }
}

impl Question {
    fn authentication(&self, at: Path<'_>) -> Result<ClientAuthentication, SettingError> {
        let client = &*self.client_id;
        let secret = |reference: &Reference| {
            let mut text = reference.text(at.key("client_secret"))?;
            // Moved, so that no copy is left behind.
            Ok(ClientSecret::new(std::mem::take(&mut *text)))
        };
        Ok(match &self.proof {
            Proof::Basic(reference) => {
                ClientAuthentication::client_secret_basic(client, secret(reference)?)
            }
            Proof::Post(reference) => {
                ClientAuthentication::client_secret_post(client, secret(reference)?)
            }
            Proof::Key { key, algorithm, id } => {
                let at = at.key("private_key");
                let pem = key.text(at)?;
                let key = ClientKey::from_pkcs8_pem(*algorithm, pem.as_bytes())
                    .map_err(|error| at.fault(Problem::ClientKey(error)))?;
                let key = match id {
                    Some(id) => key.with_key_id(id),
                    None => key,
                };
                ClientAuthentication::private_key_jwt(client, key)
            }
        })
    }
}

//! How this server proves to an authorization server who it is (RFC 6749 section 2.3).
//!
//! A resource server that asks an issuer about a token is a client of it, with an id and a secret or
//! a key of its own.
//!
//! Layer L2.

#[cfg(feature = "client")]
mod choice;
mod key;

pub use crate::secret::ClientSecret;
#[cfg(feature = "client")]
pub(crate) use choice::Supported;
pub use key::{ClientKey, ClientKeyError};

use std::fmt;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use chrono::{DateTime, TimeDelta, Utc};
use http::HeaderValue;
use serde::Serialize;
use url::form_urlencoded::{self, Serializer};
use zeroize::Zeroizing;

use crate::id::{ClientId, Issuer};

/// How long an assertion is good for. It is used at once.
const ASSERTION_LIFETIME: TimeDelta = TimeDelta::seconds(60);
/// The `client_assertion_type` of RFC 7523 section 2.2.
const JWT_BEARER: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// A client's id, and how it proves that it is that client.
///
/// The names are those of the registry for `token_endpoint_auth_method` (RFC 7591 section 2, `OpenID`
/// Connect Core section 9).
///
/// # Examples
/// ```
/// use clearance::credentials::{ClientAuthentication, ClientSecret};
///
/// let secret = ClientSecret::new("correct horse battery staple");
/// let authentication = ClientAuthentication::client_secret_basic("files-server", secret);
/// assert_eq!(authentication.client().as_str(), "files-server");
/// assert!(!format!("{authentication:?}").contains("horse"));
/// ```
#[derive(Clone)]
pub struct ClientAuthentication {
    client: ClientId,
    method: Method,
}

#[derive(Clone)]
enum Method {
    Basic(Arc<ClientSecret>),
    Post(Arc<ClientSecret>),
    PrivateKeyJwt(ClientKey),
    /// A public client, which proves nothing.
    #[cfg(feature = "client")]
    None,
}

impl Method {
    const fn name(&self) -> &'static str {
        match self {
            Self::Basic(_) => "client_secret_basic",
            Self::Post(_) => "client_secret_post",
            Self::PrivateKeyJwt(_) => "private_key_jwt",
            #[cfg(feature = "client")]
            Self::None => "none",
        }
    }
}

/// What goes into a request.
pub(crate) struct Proof {
    /// The value of `Authorization`, if the method has one.
    pub(crate) authorization: Option<HeaderValue>,
}

/// No signature or no random bytes can be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct CannotProve;

impl ClientAuthentication {
    /// The secret stands in the `Authorization` field (RFC 6749 section 2.3.1). The method that every
    /// authorization server has.
    pub fn client_secret_basic(client: &str, secret: ClientSecret) -> Self {
        Self::by(client, Method::Basic(Arc::new(secret)))
    }

    /// The secret stands in the form (RFC 6749 section 2.3.1), for authorization servers that cannot
    /// read the field.
    pub fn client_secret_post(client: &str, secret: ClientSecret) -> Self {
        Self::by(client, Method::Post(Arc::new(secret)))
    }

    /// A key signs a statement for each request, and no secret leaves this server (RFC 7523
    /// section 2.2).
    ///
    /// The statement is for the issuer alone, lives for a minute, and is named at random.
    pub fn private_key_jwt(client: &str, key: ClientKey) -> Self {
        Self::by(client, Method::PrivateKeyJwt(key))
    }

    /// Nothing proves who asks: the client is a public one, as applications are that run where their
    /// users are (OAuth 2.1 section 2.1). A guard asks nobody in the name of such a client.
    #[cfg(feature = "client")]
    pub fn none(client: &str) -> Self {
        Self::by(client, Method::None)
    }

    fn by(client: &str, method: Method) -> Self {
        let client = ClientId::new(client);
        Self { client, method }
    }

    /// The client's id.
    pub const fn client(&self) -> &ClientId {
        &self.client
    }

    /// Whether there is something that proves: an id, and a secret that is not empty.
    pub(crate) fn is_sound(&self) -> bool {
        let has_secret = match &self.method {
            Method::Basic(secret) | Method::Post(secret) => !secret.expose().is_empty(),
            Method::PrivateKeyJwt(_) => true,
            #[cfg(feature = "client")]
            Method::None => false,
        };
        has_secret && !self.client.as_str().is_empty()
    }

    /// Proves to `issuer` who asks, in a form and in the head that goes with it.
    pub(crate) fn prove(
        &self,
        form: &mut Serializer<'_, String>,
        issuer: &Issuer,
        now: DateTime<Utc>,
    ) -> Result<Proof, CannotProve> {
        let id = self.client.as_str();
        let authorization = match &self.method {
            Method::Basic(secret) => Some(basic(id, secret)?),
            Method::Post(secret) => {
                form.append_pair("client_id", id);
                form.append_pair("client_secret", secret.expose());
                None
            }
            Method::PrivateKeyJwt(key) => {
                form.append_pair("client_id", id);
                form.append_pair("client_assertion_type", JWT_BEARER);
                form.append_pair("client_assertion", &self.assertion(key, issuer, now)?);
                None
            }
            #[cfg(feature = "client")]
            Method::None => {
                // An assertion may be all that says who asks.
                if !id.is_empty() {
                    form.append_pair("client_id", id);
                }
                None
            }
        };
        Ok(Proof { authorization })
    }

    /// RFC 7523 section 3, with the issuer as the only audience (draft-ietf-oauth-rfc7523bis).
    fn assertion(
        &self,
        key: &ClientKey,
        issuer: &Issuer,
        now: DateTime<Utc>,
    ) -> Result<Zeroizing<String>, CannotProve> {
        let mut id = [0; 16];
        aws_lc_rs::rand::fill(&mut id).ok().ok_or(CannotProve)?;
        let end = now.checked_add_signed(ASSERTION_LIFETIME);
        let claims = Assertion {
            iss: self.client.as_str(),
            sub: self.client.as_str(),
            aud: issuer.as_str(),
            jti: &URL_SAFE_NO_PAD.encode(id),
            iat: now.timestamp(),
            exp: end.ok_or(CannotProve)?.timestamp(),
        };
        key.signed(&claims).ok_or(CannotProve)
    }
}

#[derive(Serialize)]
struct Assertion<'a> {
    iss: &'a str,
    sub: &'a str,
    aud: &'a str,
    jti: &'a str,
    iat: i64,
    exp: i64,
}

/// RFC 6749 section 2.3.1: both parts are form-encoded, then joined by a colon.
fn basic(id: &str, secret: &ClientSecret) -> Result<HeaderValue, CannotProve> {
    let encoded = |text: &str| {
        let pieces = form_urlencoded::byte_serialize(text.as_bytes());
        Zeroizing::new(pieces.collect::<String>())
    };
    let (id, secret) = (encoded(id), encoded(secret.expose()));
    let pair = Zeroizing::new([id.as_str(), ":", secret.as_str()].concat());
    let pair = Zeroizing::new(STANDARD.encode(pair.as_bytes()));
    let field = Zeroizing::new(["Basic ", pair.as_str()].concat());
    let mut value = HeaderValue::from_str(&field).ok().ok_or(CannotProve)?;
    value.set_sensitive(true);
    Ok(value)
}

impl fmt::Debug for ClientAuthentication {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let method = self.method.name();
        f.debug_struct("ClientAuthentication")
            .field("client", &self.client)
            .field("method", &method)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn proof(authentication: &ClientAuthentication) -> (Option<String>, String) {
        let mut form = Serializer::new(String::new());
        let issuer = "https://as.example".parse().unwrap();
        let now = DateTime::UNIX_EPOCH;
        let proof = authentication.prove(&mut form, &issuer, now).unwrap();
        let field = proof.authorization.map(|value| {
            assert!(value.is_sensitive());
            value.to_str().unwrap().to_owned()
        });
        (field, form.finish())
    }

    /// The example of RFC 6749 section 2.3.1, and characters that must not be mistaken for its colon.
    #[test]
    fn secrets_are_encoded_before_they_are_joined() {
        let of = |id, secret| {
            let secret = ClientSecret::new(secret);
            proof(&ClientAuthentication::client_secret_basic(id, secret))
        };
        let expected = "Basic czZCaGRSa3F0Mzo3RmpmcDBaQnIxS3REUmJuZlZkbUl3".to_owned();
        let (field, form) = of("s6BhdRkqt3", "7Fjfp0ZBr1KtDRbnfVdmIw");
        assert_eq!((field, form), (Some(expected), String::new()));
        let (field, _) = of("a:b", "c d+é");
        let encoded = field.unwrap().split_off("Basic ".len());
        assert_eq!(STANDARD.decode(encoded).unwrap(), b"a%3Ab:c+d%2B%C3%A9");
    }

    #[test]
    fn a_secret_in_the_form_is_in_no_field() {
        let secret = ClientSecret::new("p&q=r");
        let (field, form) = proof(&ClientAuthentication::client_secret_post("c", secret));
        assert_eq!(field, None);
        assert_eq!(form, "client_id=c&client_secret=p%26q%3Dr");
    }

    #[test]
    fn what_proves_nothing_is_known() {
        let basic = |id, secret| {
            let secret = ClientSecret::new(secret);
            ClientAuthentication::client_secret_basic(id, secret)
        };
        assert!(basic("c", "s").is_sound());
        assert!(!basic("c", "").is_sound());
        assert!(!basic("", "s").is_sound());
    }
}

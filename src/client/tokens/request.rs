//! Requests to a token endpoint (OAuth 2.1 section 3.2).

use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, StatusCode};
use url::form_urlencoded::Serializer;
use zeroize::Zeroizing;

use super::super::discovery::TokenServer;
use super::super::document::Members;
use super::super::server_error::ServerError;
use super::super::shared::Client;
use super::TokenError;
use super::response::TokenAnswer;
use crate::credentials::{ClientAuthentication, Supported};
use crate::fetch::FetchError;

/// A request to one endpoint of an issuer, in the name of one client.
pub(in super::super) struct TokenRequest<'a> {
    pub(in super::super) client: &'a Client,
    pub(in super::super) server: &'a TokenServer,
    /// Nobody where an assertion says who asks.
    pub(in super::super) who: Option<&'a ClientAuthentication>,
}

impl TokenRequest<'_> {
    /// Asks for a token with these parameters.
    pub(in super::super) async fn ask(
        &self,
        parameters: &[(&str, &str)],
    ) -> Result<TokenAnswer, TokenError> {
        let text = self.send(parameters).await?;
        TokenAnswer::read(&text, self.client.now())
    }

    /// Sends these parameters, once, and gives what a successful answer says.
    pub(in super::super) async fn send(
        &self,
        parameters: &[(&str, &str)],
    ) -> Result<Zeroizing<Vec<u8>>, TokenError> {
        let (headers, form) = self.written(parameters)?;
        let web = self.client.web();
        let answer = web.post(&self.server.endpoint, headers, form).await?;
        let text = Zeroizing::new(answer.text);
        match answer.status {
            StatusCode::OK => Ok(text),
            StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_MANY_REQUESTS => {
                Err(FetchError::Status.into())
            }
            status if status.is_client_error() => {
                let members = Members::parse(&text).unwrap_or_default();
                let word = members.text("error").unwrap_or_default();
                Err(TokenError::Refused(ServerError::read(word)))
            }
            _ => Err(FetchError::Status.into()),
        }
    }

    /// The head and the form. A form that is being written cannot be moved to another thread.
    fn written(&self, parameters: &[(&str, &str)]) -> Result<(HeaderMap, String), TokenError> {
        let mut form = Serializer::new(String::new());
        for (name, value) in parameters.iter().filter(|(_, value)| !value.is_empty()) {
            form.append_pair(name, value);
        }
        let mut headers = HeaderMap::new();
        let is_form = HeaderValue::from_static("application/x-www-form-urlencoded");
        headers.insert(CONTENT_TYPE, is_form);
        if let Some(who) = self.who {
            let server = self.server;
            let supported = Supported {
                methods: server.methods.as_deref(),
                algorithms: server.algorithms.as_deref(),
            };
            let who = who.supported_by(&supported);
            let who = who.ok_or(TokenError::AuthenticationUnsupported)?;
            let proof = who.prove(&mut form, &server.issuer, self.client.now())?;
            if let Some(value) = proof.authorization {
                headers.insert(AUTHORIZATION, value);
            }
        }
        Ok((headers, form.finish()))
    }
}

//! What a server has been asked, for tests to look at.

use std::collections::VecDeque;

use super::parameters::Parameters;

const MOST_RECORDS: usize = 1_000;
const MOST_PARAMETERS: usize = 64;
const LONGEST_NAME: usize = 64;
const LONGEST_TEXT: usize = 2_048;

/// What stands for a name that may be something else.
const NO_NAME: &str = "?";

/// Parameters whose values may be looked at. All others may be secrets.
const OPEN: [&str; 24] = [
    "application_type",
    "audience",
    "client_id",
    "client_name",
    "code_challenge",
    "code_challenge_method",
    "grant_type",
    "grant_types",
    "decision",
    "error",
    "prompt",
    "redirect_uri",
    "redirect_uris",
    "requested_token_type",
    "resource",
    "response_mode",
    "response_type",
    "response_types",
    "scope",
    "subject_token_type",
    "token_endpoint_auth_method",
    "token_type_hint",
    "user",
    "actor_token_type",
];

/// One request that an [`AuthorizationServer`](super::AuthorizationServer) has got.
///
/// Codes, tokens, verifiers, secrets and `state` are not kept: of these only the name is known. Nor is
/// a body of another type than its endpoint takes, or a name that does not look like one, for there
/// the secret may stand where a name should be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordedRequest {
    method: String,
    path: String,
    parameters: Vec<(String, Option<String>)>,
}

impl RecordedRequest {
    pub(super) fn new<'p>(
        method: &str,
        path: &str,
        parameters: impl Iterator<Item = (&'p str, &'p str)>,
    ) -> Self {
        let parameters = parameters
            .take(MOST_PARAMETERS)
            .map(|(name, value)| {
                let value = OPEN.contains(&name).then(|| clipped(value));
                let name = if is_name(name) { name } else { NO_NAME };
                (name.to_owned(), value)
            })
            .collect();
        Self {
            method: clipped(method),
            path: clipped(path),
            parameters,
        }
    }

    /// The method: `GET`, `POST`.
    pub fn method(&self) -> &str {
        &self.method
    }

    /// The path, without the query.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The names of the parameters in the query or the form, in order and as often as they came; of
    /// a JSON body, the names of its members. A name that is not small letters, hyphens and `_` is
    /// `?` here.
    pub fn parameters(&self) -> impl Iterator<Item = &str> {
        self.parameters.iter().map(|(name, _)| name.as_str())
    }

    /// The first value of the parameter `name`; none if it was not given, or might be a secret.
    pub fn value(&self, name: &str) -> Option<&str> {
        self.parameters
            .iter()
            .find(|(known, _)| known == name)
            .and_then(|(_, value)| value.as_deref())
    }
}

/// The latest requests.
#[derive(Debug, Default)]
pub(super) struct Records(VecDeque<RecordedRequest>);

impl Records {
    pub(super) fn add(&mut self, record: RecordedRequest) {
        if self.0.len() >= MOST_RECORDS {
            self.0.pop_front();
        }
        self.0.push_back(record);
    }

    pub(super) fn all(&self) -> Vec<RecordedRequest> {
        self.0.iter().cloned().collect()
    }
}

/// A request with a form, in the query or in the body.
pub(super) fn of_form(method: &str, path: &str, form: &[u8]) -> RecordedRequest {
    RecordedRequest::new(method, path, Parameters::parse(form).iter())
}

/// A request with a JSON object.
pub(super) fn of_json(method: &str, path: &str, body: &[u8]) -> RecordedRequest {
    let members: serde_json::Map<String, serde_json::Value> =
        serde_json::from_slice(body).unwrap_or_default();
    let members: Vec<(String, String)> = members
        .into_iter()
        .map(|(name, value)| {
            let text = value.as_str().map(str::to_owned);
            (name, text.unwrap_or_else(|| value.to_string()))
        })
        .collect();
    let pairs = members
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()));
    RecordedRequest::new(method, path, pairs)
}

/// Whether `text` is written as the names of OAuth are. A form that is nothing but a token has the
/// token for a name, and tokens have digits and capital letters.
fn is_name(text: &str) -> bool {
    let is_written = |byte: u8| byte.is_ascii_lowercase() || byte == b'_' || byte == b'-';
    text.len() <= LONGEST_NAME && text.bytes().all(is_written)
}

fn clipped(text: &str) -> String {
    text.chars().take(LONGEST_TEXT).collect()
}

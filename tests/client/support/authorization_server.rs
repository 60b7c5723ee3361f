//! An authorization server with switches.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard};

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use url::form_urlencoded::Serializer;

use super::site::{Log, Reply, Seen, Site};

/// What was asked for at `/authorize`.
#[derive(Clone, Debug)]
pub(crate) struct Authorization {
    pub(crate) challenge: String,
    pub(crate) resource: String,
    pub(crate) scope: String,
}

/// Gives codes and tokens, and checks PKCE. What it says of itself, and in its answers, is the test's.
pub(crate) struct MockServer {
    pub(crate) site: Site,
    pub(crate) issuer: String,
    state: Arc<Mutex<State>>,
}

pub(crate) struct State {
    pub(crate) metadata: Value,
    /// The `iss` of redirects, if they have one.
    pub(crate) iss: Option<String>,
    /// What redirects have in place of a code.
    pub(crate) refuses: Option<String>,
    /// What the answer to a registration has beside the client's id.
    pub(crate) registration: Value,
    /// What the answer to a token request has beside the token.
    pub(crate) token: Value,
    pub(crate) codes: HashMap<String, Authorization>,
    number: usize,
}

impl MockServer {
    /// The identifier is the origin with `path`.
    pub(crate) async fn start(log: &Log, at: &'static str, path: &str) -> Self {
        let site = Site::start(log, at).await;
        let origin = site.origin.clone();
        let issuer = format!("{origin}{path}");
        let state = Arc::new(Mutex::new(State {
            metadata: json!({
                "issuer": issuer,
                "authorization_endpoint": format!("{origin}/authorize"),
                "token_endpoint": format!("{origin}/token"),
                "registration_endpoint": format!("{origin}/register"),
                "response_types_supported": ["code"],
                "code_challenge_methods_supported": ["S256"],
                "token_endpoint_auth_methods_supported": ["none"],
                "authorization_response_iss_parameter_supported": true,
            }),
            iss: Some(issuer.clone()),
            refuses: None,
            registration: json!({}),
            token: json!({"token_type": "Bearer", "expires_in": 600}),
            codes: HashMap::new(),
            number: 0,
        }));
        let this = Self {
            site,
            issuer,
            state,
        };
        let metadata = format!("GET /.well-known/oauth-authorization-server{path}");
        this.route(&metadata, |state, _| Reply::json(200, &state.metadata));
        this.route("GET /authorize", State::authorize);
        this.route("POST /register", State::register);
        this.route("POST /token", State::token);
        this
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    /// Says this in its metadata; null takes the member away.
    pub(crate) fn says(&self, name: &str, value: Value) {
        let mut state = self.state();
        let members = state.metadata.as_object_mut().unwrap();
        if value.is_null() {
            members.remove(name);
        } else {
            members.insert(name.to_owned(), value);
        }
    }

    /// Answers with a method of its state.
    pub(crate) fn route(
        &self,
        what: &str,
        answer: impl Fn(&mut State, &Seen) -> Reply + Send + Sync + 'static,
    ) {
        let state = Arc::clone(&self.state);
        self.site
            .on(what, move |seen| answer(&mut state.lock().unwrap(), seen));
    }
}

impl State {
    fn next(&mut self, what: &str) -> String {
        self.number = self.number.saturating_add(1);
        format!("{what}-{}", self.number)
    }

    fn authorize(&mut self, seen: &Seen) -> Reply {
        let code = self.next("code");
        let mut query = Serializer::new(String::new());
        match &self.refuses {
            Some(word) => query.append_pair("error", word),
            None => query.append_pair("code", &code),
        };
        if let Some(iss) = &self.iss {
            query.append_pair("iss", iss);
        }
        query.append_pair("state", &seen.one("state").unwrap());
        let asked = Authorization {
            challenge: seen.one("code_challenge").unwrap(),
            resource: seen.one("resource").unwrap(),
            scope: seen.one("scope").unwrap_or_default(),
        };
        self.codes.insert(code, asked);
        let back = seen.one("redirect_uri").unwrap();
        Reply::redirect(302, &format!("{back}?{}", query.finish()))
    }

    fn register(&mut self, _: &Seen) -> Reply {
        let mut answer = json!({"client_id": self.next("client")});
        merge(&mut answer, &self.registration);
        Reply::json(201, &answer)
    }

    fn token(&mut self, seen: &Seen) -> Reply {
        if seen.one("grant_type").as_deref() == Some("authorization_code") {
            let asked = self.codes.remove(&seen.one("code").unwrap());
            let challenge = digest(&SHA256, seen.one("code_verifier").unwrap().as_bytes());
            let fits = |asked: &Authorization| {
                URL_SAFE_NO_PAD.encode(challenge) == asked.challenge
                    && seen.one("resource").as_ref() == Some(&asked.resource)
            };
            if !asked.as_ref().is_some_and(fits) {
                return Reply::oauth_error(400, "invalid_grant");
            }
        }
        let mut answer = json!({"access_token": self.next("token")});
        merge(&mut answer, &self.token);
        Reply::json(200, &answer)
    }
}

fn merge(into: &mut Value, from: &Value) {
    let into = into.as_object_mut().unwrap();
    for (name, value) in from.as_object().unwrap() {
        if value.is_null() {
            into.remove(name);
        } else {
            into.insert(name.clone(), value.clone());
        }
    }
}

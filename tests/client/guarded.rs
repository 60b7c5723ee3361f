//! A guarded endpoint, an authorization server that rotates refresh tokens, and a person who says yes.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard};

use clearance::client::Redirect;
use clearance::client::layer::{
    Access, AccessBuilder, AccessService, AuthorizationCode, Interaction, InteractionError,
    LayerError, Visit, Visited,
};
use http::header::AUTHORIZATION;
use serde_json::json;
use tower::{Layer as _, ServiceExt as _};

use crate::support::{REDIRECT, Reply, Seen, World, browse};

/// What the authorization server and the endpoint know of tokens.
#[derive(Debug)]
pub(crate) struct Mint {
    number: usize,
    /// The access tokens that are good, and their scopes.
    pub(crate) live: BTreeMap<String, String>,
    /// The refresh token that is good.
    pub(crate) refresh: String,
    /// Refresh tokens that were shown, whatever came of it.
    pub(crate) shown: Vec<String>,
    pub(crate) expires_in: Option<i64>,
    pub(crate) refreshes: bool,
    /// What the token endpoint answers to a refresh instead.
    pub(crate) fault: Option<Reply>,
    /// What is left out of what is asked for.
    pub(crate) withheld: BTreeSet<&'static str>,
    /// What the endpoint answers in any case.
    pub(crate) always: Option<Reply>,
    /// What a request with this body needs.
    pub(crate) needs: BTreeMap<&'static str, &'static str>,
}

/// A [`World`] whose endpoint wants tokens.
pub(crate) struct Guarded {
    pub(crate) world: World,
    pub(crate) mint: Arc<Mutex<Mint>>,
}

impl Mint {
    fn new() -> Self {
        Self {
            number: 0,
            live: BTreeMap::new(),
            refresh: String::new(),
            shown: Vec::new(),
            expires_in: Some(600),
            refreshes: true,
            fault: None,
            withheld: BTreeSet::new(),
            always: None,
            needs: BTreeMap::from([("write", "mcp:write"), ("admin", "mcp:admin")]),
        }
    }

    /// An answer of the token endpoint.
    pub(crate) fn tokens(&mut self, scope: &str) -> Reply {
        self.number += 1;
        let scopes = scope.split(' ').filter(|one| !self.withheld.contains(one));
        let scope = scopes.collect::<Vec<_>>().join(" ");
        let access = format!("access-token-{}", self.number);
        self.live.insert(access.clone(), scope.clone());
        let mut answer = json!({"access_token": access, "token_type": "Bearer", "scope": scope});
        if let Some(seconds) = self.expires_in {
            answer["expires_in"] = seconds.into();
        }
        if self.refreshes {
            self.refresh = format!("refresh-token-{}", self.number);
            answer["refresh_token"] = self.refresh.clone().into();
        }
        Reply::json(200, &answer)
    }

    fn refreshed(&mut self, seen: &Seen) -> Reply {
        let shown = seen.one("refresh_token").unwrap();
        self.shown.push(shown.clone());
        if let Some(fault) = &self.fault {
            return fault.clone();
        }
        if shown != self.refresh {
            return Reply::oauth_error(400, "invalid_grant");
        }
        let scope = self.live.values().next_back().cloned();
        self.live.clear();
        self.tokens(&scope.unwrap_or_default())
    }

    fn guard(&self, seen: &Seen) -> Reply {
        if let Some(reply) = &self.always {
            return reply.clone();
        }
        let token = seen
            .header(AUTHORIZATION)
            .and_then(|value| value.strip_prefix("Bearer "));
        let Some(scope) = token.and_then(|token| self.live.get(token)) else {
            return challenge(401, r#"Bearer scope="mcp:basic""#);
        };
        match self.needs.get(&*seen.body) {
            Some(need) if !scope.split(' ').any(|has| has == *need) => challenge(
                403,
                &format!(r#"Bearer error="insufficient_scope", scope="{need}""#),
            ),
            _ => Reply::text(200, "\"done\""),
        }
    }
}

/// A refusal with this challenge.
pub(crate) fn challenge(status: u16, value: &str) -> Reply {
    let mut reply = Reply::status(status);
    reply.headers.push(("www-authenticate", value.to_owned()));
    reply
}

impl Guarded {
    pub(crate) async fn start() -> Self {
        let world = World::start().await;
        let mint = Arc::new(Mutex::new(Mint::new()));
        for method in ["GET", "POST", "DELETE"] {
            let mint = Arc::clone(&mint);
            let guard = move |seen: &Seen| mint.lock().unwrap().guard(seen);
            world.mcp.on(&format!("{method} /mcp"), guard);
        }
        let own = Arc::clone(&mint);
        world.server.route("POST /token", move |state, seen| {
            let mut mint = own.lock().unwrap();
            match seen.one("grant_type").as_deref() {
                Some("authorization_code") => {
                    let asked = state.codes.remove(&seen.one("code").unwrap());
                    mint.tokens(&asked.unwrap().scope)
                }
                Some("client_credentials") => mint.tokens(&seen.one("scope").unwrap_or_default()),
                Some("refresh_token") => mint.refreshed(seen),
                other => panic!("{other:?}"),
            }
        });
        Self { world, mint }
    }

    pub(crate) fn mint(&self) -> MutexGuard<'_, Mint> {
        self.mint.lock().unwrap()
    }

    /// The access of a person who says yes.
    pub(crate) fn builder(&self) -> AccessBuilder {
        Access::builder(self.world.client(), AuthorizationCode::by(Headless))
    }

    pub(crate) fn access(&self) -> Access {
        self.builder().build()
    }

    /// Sends this to the endpoint.
    pub(crate) async fn call(&self, access: &Access, body: &'static str) -> Called {
        call(access, &self.world.endpoint, body).await
    }

    /// An access that has tokens, and a log that is empty.
    pub(crate) async fn signed_in(&self) -> Access {
        self.signed_in_as(self.builder()).await
    }

    pub(crate) async fn signed_in_as(&self, builder: AccessBuilder) -> Access {
        let access = builder.build();
        assert_eq!(self.call(&access, "x").await, Ok(200));
        self.world.log.take();
        access
    }

    /// How many requests came to this path.
    pub(crate) fn count(&self, path: &str) -> usize {
        self.world.log.to(path).len()
    }

    /// The scopes of all authorization requests.
    pub(crate) fn asked(&self) -> Vec<String> {
        let asked = self.world.log.to("/authorize");
        asked
            .iter()
            .map(|seen| seen.one("scope").unwrap_or_default())
            .collect()
    }

    /// The `Authorization` of all requests to the endpoint.
    pub(crate) fn presented(&self) -> Vec<Option<String>> {
        let all = self.world.log.to("/mcp");
        let field = |seen: &Seen| seen.header(AUTHORIZATION).map(str::to_owned);
        all.iter().map(field).collect()
    }
}

/// The status, or what went wrong in the layer.
pub(crate) type Called = Result<u16, clearance::client::layer::AccessError>;

/// An HTTP client that follows no redirects.
pub(crate) fn http() -> reqwest::Client {
    reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .build()
        .unwrap()
}

pub(crate) fn layered(access: &Access) -> AccessService<reqwest::Client> {
    access.layer().layer(http())
}

pub(crate) async fn call(access: &Access, url: &str, body: &'static str) -> Called {
    call_by(layered(access), url, body).await
}

pub(crate) async fn call_by(
    service: AccessService<reqwest::Client>,
    url: &str,
    body: &'static str,
) -> Called {
    let mut request = reqwest::Request::new(reqwest::Method::POST, url.parse().unwrap());
    *request.body_mut() = Some(body.into());
    match service.oneshot(request).await {
        Ok(response) => Ok(response.status().as_u16()),
        Err(LayerError::Access(error)) => Err(error),
        Err(other) => panic!("{other:?}"),
    }
}

/// Follows the URL as a browser does in which somebody says yes.
#[derive(Debug)]
pub(crate) struct Headless;

impl Interaction for Headless {
    fn begin(&self) -> Visited<'_, Box<dyn Visit>> {
        Box::pin(async {
            let visit: Box<dyn Visit> = Box::new(Self);
            Ok(visit)
        })
    }
}

impl Visit for Headless {
    fn redirect_uri(&self) -> &str {
        REDIRECT
    }

    fn visit(self: Box<Self>, url: &str) -> Visited<'_, Redirect> {
        Box::pin(async move { Ok(browse(url).await) })
    }
}

/// Nobody is there.
#[derive(Debug)]
pub(crate) struct Nobody;

impl Interaction for Nobody {
    fn begin(&self) -> Visited<'_, Box<dyn Visit>> {
        Box::pin(async { Err(InteractionError::Unavailable) })
    }
}

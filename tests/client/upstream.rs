//! Calls to another service on behalf of a caller (RFC 8693): the caller's token goes to its own issuer and
//! nowhere else, and what comes back is for that caller's token alone.

use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;
use clearance::client::{Exchange, ExchangeConfigError, ExchangeError, UpstreamToken};
use clearance::credentials::{ClientAuthentication, ClientSecret};
use clearance::mcp::McpScopes;
use clearance::testing::{AuthorizationServer, Fault, ManualClock, User};
use clearance::{Authorized, Guard, GuardBuilder, Ready};
use serde_json::json;

const MCP: &str = "https://mcp.example.com/mcp";
const API: &str = "https://api.example.com/v1";
const SECRET: &str = "the secret of the server";

/// An issuer that knows the server as a client, and the server's guard.
struct Stage {
    clock: ManualClock,
    issuer: AuthorizationServer,
    guard: Guard<McpScopes>,
}

fn guard(issuer: &AuthorizationServer, clock: &ManualClock) -> GuardBuilder<McpScopes, Ready> {
    Guard::<McpScopes>::builder(MCP.parse().expect("a resource"))
        .issuer(issuer.id().clone())
        .clock(Arc::new(clock.clone()))
}

impl Stage {
    async fn start() -> Self {
        let clock = ManualClock::at_fixed_start();
        let issuer = AuthorizationServer::builder(MCP.parse().expect("a resource"))
            .clock(Arc::new(clock.clone()))
            .describing::<McpScopes>()
            .also_for(API.parse().expect("a resource"))
            .public_client("editor", ["http://127.0.0.1/callback"])
            .client("server", SECRET, "mcp:tools:read")
            .access_token_lifetime(TimeDelta::minutes(10))
            .start()
            .await
            .expect("an issuer");
        let guard = guard(&issuer, &clock).keep_tokens_for_exchange();
        Self {
            guard: guard.build().expect("a guard"),
            clock,
            issuer,
        }
    }

    fn me() -> ClientAuthentication {
        ClientAuthentication::client_secret_basic("server", ClientSecret::new(SECRET))
    }

    fn exchange(&self) -> Exchange {
        let builder = Exchange::builder(&self.guard).expect("it keeps tokens");
        let builder = builder.upstream(API.parse().expect("a resource"));
        let builder = builder.authentication(self.issuer.id().clone(), Self::me());
        builder
            .scope("mcp:tools:read")
            .build()
            .expect("an exchange")
    }

    fn token(&self, user: User, scope: &str) -> String {
        let token = self.issuer.grant(user, "editor", scope);
        token.expect("a token")
    }

    async fn authorized(&self, token: &str) -> Authorized<()> {
        let request = http::Request::get("/mcp").header("authorization", format!("Bearer {token}"));
        let (mut parts, ()) = request.body(()).expect("a request").into_parts();
        let authorized = self.guard.authorize(&mut parts).await;
        authorized.expect("a proof")
    }

    async fn alice(&self) -> Authorized<()> {
        let token = self.token(User::Alice, "mcp:tools:read");
        self.authorized(&token).await
    }

    /// How often a token was asked for.
    fn asked(&self) -> usize {
        let requests = self.issuer.requests();
        requests
            .iter()
            .filter(|request| request.path() == "/token")
            .count()
    }
}

fn header(token: &UpstreamToken) -> String {
    let value = token.authorization_for(API).expect("it is for the API");
    assert!(value.is_sensitive());
    value.to_str().expect("text").to_owned()
}

#[tokio::test]
async fn a_caller_s_token_is_exchanged_at_its_own_issuer_and_remembered() {
    let stage = Stage::start().await;
    let exchange = stage.exchange();
    let shown = stage.token(User::Alice, "mcp:tools:read");
    let auth = stage.authorized(&shown).await;
    let first = exchange.of(&auth).await.expect("a token");
    let again = exchange.of(&auth).await.expect("a token");
    assert_eq!(header(&first), header(&again));
    assert!(!header(&first).contains(&shown));
    assert_eq!(stage.asked(), 1);
    assert_eq!(first.upstream().as_str(), API);
    assert_eq!(first.granted().to_string(), "mcp:tools:read");
    let requests = stage.issuer.requests();
    let asked = requests.iter().find(|request| request.path() == "/token");
    let asked = asked.expect("a request");
    let kind = "urn:ietf:params:oauth:token-type:access_token";
    for (name, value) in [
        (
            "grant_type",
            "urn:ietf:params:oauth:grant-type:token-exchange",
        ),
        ("subject_token_type", kind),
        ("requested_token_type", kind),
        ("resource", API),
        ("scope", "mcp:tools:read"),
    ] {
        assert_eq!(asked.value(name), Some(value), "{name}");
    }
    assert!(
        first
            .authorization_for("https://api.example.com/v1/files")
            .is_ok()
    );
    for elsewhere in ["https://api.example.com/v2", "https://mcp.example.com/mcp"] {
        assert!(first.authorization_for(elsewhere).is_err(), "{elsewhere}");
    }
    // What is let in from the table of known tokens is exchanged as well.
    let known = stage.authorized(&shown).await;
    assert_eq!(
        header(&exchange.of(&known).await.expect("a token")),
        header(&first)
    );
    assert_eq!(stage.asked(), 1);
}

#[tokio::test]
async fn each_token_of_each_caller_is_exchanged_for_itself() {
    let stage = Stage::start().await;
    let exchange = stage.exchange();
    let more = stage.token(User::Alice, "mcp:tools:read mcp:tools:execute");
    let less = stage.token(User::Alice, "mcp:tools:execute");
    let bob = stage.token(User::Bob, "mcp:tools:read");
    let more = exchange.of(&stage.authorized(&more).await).await;
    let bob = exchange.of(&stage.authorized(&bob).await).await;
    assert_ne!(
        header(&more.expect("a token")),
        header(&bob.expect("a token"))
    );
    // The same user with the same client, and a token that does not grant what is asked for.
    let refused = exchange.of(&stage.authorized(&less).await).await;
    let refused = refused.expect_err("it grants less");
    assert_eq!(refused.code(), "token_refused");
    assert!(!refused.is_temporary());
}

#[tokio::test]
async fn a_guard_that_was_not_told_to_keeps_nothing() {
    let stage = Stage::start().await;
    let forgetful = guard(&stage.issuer, &stage.clock).build().expect("a guard");
    let refused = Exchange::builder(&forgetful).expect_err("nothing is kept");
    assert_eq!(refused, ExchangeConfigError::NotKept);
    let builder = || {
        let builder = Exchange::builder(&stage.guard).expect("it keeps tokens");
        builder.upstream(API.parse().expect("a resource"))
    };
    assert_eq!(
        builder().build().expect_err("nobody"),
        ExchangeConfigError::NoIssuer
    );
    let stranger = "https://other.example".parse().expect("an issuer");
    let foreign = builder().authentication(stranger, Stage::me()).build();
    assert!(matches!(
        foreign,
        Err(ExchangeConfigError::UnknownIssuer(_))
    ));
    let odd = builder().authentication(stage.issuer.id().clone(), Stage::me());
    assert!(matches!(
        odd.scope("a\"b").build(),
        Err(ExchangeConfigError::Scope(_))
    ));
    // A proof of another guard is worth nothing, though it is one for the same resource.
    let other = guard(&stage.issuer, &stage.clock).keep_tokens_for_exchange();
    let other = Stage {
        guard: other.build().expect("a guard"),
        ..Stage::start().await
    };
    let shown = stage.token(User::Alice, "mcp:tools:read");
    let foreign = other.authorized(&shown).await;
    let refused = stage.exchange().of(&foreign).await;
    assert_eq!(
        refused.expect_err("another guard's"),
        ExchangeError::ForeignProof
    );
    assert_eq!(stage.asked(), 0);
}

#[tokio::test]
async fn nobody_acts_for_a_caller_whose_token_is_over() {
    let stage = Stage::start().await;
    let exchange = stage.exchange();
    let (auth, revoked) = (stage.alice().await, stage.alice().await);
    let token = exchange.of(&auth).await.expect("a token");
    assert!(token.deadline() <= auth.deadline());
    let subject = revoked.subject().clone();
    let done = stage
        .guard
        .revocations()
        .revoke_subject(stage.issuer.id(), &subject);
    done.expect("room");
    let refused = exchange.of(&revoked).await;
    assert_eq!(refused.expect_err("revoked"), ExchangeError::Expired);
    let stage = Stage::start().await;
    let exchange = stage.exchange();
    let auth = stage.alice().await;
    exchange.of(&auth).await.expect("a token");
    stage.clock.advance(TimeDelta::minutes(12));
    let refused = exchange.of(&auth).await;
    assert_eq!(
        refused.expect_err("its time is over"),
        ExchangeError::Expired
    );
}

#[tokio::test]
async fn a_token_is_not_given_out_when_it_is_nearly_over() {
    let stage = Stage::start().await;
    let exchange = stage.exchange();
    let body = |number: u8| {
        let token = json!({
            "access_token": format!("upstream-{number}"),
            "issued_token_type": "urn:ietf:params:oauth:token-type:access_token",
            "token_type": "Bearer",
            "expires_in": 60,
        });
        Fault::Body(token.to_string())
    };
    let auth = stage.alice().await;
    stage.issuer.token_fault(body(1));
    let first = exchange.of(&auth).await.expect("a token");
    stage.issuer.token_fault(body(2));
    stage.clock.advance(TimeDelta::seconds(49));
    assert_eq!(
        header(&exchange.of(&auth).await.expect("a token")),
        header(&first)
    );
    stage.clock.advance(TimeDelta::seconds(1));
    let next = exchange.of(&auth).await.expect("a token");
    assert_eq!(header(&next), "Bearer upstream-2");
}

#[tokio::test]
async fn what_is_no_upstream_token_is_refused_and_not_remembered() {
    let stage = Stage::start().await;
    let exchange = stage.exchange();
    let shown = stage.token(User::Alice, "mcp:tools:read");
    let auth = stage.authorized(&shown).await;
    let kind = "urn:ietf:params:oauth:token-type:access_token";
    let answer = |token: &str, kind: &str, of: &str| {
        let answer = json!({"access_token": token, "issued_token_type": kind, "token_type": of});
        Fault::Body(answer.to_string())
    };
    for (fault, code) in [
        // The very thing that must not be passed on.
        (answer(&shown, kind, "Bearer"), "passthrough"),
        (
            answer("x", "urn:ietf:params:oauth:token-type:id_token", "Bearer"),
            "token_type",
        ),
        (answer("x", kind, "N_A"), "token_type"),
        (answer("", kind, "Bearer"), "malformed_token_response"),
        (Fault::Garbage, "malformed_token_response"),
    ] {
        stage.issuer.token_fault(fault);
        let refused = exchange.of(&auth).await.expect_err(code);
        assert_eq!(refused.code(), code);
        assert!(!refused.is_temporary(), "{code}");
        let said = format!("{refused} {refused:?}");
        assert!(!said.contains(&shown) && !said.contains(SECRET), "{said}");
    }
    for fault in [Fault::Status(503), Fault::Disconnect, Fault::Truncated] {
        stage.issuer.token_fault(fault);
        let refused = exchange.of(&auth).await.expect_err("it is down");
        assert!(refused.is_temporary(), "{refused:?}");
    }
    stage.issuer.token_fault(Fault::None);
    let token = exchange.of(&auth).await.expect("a token");
    let debug = format!("{token:?} {exchange:?} {auth:?}");
    let secret = header(&token).split_off("Bearer ".len());
    assert!(
        !debug.contains(&secret) && !debug.contains(&shown),
        "{debug}"
    );
}

#[tokio::test]
async fn those_who_ask_at_once_share_one_request() {
    let stage = Stage::start().await;
    let exchange = stage.exchange();
    let shown = stage.token(User::Alice, "mcp:tools:read");
    stage
        .issuer
        .token_fault(Fault::Slow(Duration::from_millis(1)));
    let mut all = tokio::task::JoinSet::new();
    for _ in 0..50 {
        let (exchange, auth) = (exchange.clone(), stage.authorized(&shown).await);
        all.spawn(async move { exchange.of(&auth).await.map(|token| header(&token)) });
    }
    let all = all.join_all().await;
    let first = all.first().expect("one").clone().expect("a token");
    assert!(all.into_iter().all(|one| one.expect("a token") == first));
    assert_eq!(stage.asked(), 1);
}

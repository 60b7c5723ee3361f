//! The order of checks: of two reasons to refuse a request, the earlier one is told.

use std::cell::Cell;

use axum::Router;
use axum::extract::Request as HttpRequest;
use axum::middleware::{self, Next};
use clearance::limit::Quota;
use clearance::mcp::Revision;
use clearance::{PeerInfo, TlsEvidence};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::site::{ALL, Site, WEATHER, assert_ran, bytes, send};
use crate::support::mcp::{DENIED, McpServer, REVOKED};
use crate::support::request::{Request, error_of};
use crate::support::{Answer, parse_challenge};

/// A request before it is written, so that it can be wrong in several ways at once.
struct Draft {
    request: Request,
    token: Option<&'static str>,
    scopes: &'static str,
    /// Nobody else's, so that the quota of others is not used up.
    subject: String,
    id: Option<&'static str>,
    also: Option<&'static str>,
    is_padded: bool,
}

/// One way of being wrong, and what it is answered with: status, code and message of the error, and
/// the error of the challenge, which is `-` where the challenge names none.
struct Check {
    name: &'static str,
    spoil: fn(&mut Draft),
    answer: (u16, i64, &'static str, Option<&'static str>),
}

const fn check(
    name: &'static str,
    answer: (u16, i64, &'static str, Option<&'static str>),
    spoil: fn(&mut Draft),
) -> Check {
    Check {
        name,
        spoil,
        answer,
    }
}

fn set(draft: &mut Draft, name: &str, value: &str) {
    draft.request = draft.request.clone().with(name, value);
}

const UNAUTHORIZED: (u16, i64, &str, Option<&str>) =
    (401, 40100, "invalid access token", Some("invalid_token"));

const HOST: Check = check("host", (403, 40301, "host not allowed", None), |draft| {
    set(draft, "host", "evil.example");
});
const ORIGIN: Check = check(
    "origin",
    (403, 40301, "origin not allowed", None),
    |draft| {
        set(draft, "origin", "https://evil.example");
    },
);
const TLS: Check = check(
    "transport",
    (403, 40301, "encrypted connections only", None),
    |draft| set(draft, "x-plain", "yes"),
);
const NO_SUCH_VERB: Check = check(
    "method of HTTP",
    (405, -32600, "this method is not served here", None),
    |_| {},
);
const NO_CREDENTIAL: Check = check(
    "no credential",
    (401, 40100, "access token required", Some("-")),
    |draft| draft.token = None,
);
const SYNTAX: Check = check(
    "syntax",
    (400, -32600, "malformed credential", Some("invalid_request")),
    |draft| draft.also = Some("Basic dTpw"),
);
const SIGNATURE: Check = check("signature", UNAUTHORIZED, |draft| {
    draft.token = Some("wrong_signature");
});
const TIME: Check = check("time", UNAUTHORIZED, |draft| draft.token = Some("expired"));
const REVOCATION: Check = check("revocation", UNAUTHORIZED, |draft| {
    draft.id = Some(REVOKED);
});
const QUOTA: Check = check("quota", (429, 42900, "too many requests", None), |draft| {
    BUSY.clone_into(&mut draft.subject);
});
const MEDIA_TYPE: Check = check(
    "media type",
    (415, -32600, "the body must be application/json", None),
    |draft| set(draft, "content-type", "text/plain"),
);
const LENGTH: Check = check(
    "length",
    (413, -32600, "the body is too long", None),
    |draft| draft.is_padded = true,
);
const SHAPE: Check = check("shape", (400, -32700, "malformed JSON", None), |draft| {
    draft.request.body.insert(0, '?');
});
const MISMATCH: Check = check(
    "headers",
    (400, -32020, "a header does not match the body", None),
    |draft| set(draft, "mcp-method", "prompts/list"),
);
const SESSION: Check = check(
    "session",
    (404, 40400, "session not found", None),
    |draft| set(draft, "mcp-session-id", "somebody.elses"),
);
const RULE: Check = check("rule", (403, 40301, "access denied", None), |draft| {
    DENIED.clone_into(&mut draft.subject);
});
const METHOD: Check = check("method", (404, -32601, "method not found", None), |draft| {
    let body = draft.request.body.replace("tools/call", "unknown/method");
    draft.request.body = body;
});
const NAME: Check = check("name", (403, 40301, "access denied", None), |draft| {
    let body = draft.request.body.replace("get_weather", "shell");
    draft.request.body = body;
});
const SCOPE: Check = check(
    "scope",
    (403, 40300, "insufficient scope", Some("insufficient_scope")),
    |draft| draft.scopes = "b",
);
const VERSION: Check = check(
    "version",
    (400, -32022, "unsupported protocol version", None),
    |draft| set(draft, "mcp-protocol-version", "1900-01-01"),
);
const EVENTS: Check = check(
    "events",
    (400, -32600, "more than one Last-Event-ID", None),
    |draft| {
        draft.request = draft
            .request
            .clone()
            .also("last-event-id", "1")
            .also("last-event-id", "2");
    },
);

/// Who has nothing left.
const BUSY: &str = "busy";

/// What an acceptor would say, unless the test says that it came in plain text.
async fn accepted(
    mut request: HttpRequest<axum::body::Body>,
    next: Next,
) -> axum::response::Response {
    if request.headers_mut().remove("x-plain").is_none() {
        let peer = "192.0.2.1:1".parse().expect("an address");
        request.extensions_mut().insert(PeerInfo::tls(peer));
    }
    next.run(request).await
}

fn with_acceptor(router: Router) -> Router {
    router.layer(middleware::from_fn(accepted))
}

/// A server that asks everything that can be asked, and has no request left for [`BUSY`].
async fn strict(revisions: &'static [Revision]) -> McpServer {
    let server = Site::new()
        .guard(|guard| guard.limit(Quota::per_hour(1)))
        .layer(move |layer| {
            layer
                .revisions(revisions.iter().copied())
                .allow_host("t")
                .max_body(2_000)
                .require_tls(TlsEvidence::from_acceptor())
        })
        .outside(with_acceptor)
        .serve()
        .await;
    let first = Request::new("2025-11-25", WEATHER);
    let token = server.scoped(ALL).subject(BUSY).mint();
    send(&server, &first.bearer(&token)).await;
    server.log.take();
    server
}

const LEGACY: &[Revision] = &[
    Revision::March2025,
    Revision::June2025,
    Revision::November2025,
];

/// A request that is spoiled by these checks; nobody made one for its subject before.
fn spoiled(server: &McpServer, call: &str, checks: &[&Check]) -> Request {
    thread_local!(static TURN: Cell<u64> = const { Cell::new(0) });
    let turn = TURN.replace(TURN.get() + 1);
    let mut draft = Draft {
        request: Request::new("2025-11-25", call),
        token: Some("valid"),
        scopes: ALL,
        subject: format!("user-{turn}"),
        id: None,
        also: None,
        is_padded: false,
    };
    // The later ones first: what stands in front of a body stays there.
    for check in checks.iter().rev() {
        (check.spoil)(&mut draft);
    }
    let mut request = draft.request;
    if draft.is_padded {
        request.body.push_str(&" ".repeat(2_000));
    }
    if let Some(kind) = draft.token {
        let token = server.scoped(draft.scopes).subject(&draft.subject);
        // A client of its own: principals are charged apart.
        let token = token.client(&format!("client-{turn}"));
        let token = match draft.subject.as_str() {
            BUSY => server.scoped(draft.scopes).subject(BUSY),
            _ => token,
        };
        let token = match draft.id {
            Some(id) => token.token_id(id),
            None => token,
        };
        let token = match kind {
            "expired" => token.expired(),
            "wrong_signature" => token.wrong_signature(),
            _ => token,
        };
        request = request.bearer(&token.mint());
    }
    match draft.also {
        Some(also) => request.also("authorization", also),
        None => request,
    }
}

/// What an answer says, as a check writes it.
fn said(answer: &Answer) -> (u16, i64, String, Option<String>) {
    let error = error_of(answer)["error"].clone();
    let challenge = answer.header("www-authenticate").map(|value| {
        let mut parameters = parse_challenge(value).into_iter();
        let error = parameters.find(|(name, _)| name == "error");
        error.map_or("-".to_owned(), |(_, value)| value)
    });
    let message = error["message"].as_str().unwrap_or_default();
    let code = error["code"].as_i64().expect("a code");
    (answer.status, code, message.to_owned(), challenge)
}

async fn assert_first_is_told(server: &McpServer, call: &str, checks: &[&Check]) {
    let request = spoiled(server, call, checks);
    let answer = send(server, &request).await;
    let (status, code, message, challenge) = checks[0].answer;
    let expected = (
        status,
        code,
        message.to_owned(),
        challenge.map(str::to_owned),
    );
    let names: Vec<_> = checks.iter().map(|check| check.name).collect();
    assert_eq!(said(&answer), expected, "{call} with wrong {names:?}");
    assert_ran(server, &[]);
}

/// Each check alone, and each pair of them: the earlier one is told.
async fn assert_in_order(server: &McpServer, call: &str, checks: &[&Check]) {
    for (at, first) in checks.iter().enumerate() {
        assert_first_is_told(server, call, &[first]).await;
        for second in &checks[at + 1..] {
            assert_first_is_told(server, call, &[first, second]).await;
        }
        assert_first_is_told(server, call, &checks[at..]).await;
    }
}

/// RS-001, RS-002, RS-003: for POST, from the host to the scope; what is in no way wrong is served.
#[tokio::test]
async fn of_two_faults_of_a_call_the_earlier_is_told() {
    let server = strict(LEGACY).await;
    let right = spoiled(&server, WEATHER, &[]);
    send(&server, &right).await.assert_ok();
    assert_ran(&server, &[WEATHER]);
    let before = [
        &HOST,
        &ORIGIN,
        &TLS,
        &SYNTAX,
        &SIGNATURE,
        &QUOTA,
        &MEDIA_TYPE,
        &LENGTH,
        &SHAPE,
        &MISMATCH,
        &SESSION,
    ];
    for policy in [
        &[&RULE, &METHOD][..],
        &[&RULE, &SCOPE],
        &[&RULE, &NAME],
        &[&METHOD, &SCOPE],
        &[&NAME, &SCOPE],
    ] {
        let checks: Vec<&Check> = before.into_iter().chain(policy.iter().copied()).collect();
        assert_in_order(&server, WEATHER, &checks).await;
    }
    // Other faults of a credential in the same place; two of them cannot be combined.
    for place in [&NO_CREDENTIAL, &TIME, &REVOCATION] {
        let checks = [
            &HOST,
            &ORIGIN,
            &TLS,
            place,
            &QUOTA,
            &MEDIA_TYPE,
            &LENGTH,
            &SHAPE,
            &MISMATCH,
            &SESSION,
            &SCOPE,
        ];
        assert_in_order(&server, WEATHER, &checks).await;
    }
    let checks = [&QUOTA, &LENGTH, &SHAPE, &VERSION, &SESSION, &RULE];
    assert_in_order(&server, WEATHER, &checks).await;
}

/// The same for GET and DELETE, where sessions are served.
#[tokio::test]
async fn of_two_faults_of_a_stream_the_earlier_is_told() {
    let server = strict(LEGACY).await;
    let all = [
        &HOST, &ORIGIN, &TLS, &SYNTAX, &SIGNATURE, &QUOTA, &VERSION, &SESSION, &EVENTS,
    ];
    for verb in ["GET", "DELETE"] {
        // Without a session of the caller's the events are never looked at.
        for checks in [&all[..7], &all[..8]] {
            assert_in_order(&server, verb, checks).await;
        }
        for place in [&NO_CREDENTIAL, &TIME, &REVOCATION] {
            let checks = [&HOST, &ORIGIN, &TLS, place, &QUOTA, &VERSION, &SESSION];
            assert_in_order(&server, verb, &checks).await;
        }
        let checks = [&SESSION, &EVENTS];
        assert_first_is_told(&server, verb, &checks).await;
    }
}

/// Where no session is served, GET and DELETE are not either, and that needs no token; other methods
/// are refused after it.
#[tokio::test]
async fn a_method_that_nobody_has_is_told_before_the_credential() {
    let modern = strict(&[Revision::July2026]).await;
    let legacy = strict(LEGACY).await;
    for verb in ["GET", "DELETE"] {
        assert_in_order(&modern, verb, &[&HOST, &ORIGIN, &TLS, &NO_SUCH_VERB]).await;
        for later in [
            &SYNTAX,
            &NO_CREDENTIAL,
            &SIGNATURE,
            &REVOCATION,
            &QUOTA,
            &VERSION,
            &SESSION,
            &RULE,
        ] {
            assert_first_is_told(&modern, verb, &[&NO_SUCH_VERB, later]).await;
        }
    }
    for verb in ["PUT", "PATCH"] {
        for server in [&modern, &legacy] {
            for place in [&SYNTAX, &NO_CREDENTIAL, &SIGNATURE, &REVOCATION] {
                let checks = [&HOST, &ORIGIN, &TLS, place, &QUOTA, &NO_SUCH_VERB];
                assert_in_order(server, verb, &checks).await;
            }
        }
    }
}

/// RS-002: what comes before the body does not wait for it.
#[tokio::test]
async fn a_body_that_never_comes_delays_no_refusal() {
    let server = strict(LEGACY).await;
    for first in [
        &HOST,
        &ORIGIN,
        &TLS,
        &NO_CREDENTIAL,
        &SYNTAX,
        &SIGNATURE,
        &TIME,
        &REVOCATION,
        &QUOTA,
        &MEDIA_TYPE,
        &LENGTH,
    ] {
        let all = bytes(&spoiled(&server, WEATHER, &[first]));
        let text = String::from_utf8(all).expect("text");
        let (head, _) = text.split_once("\r\n\r\n").expect("a head");
        let mut stream = TcpStream::connect(server.address).await.expect("connects");
        let head = format!("{head}\r\n\r\n");
        stream.write_all(head.as_bytes()).await.expect("it is sent");
        let mut read = Vec::new();
        let answer = stream.read_to_end(&mut read);
        let limit = std::time::Duration::from_secs(10);
        let answer = tokio::time::timeout(limit, answer).await;
        answer.expect("an answer in time").expect("an answer");
        let answer = Answer::parse(&read);
        assert_eq!(said(&answer).0, first.answer.0, "{}", first.name);
        assert_ran(&server, &[]);
    }
}

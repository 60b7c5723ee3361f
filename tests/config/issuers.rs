//! What a text says about an issuer: what is refused without a line is accepted with it.

use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;
use clearance::jwk::Algorithm::{self, ES256, EdDSA, PS384};
use clearance::testing::{Fault, Issuer, TokenBuilder};
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivatePkcs8KeyDer};

use super::fixture::{Held, about, guard, read, repository, server, server_of, text};
use crate::support::tokens::{reason, t0};
use crate::support::{self, Fixture};

/// A key, its line, and a token that is refused for this reason without it.
type Row = (&'static str, &'static str, Mint);
type Mint = fn(&Issuer) -> TokenBuilder<'_>;

const ROWS: &[Row] = &[
    ("accept_generic_type = true", "foreign_type", |issuer| {
        t0(issuer).header("typ", "JWT")
    }),
    (
        "accept_types = [\"acme+jwt\", \"x+jwt\"]",
        "foreign_type",
        |issuer| t0(issuer).header("typ", "x+jwt"),
    ),
    (
        "accept_audiences = [\"y\", \"api://files\"]",
        "other_resource",
        |issuer| t0(issuer).audience("api://files"),
    ),
    ("client_from = \"azp\"", "missing_claim", |issuer| {
        t0(issuer).without("client_id").claim("azp", "c9")
    }),
    ("client_from = \"appid\"", "missing_claim", |issuer| {
        t0(issuer).without("client_id").claim("appid", "c9")
    }),
    ("client_from = \"cid\"", "missing_claim", |issuer| {
        t0(issuer).without("client_id").claim("cid", "c9")
    }),
    ("scopes_may_be_arrays = true", "missing_claim", |issuer| {
        t0(issuer).claim("scope", json!(["mcp:tools.read"]))
    }),
    ("scopes_from_scp = true", "insufficient_scope", |issuer| {
        issuer
            .token()
            .without("scope")
            .claim("scp", "mcp:tools.read")
    }),
    (
        "scopes_from_claim = { path = [\"realm\", \"roles\"], table = { x = \"a\", operator = [\"b\", \"mcp:tools.read\"] } }",
        "insufficient_scope",
        |issuer| {
            issuer
                .token()
                .without("scope")
                .claim("realm", json!({ "roles": ["operator"] }))
        },
    ),
    (
        "scope_prefix = \"api://files/\"",
        "insufficient_scope",
        |issuer| issuer.token().scope("api://files/mcp:tools.read"),
    ),
    ("without_token_id = true", "missing_claim", |issuer| {
        t0(issuer).without("jti")
    }),
];

#[tokio::test]
async fn each_deviation_is_accepted_by_its_line() {
    let verdict = async |line: &str, mint: &Mint| {
        let server = server("", line).await;
        let token = mint(&server.issuer).mint();
        reason(&server.app.guard, &token).await
    };
    let mut wrong = Vec::new();
    for (line, code, mint) in ROWS {
        let mut verdicts = vec![
            (verdict(line, mint).await, "authorized"),
            (verdict("", mint).await, *code),
        ];
        if let Some(key) = line.strip_suffix(" = true") {
            verdicts.push((verdict(&format!("{key} = false"), mint).await, *code));
        }
        if verdicts
            .iter()
            .any(|(verdict, expected)| verdict != expected)
        {
            wrong.push((*line, verdicts));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    let server = server("", "client_from = \"client_id\"").await;
    let both = t0(&server.issuer).claim("azp", "other").mint();
    let auth = support::tokens::ask(&server.app.guard, &both).await;
    assert_eq!(auth.expect("a proof").client().as_str(), "client-1");
}

async fn signing(algorithms: &[Algorithm]) -> (Issuer, clearance::testing::ManualClock) {
    let clock = support::clock();
    let issuer = Issuer::builder(support::resource())
        .clock(Arc::new(clock.clone()))
        .algorithms(algorithms.iter().copied())
        .start()
        .await
        .expect("an issuer");
    (issuer, clock)
}

#[tokio::test]
async fn allow_algorithms_and_only_algorithms() {
    for (line, accepted) in [
        ("", &[ES256, EdDSA][..]),
        ("allow_algorithms = []", &[ES256, EdDSA]),
        (
            "allow_algorithms = [\"RS384\", \"PS384\"]",
            &[ES256, EdDSA, PS384],
        ),
        ("only_algorithms = [\"EdDSA\"]", &[EdDSA]),
        ("only_algorithms = [\"PS384\", \"ES256\"]", &[PS384, ES256]),
    ] {
        let (issuer, clock) = signing(&[ES256, EdDSA, PS384]).await;
        let server = server_of(issuer, clock, "", line).await;
        for algorithm in [ES256, EdDSA, PS384] {
            let token = t0(&server.issuer).signed_by(algorithm).mint();
            let verdict = reason(&server.app.guard, &token).await;
            let is_accepted = accepted.contains(&algorithm);
            let expected = if is_accepted {
                "authorized"
            } else {
                "unknown_key"
            };
            assert_eq!(verdict, expected, "{line} {algorithm}");
        }
    }
}

/// Every name of an algorithm is one that can be written.
#[test]
fn every_algorithm_has_its_name() {
    for algorithm in Algorithm::ALL {
        read(&about("", &format!("only_algorithms = [\"{algorithm}\"]")));
    }
}

#[tokio::test]
async fn where_keys_come_from() {
    let clock = support::clock();
    let issuer = support::issuer(&clock).await;
    let file = Held::file(issuer.jwks());
    for (line, (metadata, keys)) in [
        (String::new(), (1, 1)),
        (format!("jwks_uri = \"{}\"", issuer.jwks_uri()), (0, 1)),
        (format!("keys_file = \"{}\"", file.path()), (0, 0)),
    ] {
        let before = (issuer.metadata_hits(), issuer.jwks_hits());
        let guard = guard(&text(issuer.id().as_str(), "", &line), &clock);
        guard.ready().await.expect("keys");
        assert_eq!(
            reason(&guard, &t0(&issuer).mint()).await,
            "authorized",
            "{line}"
        );
        let after = (issuer.metadata_hits(), issuer.jwks_hits());
        assert_eq!(after, (before.0 + metadata, before.1 + keys), "{line}");
    }
}

#[tokio::test]
async fn fetch_time_limit_seconds() {
    let clock = support::clock();
    let issuer = support::issuer(&clock).await;
    issuer.fault(Fault::Hang);
    let text = text(issuer.id().as_str(), "", "fetch_time_limit_seconds = 1");
    let guard = guard(&text, &clock);
    // Sooner than the ten seconds that nobody has changed.
    let late = tokio::time::timeout(Duration::from_secs(8), guard.ready()).await;
    let late = late.expect("a limit").expect_err("no keys");
    assert_eq!(late.cause(), "time_limit_exceeded");
}

#[tokio::test]
async fn stale_keys_limit_seconds() {
    for (line, code) in [
        ("", "authorized"),
        ("stale_keys_limit_seconds = 60", "unavailable"),
    ] {
        let server = server("max_cached_tokens = 0", line).await;
        let token = || t0(&server.issuer).mint();
        assert_eq!(reason(&server.app.guard, &token()).await, "authorized");
        server.issuer.stop().await;
        server.clock.advance(TimeDelta::minutes(20));
        assert_eq!(reason(&server.app.guard, &token()).await, code, "{line}");
    }
}

/// Serves a key set over TLS, with a certificate of an authority that no system knows.
async fn over_tls(keys: String) -> (u16, support::Held) {
    let bytes = |file: &str| std::fs::read(repository(file)).expect("a file");
    let config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_no_client_auth()
        .with_single_cert(
            vec![CertificateDer::from(bytes("tests/vectors/tls/server.der"))],
            PrivatePkcs8KeyDer::from(bytes("tests/vectors/tls/server.key.der")).into(),
        )
        .expect("a certificate");
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let port = listener.local_addr().expect("an address").port();
    let length = keys.len();
    let answer =
        format!("HTTP/1.1 200 -\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n{keys}");
    let task = tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.expect("a connection");
            // A client that does not trust the certificate goes away.
            if let Ok(mut stream) = acceptor.accept(stream).await {
                let mut head = [0; 4096];
                drop(stream.read(&mut head).await);
                drop(stream.write_all(answer.as_bytes()).await);
                drop(stream.shutdown().await);
            }
        }
    });
    (port, task.into())
}

#[tokio::test]
async fn root_certificates() {
    let clock = support::clock();
    let issuer = support::issuer(&clock).await;
    let (port, _task) = over_tls(issuer.jwks()).await;
    let authority = repository("tests/vectors/tls/authority.pem");
    for (line, expected) in [
        (String::new(), Err("connection_failed")),
        (format!("root_certificates = [\"{authority}\"]"), Ok(())),
    ] {
        let lines = format!("jwks_uri = \"https://127.0.0.1:{port}/jwks\"\n{line}");
        let guard = guard(&text(issuer.id().as_str(), "", &lines), &clock);
        let ready = guard.ready().await.map_err(|error| error.cause());
        assert_eq!(ready, expected, "{line}");
    }
}

/// Longer than it takes to connect on this machine.
const PATIENCE: Duration = Duration::from_secs(20);

/// The head of the first request that a proxy gets.
async fn asked_of_proxy(line: impl FnOnce(u16) -> (String, Option<Held>)) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let port = listener.local_addr().expect("an address").port();
    let (line, _file) = line(port);
    let guard = guard(&about("", &line), &support::clock());
    let accepted = async {
        let connection = tokio::time::timeout(PATIENCE, listener.accept()).await;
        let (mut stream, _) = connection.expect("in time").expect("a connection");
        let mut head = [0; 4096];
        let length = stream.read(&mut head).await.expect("a head");
        String::from_utf8_lossy(&head[..length]).into_owned()
    };
    let (head, ready) = tokio::join!(accepted, guard.ready());
    assert!(ready.is_err(), "the proxy gave no answer");
    head
}

#[tokio::test]
async fn proxy() {
    let head = asked_of_proxy(|port| (format!("proxy = \"http://127.0.0.1:{port}\""), None)).await;
    assert!(head.starts_with("CONNECT as.example.com:443 "), "{head}");
    assert!(
        !head.to_ascii_lowercase().contains("proxy-authorization"),
        "{head}"
    );
    let head = asked_of_proxy(|port| {
        let file = Held::file(format!("http://ann:s3cret@127.0.0.1:{port}\n"));
        (
            format!("proxy = {{ file = \"{}\" }}", file.path()),
            Some(file),
        )
    })
    .await;
    assert!(head.starts_with("CONNECT as.example.com:443 "), "{head}");
    // "ann:s3cret"
    assert!(head.contains("Basic YW5uOnMzY3JldA=="), "{head}");
}

/// What the guard refuses is told by its key.
#[test]
fn what_the_guard_refuses_is_told_by_its_key() {
    let no_keys = Held::file("{}");
    let unusable = Held::file("{\"keys\":[]}");
    let other = "\n[[issuers]]\nidentifier = \"https://other.example.com\"\n";
    let asked = "[issuers.introspection]\nclient_id = \"c\"\nauthentication = \"client_secret_post\"\nclient_secret = { env = \"CARGO_PKG_NAME\" }\n";
    for (key, line) in [
        ("keys_file", format!("keys_file = \"{}\"", no_keys.path())),
        ("keys_file", format!("keys_file = \"{}\"", unusable.path())),
        (
            "jwks_uri",
            "jwks_uri = \"http://as.example.com/\"".to_owned(),
        ),
        ("jwks_uri", "jwks_uri = \"https://u:s3cret@[\"".to_owned()),
        ("proxy", "proxy = \"socks5://p.example.com\"".to_owned()),
        ("proxy", "proxy = \"p.example.com\"".to_owned()),
        (
            "root_certificates",
            format!("root_certificates = [\"{}\"]", no_keys.path()),
        ),
        (
            "accept_types",
            "accept_types = [\"acme+jwt\", \"application/ID_Token+JWT\"]".to_owned(),
        ),
        ("scope_prefix", "scope_prefix = \"a b\"".to_owned()),
        ("scope_prefix", "scope_prefix = \"files:\"".to_owned()),
        (
            "introspection.endpoint",
            format!("{asked}endpoint = \"http://as.example.com/\""),
        ),
    ] {
        let config = read(&about("", &format!("{other}{line}")));
        let error = config.guard::<Fixture>().expect_err(&line);
        assert_eq!(error.key(), format!("issuers[1].{key}"), "{line}: {error}");
        let text = format!("{error} {error:?}");
        assert!(!text.contains("s3cret"), "{text}");
        assert!(
            error
                .to_string()
                .starts_with(&format!("`issuers[1].{key}`: ")),
            "{error}"
        );
        // Said by the builder of code too, in its own words.
        let built = config.builder::<Fixture>().expect("a builder").build();
        let refused = built.expect_err(&line).to_string();
        assert!(error.to_string().ends_with(&refused), "{error} {refused}");
    }
}

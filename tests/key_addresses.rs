//! Where keys may be fetched from, and by which client: addresses that only a document names,
//! authorities and proxies of the operator's own, and clients that are given.
#![cfg(test)]
#![allow(
    clippy::allow_attributes,
    clippy::arithmetic_side_effects,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_in_result,
    reason = "a test that cannot go on must panic"
)]

mod support;

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use clearance::testing::{Fault, ManualClock};
use clearance::{ConfigError, TrustedIssuer};
use serde_json::json;
use support::tokens::t0;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivatePkcs8KeyDer};

/// The authority that vouches for the TLS server of these tests.
const AUTHORITY: &[u8] = include_bytes!("vectors/tls/authority.pem");
const CERTIFICATE: &[u8] = include_bytes!("vectors/tls/server.der");
const KEY: &[u8] = include_bytes!("vectors/tls/server.key.der");

/// Longer than any test takes: what ends by time was called.
const PATIENT: Duration = Duration::from_mins(5);

/// The issuer whose documents come over TLS.
const HTTPS: &str = "https://as.example.com";

/// What a site answers to a path: a status, a `location` and a body.
type Page = (u16, String, String);

/// Things that were asked of a server, in their order.
#[derive(Clone, Default)]
struct Asked(Arc<Mutex<Vec<String>>>);

impl Asked {
    fn note(&self, what: &str) {
        self.0.lock().expect("the list").push(what.to_owned());
    }

    fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.0.lock().expect("the list"))
    }
}

/// A server of raw connections on this machine.
struct Listening {
    address: SocketAddr,
    asked: Asked,
    _task: support::Held,
}

impl Listening {
    async fn by<F, R>(serve: F) -> Self
    where
        F: Fn(TcpStream, Asked) -> R + Send + 'static,
        R: Future<Output = ()> + Send + 'static,
    {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let asked = Asked::default();
        let noted = asked.clone();
        let task = tokio::spawn(async move {
            let mut tasks = tokio::task::JoinSet::new();
            loop {
                let (stream, _) = listener.accept().await.expect("a connection");
                tasks.spawn(serve(stream, noted.clone()));
            }
        });
        Self {
            address,
            asked,
            _task: task.into(),
        }
    }

    /// Serves pages over TLS.
    async fn over_tls(pages: impl Fn(&str) -> Page + Send + Sync + 'static) -> Self {
        let provider = Arc::new(aws_lc_rs::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("versions")
            .with_no_client_auth()
            .with_single_cert(
                vec![CertificateDer::from(CERTIFICATE)],
                PrivatePkcs8KeyDer::from(KEY).into(),
            )
            .expect("a certificate");
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let pages = Arc::new(pages);
        Self::by(move |stream, asked| {
            let (acceptor, pages) = (acceptor.clone(), Arc::clone(&pages));
            async move {
                // A client that does not trust the certificate goes away.
                if let Ok(stream) = acceptor.accept(stream).await {
                    serve_pages(stream, &*pages, &asked).await;
                }
            }
        })
        .await
    }

    /// A proxy that notes where it is asked to connect to, and connects to `to` whatever that was.
    async fn proxy(to: SocketAddr) -> Self {
        Self::by(move |mut stream, asked| async move {
            let head = head(&mut stream).await;
            let target = head.split(' ').nth(1).unwrap_or_default();
            asked.note(target);
            let mut other = TcpStream::connect(to).await.expect("a connection");
            let answer = b"HTTP/1.1 200 Connection established\r\n\r\n";
            stream.write_all(answer).await.expect("an answer");
            drop(tokio::io::copy_bidirectional(&mut stream, &mut other).await);
        })
        .await
    }

    fn port(&self) -> u16 {
        self.address.port()
    }
}

/// The head of a request; empty, if the client goes away.
async fn head(stream: &mut (impl AsyncRead + Unpin)) -> String {
    let mut bytes = Vec::new();
    while !bytes.ends_with(b"\r\n\r\n") {
        match stream.read_u8().await {
            Ok(byte) => bytes.push(byte),
            Err(_) => return String::new(),
        }
    }
    String::from_utf8(bytes).expect("text")
}

async fn serve_pages(
    mut stream: impl AsyncRead + AsyncWrite + Unpin,
    pages: &(impl Fn(&str) -> Page + Sync),
    asked: &Asked,
) {
    let head = head(&mut stream).await;
    let Some(path) = head.split(' ').nth(1) else {
        return;
    };
    asked.note(path);
    let (status, location, body) = pages(path);
    let length = body.len();
    let answer = format!(
        "HTTP/1.1 {status} -\r\nconnection: close\r\ncontent-length: {length}\r\n\
        location: {location}\r\n\r\n{body}"
    );
    drop(stream.write_all(answer.as_bytes()).await);
    drop(stream.shutdown().await);
}

/// The documents of an issuer with keys at `jwks_uri`; all but the metadata is the key set.
fn documents(issuer: &str, jwks_uri: &str, keys: String) -> impl Fn(&str) -> Page + use<> {
    let metadata = json!({"issuer": issuer, "jwks_uri": jwks_uri}).to_string();
    move |path| {
        let body = if path.starts_with("/.well-known/") {
            &metadata
        } else {
            &keys
        };
        (200, String::new(), body.clone())
    }
}

/// Why there are no keys under these rules; nothing, if there are.
async fn ready(rules: TrustedIssuer, clock: &ManualClock) -> Option<&'static str> {
    let rules = rules.fetch_time_limit(PATIENT);
    let guard = support::with_rules(rules, clock).build().expect("a guard");
    guard.ready().await.err().map(|error| error.cause())
}

fn https() -> TrustedIssuer {
    TrustedIssuer::new(HTTPS.parse().expect("an issuer"))
}

/// RS-080: where only a document names a host, it is not called at an address that is not public.
#[tokio::test]
async fn addresses_that_a_document_names_are_public() {
    let clock = support::clock();
    let issuer = support::issuer(&clock).await;
    for host in [
        "10.0.0.1",
        "0x0a000001",
        "172.16.0.1",
        "192.168.0.1",
        "100.64.0.1",
        "169.254.169.254",
        "2852039166",
        "0.0.0.0",
        "224.0.0.1",
        "255.255.255.255",
        "[::]",
        "[::ffff:127.0.0.1]",
        "[::ffff:10.0.0.1]",
        "[64:ff9b::a9fe:a9fe]",
        "[2002:7f00:1::]",
        "[fd00:ec2::254]",
        "[fe80::1]",
        "[ff02::1]",
    ] {
        let uri = format!("https://{host}/jwks");
        issuer.metadata_fault(Fault::JwksUri(uri));
        let rules = TrustedIssuer::new(issuer.id().clone());
        assert_eq!(
            ready(rules, &clock).await,
            Some("forbidden_address"),
            "{host}"
        );
    }
    assert_eq!(issuer.jwks_hits(), 0);
}

/// RS-080: an issuer on this machine may have its keys elsewhere on it, for development.
#[tokio::test]
async fn an_issuer_on_this_machine_may_name_another_port() {
    let clock = support::clock();
    let issuer = support::issuer(&clock).await;
    let other = support::issuer(&clock).await;
    other.publish_jwks(issuer.jwks());
    for host in ["127.0.0.1", "localhost"] {
        let uri = other.jwks_uri().replace("127.0.0.1", host);
        issuer.metadata_fault(Fault::JwksUri(uri));
        let rules = TrustedIssuer::new(issuer.id().clone());
        assert_eq!(ready(rules, &clock).await, None, "{host}");
    }
    assert_eq!((issuer.jwks_hits(), other.jwks_hits()), (0, 2));
}

/// RS-080: a certificate of an authority that nobody named is not believed, and one that was named
/// is.
#[tokio::test]
async fn an_authority_of_ones_own_is_believed_when_it_is_named() {
    let clock = support::clock();
    let issuer = support::issuer(&clock).await;
    let site = Listening::over_tls(documents("", "", issuer.jwks())).await;
    let rules = |host: &str| {
        let uri = format!("https://{host}:{}/jwks", site.port());
        TrustedIssuer::with_jwks_uri(issuer.id().clone(), uri)
    };
    let failed = Some("connection_failed");
    assert_eq!(ready(rules("127.0.0.1"), &clock).await, failed);
    assert_eq!(site.asked.take(), Vec::<String>::new());
    let named = |host| rules(host).root_certificate(AUTHORITY);
    assert_eq!(ready(named("127.0.0.1"), &clock).await, None);
    assert_eq!(ready(named("localhost"), &clock).await, None);
    assert_eq!(site.asked.take(), ["/jwks", "/jwks"]);
    // The tokens of such an issuer are verified.
    let guard = support::with_rules(named("127.0.0.1"), &clock).build();
    let server = support::serve(issuer, clock, guard.expect("a guard")).await;
    let token = t0(&server.issuer).mint();
    server.get("/mcp", &token).await.assert_ok();
}

/// RS-080: through a proxy, which sees the names, and is not asked for addresses that are not public.
#[tokio::test]
async fn a_proxy_is_used_for_all_that_is_fetched() {
    let clock = support::clock();
    let issuer = support::issuer(&clock).await;
    for (jwks_uri, expected, asked) in [
        (
            "https://as.example.com/jwks",
            None,
            &["as.example.com:443", "as.example.com:443"][..],
        ),
        (
            "https://keys.example.com:8443/jwks",
            None,
            &["as.example.com:443", "keys.example.com:8443"],
        ),
        // The certificate does not have this name.
        (
            "https://other.example.com/jwks",
            Some("connection_failed"),
            &["as.example.com:443", "other.example.com:443"],
        ),
        (
            "https://169.254.169.254/jwks",
            Some("forbidden_address"),
            &["as.example.com:443"],
        ),
        (
            "https://127.0.0.1/jwks",
            Some("forbidden_address"),
            &["as.example.com:443"],
        ),
        (
            "https://localhost/jwks",
            Some("forbidden_address"),
            &["as.example.com:443"],
        ),
        (
            "http://as.example.com/jwks",
            Some("unacceptable_url"),
            &["as.example.com:443"],
        ),
    ] {
        let site = Listening::over_tls(documents(HTTPS, jwks_uri, issuer.jwks())).await;
        let proxy = Listening::proxy(site.address).await;
        let rules = https()
            .proxy(format!("http://{}", proxy.address))
            .root_certificate(AUTHORITY);
        assert_eq!(ready(rules, &clock).await, expected, "{jwks_uri}");
        assert_eq!(proxy.asked.take(), asked, "{jwks_uri}");
    }
}

/// The proxy hears the name and password that it wants, and nothing that is printed does.
#[tokio::test]
async fn what_a_proxy_wants_to_hear_is_not_shown() {
    let rules = https().proxy("http://name:secret@proxy.example.com");
    assert!(!format!("{rules:?}").contains("secret"));
    let clock = support::clock();
    let guard = support::with_rules(rules, &clock).build().expect("a guard");
    assert!(!format!("{guard:?}").contains("secret"));
}

/// A client for as.example.com and keys.example.com on this machine.
fn client_for(site: &Listening) -> reqwest::ClientBuilder {
    let certificates = reqwest::Certificate::from_pem_bundle(AUTHORITY);
    reqwest::Client::builder()
        .no_proxy()
        .tls_certs_merge(certificates.expect("certificates"))
        .resolve("as.example.com", site.address)
        .resolve("keys.example.com", site.address)
}

/// RS-080: a client that is given is used, and what it was sent to by a redirect is not believed.
#[tokio::test]
async fn a_client_that_is_given_is_not_believed_about_other_origins() {
    let clock = support::clock();
    let issuer = support::issuer(&clock).await;
    let site = Listening::over_tls(documents(
        HTTPS,
        "https://keys.example.com/jwks",
        issuer.jwks(),
    ))
    .await;
    let rules = https().http_client(client_for(&site).build().expect("a client"));
    assert_eq!(ready(rules, &clock).await, None);
    assert_eq!(
        site.asked.take(),
        ["/.well-known/oauth-authorization-server", "/jwks"]
    );

    let keys = issuer.jwks();
    let redirecting = move |target: &'static str, from: &'static str| {
        let serve = documents(HTTPS, "https://as.example.com/jwks", keys.clone());
        move |path: &str| {
            if path == from {
                (302, target.to_owned(), String::new())
            } else {
                serve(path)
            }
        }
    };
    let metadata = "/.well-known/oauth-authorization-server";
    for (target, from, expected) in [
        ("https://as.example.com/other", "/jwks", None),
        (
            "https://keys.example.com/keys",
            "/jwks",
            Some("redirected_elsewhere"),
        ),
        (
            "https://keys.example.com/.well-known/x",
            metadata,
            Some("redirected_elsewhere"),
        ),
    ] {
        let site = Listening::over_tls(redirecting(target, from)).await;
        let rules = https().http_client(client_for(&site).build().expect("a client"));
        assert_eq!(ready(rules, &clock).await, expected, "{target}");
    }
    // And it cannot be sent to addresses by metadata.
    let site = Listening::over_tls(documents(HTTPS, "https://10.0.0.1/jwks", issuer.jwks())).await;
    let rules = https().http_client(client_for(&site).build().expect("a client"));
    assert_eq!(ready(rules, &clock).await, Some("forbidden_address"));
}

/// What is no certificate, no proxy or too much is found out when the guard is built.
#[tokio::test]
async fn useless_clients_are_a_configuration_error() {
    let clock = support::clock();
    let id = || HTTPS.parse().expect("an issuer");
    let build = |rules| support::with_rules(rules, &clock).build().map(drop);
    for pem in [
        &b""[..],
        b"x",
        CERTIFICATE,
        b"-----BEGIN CERTIFICATE-----\nAAAA\n",
    ] {
        let refused = Err(ConfigError::RootCertificate(id()));
        assert_eq!(build(https().root_certificate(pem)), refused);
        assert_eq!(
            build(https().root_certificate(AUTHORITY).root_certificate(pem)),
            refused
        );
    }
    for url in [
        "",
        "proxy",
        "proxy.example.com:80",
        "socks5://proxy.example.com",
        "ftp://p",
        "file:///p",
    ] {
        assert_eq!(
            build(https().proxy(url)),
            Err(ConfigError::Proxy(id())),
            "{url}"
        );
    }
    let client = reqwest::Client::new;
    for both in [
        https()
            .http_client(client())
            .proxy("http://proxy.example.com"),
        https().root_certificate(AUTHORITY).http_client(client()),
    ] {
        assert_eq!(build(both), Err(ConfigError::HttpClient(id())));
    }
    assert_eq!(build(https().http_client(client())), Ok(()));
    assert_eq!(
        build(
            https()
                .proxy("http://proxy.example.com")
                .root_certificate(AUTHORITY)
        ),
        Ok(())
    );
}

//! The place where the redirect arrives, and the browser that is sent away.

use std::io::ErrorKind;
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt as _;
use std::sync::Arc;
use std::time::Duration;
use std::{env, fs};

use chrono::TimeDelta;
use clearance::client::Redirect;
use clearance::client::redirect::{
    Browser, Loopback, LoopbackReceiver, OpenError, ReceiveError, UrlOpener, print_url,
};
use clearance::testing::ManualClock;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;

use crate::processes::{self, Directory};

type Received = JoinHandle<Result<Redirect, ReceiveError>>;

/// Where a receiver listens.
fn address(place: &LoopbackReceiver) -> (SocketAddr, String) {
    let uri = place.redirect_uri();
    let rest = uri.strip_prefix("http://").expect("http");
    let (authority, path) = rest.split_once('/').expect("a path");
    (authority.parse().expect("an address"), format!("/{path}"))
}

async fn waiting() -> (SocketAddr, Received) {
    let place = LoopbackReceiver::bind().await.expect("a place");
    let (address, path) = address(&place);
    assert!(address.ip().is_loopback());
    assert_eq!(path, "/callback");
    (address, tokio::spawn(place.receive()))
}

/// What is answered to these bytes.
async fn ask(address: SocketAddr, request: &str) -> String {
    let mut stream = TcpStream::connect(address).await.expect("a connection");
    stream.write_all(request.as_bytes()).await.expect("sent");
    let mut answer = Vec::new();
    // A connection that is reset has told what it had to tell.
    stream.read_to_end(&mut answer).await.ok();
    String::from_utf8(answer).expect("text")
}

async fn get(address: SocketAddr, target: &str) -> String {
    ask(
        address,
        &format!("GET {target} HTTP/1.1\r\nhost: {address}\r\n\r\n"),
    )
    .await
}

fn status(answer: &str) -> &str {
    answer.get(9..12).unwrap_or_default()
}

#[tokio::test]
async fn the_whole_query_is_handed_over_unread() {
    let (address, received) = waiting().await;
    let query = "state=s%20t&iss=https%3A%2F%2Fas.example.com&code=%3Cscript%3E&code=b&x";
    let answer = get(address, &format!("/callback?{query}")).await;
    let redirect = received.await.expect("a task").expect("a redirect");
    assert_eq!(redirect.expose(), query);
    assert_eq!(format!("{redirect:?}"), "Redirect(..)");

    assert_eq!(status(&answer), "200");
    let (head, page) = answer.split_once("\r\n\r\n").expect("a page");
    let head = head.to_ascii_lowercase();
    for field in [
        "content-type: text/html; charset=utf-8",
        "cache-control: no-store",
        "referrer-policy: no-referrer",
        "x-content-type-options: nosniff",
        "x-frame-options: deny",
        "content-security-policy: default-src 'none'; style-src 'sha256-",
        "connection: close",
    ] {
        assert!(head.contains(field), "{field} is not in {head}");
    }
    assert!(page.contains("You can close this window"));
    assert!(page.ends_with("</html>\n"), "all of it arrived");
    for strange in ["script", "state", "http:", "https:", "src=", "href="] {
        assert!(!page.contains(strange), "{strange}");
    }

    let again = TcpStream::connect(address).await.map_err(|e| e.kind());
    assert_eq!(again.err(), Some(ErrorKind::ConnectionRefused), "closed");
}

#[tokio::test]
async fn everything_else_is_refused_and_ends_nothing() {
    let (address, received) = waiting().await;
    let host = format!("host: {address}");
    let port = address.port();
    for (request, expected) in [
        (format!("GET / HTTP/1.1\r\n{host}"), "404"),
        (format!("GET /favicon.ico HTTP/1.1\r\n{host}"), "404"),
        (format!("GET /callback/?state=x HTTP/1.1\r\n{host}"), "404"),
        (format!("GET /Callback?state=x HTTP/1.1\r\n{host}"), "404"),
        (format!("GET /callback HTTP/1.1\r\n{host}"), "400"),
        (format!("GET /callback? HTTP/1.1\r\n{host}"), "400"),
        (format!("POST /callback?state=x HTTP/1.1\r\n{host}"), "405"),
        (format!("HEAD /callback?state=x HTTP/1.1\r\n{host}"), "405"),
        (
            format!("OPTIONS /callback?state=x HTTP/1.1\r\n{host}"),
            "405",
        ),
        ("GET /callback?state=x HTTP/1.1\r\nx: y".to_owned(), "421"),
        (
            "GET /callback?state=x HTTP/1.1\r\nhost: evil.example".to_owned(),
            "421",
        ),
        (
            format!("GET /callback?state=x HTTP/1.1\r\nhost: localhost:{port}"),
            "421",
        ),
        (
            format!("GET /callback?state=x HTTP/1.1\r\nhost: evil.example:{port}"),
            "421",
        ),
        (
            format!("GET /callback?state=x HTTP/1.1\r\n{host}\r\nhost: evil.example"),
            "421",
        ),
        (
            format!("GET http://evil.example/callback?state=x HTTP/1.1\r\n{host}"),
            "421",
        ),
        (
            format!("GET /callback?state=x HTTP/1.1\r\n{host}\r\nsec-fetch-mode: no-cors"),
            "403",
        ),
        (
            format!("GET /callback?state=x HTTP/1.1\r\n{host}\r\nsec-fetch-mode: cors"),
            "403",
        ),
        (
            format!("GET /callback?{} HTTP/1.1\r\n{host}", "x".repeat(40_000)),
            "431",
        ),
        (
            format!(
                "GET /callback?s=x HTTP/1.1\r\n{host}\r\nx: {}",
                "y".repeat(40_000)
            ),
            "431",
        ),
        ("GET \u{e9} HTTP/1.1\r\nhost: x".to_owned(), "400"),
        ("nonsense".to_owned(), "400"),
    ] {
        let answer = ask(address, &format!("{request}\r\n\r\n")).await;
        let shown = request.get(..80).unwrap_or(&request);
        assert_eq!(status(&answer), expected, "{shown}: {answer}");
        assert!(!answer.contains("evil"), "{answer}");
        assert!(!received.is_finished(), "{shown}");
    }
    // The browser itself says that it goes there.
    let navigation = format!(
        "GET /callback?state=good HTTP/1.1\r\n{host}\r\nsec-fetch-mode: navigate\r\n\
         sec-fetch-site: cross-site\r\n\r\n"
    );
    assert_eq!(status(&ask(address, &navigation).await), "200");
    let redirect = received.await.expect("a task").expect("a redirect");
    assert_eq!(redirect.expose(), "state=good");
}

#[tokio::test]
async fn slow_connections_are_not_in_the_way() {
    let (address, received) = waiting().await;
    let mut slow = Vec::new();
    for start in ["", "GET /callback?state=slow HTTP/1.1\r\nhost: 1", "G"] {
        let mut stream = TcpStream::connect(address).await.expect("a connection");
        stream.write_all(start.as_bytes()).await.expect("sent");
        slow.push(stream);
    }
    assert_eq!(status(&get(address, "/callback?state=good").await), "200");
    let redirect = received.await.expect("a task").expect("a redirect");
    assert_eq!(redirect.expose(), "state=good");
    for mut stream in slow {
        let mut rest = Vec::new();
        stream.read_to_end(&mut rest).await.ok();
        assert!(rest.is_empty(), "it was ended");
    }
}

#[tokio::test]
async fn time_is_limited_by_the_clock() {
    let clock = ManualClock::at_fixed_start();
    let place = LoopbackReceiver::options()
        .clock(Arc::new(clock.clone()))
        .time_limit(TimeDelta::minutes(2))
        .bind()
        .await
        .expect("a place");
    let (address, _) = address(&place);
    let received = tokio::spawn(place.receive());
    assert_eq!(status(&get(address, "/").await), "404");
    clock.advance(TimeDelta::seconds(119));
    assert_eq!(status(&get(address, "/").await), "404");
    clock.advance(TimeDelta::seconds(1));
    let ended = received.await.expect("a task");
    assert_eq!(ended.err(), Some(ReceiveError::Time));
    assert!(TcpStream::connect(address).await.is_err());
}

#[tokio::test]
async fn nothing_is_left_of_a_receiver_that_is_dropped() {
    let (address, received) = waiting().await;
    let mut open = TcpStream::connect(address).await.expect("a connection");
    open.write_all(b"GET ").await.expect("sent");
    assert_eq!(status(&get(address, "/").await), "404");
    received.abort();
    assert!(received.await.expect_err("aborted").is_cancelled());
    assert!(TcpStream::connect(address).await.is_err());
    let mut rest = Vec::new();
    let ended = tokio::time::timeout(Duration::from_secs(5), open.read_to_end(&mut rest));
    ended.await.expect("the connection ends").ok();
    assert!(rest.is_empty());

    // The same place can be had again at once.
    let again = LoopbackReceiver::options().port(address.port()).bind();
    assert_eq!(
        again.await.expect("the same port").redirect_uri(),
        format!("http://{address}/callback")
    );
}

#[tokio::test]
async fn the_place_is_chosen() {
    let place = LoopbackReceiver::options()
        .loopback(Loopback::V6)
        .path("/oauth/back")
        .bind()
        .await;
    // A machine may have no IPv6.
    if let Ok(place) = place {
        let (address, path) = address(&place);
        assert_eq!(path, "/oauth/back");
        assert!(place.redirect_uri().starts_with("http://[::1]:"));
        let received = tokio::spawn(place.receive());
        assert_eq!(status(&get(address, "/oauth/back?code=x").await), "200");
        received.await.expect("a task").expect("a redirect");
    }
    for path in [
        "", "callback", "/a b", "/a?b", "/a#b", "/../a", "/a/.", "/\u{e9}", "/%41",
    ] {
        let bound = LoopbackReceiver::options().path(path).bind().await;
        assert_eq!(bound.err(), Some(ReceiveError::Path), "{path}");
    }
    let one = LoopbackReceiver::bind().await.expect("a place");
    let taken = LoopbackReceiver::options()
        .port(address(&one).0.port())
        .bind();
    let refused = ReceiveError::Listen(ErrorKind::AddrInUse);
    assert_eq!(taken.await.err(), Some(refused));
}

/// CL-043: one program gets one argument, which is the URL as it is.
#[test]
fn the_url_is_one_argument_of_one_program() {
    const URLS: &[&str] = &[
        "https://as.example.com/a?x=$(id)&calc",
        "https://as.example.com/a?x='$HOME'&y=%22;*",
        "http://127.0.0.1:8080/authorize?state=a&b=c",
        "http://[::1]:1/a",
        "http://localhost/a",
    ];
    let name = "redirect::the_url_is_one_argument_of_one_program";
    if processes::part().is_some() {
        for url in URLS {
            Browser.open(url).expect("a program");
        }
        return;
    }
    let directory = Directory::new();
    fs::create_dir(directory.path()).expect("a directory");
    let program = directory.path().join("xdg-open");
    // Each call leaves a file that appears at once: how many arguments, and which.
    let script = "#!/bin/sh\nd=\"${0%/*}\"\nprintf '%s\\n' \"$#\" \"$@\" >\"$d/$$.part\"\n\
                  mv \"$d/$$.part\" \"$d/$$.call\"\n";
    fs::write(&program, script).expect("a program");
    fs::set_permissions(&program, fs::Permissions::from_mode(0o700)).expect("a mode");
    let path = format!("{}:/usr/bin:/bin", directory.path().display());
    let mut child = processes::again(name, "open");
    child.env("PATH", path);
    processes::succeeds(child);

    let mut seen = Vec::new();
    while seen.len() < URLS.len() {
        seen = fs::read_dir(directory.path())
            .expect("the directory")
            .map(|entry| entry.expect("an entry").path())
            .filter(|path| path.extension().is_some_and(|end| end == "call"))
            .map(|path| fs::read_to_string(path).expect("a call"))
            .collect();
        std::thread::yield_now();
    }
    seen.sort();
    let mut expected: Vec<_> = URLS.iter().map(|url| format!("1\n{url}\n")).collect();
    expected.sort();
    assert_eq!(seen, expected);
}

/// CL-043: what is no URL of a page is not opened.
#[test]
fn only_pages_are_opened() {
    for url in [
        "",
        "javascript:alert(1)",
        "data:text/html,x",
        "file:///etc/passwd",
        "vbscript:x",
        "http://as.example.com/a",
        "http://127.0.0.1.example.com/a",
        "https://",
        "https://as.example.com/a b",
        "https://as.example.com/\"&calc&\"",
        "https://as.example.com/a\n",
        " https://as.example.com/a",
        "https://as.example.com/\u{202e}",
        "https:\\\\as.example.com",
        "https://as.example.com/`id`",
        "https://as.example.com/|id",
        "https://as.example.com/^",
        "--help",
        "as.example.com",
    ] {
        assert_eq!(Browser.open(url), Err(OpenError::Url), "{url:?}");
        assert_eq!(print_url(url), Err(OpenError::Url), "{url:?}");
    }
}

/// Without a browser the person is told where to go.
#[test]
fn a_machine_without_a_browser_is_told() {
    let name = "redirect::a_machine_without_a_browser_is_told";
    let url = "https://as.example.com/authorize?state=a&b=c";
    if processes::part().is_some() {
        let failed = Browser.open(url);
        assert_eq!(failed, Err(OpenError::Program(ErrorKind::NotFound)));
        print_url(url).expect("standard error");
        return;
    }
    let mut child = processes::again(name, "print");
    child.env("PATH", env::temp_dir().join("nothing-is-here"));
    let output = child.output().expect("a process");
    assert!(output.status.success());
    let told = String::from_utf8(output.stderr).expect("text");
    assert!(told.contains(&format!("\n  {url}\n")), "{told}");
}

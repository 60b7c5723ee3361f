//! An authorization server that is down, slow, or answers by halves.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use clearance::client::{Challenge, Client};
use clearance::testing::{AuthorizationServer, Fault, User};
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use super::support::{Log, M, REDIRECT, Reply, Site, browse};

/// What goes wrong, and what is said of it.
fn faults(codes: [&'static str; 2]) -> Vec<(Fault, &'static str)> {
    let [trouble, malformed] = codes;
    vec![
        (Fault::Hang, trouble),
        (Fault::Slow(Duration::from_millis(50)), trouble),
        (Fault::Disconnect, trouble),
        (Fault::Truncated, trouble),
        (Fault::Status(500), trouble),
        (Fault::Status(503), trouble),
        (Fault::Garbage, malformed),
        (Fault::EndlessBody, malformed),
        (Fault::Body("[]".to_owned()), malformed),
        (
            Fault::RedirectTo("http://169.254.169.254/".to_owned()),
            "redirected_elsewhere",
        ),
    ]
}

async fn started() -> (Site, AuthorizationServer, Client) {
    let mcp = Site::start(&Log::default(), "mcp").await;
    let endpoint = format!("{}/mcp", mcp.origin);
    let server = AuthorizationServer::builder(endpoint.parse().unwrap())
        .approve_automatically(User::Alice)
        .start()
        .await
        .unwrap();
    let said = json!({"resource": endpoint, "authorization_servers": [server.id().as_str()]});
    mcp.gives(&format!("GET {M}"), Reply::json(200, &said));
    let client = Client::builder(endpoint.parse().unwrap()).time_limit(Duration::from_millis(500));
    (mcp, server, client.build().unwrap())
}

/// CL-004, CL-014
#[tokio::test]
async fn metadata_that_do_not_come_whole_are_none() {
    let (_mcp, server, client) = started().await;
    for (fault, code) in faults(["unavailable", "malformed_metadata"]) {
        server.metadata_fault(fault.clone());
        let error = client.discover(&Challenge::default()).await.unwrap_err();
        assert_eq!(error.code(), code, "{fault:?}");
        assert_eq!(error.is_temporary(), code == "unavailable", "{fault:?}");
    }
    server.behave();
    assert!(client.discover(&Challenge::default()).await.is_ok());
}

/// CL-057, CL-062
#[tokio::test]
async fn tokens_that_do_not_come_whole_are_none() {
    let (_mcp, server, client) = started().await;
    for (fault, code) in faults(["unavailable", "malformed_token_response"]) {
        let discovered = client.discover(&Challenge::default()).await.unwrap();
        let registered = discovered
            .register(REDIRECT.parse().unwrap())
            .await
            .unwrap();
        let awaiting = registered.authorize().unwrap();
        let redirect = browse(awaiting.url()).await;
        server.token_fault(fault.clone());
        let error = awaiting.redirected(&redirect).await.unwrap_err();
        assert_eq!(error.code(), code, "{fault:?}");
        assert_eq!(error.is_temporary(), code == "unavailable", "{fault:?}");
        server.behave();
    }
    let asked = server.requests();
    let tokens = asked.iter().filter(|request| request.path() == "/token");
    assert_eq!(tokens.count(), faults(["", ""]).len());
}

/// CL-004
#[tokio::test]
async fn a_server_that_is_down_is_trouble_and_no_refusal() {
    let (_mcp, server, client) = started().await;
    drop(server);
    let error = client.discover(&Challenge::default()).await.unwrap_err();
    assert!(error.is_temporary(), "{error}");
}

/// Nothing is sent on a connection that was used before: whether a code has arrived on one that its server is
/// about to close, nobody could tell.
#[tokio::test]
async fn each_request_has_a_connection_of_its_own() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}/mcp", listener.local_addr().unwrap());
    let (first, later) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let counted = (Arc::clone(&first), Arc::clone(&later));
    let serving = tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let (first, later) = counted.clone();
            tokio::spawn(answer_all(stream, first, later));
        }
    });
    let client = Client::builder(endpoint.parse().unwrap()).build().unwrap();
    for _ in 0..2 {
        let error = client.discover(&Challenge::default()).await.unwrap_err();
        assert_eq!(error.code(), "no_metadata");
    }
    let count = |of: &AtomicUsize| of.load(Ordering::Relaxed);
    assert_eq!((count(&first), count(&later)), (4, 0));
    serving.abort();
}

/// Answers every request on a connection that there is nothing, and counts the first one and those after it.
async fn answer_all(mut stream: TcpStream, first: Arc<AtomicUsize>, later: Arc<AtomicUsize>) {
    let mut head = [0; 4096];
    let mut count = &first;
    while stream.read(&mut head).await.is_ok_and(|read| read > 0) {
        count.fetch_add(1, Ordering::Relaxed);
        count = &later;
        let answer = b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n";
        stream.write_all(answer).await.unwrap();
    }
}

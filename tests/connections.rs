//! Each request is judged by itself, on every kind of connection, and by what it says: not by what
//! came before it, not by the order of its fields, and not by how its bytes arrive.
#![cfg(test)]
#![allow(
    clippy::allow_attributes,
    clippy::arithmetic_side_effects,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::too_many_lines,
    clippy::unwrap_in_result,
    reason = "a test that cannot go on must panic, and a table may be long"
)]

mod support;

use chrono::TimeDelta;
use clearance::GuardBuilder;
use proptest::prelude::*;
use support::http::{Http2, KeptAlive, bearer, kept, request};
use support::{Answer, Server, TRACE_PARENT};

/// The requests that follow one another on one connection, and what each is answered with. The
/// names of principals make sure that no answer belongs to another request.
async fn assert_each_judged_alone<F>(server: &Server, mut send: F)
where
    F: AsyncFnMut(Option<String>) -> Answer,
{
    let alice = server.issuer.token().scope("mcp:tools.read").mint();
    let bob = server
        .issuer
        .token()
        .subject("bob")
        .scope("mcp:tools.read")
        .mint();
    let no_scope = server.issuer.token().mint();
    let bad = server
        .issuer
        .token()
        .scope("mcp:tools.read")
        .wrong_signature()
        .mint();
    for _ in 0..3 {
        let before = server.ran();
        let answer = send(Some(alice.clone())).await;
        answer.assert_ok();
        assert!(answer.body.ends_with("|alice|client-1"), "{}", answer.body);
        send(None).await.assert_401_none();
        let answer = send(Some(alice.clone())).await;
        answer.assert_ok();
        send(Some(bad.clone())).await.assert_401_inv();
        send(Some(no_scope.clone()))
            .await
            .assert_403("mcp:tools.read");
        send(Some("a b".to_owned())).await.assert_400_req();
        let answer = send(Some(bob.clone())).await;
        answer.assert_ok();
        assert!(answer.body.ends_with("|bob|client-1"), "{}", answer.body);
        send(None).await.assert_401_none();
        assert_eq!(server.ran(), before + 3);
    }
    // Nor does a token that was good a moment ago stay good.
    server.clock.advance(TimeDelta::minutes(11));
    let before = server.ran();
    send(Some(alice)).await.assert_401_inv();
    send(None).await.assert_401_none();
    assert_eq!(server.ran(), before);
}

/// RS-004: one HTTP/1.1 connection.
#[tokio::test]
async fn each_request_of_a_kept_connection_is_judged() {
    let server = support::server().await;
    let mut connection = KeptAlive::to(server.address).await;
    assert_each_judged_alone(&server, async |token: Option<String>| {
        let lines: Vec<String> = token.iter().map(|token| bearer(token)).collect();
        connection.send(&kept("GET /mcp", &lines)).await
    })
    .await;
}

/// RS-004: one HTTP/2 connection.
#[tokio::test]
async fn each_stream_of_an_http_2_connection_is_judged() {
    let server = support::server().await;
    let mut connection = Http2::to(server.address).await;
    assert_each_judged_alone(&server, async |token: Option<String>| {
        let value = token.map(|token| format!("Bearer {token}"));
        let headers: Vec<(&str, &str)> = value
            .iter()
            .map(|value| ("authorization", value.as_str()))
            .collect();
        connection.get("/mcp", &headers).await
    })
    .await;
}

/// RS-004: requests that are sent without waiting for answers.
#[tokio::test]
async fn each_of_several_requests_in_one_piece_is_judged() {
    let server = support::server().await;
    let token = server.issuer.token().scope("mcp:tools.read").mint();
    let with = kept("GET /mcp", &[bearer(&token)]);
    let without = kept::<&str>("GET /mcp", &[]);
    let mut connection = KeptAlive::to(server.address).await;
    connection
        .send(&[with.clone(), without, with].concat())
        .await
        .assert_ok();
    connection.send(b"").await.assert_401_none();
    connection.send(b"").await.assert_ok();
    assert_eq!(server.ran(), 2);
}

/// RS-004: streams of one connection that are open at the same time.
#[tokio::test]
async fn concurrent_streams_are_judged_apart() {
    let server = support::server().await;
    let token = server.issuer.token().scope("mcp:tools.read").mint();
    let connection = Http2::to(server.address).await;
    let mut tasks = tokio::task::JoinSet::new();
    for turn in 0..40 {
        let (mut connection, token) = (connection.clone(), token.clone());
        tasks.spawn(async move {
            let value = format!("Bearer {token}");
            let all = [("authorization", value.as_str())];
            let headers = if turn % 2 == 0 { &all[..] } else { &[] };
            (turn, connection.get("/mcp", headers).await)
        });
    }
    for (turn, answer) in tasks.join_all().await {
        if turn % 2 == 0 {
            answer.assert_ok();
        } else {
            answer.assert_401_none();
        }
    }
    assert_eq!(server.ran(), 20);
}

/// RS-004: a connection that was revoked or limited on the way is not remembered either.
#[tokio::test]
async fn revocation_counts_on_an_open_connection() {
    let server = support::server().await;
    let token = server
        .issuer
        .token()
        .scope("mcp:tools.read")
        .token_id("t1")
        .mint();
    let mut one = KeptAlive::to(server.address).await;
    let mut two = Http2::to(server.address).await;
    let request = kept("GET /mcp", &[bearer(&token)]);
    let value = format!("Bearer {token}");
    one.send(&request).await.assert_ok();
    two.get("/mcp", &[("authorization", &value)])
        .await
        .assert_ok();
    server
        .app
        .guard
        .revocations()
        .revoke_token(server.issuer.id(), &clearance::id::TokenId::new("t1"))
        .expect("room");
    one.send(&request).await.assert_401_inv();
    two.get("/mcp", &[("authorization", &value)])
        .await
        .assert_401_inv();
    assert_eq!(server.ran(), 2);
}

/// The header fields of a request that carries something of everything, and always belongs to one
/// trace, so that its refusals are alike.
fn fields(credential: &str) -> Vec<String> {
    let mut fields: Vec<String> = [
        TRACE_PARENT,
        "cookie: access_token=x",
        "mcp-protocol-version: 2025-11-25",
        "x-access-token: y",
    ]
    .map(str::to_owned)
    .to_vec();
    fields.push(credential.to_owned());
    fields
}

/// One request of each class, and the class.
fn classes(server: &Server) -> Vec<(&'static str, String, u16)> {
    let token = server.issuer.token().scope("mcp:tools.read");
    vec![
        ("/mcp", bearer(&token.mint()), 200),
        ("/mcp", bearer(&token.clone().wrong_signature().mint()), 401),
        ("/mcp", "x-nothing: here".to_owned(), 401),
        ("/delete", bearer(&token.mint()), 403),
        ("/mcp", "authorization: Bearer a b".to_owned(), 400),
    ]
}

/// RS-004: wherever the bytes of a request are split, its verdict is the same.
#[tokio::test]
async fn the_verdict_does_not_depend_on_where_bytes_are_split() {
    let server = unlimited().await;
    for (path, credential, status) in classes(&server) {
        let bytes = request(&format!("GET {path}"), &fields(&credential));
        let whole = server.raw(&bytes).await;
        assert_eq!(whole.status, status);
        for at in 0..=bytes.len() {
            let (head, tail) = bytes.split_at(at);
            let mut connection = KeptAlive::to(server.address).await;
            let answer = connection.send_in_pieces(&[head, tail]).await;
            assert_eq!(answer, whole, "split at {at}");
        }
        // Byte by byte.
        let bytes: Vec<&[u8]> = bytes.chunks(1).collect();
        let mut connection = KeptAlive::to(server.address).await;
        assert_eq!(connection.send_in_pieces(&bytes).await, whole);
    }
}

/// A server that takes as many requests as the tests below send.
async fn unlimited() -> Server {
    support::server_with(|rules| rules, GuardBuilder::unlimited).await
}

/// All orders of `0..count`.
fn orders(count: usize) -> Vec<Vec<usize>> {
    if count == 0 {
        return vec![Vec::new()];
    }
    let shorter = orders(count - 1);
    let mut all = Vec::new();
    for order in shorter {
        for at in 0..=order.len() {
            let mut longer = order.clone();
            longer.insert(at, count - 1);
            all.push(longer);
        }
    }
    all
}

/// RS-004: in whatever order the fields of a request stand, its verdict is the same.
#[tokio::test]
async fn the_verdict_does_not_depend_on_the_order_of_fields() {
    let server = unlimited().await;
    for (path, credential, status) in classes(&server) {
        let fields = fields(&credential);
        let start = format!("GET {path}");
        let whole = server.raw(&request(&start, &fields)).await;
        assert_eq!(whole.status, status);
        let mut connection = KeptAlive::to(server.address).await;
        for order in orders(fields.len()) {
            let lines: Vec<&String> = order.iter().map(|&at| &fields[at]).collect();
            let answer = connection.send(&kept(&start, &lines)).await;
            assert_eq!(
                (answer.status, &answer.body),
                (status, &whole.body),
                "{order:?}"
            );
            assert_eq!(
                answer.header("www-authenticate"),
                whole.header("www-authenticate")
            );
        }
    }
    // Two credentials are malformed in every order, wherever the good one stands.
    let token = server.issuer.token().scope("mcp:tools.read").mint();
    let mut fields = fields(&bearer(&token));
    fields.push("authorization: Basic x".to_owned());
    let ran = server.ran();
    let mut connection = KeptAlive::to(server.address).await;
    for order in orders(fields.len()).into_iter().step_by(7) {
        let lines: Vec<&String> = order.iter().map(|&at| &fields[at]).collect();
        connection
            .send(&kept("GET /mcp", &lines))
            .await
            .assert_400_req();
    }
    assert_eq!(server.ran(), ran);
}

/// RS-004: both at once, for any split into any number of pieces and any order.
#[test]
fn the_verdict_does_not_depend_on_any_split_and_order() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    let server = runtime.block_on(unlimited());
    let classes = classes(&server);
    let count = fields("").len();
    let order = Just((0..count).collect::<Vec<_>>()).prop_shuffle();
    let cuts = prop::collection::vec(any::<prop::sample::Index>(), 0..12);
    proptest!(|(class in 0..classes.len(), order in order, cuts in cuts)| {
        let (path, credential, status) = &classes[class];
        let fields = fields(credential);
        let lines: Vec<&String> = order.iter().map(|&at| &fields[at]).collect();
        let bytes = request(&format!("GET {path}"), &lines);
        let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(bytes.len())).collect();
        cuts.extend([0, bytes.len()]);
        cuts.sort_unstable();
        let pieces: Vec<&[u8]> = cuts.windows(2).map(|cut| &bytes[cut[0]..cut[1]]).collect();
        let answer = runtime.block_on(async {
            KeptAlive::to(server.address).await.send_in_pieces(&pieces).await
        });
        prop_assert_eq!(answer.status, *status);
    });
}

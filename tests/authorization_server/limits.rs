//! Floods, faults, and the end.

use std::time::Duration;

use clearance::testing::{AuthorizationServer, Fault};
use serde_json::json as object;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::hostile::{is_active, revoked};
use super::user_agent::*;

/// What comes back for `GET target` until the connection ends, or so many bytes.
async fn bytes(server: &AuthorizationServer, target: &str, most: usize) -> Vec<u8> {
    let address = address(server);
    let mut stream = TcpStream::connect(address).await.expect("a connection");
    let request = format!("GET {target} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.expect("sent");
    let mut all = Vec::new();
    let mut buffer = vec![0; 65_536];
    while all.len() < most {
        match stream.read(&mut buffer).await {
            Ok(0) | Err(_) => break,
            Ok(count) => all.extend_from_slice(&buffer[..count]),
        }
    }
    all
}

#[tokio::test]
async fn a_flood_of_registrations_is_forgotten_again() {
    let (server, _) = approving().await;
    let heard = revoked(&server);
    let body = object!({ "redirect_uris": [CALLBACK], "token_endpoint_auth_method": "none" });
    let body = body.to_string();
    let lines = ["content-type: application/json".to_owned()];
    let register = async || {
        let answer = send(&server, "POST /register", &lines, &body).await;
        text(&json(&answer), "client_id")
    };
    let mut ids = vec![register().await];
    let client = [("client_id", ids[0].as_str())];
    let code = code(&server, &client).await;
    let tokens = post(&server, "/token", &redemption(&code, &client)).await;
    let access = text(&granted(&tokens), "access_token");
    for _ in 0..999 {
        ids.push(register().await);
    }
    assert!(is_active(&server, &access).await);
    assert_eq!(heard.lock().expect("a lock").len(), 0);
    // Forgotten, it cannot revoke its token any more: that is over with it.
    ids.push(register().await);
    assert!(!is_active(&server, &access).await);
    assert_eq!(
        *heard.lock().expect("a lock"),
        [text(&claims(&access), "jti")]
    );
    assert_eq!(
        authorize(&server, &[("client_id", &ids[0])]).await.status,
        400
    );
    assert_eq!(
        authorize(&server, &[("client_id", &ids[1])]).await.status,
        303
    );
    assert_eq!(
        authorize(&server, &[("client_id", &ids[1_000])])
            .await
            .status,
        303
    );
    // Those that were there from the start stay.
    assert_eq!(authorize(&server, &[]).await.status, 303);
}

#[tokio::test]
async fn a_flood_of_codes_is_forgotten_again() {
    let (server, _) = approving().await;
    let heard = revoked(&server);
    let first = code(&server, &[]).await;
    let stolen = code(&server, &[]).await;
    let thief = granted(&post(&server, "/token", &redemption(&stolen, &[])).await);
    for _ in 0..1_000 {
        code(&server, &[]).await;
    }
    assert_error(
        &post(&server, "/token", &redemption(&first, &[])).await,
        400,
        "invalid_grant",
    );
    // But what a thief has had of a code is remembered with what came of it.
    let access = text(&thief, "access_token");
    assert!(is_active(&server, &access).await);
    let victim = post(&server, "/token", &redemption(&stolen, &[])).await;
    assert_error(&victim, 400, "invalid_grant");
    assert!(!is_active(&server, &access).await);
    assert_eq!(
        *heard.lock().expect("a lock"),
        [text(&claims(&access), "jti")]
    );
}

#[tokio::test]
async fn documents_go_wrong_in_every_way() {
    let (server, _) = approving().await;
    let right = bytes(&server, "/jwks", 99_999).await;
    let set = |fault: Fault| server.jwks_fault(fault);
    set(Fault::Disconnect);
    assert_eq!(bytes(&server, "/jwks", 99_999).await, b"");
    set(Fault::Truncated);
    let cut = bytes(&server, "/jwks", 99_999).await;
    assert!(!cut.is_empty() && cut.len() < right.len());
    assert!(String::from_utf8_lossy(&cut).contains("\r\n\r\n{"));
    set(Fault::EndlessBody);
    assert!(bytes(&server, "/jwks", 1_000_000).await.len() >= 1_000_000);
    set(Fault::Garbage);
    assert!(
        bytes(&server, "/jwks", 99_999)
            .await
            .ends_with(&[0xff, 0xfe, b'{', 0, b'<', 0xc3, 0x28])
    );
    set(Fault::Body("{}".to_owned()));
    assert!(
        bytes(&server, "/jwks", 99_999)
            .await
            .ends_with(b"\r\n\r\n{}")
    );
    set(Fault::Slow(Duration::from_millis(1)));
    let slow = bytes(&server, "/jwks", 99_999).await;
    assert_eq!(slow.len(), right.len());
    set(Fault::RedirectTo(
        "https://elsewhere.example.com/".to_owned(),
    ));
    let redirect = get(&server, "/jwks").await;
    assert_eq!(redirect.status, 302);
    assert_eq!(
        redirect.header("location"),
        Some("https://elsewhere.example.com/")
    );
    set(Fault::Hang);
    let hanging =
        tokio::time::timeout(Duration::from_millis(300), bytes(&server, "/jwks", 1)).await;
    assert!(hanging.is_err());
    server.behave();
    assert_eq!(bytes(&server, "/jwks", 99_999).await.len(), right.len());
}

#[tokio::test]
async fn the_answer_of_the_token_endpoint_can_be_lost() {
    let (server, _) = approving().await;
    let shown = text(&tokens(&server).await, "refresh_token");
    server.token_fault(Fault::Status(503));
    assert_eq!(
        post(&server, "/token", &refresh(&shown, &[])).await.status,
        503
    );
    server.behave();
    // The token was spent.
    assert_error(
        &post(&server, "/token", &refresh(&shown, &[])).await,
        400,
        "invalid_grant",
    );
}

#[tokio::test]
async fn introspection_goes_wrong_until_it_behaves() {
    let (server, _) = approving().await;
    let access = text(&tokens(&server).await, "access_token");
    let ask = async || post_as_machine(&server, "/introspect", &[("token", &access)]).await;
    let right = ask().await.body;
    server.introspection_fault(Fault::Status(503));
    let spoiled = ask().await;
    assert_eq!((spoiled.status, spoiled.body.as_str()), (503, "{}"));
    let lie = r#"{"active":true,"sub":"mallory"}"#;
    server.introspection_fault(Fault::Body(lie.to_owned()));
    assert_eq!(ask().await.body, lie);
    // Also for those who would be told nothing.
    let nobody = post(&server, "/introspect", &[]).await;
    assert_eq!((nobody.status, nobody.body.as_str()), (200, lie));
    server.introspection_fault(Fault::Truncated);
    assert!(ask().await.body.len() < right.len());
    server.introspection_fault(Fault::Hang);
    let hanging = tokio::time::timeout(Duration::from_millis(300), ask());
    assert!(hanging.await.is_err());
    // Other endpoints do not know of it.
    granted(
        &post(
            &server,
            "/token",
            &redemption(&code(&server, &[]).await, &[]),
        )
        .await,
    );
    server.introspection_fault(Fault::Status(500));
    server.behave();
    assert_eq!(ask().await.body, right);
    server.introspection_fault(Fault::Status(500));
    server.introspection_fault(Fault::None);
    assert_eq!(ask().await.body, right);
}

/// What takes the place of an answer is what its documentation says, whatever the right one was.
#[tokio::test]
async fn spoiled_answers_are_json_that_scripts_may_read() {
    let (server, _) = approving().await;
    let elsewhere = "https://elsewhere.example.com/";
    for (fault, status, body) in [
        (Fault::Status(503), 503, "{}"),
        (Fault::Body("[]".to_owned()), 200, "[]"),
        (Fault::Garbage, 200, "\u{fffd}"),
        (Fault::RedirectTo(elsewhere.to_owned()), 302, "{}"),
    ] {
        server.token_fault(fault.clone());
        server.metadata_fault(fault.clone());
        let code = code(&server, &[]).await;
        let right = redemption(&code, &[]);
        for form in [&right[..], &[("grant_type", "password")]] {
            let answer = post(&server, "/token", form).await;
            assert_eq!(answer.status, status, "{fault:?}");
            assert!(answer.body.starts_with(body), "{answer:?}");
            for (name, value) in [
                ("content-type", Some("application/json")),
                ("cache-control", Some("no-store")),
                ("access-control-allow-origin", Some("*")),
                ("www-authenticate", None),
            ] {
                assert_eq!(answer.header(name), value, "{fault:?}: {name}");
            }
        }
        for path in ["/token", "/.well-known/oauth-authorization-server"] {
            let preflight = send(&server, &format!("OPTIONS {path}"), &[], "").await;
            assert_eq!(preflight.status, 204, "{fault:?}");
        }
    }
}

#[tokio::test]
async fn it_ends_with_its_handle() {
    let (server, _) = approving().await;
    let address = address(&server);
    // A connection that is open does not keep it alive.
    let mut open = TcpStream::connect(address).await.expect("a connection");
    let request = format!("GET /jwks HTTP/1.1\r\nhost: {address}\r\n\r\n");
    open.write_all(request.as_bytes()).await.expect("sent");
    let mut buffer = [0; 4096];
    assert!(open.read(&mut buffer).await.expect("an answer") > 0);
    drop(server);
    let end = tokio::time::timeout(Duration::from_secs(10), async {
        while TcpStream::connect(address).await.is_ok() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        open.read(&mut buffer).await
    });
    assert!(matches!(end.await, Ok(Ok(0) | Err(_))));
}

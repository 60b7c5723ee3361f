//! What the issuer serves, and how it misbehaves.

use std::io;
use std::time::Duration;

use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::{task, time};

use super::super::{Document, Fault};
use super::{builder, get, get_json, issuer};

const METADATA: &str = "/.well-known/oauth-authorization-server";

#[tokio::test]
async fn hostile_key_sets_replace_the_own_ones() {
    let issuer = issuer().await;
    issuer.publish_jwks("{\"keys\":[{\"kid\":5}]}");
    assert_eq!(get_json(&issuer, "/jwks").await["keys"][0]["kid"], 5);
    issuer.publish_own_keys();
    assert_eq!(get_json(&issuer, "/jwks").await.to_string(), issuer.jwks());
}

#[tokio::test]
async fn metadata_is_where_the_builder_put_it() {
    use Document::{OAuth, OpenIdAppended, OpenIdInserted};
    let places = [
        (OAuth, "/.well-known/oauth-authorization-server/t1"),
        (OpenIdInserted, "/.well-known/openid-configuration/t1"),
        (OpenIdAppended, "/t1/.well-known/openid-configuration"),
    ];
    for (document, _) in places {
        let issuer = builder()
            .path("/t1")
            .documents([document])
            .start()
            .await
            .unwrap();
        assert!(issuer.id().as_str().ends_with("/t1"));
        for (place, target) in places {
            if place == document {
                let metadata = get_json(&issuer, target).await;
                assert_eq!(metadata["issuer"], issuer.id().as_str());
                assert_eq!(metadata["jwks_uri"], issuer.jwks_uri());
            } else {
                assert_eq!(get(&issuer, target).await.unwrap().0, 404);
            }
        }
        assert_eq!((issuer.metadata_hits(), issuer.jwks_hits()), (3, 0));
        assert_eq!(issuer.paths_requested(), places.map(|(_, target)| target));
        let path = issuer
            .jwks_uri()
            .strip_prefix(issuer.origin())
            .unwrap()
            .to_owned();
        get_json(&issuer, &path).await;
        get(&issuer, "/elsewhere").await.unwrap();
        assert_eq!((issuer.metadata_hits(), issuer.jwks_hits()), (3, 1));
    }
    let slash = builder().path("/").start().await.unwrap();
    assert_eq!(
        get_json(&slash, METADATA).await["issuer"],
        format!("{}/", slash.origin())
    );
    assert!(builder().path("t1").start().await.is_err());
}

#[tokio::test]
async fn faults_are_what_they_say() {
    let issuer = issuer().await;
    issuer.fault(Fault::Status(500));
    assert_eq!(get(&issuer, "/jwks").await.unwrap().0, 500);
    assert_eq!(get(&issuer, METADATA).await.unwrap().0, 500);
    issuer.fault(Fault::None);

    issuer.metadata_fault(Fault::OtherIssuer("https://evil.example.com".to_owned()));
    assert_eq!(
        get_json(&issuer, METADATA).await["issuer"],
        "https://evil.example.com"
    );
    issuer.metadata_fault(Fault::JwksUri("http://10.0.0.1/jwks".to_owned()));
    assert_eq!(
        get_json(&issuer, METADATA).await["jwks_uri"],
        "http://10.0.0.1/jwks"
    );

    issuer.jwks_fault(Fault::Garbage);
    assert!(String::from_utf8(get(&issuer, "/jwks").await.unwrap().1).is_err());
    issuer.jwks_fault(Fault::Body("[]".to_owned()));
    assert_eq!(get_json(&issuer, "/jwks").await, json!([]));
    issuer.jwks_fault(Fault::RedirectTo(
        "http://a.example.com/\r\nX: y".to_owned(),
    ));
    assert_eq!(get(&issuer, "/jwks").await.unwrap().0, 302);
    issuer.jwks_fault(Fault::Disconnect);
    assert_eq!(get(&issuer, "/jwks").await, None);
    issuer.jwks_fault(Fault::Truncated);
    let (status, body) = get(&issuer, "/jwks").await.unwrap();
    assert!(status == 200 && !body.is_empty() && body.len() < issuer.jwks().len());
    issuer.jwks_fault(Fault::Slow(Duration::ZERO));
    assert_eq!(get_json(&issuer, "/jwks").await.to_string(), issuer.jwks());
    for fault in [
        Fault::Hang,
        Fault::EndlessBody,
        Fault::Slow(Duration::from_secs(1)),
    ] {
        issuer.jwks_fault(fault);
        let answer = time::timeout(Duration::from_millis(50), get(&issuer, "/jwks")).await;
        assert!(answer.is_err());
    }
    assert_eq!((issuer.metadata_hits(), issuer.jwks_hits()), (3, 10));
}

#[tokio::test]
async fn a_stopped_issuer_refuses_connections_until_it_resumes() {
    let issuer = issuer().await;
    issuer.jwks_fault(Fault::Hang);
    for _ in 0..3 {
        let address = issuer.origin().strip_prefix("http://").unwrap();
        let mut open = TcpStream::connect(address).await.unwrap();
        open.write_all(b"GET /jwks HTTP/1.1\r\n\r\n").await.unwrap();
        issuer.stop().await;
        issuer.stop().await;
        // Closed, with a reset if the request was not read yet.
        assert_eq!(open.read(&mut [0; 16]).await.unwrap_or_default(), 0);
        let refused = TcpStream::connect(address).await.unwrap_err();
        assert_eq!(refused.kind(), io::ErrorKind::ConnectionRefused);
        issuer.resume().await.unwrap();
        issuer.resume().await.unwrap();
        get_json(&issuer, METADATA).await;
    }
    let address = issuer.origin().strip_prefix("http://").unwrap().to_owned();
    drop(issuer);
    while TcpStream::connect(&address).await.is_ok() {
        task::yield_now().await;
    }
}

//! What a server remembers of the requests that it got.

use clearance::testing::RecordedRequest;
use serde_json::json as object;

use super::assertions;
use super::user_agent::*;

#[tokio::test]
async fn requests_are_recorded_without_secrets() {
    let (server, _) = approving().await;
    let code = code(&server, &[]).await;
    post(&server, "/token", &redemption(&code, &[])).await;
    let requests = server.requests();
    let paths: Vec<_> = requests.iter().map(RecordedRequest::path).collect();
    assert_eq!(paths, ["/authorize", "/token"]);
    assert_eq!(requests[0].value("resource"), Some(FILES));
    assert_eq!(requests[1].method(), "POST");
    assert!(requests[1].parameters().any(|name| name == "code_verifier"));
    assert_eq!(requests[1].value("code_verifier"), None);
    let shown = format!("{requests:?} {server:?}");
    assert!(!shown.contains(&code) && !shown.contains(VERIFIER) && !shown.contains("a state"));
}

#[tokio::test]
async fn an_assertion_is_not_recorded() {
    let (server, _, keys) = assertions::server().await;
    let right = assertions::assertion(&keys, &server).mint();
    let asked = [("token", "x"), ("client_id", "robot")];
    let answer = assertions::post_signed(&server, "/introspect", &asked, &right).await;
    assert_eq!(answer.status, 200);
    // Nor one that is refused, or that stands where it should not.
    let wrong = assertions::assertion(&keys, &server).audience("x").mint();
    let answer = assertions::post_signed(&server, "/token", &asked, &wrong).await;
    assert_eq!(answer.status, 401);
    let kind = [("client_assertion_type", wrong.as_str())];
    post(&server, "/token", &kind).await;
    get(&server, &format!("/token?client_assertion={wrong}")).await;
    let requests = server.requests();
    let names: Vec<_> = requests[0].parameters().collect();
    let proof = ["client_assertion_type", "client_assertion"];
    assert_eq!(names, [&["token", "client_id"], &proof[..]].concat());
    assert_eq!(requests[0].value("client_id"), Some("robot"));
    assert_eq!(requests.len(), 4);
    let shown = format!("{requests:?} {server:?}");
    for part in right.split('.').chain(wrong.split('.')) {
        assert!(!shown.contains(part), "{shown}");
    }
}

/// A client that forgets the name of the parameter, or the type of the body, has sent its token all
/// the same.
#[tokio::test]
async fn a_secret_in_the_wrong_place_is_not_recorded() {
    let (server, _) = approving().await;
    let tokens = tokens(&server).await;
    let asked = server.requests().len();
    let secrets = [
        text(&tokens, "access_token"),
        text(&tokens, "refresh_token"),
    ];
    let types = [
        FORM,
        "content-type: text/plain",
        "content-type: application/json",
    ];
    for secret in &secrets {
        let json = object!({ secret: 1 }).to_string();
        let bodies = [secret.clone(), format!("{secret}=1"), json];
        let all = types
            .iter()
            .flat_map(|kind| bodies.iter().map(move |body| (kind, body)));
        for (kind, body) in all {
            for start in ["POST /revoke", "POST /register"] {
                send(&server, start, &[(*kind).to_owned()], body).await;
            }
        }
        get(&server, &format!("/authorize?{secret}")).await;
    }
    let requests = server.requests();
    assert_eq!(requests.len() - asked, 38);
    for request in &requests[asked..] {
        assert!(request.parameters().all(|name| name == "?"), "{request:?}");
    }
    // A form that is no form has no names at all.
    let body = "token=1&client_id=editor";
    send(&server, "POST /revoke", &[types[1].to_owned()], body).await;
    let last = server.requests().pop().expect("a request");
    assert_eq!((last.path(), last.parameters().count()), ("/revoke", 0));
    let shown = format!("{:?}", server.requests());
    let is_there = |secret: &String| secret.get(..20).is_none_or(|start| shown.contains(start));
    assert!(!secrets.iter().any(is_there), "{shown}");
}

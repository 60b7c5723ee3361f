//! What an answer has to say before a token counts.

use serde_json::{Value, json};

use crate::endpoint::Endpoint;
use crate::support::http::ask;
use crate::support::{McpAdmin, ToolsRead};
use crate::{TOKEN, guard, verdict_on};

/// RS-075: nothing but the boolean true.
#[tokio::test]
async fn only_true_is_active() {
    let endpoint = Endpoint::start().await;
    for active in [
        json!(null),
        json!("true"),
        json!(1),
        json!(false),
        json!("yes"),
        json!([true]),
        json!({"active": true}),
    ] {
        let mut answer = endpoint.right();
        answer["active"] = active;
        let answer = answer.to_string();
        let verdict = verdict_on(&endpoint, endpoint.trusted(), &answer).await;
        assert_eq!(verdict, "inactive", "{answer}");
    }
    let right = endpoint.but(&json!({}));
    assert_eq!(
        verdict_on(&endpoint, endpoint.trusted(), &right).await,
        "ok"
    );
}

/// RS-075, RS-005: what is no answer says nothing about the token.
#[tokio::test]
async fn what_is_no_answer_is_no_refusal() {
    let endpoint = Endpoint::start().await;
    for text in [
        "",
        "true",
        "[]",
        "\"active\"",
        "{\"active\":true",
        "<html>log in</html>",
        "active=true",
        "{\"active\":true} {}",
        "\u{feff}{\"active\":true}",
        "{}",
        "{\"error\":\"temporarily_unavailable\"}",
        "{\"active\":true,\"username\":\"\\ud800\"}",
        "{\"active\":true,\"x\":1e999}",
    ] {
        let verdict = verdict_on(&endpoint, endpoint.trusted(), text).await;
        assert_eq!(verdict, "unavailable", "{text:?}");
    }
    let huge = format!("{{\"active\":true,\"pad\":\"{}\"}}", "x".repeat(300_000));
    assert_eq!(
        verdict_on(&endpoint, endpoint.trusted(), &huge).await,
        "unavailable"
    );
}

/// RS-075, RS-005: an answer that can be read in two ways has no meaning, and refuses nobody.
#[tokio::test]
async fn an_answer_is_read_strictly() {
    let endpoint = Endpoint::start().await;
    let right = endpoint.but(&json!({}));
    let inside = right.strip_suffix('}').expect("an object");
    for more in [
        r#","active":true"#.to_owned(),
        r#","sub":"u2""#.to_owned(),
        r#","\u0061ud":"https://mcp.example.com/mcp""#.to_owned(),
        r#","x":{"a":1,"a":2}"#.to_owned(),
        r#","x":1,"x":2"#.to_owned(),
        format!(r#","x":{}1{}"#, "[".repeat(20), "]".repeat(20)),
        format!(r#","x":[{}1]"#, "1,".repeat(2000)),
        r#","jti":7"#.to_owned(),
        r#","iat":"yesterday""#.to_owned(),
    ] {
        let answer = if more.contains("jti") {
            format!("{inside}{more}}}")
        } else if more.contains("iat") {
            let without = endpoint.but(&json!({"iat": null}));
            format!("{}{more}}}", without.strip_suffix('}').expect("an object"))
        } else {
            format!("{inside}{more}}}")
        };
        let verdict = verdict_on(&endpoint, endpoint.trusted(), &answer).await;
        assert_eq!(verdict, "unavailable", "{answer}");
    }
}

/// RS-076: all that a JWT is judged by is looked at in the answer too.
#[tokio::test]
async fn an_answer_is_judged_like_a_token() {
    let endpoint = Endpoint::start().await;
    let now = endpoint.right()["iat"].as_i64().expect("a number") + 10;
    let table: &[(Value, &str)] = &[
        (
            json!({"iss": "https://other.example"}),
            "answer_of_another_issuer",
        ),
        (
            json!({"iss": format!("{}/", endpoint.issuer())}),
            "answer_of_another_issuer",
        ),
        (json!({"iss": null}), "ok"),
        (json!({"aud": "https://other.example"}), "other_resource"),
        (json!({"aud": ["https://other.example"]}), "other_resource"),
        (
            json!({"aud": ["https://other.example", crate::support::E]}),
            "ok",
        ),
        (json!({"aud": null}), "missing_claim"),
        (json!({"aud": 7}), "missing_claim"),
        (json!({"exp": null}), "missing_claim"),
        (json!({"iat": now - 600, "exp": now - 60}), "expired"),
        (json!({"iat": now - 600, "exp": now - 59}), "ok"),
        (json!({"exp": now + 25 * 3600}), "lives_too_long"),
        (json!({"nbf": now + 61}), "not_yet_valid"),
        (json!({"nbf": null}), "ok"),
        (json!({"iat": null}), "missing_claim"),
        (json!({"iat": now + 11}), "issued_in_future"),
        (json!({"sub": null}), "missing_claim"),
        (json!({"client_id": null}), "missing_claim"),
        (json!({"client_id": ""}), "missing_claim"),
        (json!({"client_id": ["c1"]}), "missing_claim"),
        (json!({"jti": "j1"}), "ok"),
        (json!({"token_type": null}), "ok"),
        (json!({"token_type": "bearer"}), "ok"),
        (json!({"token_type": "DPoP"}), "foreign_type"),
        (json!({"token_type": "N_A"}), "foreign_type"),
        (json!({"token_type": 7}), "foreign_type"),
        (json!({"token_use": "access_token"}), "ok"),
        (json!({"token_use": "refresh_token"}), "foreign_type"),
        (json!({"typ": "Bearer"}), "ok"),
        (json!({"typ": "at+jwt"}), "ok"),
        (json!({"typ": "Refresh"}), "foreign_type"),
        (json!({"typ": "ID"}), "foreign_type"),
        (json!({"nonce": "n"}), "foreign_type"),
        (json!({"cnf": {"jkt": "x"}}), "bound_to_key"),
        (json!({"cnf": {}}), "bound_to_key"),
        (json!({"scope": ["mcp:tools.read"]}), "missing_claim"),
        (
            json!({"scope": null, "username": "u", "act": {"sub": "x"}}),
            "ok",
        ),
    ];
    for (changes, expected) in table {
        let answer = endpoint.but(changes);
        let verdict = verdict_on(&endpoint, endpoint.trusted(), &answer).await;
        assert_eq!(verdict, *expected, "{changes}");
    }
}

/// RS-076: the proof says what the answer says, and no more.
#[tokio::test]
async fn a_proof_says_what_the_issuer_answered() {
    let endpoint = Endpoint::start().await;
    endpoint.answer_with(endpoint.but(&json!({"jti": "j1", "scope": "mcp:tools.read  other"})));
    let guard = guard(&endpoint);
    let proof = ask::<ToolsRead>(&guard, TOKEN).await.expect("a proof");
    assert_eq!(proof.issuer(), &endpoint.issuer());
    assert_eq!(proof.subject().as_str(), "u1");
    assert_eq!(proof.client().as_str(), "c1");
    assert!(guard.made(&proof));
    let refusal = ask::<McpAdmin>(&guard, TOKEN)
        .await
        .expect_err("no such scope");
    assert_eq!(refusal.reason().code().as_str(), "insufficient_scope");
    assert_eq!(endpoint.asked(), 1);
}

/// An issuer's options hold for its answers.
#[tokio::test]
async fn deviations_are_allowed_by_name() {
    let endpoint = Endpoint::start().await;
    let without_client = endpoint.but(&json!({"client_id": null, "azp": "c1"}));
    let rules = || endpoint.trusted();
    let by_azp = rules().client_from(clearance::token::ClientClaim::Azp);
    assert_eq!(
        verdict_on(&endpoint, rules(), &without_client).await,
        "missing_claim"
    );
    assert_eq!(verdict_on(&endpoint, by_azp, &without_client).await, "ok");
    let other = endpoint.but(&json!({"aud": "7e5a"}));
    assert_eq!(
        verdict_on(&endpoint, rules(), &other).await,
        "other_resource"
    );
    let accepted = rules().accept_audience("7e5a");
    assert_eq!(verdict_on(&endpoint, accepted, &other).await, "ok");
}

/// Without `iat` nobody knows what a revocation means, so that has to be allowed by name.
#[tokio::test]
async fn a_token_of_unknown_age_is_as_old_as_can_be() {
    let endpoint = Endpoint::start().await;
    let ageless = endpoint.but(&json!({"iat": null}));
    let rules = || endpoint.trusted().without_issued_at();
    assert_eq!(verdict_on(&endpoint, rules(), &ageless).await, "ok");
    let now = endpoint.right()["iat"].as_i64().expect("a number") + 10;
    let long = endpoint.but(&json!({"iat": null, "exp": now + 24 * 3600 + 1}));
    assert_eq!(
        verdict_on(&endpoint, rules(), &long).await,
        "lives_too_long"
    );

    endpoint.answer_with(&*ageless);
    let aged = crate::guard_with(
        &endpoint,
        |_| rules(),
        |builder| builder.max_age(chrono::TimeDelta::days(10_000)),
    );
    assert_eq!(crate::verdict(&aged, TOKEN).await, "too_old");

    let revoking = crate::guard_with(&endpoint, |_| rules(), |builder| builder);
    assert_eq!(crate::verdict(&revoking, TOKEN).await, "ok");
    let subject = clearance::id::Subject::new("u1");
    revoking
        .revocations()
        .revoke_subject(&endpoint.issuer(), &subject)
        .expect("room");
    assert_eq!(crate::verdict(&revoking, TOKEN).await, "revoked");
    endpoint.clock().advance(chrono::TimeDelta::minutes(2));
    assert_eq!(
        crate::verdict(&revoking, TOKEN).await,
        "revoked",
        "asked again"
    );
}

//! No text makes the reader panic, and no error has a value in it.

use clearance::config::Config;
use proptest::prelude::*;
use serde_json::{Map, Value};

use crate::support::Fixture;

/// What no error may have in it.
const SECRET: &str = "hunter2";

/// Keys of every table, and some that are none; those whose values are shown as names are left out.
fn key() -> impl Strategy<Value = String> {
    let known = [
        "resource",
        "issuers",
        "root_alias",
        "baseline",
        "leeway_seconds",
        "max_lifetime_seconds",
        "max_age_seconds",
        "max_token_length",
        "limit",
        "challenge_per_operation",
        "seal_keys",
        "identifier",
        "jwks_uri",
        "introspection",
        "allow_algorithms",
        "only_algorithms",
        "accept_audiences",
        "client_from",
        "scopes_from_scp",
        "scopes_from_claim",
        "scope_prefix",
        "without_issued_at",
        "fetch_time_limit_seconds",
        "stale_keys_limit_seconds",
        "proxy",
        "client_id",
        "authentication",
        "client_secret",
        "private_key",
        "private_key_algorithm",
        "endpoint",
        "lifetime_seconds",
        "env",
        "file",
        "path",
        "table",
        "requests",
        "per",
        "burst",
        "?",
        "",
    ];
    prop::sample::select(known.to_vec()).prop_map(str::to_owned)
}

fn text() -> impl Strategy<Value = String> {
    let words = [
        "https://as.example.com",
        "https://ann:hunter2@as.example.com",
        "http://hunter2",
        "hunter2",
        "",
        "ES256",
        "azp",
        "minute",
        "unlimited",
        "client_secret_basic",
        "private_key_jwt",
        "a",
        "this_process_only",
        "/nonexistent/x",
        "\u{1b}hunter2\n",
    ];
    prop::sample::select(words.to_vec()).prop_map(str::to_owned)
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        3 => text().prop_map(Value::from),
        1 => any::<bool>().prop_map(Value::from),
        1 => any::<i64>().prop_map(Value::from),
        1 => (0_u64..400).prop_map(Value::from),
        1 => any::<f64>().prop_map(Value::from),
        1 => Just(Value::Null),
    ];
    leaf.prop_recursive(5, 48, 6, |inner| {
        prop_oneof![
            1 => prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            3 => prop::collection::vec((key(), inner), 0..6)
                .prop_map(|entries| Value::from(entries.into_iter().collect::<Map<_, _>>())),
        ]
    })
}

/// A configuration in which most is right, and one value is anything.
fn nearly_right() -> impl Strategy<Value = Value> {
    let issuer = (key(), value(), any::<bool>()).prop_map(|(key, value, nested)| {
        let mut issuer = serde_json::json!({ "identifier": "https://as.example.com" });
        if nested {
            let asking = serde_json::json!({
                "client_id": "c", "authentication": "client_secret_post",
                "client_secret": { "env": "CLEARANCE_TEST_NONE" },
            });
            issuer["introspection"] = asking;
            issuer["introspection"][key] = value;
        } else {
            issuer[key] = value;
        }
        issuer
    });
    (key(), value(), issuer).prop_map(|(key, value, issuer)| {
        let mut root = serde_json::json!({ "resource": "https://mcp.example.com/mcp" });
        root["issuers"] = Value::from(vec![issuer]);
        if key != "issuers" {
            root[key] = value;
        }
        root
    })
}

/// All that is said of it, if it is refused.
fn said(config: Result<Config, String>) -> String {
    match config {
        Err(error) => error,
        Ok(config) => {
            let built = config.guard::<Fixture>().map(|guard| format!("{guard:?}"));
            let keys = config.seal_keys().map(|keys| format!("{keys:?}"));
            format!("{config:?} {built:?} {keys:?}")
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    /// But names: of variables and files, and of types of tokens, whose keys are left out here.
    #[test]
    fn no_value_is_shown(config in prop_oneof![value(), nearly_right()]) {
        let text = config.to_string();
        let is_name = ["env", "file"].map(|key| format!("\"{key}\":\"{SECRET}\""));
        prop_assume!(!is_name.iter().any(|name| text.contains(name)));
        let from_text = serde_json::from_str::<Config>(&text).map_err(|error| error.to_string());
        let from_value = serde_json::from_value::<Config>(config).map_err(|error| error.to_string());
        for config in [from_text, from_value] {
            let said = said(config);
            prop_assert!(!said.contains(SECRET), "{said}\n{text}");
        }
    }

    #[test]
    fn no_text_is_too_much(text in prop_oneof![
        ".{0,80}",
        "(resource|issuers|limit|\\[\\[issuers\\]\\]|\\[issuers\\.introspection\\]|seal_keys|=|\\{|\\}|\\[|\\]|\"|7|\n| ){0,40}",
    ]) {
        drop(toml::from_str::<Config>(&text));
        drop(serde_json::from_str::<Config>(&text));
    }
}

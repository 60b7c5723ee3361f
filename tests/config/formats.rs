//! Whatever the format, it is one configuration, and its places are kept.

use clearance::config::Config;
use serde_json::{Value, json};

use super::fixture::{Held, about, guard, read, text};
use crate::support::tokens::reason;
use crate::support::{self, E, Fixture};

fn json_error(text: &str) -> String {
    match serde_json::from_str::<Config>(text) {
        Ok(_) => panic!("taken: {text}"),
        Err(error) => error.to_string(),
    }
}

#[tokio::test]
async fn toml_and_json_say_the_same() {
    let clock = support::clock();
    let issuer = support::issuer(&clock).await;
    let toml = text(
        issuer.id().as_str(),
        "baseline = [\"a\"]\nlimit = { requests = 2, per = \"minute\" }",
        "accept_audiences = [\"api://files\"]\nscopes_from_claim = { path = [\"r\"], table = { x = \"mcp:tools.read\" } }",
    );
    let json = json!({
        "resource": E,
        "baseline": ["a"],
        "limit": { "requests": 2, "per": "minute" },
        "issuers": [{
            "identifier": issuer.id().as_str(),
            "accept_audiences": ["api://files"],
            "scopes_from_claim": { "path": ["r"], "table": { "x": "mcp:tools.read" } },
        }],
    });
    let from_text: Config = serde_json::from_str(&json.to_string()).expect("JSON");
    let from_value: Config = serde_json::from_value(json).expect("JSON");
    for config in [read(&toml), from_text, from_value] {
        let builder = config.builder::<Fixture>().expect("a builder");
        let clock = std::sync::Arc::new(clock.clone());
        let guard = builder.clock(clock).build().expect("a guard");
        let token = issuer.token().without("scope").claim("r", "x");
        let token = token.audience("api://files").mint();
        for expected in ["authorized", "authorized", "limit_exceeded"] {
            assert_eq!(reason(&guard, &token).await, expected);
        }
    }
    drop(guard(&toml, &clock));
}

#[test]
fn json_keeps_its_places_and_shows_no_value() {
    for (text, message) in [
        (
            "7",
            "expected a table with `resource` and `issuers`, found a whole number at line 1 column 1",
        ),
        (
            "{\n \"resource\": 7\n}",
            "`resource`: expected an https URL, found a whole number at line 2 column 14",
        ),
        (
            "{\"resource\": \"https://a.b\", \"resource\": \"https://a.b\"}",
            "`resource`: stands twice at line 1 column 38",
        ),
        (
            "{\n\"leeway_seconds\": 18446744073709551616}",
            "`leeway_seconds`: expected a whole number from 0 to 300, found a floating-point number at line 2 column 38",
        ),
        (
            "{\n\"leeway_seconds\": 18446744073709551615}",
            "`leeway_seconds`: expected a whole number from 0 to 300, found a number out of range at line 2 column 38",
        ),
        (
            "{\"leeway_seconds\": null}",
            "`leeway_seconds`: expected a whole number from 0 to 300, found nothing at line 1 column 23",
        ),
        (
            "{\"leeway_seconds\": \"hunter2\"}",
            "`leeway_seconds`: expected a whole number from 0 to 300, found text at line 1 column 28",
        ),
    ] {
        assert_eq!(json_error(text), message);
    }
    let twice = json_error(r#"{"issuers":[{"scopes_from_claim":{"table":{"x":"a","x":"b"}}}]}"#);
    assert!(
        twice.starts_with("`issuers[0].scopes_from_claim.table.x`: stands twice at"),
        "{twice}"
    );
}

/// `null`, which TOML does not have, is no value anywhere.
#[test]
fn nothing_is_no_value() {
    let full = json!({
        "root_alias": null, "baseline": null, "leeway_seconds": null, "limit": null,
        "max_principals": null, "seal_keys": null, "resource": null, "issuers": null,
    });
    for key in full.as_object().expect("an object").keys() {
        let error = json_error(&json!({ key: null }).to_string());
        assert!(error.starts_with(&format!("`{key}`: expected ")), "{error}");
        assert!(error.contains(", found nothing at line 1"), "{error}");
    }
}

/// The tables of the documentation have the keys that there are, in their order.
#[test]
fn the_documentation_has_every_key() {
    let keys_of = |error: &str| {
        let (_, list) = error.split_once("there are ").expect("a list");
        let list = list.split(" at line").next().expect("a list").to_owned();
        list.split(", ")
            .map(|key| key.trim_matches('`').to_owned())
            .collect::<Vec<_>>()
    };
    let of_guard = json_error("{\"?\": 1}");
    let of_issuer = json_error("{\"issuers\": [{\"?\": 1}]}");
    let config = read(&about("", "introspection = { \"?\" = 1 }"));
    let of_asking = config.builder::<Fixture>().expect_err("a key").to_string();
    let of_limits = json_error("{\"limits\": {\"?\": 1}}");
    let expected = [of_guard, of_limits, of_issuer, of_asking].map(|error| keys_of(&error));

    let documentation = include_str!("../../src/config/keys.md");
    let mut tables: Vec<Vec<String>> = Vec::new();
    for line in documentation.lines() {
        if line.starts_with("| key |") {
            tables.push(Vec::new());
        } else if let Some(row) = line.strip_prefix("| `") {
            let (key, _) = row.split_once('`').expect("a key");
            tables.last_mut().expect("a table").push(key.to_owned());
        }
    }
    assert_eq!(tables, expected);
}

/// The file of the example is read as it stands, and so is what it has in comments.
#[test]
fn the_file_of_the_example_is_right() {
    let file = include_str!("../../examples/from_config/clearance.toml");
    let built = |text: &str| {
        let builder = read(text).builder::<clearance::mcp::McpScopes>();
        builder.map(drop)
    };
    assert_eq!(built(file), Ok(()));
    let opened = file
        .replace("# [", "[")
        .replace("# identifier", "identifier");
    let opened = opened
        .replace("# client_", "client_")
        .replace("# authentication", "authentication");
    let opened = opened
        .replace("# lifetime", "lifetime")
        .replace("LEGACY_CLIENT_SECRET", "CARGO_PKG_NAME");
    assert_ne!(opened, file);
    assert_eq!(built(&opened), Ok(()));
    assert_eq!(
        read(&opened)
            .guard::<clearance::mcp::McpScopes>()
            .expect("a guard")
            .issuers()
            .count(),
        2
    );
}

/// What the format itself cannot read is its own error, and none of ours.
#[test]
fn what_is_no_text_of_the_format_is_refused() {
    for text in ["resource = ", "[[issuers]", "a = 1\na = 2", "\u{0}"] {
        assert!(toml::from_str::<Config>(text).is_err(), "{text:?}");
    }
    for value in [Value::Null, json!([]), json!("x"), json!(true), json!(1.5)] {
        let error = serde_json::from_value::<Config>(value).expect_err("no table");
        assert!(
            error
                .to_string()
                .starts_with("expected a table with `resource` and `issuers`, found ")
        );
    }
}

/// A file that is not there is told by the issuer that names it, not by another.
#[test]
fn each_issuer_has_its_place() {
    let keys = Held::file("{\"keys\":[]}");
    let lines = format!(
        "keys_file = \"{}\"\n[[issuers]]\nidentifier = \"https://b.example.com\"\nkeys_file = \"/nonexistent/x\"",
        keys.path()
    );
    let error = read(&about("", &lines))
        .builder::<Fixture>()
        .expect_err("no file");
    assert_eq!(error.key(), "issuers[1].keys_file");
}

//! What is wrong in a text, where it is, and what was expected.

use clearance::config::Config;

use super::fixture::{about, read};
use crate::support::Fixture;

/// The line and the message of a TOML error.
fn refused(text: &str) -> (usize, String) {
    let Err(error) = toml::from_str::<Config>(text) else {
        panic!("taken: {text}");
    };
    let start = error.span().expect("a place").start;
    let before = text.get(..start).expect("a place");
    let line = before.matches('\n').count() + 1;
    (line, error.message().to_owned())
}

/// It is refused at this line. What is said of the guard begins in the second one, and what is said of the
/// issuer in the fifth.
pub(super) fn at(text: &str, line: usize, message: &str) {
    let (found, said) = refused(text);
    assert_eq!((found, &*said), (line, message), "{text}");
}

fn unknown(text: &str, line: usize, key: &str) {
    let (found, said) = refused(text);
    assert_eq!(found, line, "{text}");
    let begin = format!("`{key}`: there is no such key; there are `");
    assert!(said.starts_with(&begin), "{said}");
}

#[test]
fn keys_that_are_unknown_are_refused_at_every_level() {
    unknown(&about("leeway = 60", ""), 2, "leeway");
    unknown(&about("Resource = 60", ""), 2, "Resource");
    unknown(&about("\"a.b\" = 60", ""), 2, "\"a.b\"");
    unknown(&about("\"\\u001b\" = 60", ""), 2, "\"\\u{1b}\"");
    unknown(
        &about("limit = { requests = 1, pro = 5 }", ""),
        2,
        "limit.pro",
    );
    unknown(
        &about("", "accept_type = [\"x\"]"),
        5,
        "issuers[0].accept_type",
    );
    unknown(&about("", "deny_if = true"), 5, "issuers[0].deny_if");
    unknown(
        &about(
            "",
            "\n\n[[issuers]]\nidentifier = \"https://b.example.com\"\nx = 1",
        ),
        9,
        "issuers[1].x",
    );
    unknown(
        &about("", "scopes_from_claim = { path = [\"a\"], tabel = {} }"),
        5,
        "issuers[0].scopes_from_claim.tabel",
    );
    // This one is told later, for a secret may stand in it.
    let config = read(&about(
        "",
        "introspection = { client_id = \"c\", mehtod = 1 }",
    ));
    let error = config.builder::<Fixture>().expect_err("an unknown key");
    let begin = "`issuers[0].introspection.mehtod`: there is no such key; there are `client_id`, ";
    assert!(error.to_string().starts_with(begin), "{error}");
}

#[test]
fn what_is_required_is_missed() {
    at("", 1, "`resource`: is missing");
    at(
        "resource = \"https://a.example.com\"",
        1,
        "`issuers`: is missing",
    );
    at(
        "issuers = [{ identifier = \"https://a.example.com\" }]",
        1,
        "`resource`: is missing",
    );
    at(
        "resource = \"https://a.example.com\"\nissuers = []",
        2,
        "`issuers`: expected a list with one member at least, found an empty list",
    );
    at(
        "resource = \"https://a.example.com\"\nissuers = [{}]",
        2,
        "`issuers[0].identifier`: is missing",
    );
    at(
        &about("limit = { per = \"hour\" }", ""),
        2,
        "`limit.requests`: is missing",
    );
    at(
        &about("limit = { requests = 7 }", ""),
        2,
        "`limit.per`: is missing",
    );
    let claim = |claim| about("", &format!("scopes_from_claim = {claim}"));
    at(
        &claim("{ table = { x = \"a\" } }"),
        5,
        "`issuers[0].scopes_from_claim.path`: is missing",
    );
    at(
        &claim("{ path = [\"a\"] }"),
        5,
        "`issuers[0].scopes_from_claim.table`: is missing",
    );
    let full = "client_id = \"c\", authentication = \"private_key_jwt\", \
                private_key = { env = \"A\" }, private_key_algorithm = \"ES256\"";
    for missing in [
        "client_id",
        "authentication",
        "private_key",
        "private_key_algorithm",
    ] {
        let parts = full
            .split(", ")
            .filter(|part| !part.starts_with(&format!("{missing} =")));
        let parts: Vec<_> = parts.collect();
        let config = read(&about(
            "",
            &format!("introspection = {{ {} }}", parts.join(", ")),
        ));
        let error = config.builder::<Fixture>().expect_err(missing).to_string();
        assert_eq!(
            error,
            format!("`issuers[0].introspection.{missing}`: is missing")
        );
    }
    let config = read(&about(
        "",
        "introspection = { client_id = \"c\", authentication = \"client_secret_post\" }",
    ));
    let error = config
        .builder::<Fixture>()
        .expect_err("no secret")
        .to_string();
    assert_eq!(
        error,
        "`issuers[0].introspection.client_secret`: is missing"
    );
}

/// A text in which this key has this value.
type Text<'a> = &'a dyn Fn(&str, &str) -> String;

/// Every number: what it may be, and what is no number.
#[test]
fn numbers_are_whole_and_within_bounds() {
    const FAR: u64 = 631_152_000_000;
    let guard = |key: &str, value: &str| about(&format!("{key} = {value}"), "");
    let issuer = |key: &str, value: &str| about("", &format!("{key} = {value}"));
    let rows: [(&str, Text<'_>, &str, u64, u64); 9] = [
        ("leeway_seconds", &guard, "", 0, 300),
        ("max_lifetime_seconds", &guard, "", 1, FAR),
        ("max_age_seconds", &guard, "", 1, FAR),
        ("max_token_length", &guard, "", 1, 1_048_576),
        ("max_principals", &guard, "", 1, 16_777_216),
        ("max_cached_tokens", &guard, "", 0, 16_777_216),
        ("max_revocations", &guard, "", 0, 16_777_216),
        ("fetch_time_limit_seconds", &issuer, "issuers[0].", 1, 300),
        (
            "stale_keys_limit_seconds",
            &issuer,
            "issuers[0].",
            60,
            86_400,
        ),
    ];
    for (key, text, above, least, most) in rows {
        let line = if above.is_empty() { 2 } else { 5 };
        for value in [least, most] {
            let config = read(&text(key, &value.to_string()));
            // A guard takes it as well; its tables would be large.
            if value <= 1_048_576 || key.ends_with("_seconds") {
                config.guard::<Fixture>().expect(key);
            }
        }
        let mut wrong = vec![
            ((most + 1).to_string(), "a number out of range"),
            ("-1".to_owned(), "a number out of range"),
            (
                "9_223_372_036_854_775_807".to_owned(),
                "a number out of range",
            ),
            (
                "-9_223_372_036_854_775_808".to_owned(),
                "a number out of range",
            ),
            ("7.5".to_owned(), "a floating-point number"),
            ("inf".to_owned(), "a floating-point number"),
            ("\"70\"".to_owned(), "text"),
            ("true".to_owned(), "a boolean"),
            ("[70]".to_owned(), "a list"),
            ("{ seconds = 70 }".to_owned(), "a table"),
            ("07:32:00".to_owned(), "a table"),
        ];
        if let Some(less) = least.checked_sub(1) {
            wrong.push((less.to_string(), "a number out of range"));
        }
        for (value, found) in wrong {
            let expected = format!(
                "`{above}{key}`: expected a whole number from {least} to {most}, found {found}"
            );
            at(&text(key, &value), line, &expected);
        }
    }
    // More than a number of TOML can be.
    let (line, _) = refused(&guard("leeway_seconds", "99999999999999999999"));
    assert_eq!(line, 2);
}

#[test]
fn quotas_that_allow_nothing_or_too_much_are_refused() {
    let quota = |quota: &str| about(&format!("limit = {quota}"), "");
    let sound = "`limit`: expected at most 1000000000 requests a second, and a burst that comes back \
                 within 366 days";
    let range = "expected a whole number from 1 to 4294967295, found a number out of range";
    for (limit, message) in [
        (
            "{ requests = 0, per = \"hour\" }",
            &*format!("`limit.requests`: {range}"),
        ),
        (
            "{ requests = 4294967296, per = \"hour\" }",
            &format!("`limit.requests`: {range}"),
        ),
        (
            "{ requests = 1, per = \"hour\", burst = 0 }",
            &format!("`limit.burst`: {range}"),
        ),
        ("{ requests = 1000000001, per = \"second\" }", sound),
        ("{ requests = 1, per = \"hour\", burst = 8785 }", sound),
        (
            "{ requests = 1, per = \"day\" }",
            "`limit.per`: expected one of `second`, `minute`, `hour`, found another text",
        ),
        (
            "\"none\"",
            "`limit`: expected a table with `requests` and `per`, or the word `unlimited`, found another text",
        ),
        (
            "600",
            "`limit`: expected a table with `requests` and `per`, or the word `unlimited`, found a whole number",
        ),
    ] {
        at(&quota(limit), 2, message);
    }
    for limit in [
        "{ requests = 1000000000, per = \"second\" }",
        "{ requests = 1, per = \"hour\", burst = 8784 }",
    ] {
        read(&quota(limit)).guard::<Fixture>().expect(limit);
    }
}

#[test]
fn values_of_another_kind_are_refused() {
    let flags = [
        "accept_generic_type",
        "scopes_may_be_arrays",
        "scopes_from_scp",
        "without_token_id",
        "without_issued_at",
    ];
    for flag in flags {
        let text = about("", &format!("{flag} = 1"));
        at(
            &text,
            5,
            &format!("`issuers[0].{flag}`: expected true or false, found a whole number"),
        );
    }
    for flag in ["root_alias", "challenge_per_operation"] {
        let text = about(&format!("{flag} = \"yes\""), "");
        at(
            &text,
            2,
            &format!("`{flag}`: expected true or false, found text"),
        );
    }
    for (line, message) in [
        (
            "keys_file = 7",
            "keys_file`: expected text, found a whole number",
        ),
        (
            "keys_file = \"\"",
            "keys_file`: expected text, found empty text",
        ),
        ("jwks_uri = {}", "jwks_uri`: expected text, found a table"),
        (
            "proxy = 7",
            "proxy`: expected an http or https URL without a password, or a reference to one, found a whole number",
        ),
        (
            "accept_types = \"x\"",
            "accept_types`: expected a list, of text each, found text",
        ),
        (
            "accept_types = [\"x\", \"\"]",
            "accept_types[1]`: expected text, found empty text",
        ),
        (
            "accept_audiences = [[]]",
            "accept_audiences[0]`: expected text, found a list",
        ),
        (
            "root_certificates = [7]",
            "root_certificates[0]`: expected text, found a whole number",
        ),
        (
            "client_from = \"sub\"",
            "client_from`: expected one of `appid`, `azp`, `cid`, `client_id`, found another text",
        ),
        (
            "only_algorithms = []",
            "only_algorithms`: expected a list with one member at least, found an empty list",
        ),
        (
            "only_algorithms = [\"HS256\"]",
            "only_algorithms[0]`: expected one of `ES256`, `ES384`, `ES512`, `EdDSA`, `PS256`, `PS384`, `PS512`, `RS256`, `RS384`, `RS512`, found another text",
        ),
        (
            "scopes_from_claim = \"roles\"",
            "scopes_from_claim`: expected a table with `path` and `table`, found text",
        ),
        (
            "scopes_from_claim = { path = [] }",
            "scopes_from_claim.path`: expected a list with one member at least, found an empty list",
        ),
        (
            "scopes_from_claim = { table = {} }",
            "scopes_from_claim.table`: expected a table of scopes by values of the claim, found an empty table",
        ),
        (
            "scopes_from_claim = { table = { \"x y\" = 7 } }",
            "scopes_from_claim.table.\"x y\"`: expected the name of a scope, or a list of them, found a whole number",
        ),
        (
            "scopes_from_claim = { table = { x = [] } }",
            "scopes_from_claim.table.x`: expected a list with one member at least, found an empty list",
        ),
        (
            "introspection = true",
            "introspection`: expected a table with `client_id` and `authentication`, found a boolean",
        ),
    ] {
        at(&about("", line), 5, &format!("`issuers[0].{message}"));
    }
    at(
        "resource = 7",
        1,
        "`resource`: expected an https URL, found a whole number",
    );
    at(
        "resource = \"http://a.example.com\"",
        1,
        "`resource`: the scheme is not https, nor http with a loopback host",
    );
    at(
        "issuers = 7",
        1,
        "`issuers`: expected a list with one issuer at least, found a whole number",
    );
    at(
        "issuers = [7]",
        1,
        "`issuers[0]`: expected a table with `identifier`, found a whole number",
    );
    at(
        "issuers = [{ identifier = \"https://a.example.com/?q\" }]",
        1,
        "`issuers[0].identifier`: an issuer identifier has no query (RFC 8414 section 2)",
    );
    at(
        "baseline = \"a\"",
        1,
        "`baseline`: expected a list, of text each, found text",
    );
    at(
        "seal_keys = 7",
        1,
        "`seal_keys`: expected a list of references to keys, or `this_process_only`, found a whole number",
    );
}

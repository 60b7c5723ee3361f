//! Keys that are right by themselves, and wrong together or here.

use super::fixture::{about, read};
use super::refusals::at;
use crate::support::Fixture;

#[test]
fn keys_that_contradict_one_another_are_refused() {
    let asked = "introspection = { client_id = \"c\", authentication = \"client_secret_basic\", client_secret = { env = \"A\" } }";
    for (lines, message) in [
        (
            "only_algorithms = [\"ES256\"]\nallow_algorithms = [\"ES512\"]",
            "allow_algorithms`: must not be given together with `only_algorithms`",
        ),
        (
            "scopes_may_be_arrays = true\nscopes_from_scp = true",
            "scopes_may_be_arrays`: must not be given together with `scopes_from_scp`",
        ),
        (
            "scopes_from_scp = true\nscopes_from_claim = { path = [\"x\"], table = { x = \"a\" } }",
            "scopes_from_scp`: must not be given together with `scopes_from_claim`",
        ),
        (
            "jwks_uri = \"https://a\"\nkeys_file = \"/x\"",
            "keys_file`: must not be given together with `jwks_uri`",
        ),
        (
            &format!("jwks_uri = \"https://a\"\n{asked}"),
            "jwks_uri`: must not be given together with `introspection`",
        ),
        (
            "without_issued_at = true",
            "without_issued_at`: means nothing without `introspection`",
        ),
        (
            "keys_file = \"/x\"\nfetch_time_limit_seconds = 5",
            "fetch_time_limit_seconds`: means nothing with `keys_file`",
        ),
        (
            "keys_file = \"/x\"\nstale_keys_limit_seconds = 60",
            "stale_keys_limit_seconds`: means nothing with `keys_file`",
        ),
        (
            "keys_file = \"/x\"\nroot_certificates = []",
            "root_certificates`: means nothing with `keys_file`",
        ),
        (
            "keys_file = \"/x\"\nproxy = \"http://p\"",
            "proxy`: means nothing with `keys_file`",
        ),
        (
            &format!("allow_algorithms = [\"ES512\"]\n{asked}"),
            "allow_algorithms`: means nothing with `introspection`",
        ),
        (
            &format!("only_algorithms = [\"ES256\"]\n{asked}"),
            "only_algorithms`: means nothing with `introspection`",
        ),
        (
            &format!("accept_types = []\n{asked}"),
            "accept_types`: means nothing with `introspection`",
        ),
        (
            &format!("stale_keys_limit_seconds = 60\n{asked}"),
            "stale_keys_limit_seconds`: means nothing with `introspection`",
        ),
    ] {
        // The table, as it is its keys together that are wrong.
        at(&about("", lines), 3, &format!("`issuers[0].{message}"));
    }
    at(
        &about("limit = \"unlimited\"\nmax_principals = 7", ""),
        1,
        "`max_principals`: means nothing with `limit = \"unlimited\"`",
    );
    let other = format!("{asked}\n[[issuers]]\nidentifier = \"https://b.example.com\"\n{asked}");
    at(
        &about("", &other),
        3,
        "`issuers[1].introspection`: expected one issuer at most that is asked about its tokens",
    );
    let twice = "[[issuers]]\nidentifier = \"https://as.example.com\"";
    at(
        &about("", twice),
        3,
        "`issuers[1].identifier`: stands twice",
    );
    for (with, idle) in [
        (
            "authentication = \"client_secret_post\", client_secret = { env = \"A\" }, private_key = { env = \"A\" }",
            "private_key",
        ),
        (
            "authentication = \"client_secret_post\", client_secret = { env = \"A\" }, private_key_id = \"A\"",
            "private_key_id",
        ),
        (
            "authentication = \"client_secret_post\", client_secret = { env = \"A\" }, private_key_algorithm = \"ES256\"",
            "private_key_algorithm",
        ),
        (
            "authentication = \"private_key_jwt\", client_secret = { env = \"A\" }, private_key = { env = \"A\" }, private_key_algorithm = \"ES256\"",
            "client_secret",
        ),
    ] {
        let config = read(&about(
            "",
            &format!("introspection = {{ client_id = \"c\", {with} }}"),
        ));
        let error = config.builder::<Fixture>().expect_err(with).to_string();
        let expected =
            format!("`issuers[0].introspection.{idle}`: means nothing with this `authentication`");
        assert_eq!(error, expected);
    }
}

#[test]
fn scopes_are_those_of_the_vocabulary() {
    let names = "expected a scope of the vocabulary: `mcp:tools.read`, `files:read`, `files:write`, \
                 `mcp:admin`, `a`, `b`";
    let table = |table: &str| {
        about(
            "",
            &format!("scopes_from_claim = {{ path = [\"r\"], table = {{ {table} }} }}"),
        )
    };
    let claim = "issuers[0].scopes_from_claim.table";
    for (text, key) in [
        (
            about("baseline = [\"a\", \"files:raed\"]", ""),
            "baseline[1]".to_owned(),
        ),
        (about("baseline = [\"A\"]", ""), "baseline[0]".to_owned()),
        (table("x = \"a\", y = \"a b\""), format!("{claim}.y")),
        (table("x = [\"a\", \"openid\"]"), format!("{claim}.x[1]")),
    ] {
        let error = read(&text).builder::<Fixture>().expect_err(&text);
        assert_eq!(error.key(), key);
        assert_eq!(error.to_string(), format!("`{key}`: {names}"));
    }
}

#[test]
fn a_scope_that_stands_twice_is_refused() {
    let config = read(&about("baseline = [\"a\", \"b\", \"a\"]", ""));
    let error = config.builder::<Fixture>().expect_err("twice");
    assert_eq!(error.to_string(), "`baseline[2]`: stands twice");
}

#[test]
fn files_that_cannot_be_read_are_told() {
    for (line, key) in [
        ("keys_file = \"/nonexistent/x\"", "keys_file"),
        (
            "root_certificates = [\"/nonexistent/x\"]",
            "root_certificates[0]",
        ),
    ] {
        let error = read(&about("", line)).builder::<Fixture>().expect_err(line);
        let expected = format!(
            "`issuers[0].{key}`: the file `/nonexistent/x` cannot be read: entity not found"
        );
        assert_eq!(error.to_string(), expected);
    }
}

//! Secrets are named and never shown.

use std::ffi::OsStr;
use std::fmt::Debug;
use std::os::unix::ffi::OsStrExt as _;
use std::process::Command;
use std::time::Duration;

use clearance::config::Config;
use clearance::session::{Purpose, Seal, SealKey, SealKeys};

use super::fixture::{Held, about, read};
use crate::support::http::parts_with;
use crate::support::tokens::t0;
use crate::support::{self, Fixture, ToolsRead};

/// The secret that stands where it should not.
const SECRET: &str = "hunter2-that-is-shown-to-nobody";

fn asking(secret: &str) -> String {
    about(
        "",
        &format!(
            "[issuers.introspection]\nclient_id = \"c\"\nauthentication = \"client_secret_post\"\n\
             client_secret = {secret}"
        ),
    )
}

/// What is wrong with the client's secret.
fn wrong(secret: &str) -> String {
    let config = read(&asking(secret));
    let error = config.builder::<Fixture>().map(drop).expect_err(secret);
    assert_eq!(error.key(), "issuers[0].introspection.client_secret");
    assert_silent(&error);
    let text = error.to_string();
    let message = text.strip_prefix("`issuers[0].introspection.client_secret`: ");
    message.expect("the key").to_owned()
}

fn assert_silent(shown: &(impl Debug + ?Sized)) {
    let shown = format!("{shown:?} {shown:#?}");
    assert!(!shown.contains("hunter2"), "{shown}");
}

#[test]
fn a_file_holds_a_secret_or_it_is_told_why_not() {
    let reference = |file: &Held| format!("{{ file = \"{}\" }}", file.path());
    for content in [
        SECRET,
        "x",
        "x\n",
        "x\r\n",
        "\u{fc}",
        " \n",
        &"x".repeat(65_536),
    ] {
        let file = Held::file(content);
        let built = read(&asking(&reference(&file))).guard::<Fixture>();
        assert!(built.is_ok(), "{content:?}");
    }
    for content in ["", "\n", "\r\n"] {
        let file = Held::file(content);
        let expected = format!("the file `{}` is empty", file.path());
        assert_eq!(wrong(&reference(&file)), expected);
    }
    let file = Held::file([0xff, 0xfe]);
    let expected = format!("what `{}` holds is not UTF-8", file.path());
    assert_eq!(wrong(&reference(&file)), expected);
    let file = Held::file("hunter2".repeat(9_363));
    let expected = format!("the file `{}` is longer than 64 KiB", file.path());
    assert_eq!(wrong(&reference(&file)), expected);
    for (path, why) in [
        ("/nonexistent/secret", "entity not found"),
        (env!("CARGO_MANIFEST_DIR"), "is a directory"),
    ] {
        let expected = format!("the file `{path}` cannot be read: {why}");
        assert_eq!(wrong(&format!("{{ file = \"{path}\" }}")), expected);
    }
}

/// A pipe that nobody writes to holds up no start, and neither does a file without end.
#[cfg(unix)]
#[test]
fn only_files_are_read() {
    let name = format!("clearance-pipe-{}", std::process::id());
    let pipe = std::env::temp_dir().join(name);
    let made = Command::new("mkfifo").arg(&pipe).status();
    assert!(made.expect("mkfifo").success());
    let long = Held::file(vec![b' '; 1024 * 1024 + 1]);
    let path = |of: &std::path::Path| of.to_str().expect("text").to_owned();
    for (path, why) in [
        (path(&pipe), "invalid input parameter"),
        (path(long.path().as_ref()), "file too large"),
    ] {
        let secret = asking(&format!("{{ file = \"{path}\" }}"));
        let keys = about("", &format!("keys_file = \"{path}\""));
        let roots = about("", &format!("root_certificates = [\"{path}\"]"));
        for (key, text) in [
            ("introspection.client_secret", secret),
            ("keys_file", keys),
            ("root_certificates[0]", roots),
        ] {
            let (told, hears) = std::sync::mpsc::channel();
            // It may never come back.
            std::thread::spawn(move || {
                let error = read(&text).guard::<Fixture>().expect_err("no file");
                told.send(error.to_string()).expect("a listener");
            });
            let error = hears.recv_timeout(Duration::from_secs(20));
            let error = error.expect("it does not wait");
            let why = match (key, why) {
                ("introspection.client_secret", "file too large") => {
                    "is longer than 64 KiB".to_owned()
                }
                _ => format!("cannot be read: {why}"),
            };
            assert_eq!(
                error,
                format!("`issuers[0].{key}`: the file `{path}` {why}")
            );
        }
    }
    std::fs::remove_file(pipe).expect("a pipe");
}

/// The environment of a process cannot be changed safely, so these are asked in one of their own.
#[test]
fn a_variable_holds_a_secret_or_it_is_told_why_not() {
    const NAME: &str = "config::secrets::a_variable_holds_a_secret_or_it_is_told_why_not";
    if std::env::var_os("CLEARANCE_TEST_GOOD").is_none() {
        let this = std::env::current_exe().expect("a program");
        let output = Command::new(this)
            .args(["--exact", NAME, "--nocapture"])
            .env("CLEARANCE_TEST_GOOD", SECRET)
            .env("CLEARANCE_TEST_EMPTY", "")
            .env("CLEARANCE_TEST_BYTES", OsStr::from_bytes(b"hunter2\xff"))
            .output()
            .expect("a process");
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success(), "{said}");
        assert!(said.contains("1 passed"), "{said}");
        return;
    }
    let good = read(&asking("{ env = \"CLEARANCE_TEST_GOOD\" }"));
    let guard = good.guard::<Fixture>().expect("a guard");
    assert_silent(&guard);
    assert_silent(&good.builder::<Fixture>().expect("a builder"));
    for (name, why) in [
        (
            "NONE",
            "the environment variable `CLEARANCE_TEST_NONE` is not set",
        ),
        (
            "EMPTY",
            "the environment variable `CLEARANCE_TEST_EMPTY` is empty",
        ),
        ("BYTES", "what `CLEARANCE_TEST_BYTES` holds is not UTF-8"),
    ] {
        let reference = format!("{{ env = \"CLEARANCE_TEST_{name}\" }}");
        assert_eq!(wrong(&reference), why);
    }
}

const IN_TEXT: &str = "a secret does not stand in the configuration: name what holds it, \
                       `{ env = \"NAME\" }` or `{ file = \"/run/secrets/name\" }`";
const NO_REFERENCE: &str =
    "expected `{ env = \"NAME\" }` or `{ file = \"/run/secrets/name\" }`, and no other key";

/// RS-147: not even by the format, which shows the line that an error is about.
#[test]
fn a_secret_that_was_written_down_is_refused_and_not_shown() {
    let quoted = format!("\"{SECRET}\"");
    assert_eq!(wrong(&quoted), IN_TEXT);
    for secret in [
        "7",
        "-7.5",
        "true",
        "1979-05-27",
        "[]",
        "{}",
        &format!("[{quoted}]"),
        &format!("[[{{ a = {quoted} }}]]"),
        &format!("{{ value = {quoted} }}"),
        &format!("{{ env = \"A\", value = {quoted} }}"),
        &format!("{{ value = {quoted}, env = \"A\" }}"),
        &format!("{{ env = {{ env = {quoted} }} }}"),
        "{ env = \"A\", file = \"/x\" }",
        "{ env = 7 }",
        "{ file = [] }",
    ] {
        assert_eq!(wrong(secret), NO_REFERENCE, "{secret}");
    }
    let bad_name =
        "expected the name of an environment variable: letters, digits, `_`, `.` and `-`";
    for name in ["", "hunter2 x", "hunter2=", "hunter2+/", "hunter2\\u0000"] {
        assert_eq!(
            wrong(&format!("{{ env = \"{name}\" }}")),
            bad_name,
            "{name}"
        );
    }
    let bad_file = "expected the name of a file, without control characters";
    for name in ["", "hunter2\\n", "-----BEGIN\\nhunter2", "hunter2\\u0000"] {
        assert_eq!(
            wrong(&format!("{{ file = \"{name}\" }}")),
            bad_file,
            "{name}"
        );
    }
}

/// RS-147: whatever else is wrong with the table that it was written into.
#[test]
fn a_secret_is_not_shown_by_other_mistakes_beside_it() {
    let quoted = format!("\"{SECRET}\"");
    for (table, key) in [
        (format!("{{ client_secret = {quoted} }}"), "client_secret"),
        (
            format!("{{ client_id = \"c\", secret = {quoted} }}"),
            "secret",
        ),
        (
            format!("{{ client_id = \"c\", secret = {quoted}, tries = 3 }}"),
            "secret",
        ),
        (
            format!("{{ client_id = \"c\", client_secret = {quoted}, tries = 3 }}"),
            "tries",
        ),
        (
            format!(
                "{{ client_id = \"c\", authentication = \"client_secret_post\", private_key = {quoted} }}"
            ),
            "private_key",
        ),
        (
            format!(
                "{{ client_id = \"c\", authentication = \"private_key_jwt\", client_secret = {quoted}, private_key = {quoted} }}"
            ),
            "client_secret",
        ),
    ] {
        let config = read(&about("", &format!("introspection = {table}")));
        assert_silent(&config);
        let error = config.builder::<Fixture>().expect_err(&table);
        assert_eq!(
            error.key(),
            format!("issuers[0].introspection.{key}"),
            "{error}"
        );
        assert_silent(&error);
        assert!(!error.to_string().contains("hunter2"), "{error}");
    }
}

/// RS-147: URLs may have passwords in them.
#[test]
fn a_password_in_a_url_is_refused_and_not_shown() {
    let url = format!("https://ann:{SECRET}@as.example.com/x");
    let silent = |text: &str, key: &str| {
        let config: Config = match toml::from_str(text) {
            Ok(config) => config,
            Err(error) => panic!("while reading: {error}"),
        };
        assert_silent(&config);
        let error = config.guard::<Fixture>().expect_err(text);
        assert_eq!(error.key(), key);
        assert_silent(&error);
        assert!(!error.to_string().contains("hunter2"), "{error}");
    };
    silent(&support_text(&url, "https://as.example.com"), "resource");
    silent(&support_text(support::E, &url), "issuers[0].identifier");
    silent(
        &about("", &format!("proxy = \"{url}\"")),
        "issuers[0].proxy",
    );
    silent(
        &about(
            "",
            &format!("jwks_uri = \"http://ann:{SECRET}@x.example.com/\""),
        ),
        "issuers[0].jwks_uri",
    );
    silent(
        &about(
            "",
            &format!(
                "[issuers.introspection]\nclient_id = \"c\"\nauthentication = \"client_secret_post\"\n\
                 client_secret = {{ env = \"CARGO_PKG_NAME\" }}\nendpoint = \"ftp://ann:{SECRET}@x/\""
            ),
        ),
        "issuers[0].introspection.endpoint",
    );
    let file = Held::file(format!("socks5://ann:{SECRET}@x/"));
    silent(
        &about("", &format!("proxy = {{ file = \"{}\" }}", file.path())),
        "issuers[0].proxy",
    );
}

fn support_text(resource: &str, issuer: &str) -> String {
    format!("resource = \"{resource}\"\nissuers = [{{ identifier = \"{issuer}\" }}]")
}

/// Nothing that a private key can be wrong in shows it.
#[test]
fn a_private_key_that_is_none_is_not_shown() {
    let file = Held::file(format!("-----BEGIN PRIVATE KEY-----\n{SECRET}\n"));
    let text = about(
        "",
        &format!(
            "[issuers.introspection]\nclient_id = \"c\"\nauthentication = \"private_key_jwt\"\n\
             private_key_algorithm = \"ES256\"\nprivate_key = {{ file = \"{}\" }}",
            file.path()
        ),
    );
    let error = read(&text).builder::<Fixture>().expect_err("no key");
    assert_eq!(
        error.to_string(),
        "`issuers[0].introspection.private_key`: not a private key in PKCS#8"
    );
}

struct Note;

impl Purpose for Note {
    const NAME: &'static str = "note";
    type Content = String;
}

/// The keys that seal are those that the text names: the first seals, all open.
#[tokio::test]
async fn seal_keys() {
    let (one, two) = (
        Held::file("AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=\n"),
        Held::file("AgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgI"),
    );
    let clock = support::clock();
    let issuer = support::issuer(&clock).await;
    let guard = support::strict(&issuer, &clock).build().expect("a guard");
    let mut parts = parts_with(&t0(&issuer).mint());
    let auth = guard
        .authorize::<ToolsRead>(&mut parts)
        .await
        .expect("a proof");
    let keys = |line: &str| read(&about(&format!("seal_keys = {line}"), "")).seal_keys();
    let sealed_by = |keys: SealKeys| {
        let seal = Seal::<Note>::new(keys, Duration::from_mins(1));
        seal.seal(&auth, "", &"x".to_owned()).expect("a value")
    };
    let opens = |keys: SealKeys, byte: u8| {
        let sealed = sealed_by(SealKey::from_bytes(&[byte; 32]).into());
        let seal = Seal::<Note>::new(keys, Duration::from_mins(1));
        seal.open(&auth, "", &sealed).is_ok()
    };
    let (one, two) = (one.path(), two.path());
    let both = || keys(&format!("[{{ file = \"{one}\" }}, {{ file = \"{two}\" }}]")).expect("keys");
    assert!(opens(both(), 1) && opens(both(), 2) && !opens(both(), 3));
    let single = keys(&format!("{{ file = \"{two}\" }}")).expect("a key");
    assert!(!opens(single.clone(), 1) && opens(single, 2));
    // What the first one has sealed is opened by it alone.
    let sealed = sealed_by(both());
    let of = |byte: u8| {
        Seal::<Note>::new(
            SealKey::from_bytes(&[byte; 32]).into(),
            Duration::from_mins(1),
        )
    };
    assert!(of(1).open(&auth, "", &sealed).is_ok() && of(2).open(&auth, "", &sealed).is_err());
    assert!(!opens(keys("\"this_process_only\"").expect("a key"), 1));

    let not_there = read(&about("", "")).seal_keys().expect_err("no keys");
    assert_eq!(not_there.to_string(), "`seal_keys`: is missing");
    for (line, key, why) in [
        (format!("\"{SECRET}\""), "seal_keys[0]", IN_TEXT),
        (
            format!("[{{ file = \"{one}\" }}, \"{SECRET}\"]"),
            "seal_keys[1]",
            IN_TEXT,
        ),
        (
            format!("[{{ file = \"{one}\" }}, {{ env = \"CARGO_PKG_NAME\" }}]"),
            "seal_keys[1]",
            "a seal key is 32 bytes, written in base64",
        ),
        (
            "{ env = \"CLEARANCE_TEST_NONE\" }".to_owned(),
            "seal_keys[0]",
            "the environment variable `CLEARANCE_TEST_NONE` is not set",
        ),
    ] {
        let error = keys(&line).expect_err(&line);
        assert_eq!(error.to_string(), format!("`{key}`: {why}"));
        assert_silent(&error);
        // One that was written down is refused also where nobody asks for the keys.
        if why == IN_TEXT {
            let config = read(&about(&format!("seal_keys = {line}"), ""));
            assert_eq!(config.builder::<Fixture>().expect_err(&line), error);
        }
    }
}

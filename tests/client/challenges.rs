//! What challenges say.

use clearance::client::Challenge;
use http::header::WWW_AUTHENTICATE;
use http::{HeaderMap, HeaderValue};
use proptest::prelude::*;

fn read(lines: &[&str]) -> Challenge {
    let mut headers = HeaderMap::new();
    for line in lines {
        headers.append(WWW_AUTHENTICATE, line.parse().unwrap());
    }
    Challenge::from_headers(&headers)
}

/// `resource_metadata`, scopes, error.
type Said = (
    Option<&'static str>,
    Option<&'static str>,
    Option<&'static str>,
);

const U: &str = "https://x.example/p";

const TABLE: &[(&[&str], Said)] = &[
    (&[], (None, None, None)),
    (&[""], (None, None, None)),
    (&["Bearer"], (None, None, None)),
    (&["Basic realm=\"x\""], (None, None, None)),
    (
        &["Bearer resource_metadata=\"https://x.example/p\""],
        (Some(U), None, None),
    ),
    // Other schemes before it, with a token68; names in any case; a comma within quotes.
    (
        &[r#"Negotiate YII=, bearer SCOPE="a b", Resource_Metadata="https://x/y,z""#],
        (Some("https://x/y,z"), Some("a b"), None),
    ),
    (
        &[r#"DPoP resource_metadata="https://x.example/p", algs="ES256""#],
        (Some(U), None, None),
    ),
    (
        &["Basic realm=\"r\"", "Bearer scope=\"a\""],
        (None, Some("a"), None),
    ),
    (
        &["Bearer scope=\"a\"", "Bearer scope=\"b\", error=\"e\""],
        (None, Some("a"), Some("e")),
    ),
    // Quoted pairs.
    (
        &[r#"Bearer error="a\"b\\c""#],
        (None, None, Some("a\"b\\c")),
    ),
    // Without quotes.
    (
        &["Bearer error=invalid_token, resource_metadata=https://x.example/p"],
        (Some(U), None, Some("invalid_token")),
    ),
    // Blanks around the sign, and tabs.
    (
        &["Bearer error = \"e\"\t,\tscope\t=\t\"s\""],
        (None, Some("s"), Some("e")),
    ),
    // Without commas.
    (
        &["Bearer error=\"e\" scope=\"s\""],
        (None, Some("s"), Some("e")),
    ),
    (&["Bearer , ,, error=\"e\",,"], (None, None, Some("e"))),
    // What belongs to another scheme.
    (
        &[r#"Bearer scope="a", Basic error="e", scope="b""#],
        (None, Some("a"), None),
    ),
    (
        &[r#"Basic x="Bearer scope=a", error="e""#],
        (None, None, None),
    ),
    // Of no challenge.
    (&["scope=\"a\""], (None, None, None)),
    (&["Bearer x=\"y\"", "scope=\"a\""], (None, None, None)),
    // Nothing counts as absent, also if more comes.
    (&["Bearer scope=\"\""], (None, None, None)),
    (
        &["Bearer scope=\" \", scope=\"a\""],
        (None, Some("a"), None),
    ),
    // Cut off.
    (&[r#"Bearer error="e"#], (None, None, Some("e"))),
    (&[r#"Bearer error="e\"#], (None, None, Some("e"))),
    // What is no challenge is passed over.
    (
        &["===, \"Bearer scope=x\", Bearer scope=\"a\""],
        (None, Some("a"), None),
    ),
    (&["Bearer abc==, DPoP error=\"e\""], (None, None, Some("e"))),
    // Scopes that are none are left out.
    (&["Bearer scope=\"a \\\"b c\\\\\""], (None, Some("a"), None)),
];

/// CL-001
#[test]
fn challenges_are_read_as_rfc_9110_writes_them() {
    for (lines, (metadata, scopes, error)) in TABLE {
        let challenge = read(lines);
        assert_eq!(challenge.resource_metadata(), *metadata, "{lines:?}");
        let own = challenge.scopes().map(ToString::to_string);
        assert_eq!(own.as_deref(), *scopes, "{lines:?}");
        assert_eq!(challenge.error(), *error, "{lines:?}");
    }
    assert!(read(&["Bearer error=\"insufficient_scope\""]).is_insufficient_scope());
    assert!(!read(&["Bearer error=\"invalid_token\""]).is_insufficient_scope());
}

/// CL-001: bounded.
#[test]
fn endless_challenges_are_not_read() {
    let many = "a b=c, ".repeat(2000) + "Bearer scope=\"a\"";
    assert_eq!(read(&[&many]), Challenge::default());
    let long = format!("Bearer x=\"{}\", scope=\"a\"", "y".repeat(20_000));
    assert_eq!(read(&[&long]), Challenge::default());
}

proptest! {
    /// CL-001
    #[test]
    fn any_bytes_are_read(lines in prop::collection::vec(prop::collection::vec(0x20_u8.., 0..64), 0..4)) {
        let mut headers = HeaderMap::new();
        for line in lines {
            if let Ok(value) = HeaderValue::from_bytes(&line) {
                headers.append(WWW_AUTHENTICATE, value);
            }
        }
        Challenge::from_headers(&headers);
    }

    /// CL-001
    #[test]
    fn any_pieces_are_read(pieces in prop::collection::vec("Bearer|DPoP|Basic|scope|error| |,|=|\"|\\\\|a", 0..40)) {
        let text = pieces.concat();
        let mut headers = HeaderMap::new();
        if let Ok(value) = HeaderValue::from_str(&text) {
            headers.append(WWW_AUTHENTICATE, value);
        }
        Challenge::from_headers(&headers);
    }

    /// CL-001: what is written as it should be is read as it was meant.
    #[test]
    fn what_is_quoted_comes_back(value in "[ -~]{1,40}") {
        let quoted = value.replace('\\', "\\\\").replace('"', "\\\"");
        let line = format!("Basic YII=, Bearer realm=\"r\", error=\"{quoted}\"");
        let challenge = read(&[&line]);
        prop_assert_eq!(challenge.error(), Some(&*value));
    }
}

//! Bodies that are no message to some, and documents in documents.

use super::table::{ALLOWED, FORBIDDEN, Line, No, Runs, Site, Verdict, WEATHER, says};

const INVALID: Verdict = No(400, -32600);
const PARAMS: Verdict = No(400, -32602);
const MALFORMED: Verdict = No(400, -32700);
const MEDIA: Verdict = No(415, -32600);

/// The bytes of a text in UTF-16.
fn utf_16(text: &str, mark: bool) -> Vec<u8> {
    let mark = mark.then_some(0xfeff_u16);
    let units = mark.into_iter().chain(text.encode_utf16());
    units.flat_map(u16::to_be_bytes).collect()
}

/// A gzip file of one stored block (RFC 1952, RFC 1951 section 3.2.4); nobody checks its sum here.
fn gzipped(text: &str) -> Vec<u8> {
    let length = u16::try_from(text.len()).expect("a short text");
    let mut bytes = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255, 1];
    bytes.extend(length.to_le_bytes());
    bytes.extend((!length).to_le_bytes());
    bytes.extend(text.as_bytes());
    bytes.extend([0; 8]);
    bytes
}

/// One object with the members of both.
fn merged(first: &str, second: &str) -> String {
    let first = first.strip_suffix('}').expect("an object");
    let second = second.strip_prefix('{').expect("an object");
    format!("{first},{second}")
}

fn encodings() -> Vec<Line> {
    let allowed = ALLOWED.as_bytes();
    let broken = |bytes: &[u8]| {
        let (before, after) = ALLOWED.split_once("get_weather").expect("a name");
        [before.as_bytes(), bytes, after.as_bytes()].concat()
    };
    let typed = |what, kind: &str, verdict| says(what, ALLOWED, verdict).with("content-type", kind);
    vec![
        says(
            "a byte order mark",
            [b"\xef\xbb\xbf", allowed].concat(),
            MALFORMED,
        ),
        says(
            "a mark after a blank",
            [b" \xef\xbb\xbf", allowed].concat(),
            MALFORMED,
        ),
        says("UTF-16 without a mark", utf_16(FORBIDDEN, false), MALFORMED),
        says("UTF-16 with a mark", utf_16(FORBIDDEN, true), MALFORMED),
        says("UTF-16 that says so", utf_16(FORBIDDEN, true), MEDIA)
            .with("content-type", "application/json; charset=utf-16"),
        says("a broken letter", broken(b"get_weather\xff"), MALFORMED),
        says(
            "an overlong letter",
            broken(b"delete\xc1\x9ffile"),
            MALFORMED,
        ),
        says("a surrogate in UTF-8", broken(b"\xed\xa0\x80"), MALFORMED),
        typed("a charset", "application/json; charset=utf-8", WEATHER),
        typed(
            "a charset in quotes",
            "application/json;charset=\"UTF-8\"",
            WEATHER,
        ),
        typed("a type in capitals", "APPLICATION/JSON", WEATHER),
        typed(
            "a charset of seven bits",
            "application/json; charset=utf-7",
            MEDIA,
        ),
        typed(
            "a charset of Latin letters",
            "application/json; charset=iso-8859-1",
            MEDIA,
        ),
        typed(
            "two charsets",
            "application/json; charset=utf-8; charset=utf-16",
            MEDIA,
        ),
        typed(
            "a charset of another case",
            "application/json; CHARSET=UTF-16",
            MEDIA,
        ),
        typed("text", "text/plain", MEDIA),
        typed("a form", "application/x-www-form-urlencoded", MEDIA),
        typed("parts", "multipart/form-data; boundary=x", MEDIA),
        typed(
            "two types in one field",
            "application/json, text/plain",
            MEDIA,
        ),
        typed("a type that begins alike", "application/json5", MEDIA),
        typed("a type that ends alike", "application/x-json+json", MEDIA),
        typed("no type in the field", "", MEDIA),
        typed("a type of bytes", "application/json\u{e9}", MEDIA),
        says("no type", ALLOWED, MEDIA).without("content-type"),
        says("two types", ALLOWED, MEDIA).also("content-type", "text/plain"),
        says("one type twice", ALLOWED, MEDIA).also("content-type", "application/json"),
        says("gzip", gzipped(FORBIDDEN), MEDIA).with("content-encoding", "gzip"),
        says("gzip of harmless text", ALLOWED, MEDIA).with("content-encoding", "gzip"),
        says("gzip that is not told", gzipped(FORBIDDEN), MALFORMED),
        says("two encodings", ALLOWED, MEDIA).with("content-encoding", "identity, gzip"),
        says("an encoding in a second field", ALLOWED, MEDIA)
            .with("content-encoding", "identity")
            .also("content-encoding", "br"),
        says("an empty encoding", ALLOWED, MEDIA).with("content-encoding", ""),
        says("no encoding at all", ALLOWED, WEATHER).with("content-encoding", "identity"),
    ]
}

fn documents() -> Vec<Line> {
    let twice = |between: &str| format!("{ALLOWED}{between}{FORBIDDEN}");
    let around = |before: &str, after: &str| format!("{before}{ALLOWED}{after}");
    let deep = |name: &str, depth: usize| {
        let arguments = format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        let rest = r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":"#;
        format!(r#"{rest}{{"name":"{name}","arguments":{arguments}}}}}"#)
    };
    let nested = format!(
        "{}{FORBIDDEN}{}",
        r#"{"params":"#.repeat(100),
        "}".repeat(100)
    );
    let raw = |text: &str| format!(r#"{{"$serde_json::private::RawValue":{}}}"#, quoted(text));
    let escaped = |text: &str| {
        format!(
            r#"{{"\u0024serde_json::private::RawValue":{}}}"#,
            quoted(text)
        )
    };
    let in_params = |params: &str| {
        format!(r#"{{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{params}}}"#)
    };
    let delete = r#"{"name":"delete_file"}"#;
    vec![
        says("nothing", "", MALFORMED),
        says("blanks", " \r\n\t ", MALFORMED),
        says("two documents", twice(""), MALFORMED),
        says("two lines", twice("\n"), MALFORMED),
        says("a list without brackets", twice(","), MALFORMED),
        says(
            "two documents, parted by a separator",
            twice("\u{1e}"),
            MALFORMED,
        ),
        says("something behind it", around("", "x"), MALFORMED),
        says("a NUL behind it", around("", "\0"), MALFORMED),
        says("a form feed before it", around("\u{c}", ""), MALFORMED),
        says("a hard blank before it", around("\u{a0}", ""), MALFORMED),
        says("what browsers skip", around(")]}'\n", ""), MALFORMED),
        says("blanks around it", around("\r\n\t ", " \n"), WEATHER),
        says("a remark", around("/* ping */", ""), MALFORMED),
        says("a remark at its end", around("", "// "), MALFORMED),
        says("half of it", ALLOWED.split_at(40).0, MALFORMED),
        says("a comma too many", ALLOWED.replace("}}", ",}}"), MALFORMED),
        says("other quotes", ALLOWED.replace('"', "'"), MALFORMED),
        says(
            "names without quotes",
            ALLOWED.replace("\"id\"", "id"),
            MALFORMED,
        ),
        says("a text", quoted(FORBIDDEN), INVALID),
        says("a number", "1", INVALID),
        says("a message in another one", nested, INVALID),
        says("lists in lists", deep("get_weather", 100), WEATHER),
        says(
            "lists in lists, forbidden",
            deep("delete_file", 100),
            No(403, 40300),
        ),
        says(
            "ten thousand lists in lists",
            deep("delete_file", 10_000),
            No(403, 40300),
        ),
        // Too deep for `serde_json::Value`: the service reads nothing, and runs nothing.
        says(
            "ten thousand lists, allowed",
            deep("get_weather", 10_000),
            Runs(&[]),
        ),
        says(
            "a hundred thousand lists, not closed",
            "[".repeat(100_000),
            MALFORMED,
        ),
        says("objects in objects", r#"{"a":"#.repeat(50_000), MALFORMED),
        says("a document in disguise", raw(FORBIDDEN), INVALID),
        says(
            "one in a longer message",
            merged(ALLOWED, &raw(FORBIDDEN)),
            INVALID,
        ),
        says("one in the params", in_params(&raw(delete)), INVALID),
        says(
            "one in the params, escaped",
            in_params(&escaped(delete)),
            INVALID,
        ),
        says(
            "one as the name",
            in_params(&format!(r#"{{"name":{}}}"#, raw("\"delete_file\""))),
            INVALID,
        ),
        says(
            "a number in disguise",
            in_params(r#"{"name":"get_weather","a":{"$serde_json::private::Number":"1"}}"#),
            INVALID,
        ),
        says(
            "its key as a text",
            in_params(r#"{"name":"get_weather","a":"$serde_json::private::RawValue"}"#),
            WEATHER,
        ),
        says(
            "params that are closed twice",
            in_params(r#"{"name":"get_weather"}}"#),
            MALFORMED,
        ),
        says(
            "a list for params",
            in_params(r#"[{"name":"delete_file"}]"#),
            PARAMS,
        ),
    ]
}

/// A text as JSON.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

fn batches() -> Vec<Line> {
    const PING: &str = r#"{"jsonrpc":"2.0","id":2,"method":"ping"}"#;
    let list = |members: &[&str]| format!("[{}]", members.join(","));
    let two = r#"{"jsonrpc":"2.0","id":1,"method":"ping","method":"tools/call","params":{"name":"delete_file"}}"#;
    let initialize = r#"{"jsonrpc":"2.0","id":3,"method":"initialize","params":{}}"#;
    let quiet = r#"{"jsonrpc":"2.0","method":"tools/call","params":{"name":"delete_file"}}"#;
    let of_now = r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"get_weather","_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28"}}}"#;
    let long: Vec<&str> = [PING; 100].into_iter().chain([FORBIDDEN]).collect();
    vec![
        says("a list of one", list(&[ALLOWED]), WEATHER),
        says(
            "a list of two",
            list(&[PING, ALLOWED]),
            Runs(&["ping", "tools/call get_weather"]),
        ),
        says(
            "one of them forbidden",
            list(&[PING, ALLOWED, FORBIDDEN]),
            No(403, 40300),
        ),
        says(
            "the first forbidden",
            list(&[FORBIDDEN, ALLOWED]),
            No(403, 40300),
        ),
        says("one of them ambiguous", list(&[ALLOWED, two]), INVALID),
        says(
            "one of them without an id",
            list(&[ALLOWED, quiet]),
            INVALID,
        ),
        says("one of them no message", list(&[ALLOWED, "7"]), INVALID),
        says("a list in a list", list(&[&list(&[FORBIDDEN])]), INVALID),
        says("an empty list", "[]", INVALID),
        says(
            "a list as an object",
            format!(r#"{{"0":{FORBIDDEN}}}"#),
            INVALID,
        ),
        says(
            "a list and a message",
            format!("[{ALLOWED}]{FORBIDDEN}"),
            MALFORMED,
        ),
        says(
            "a list with a hole",
            format!("[{ALLOWED},,{FORBIDDEN}]"),
            MALFORMED,
        ),
        says(
            "a list with a comma at its end",
            format!("[{ALLOWED},]"),
            MALFORMED,
        ),
        says(
            "a list that is not closed",
            format!("[{ALLOWED}"),
            MALFORMED,
        ),
        says("more than are read", list(&long), INVALID),
        says(
            "a beginning in a list",
            list(&[initialize, ALLOWED]),
            INVALID,
        ),
        says(
            "one that says that it is of now",
            list(&[of_now]),
            No(400, -32020),
        ),
        says("a list for a later revision", list(&[ALLOWED]), INVALID)
            .with("mcp-protocol-version", "2025-06-18"),
        says("a list for the newest revision", list(&[ALLOWED]), INVALID)
            .with("mcp-protocol-version", "2026-07-28"),
        says(
            "a list and the name of its first",
            list(&[ALLOWED, PING]),
            WEATHER_AND_PING,
        )
        .with("mcp-name", "get_weather"),
        says(
            "a list and the name of another",
            list(&[ALLOWED, PING]),
            No(400, -32020),
        )
        .with("mcp-name", "whoami"),
        says(
            "a list and one method",
            list(&[ALLOWED, PING]),
            No(400, -32020),
        )
        .with("mcp-method", "tools/call"),
    ]
}

const WEATHER_AND_PING: Verdict = Runs(&["tools/call get_weather", "ping"]);

/// RS-086: what has more than one encoding has none.
#[tokio::test]
async fn bodies_of_other_encodings_are_refused() {
    Site::new().await.tries(encodings()).await;
}

/// RS-086: a body is one document, and no other one is in it.
#[tokio::test]
async fn a_body_is_one_document() {
    Site::new().await.tries(documents()).await;
}

/// RS-118, RS-119: nothing gets in beside the others.
#[tokio::test]
async fn nothing_hides_in_a_batch() {
    Site::new().await.tries(batches()).await;
}

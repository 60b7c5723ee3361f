//! Fields that say something else than the body, or twice.

use super::table::{ALLOWED, FORBIDDEN, Line, No, Site, Verdict, WEATHER, modern, says};

const MISMATCH: Verdict = No(400, -32020);
const PARAMS: Verdict = No(400, -32602);
const SCOPE: Verdict = No(403, 40300);

/// `get_weather` and `delete_file` in base64.
const WEATHER_64: &str = "=?base64?Z2V0X3dlYXRoZXI=?=";
const DELETE_64: &str = "=?base64?ZGVsZXRlX2ZpbGU=?=";

const VERSION: &str = "mcp-protocol-version";

fn spoofed_names() -> Vec<Line> {
    let allowed = |what, verdict| modern(what, "get_weather", verdict);
    let forbidden = |what, verdict| modern(what, "delete_file", verdict);
    let old = |what, verdict| says(what, FORBIDDEN, verdict).with(VERSION, "2025-06-18");
    vec![
        allowed("headers that agree", WEATHER),
        forbidden("headers that agree about what is forbidden", SCOPE),
        forbidden("the allowed name in the header", MISMATCH).with("mcp-name", "get_weather"),
        allowed("the forbidden name in the header", MISMATCH).with("mcp-name", "delete_file"),
        forbidden("the allowed name in base64", MISMATCH).with("mcp-name", WEATHER_64),
        forbidden("the forbidden name in base64", SCOPE).with("mcp-name", DELETE_64),
        allowed("the right name in base64", WEATHER).with("mcp-name", WEATHER_64),
        allowed("base64 that breaks off", MISMATCH).with("mcp-name", "=?base64?Z2V0X3dlYXRoZXI?="),
        allowed("base64 with strange letters", MISMATCH)
            .with("mcp-name", "=?base64?Z2V0X3dl!XRoZXI=?="),
        allowed("base64 with spare bits", MISMATCH).with("mcp-name", "=?base64?Z2V0X3dlYXRoZXJ=?="),
        allowed("base64 in capitals", MISMATCH).with("mcp-name", "=?BASE64?Z2V0X3dlYXRoZXI=?="),
        allowed("base64 of no text", MISMATCH).with("mcp-name", "=?base64?/w==?="),
        allowed("base64 without an end", MISMATCH).with("mcp-name", "=?base64?Z2V0X3dlYXRoZXI="),
        allowed("base64 of base64", MISMATCH).with(
            "mcp-name",
            "=?base64?PT9iYXNlNjQ/WjJWMFgzZGxZWFJvWlhJPT89?=",
        ),
        allowed("a name twice", MISMATCH).also("mcp-name", "get_weather"),
        forbidden("two names", MISMATCH).also("mcp-name", "get_weather"),
        forbidden("two names in one field", MISMATCH).with("mcp-name", "get_weather, delete_file"),
        allowed("a name in capitals", MISMATCH).with("mcp-name", "GET_WEATHER"),
        allowed("blanks around the name", WEATHER).with("mcp-name", "  get_weather\t"),
        allowed("no name", MISMATCH).without("mcp-name"),
        allowed("an empty name", MISMATCH).with("mcp-name", ""),
        allowed("bytes for a name", MISMATCH).with("mcp-name", b"get_weather\xff"),
        forbidden("another method in the header", MISMATCH).with("mcp-method", "tools/list"),
        allowed("a method twice", MISMATCH).also("mcp-method", "tools/call"),
        allowed("a method in capitals", MISMATCH).with("mcp-method", "TOOLS/CALL"),
        allowed("no method", MISMATCH).without("mcp-method"),
        old("an old request with the allowed name", MISMATCH).with("mcp-name", "get_weather"),
        old("an old request with a harmless method", MISMATCH).with("mcp-method", "ping"),
        old("an old request that is honest", SCOPE).with("mcp-name", "delete_file"),
        says(
            "a request without a version and the allowed name",
            FORBIDDEN,
            MISMATCH,
        )
        .with("mcp-name", "get_weather"),
        forbidden("a header that is none of ours", SCOPE).with("mcp_name", "get_weather"),
        allowed("a name for proxies", WEATHER).with("x-mcp-name", "delete_file"),
    ]
}

fn versions() -> Vec<Line> {
    let weather = |what, verdict| modern(what, "get_weather", verdict);
    let old_inside = |what, verdict: Verdict| {
        weather(what, verdict).body(
            r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"get_weather","_meta":{"io.modelcontextprotocol/protocolVersion":"2025-06-18","io.modelcontextprotocol/clientCapabilities":{}}}}"#,
        )
    };
    let unknown = No(400, -32022);
    vec![
        weather("an old header, `_meta` of now", MISMATCH).with(VERSION, "2025-06-18"),
        weather("no header, `_meta` of now", MISMATCH).without(VERSION),
        old_inside("a header of now, an old `_meta`", MISMATCH),
        says("a header of now, no `_meta`", ALLOWED, PARAMS).with(VERSION, "2026-07-28"),
        old_inside("an old header, an old `_meta`", WEATHER).with(VERSION, "2025-06-18"),
        weather("two versions", MISMATCH).also(VERSION, "2025-06-18"),
        weather("one version twice", MISMATCH).also(VERSION, "2026-07-28"),
        weather("two versions in one field", MISMATCH).with(VERSION, "2026-07-28, 2025-06-18"),
        says("an empty version", ALLOWED, unknown).with(VERSION, ""),
        says("an unknown version", ALLOWED, unknown).with(VERSION, "1900-01-01"),
        says("a version of tomorrow", ALLOWED, PARAMS).with(VERSION, "2027-01-01"),
        says("bytes for a version", ALLOWED, MISMATCH).with(VERSION, b"\xff"),
        says("a version with a remark", ALLOWED, unknown).with(VERSION, "2025-06-18;q=1"),
        weather("a session beside `_meta`", WEATHER).with("mcp-session-id", "chosen"),
        says("a session that was chosen", ALLOWED, No(404, 40400))
            .with(VERSION, "2025-06-18")
            .with("mcp-session-id", "chosen"),
        says("two sessions", ALLOWED, No(404, 40400))
            .with("mcp-session-id", "chosen")
            .also("mcp-session-id", "chosen"),
    ]
}

fn verbs() -> Vec<Line> {
    let with = |what, verb, verdict| modern(what, "delete_file", verdict).verb(verb);
    // A service that takes it for a message must not get it.
    let wrong = No(400, -32600);
    let closed = No(405, -32600);
    vec![
        with("GET with a body", "GET", wrong),
        with("DELETE with a body", "DELETE", wrong),
        with("PUT with a body", "PUT", wrong),
        with("a verb of one's own with a body", "CALL", wrong),
        with("a verb in small letters", "post", wrong),
        with("HEAD with a body", "HEAD", No(400, 0)),
        with("OPTIONS with a body", "OPTIONS", No(204, 0)),
        with("GET", "GET", closed).body(""),
        with("PATCH", "PATCH", closed).body(""),
        with("a verb of one's own", "CALL", closed).body(""),
        modern("a verb in a field", "get_weather", WEATHER)
            .with("x-http-method-override", "DELETE")
            .with("x-method-override", "GET")
            .with("x-original-url", "/other")
            .with("x-rewrite-url", "/other"),
        says("a second credential", ALLOWED, No(400, -32600)).also("authorization", "Basic x"),
    ]
}

/// RS-086, RS-099, RS-101, RS-105: whatever fields say of the method and the name, the body decides,
/// and who says two things is refused.
#[tokio::test]
async fn fields_do_not_speak_for_the_body() {
    Site::new().await.tries(spoofed_names()).await;
}

/// RS-102, RS-111: a request is of one revision.
#[tokio::test]
async fn a_request_is_of_one_revision() {
    Site::new().await.tries(versions()).await;
}

/// RS-006, RS-086: a body is asked for by POST, and by nothing else.
#[tokio::test]
async fn a_body_comes_with_post() {
    Site::new().await.tries(verbs()).await;
}

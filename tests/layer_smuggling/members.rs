//! Members that stand twice, in another case, escaped, or where they do not belong.

use super::table::{ALLOWED, FORBIDDEN, Line, No, Runs, Site, WEATHER, modern, says};

const INVALID: super::table::Verdict = No(400, -32600);
const PARAMS: super::table::Verdict = No(400, -32602);
const SCOPE: super::table::Verdict = No(403, 40300);
/// No tool of the policy.
const CLOSED: super::table::Verdict = No(403, 40301);
const METHOD: super::table::Verdict = No(404, -32601);

/// A call with these members in place of the usual ones.
fn call(what: &'static str, members: &str, verdict: super::table::Verdict) -> Line {
    says(what, format!(r#"{{"jsonrpc":"2.0",{members}}}"#), verdict)
}

/// A call of a tool with these members in `params`.
fn params(what: &'static str, params: &str, verdict: super::table::Verdict) -> Line {
    let members = format!(r#""id":1,"method":"tools/call","params":{{{params}}}"#);
    call(what, &members, verdict)
}

fn envelopes() -> Vec<Line> {
    let weather = r#""params":{"name":"get_weather"}"#;
    let delete = r#""params":{"name":"delete_file"}"#;
    let both = |first: &str, second: &str| format!(r#""id":1,{first},{second}"#);
    let tool = r#""method":"tools/call""#;
    vec![
        says("the allowed tool", ALLOWED, WEATHER),
        says("the forbidden tool", FORBIDDEN, SCOPE),
        call(
            "two methods, the harmless first",
            &both(r#""method":"ping","method":"tools/call""#, delete),
            INVALID,
        ),
        call(
            "two methods, the harmless last",
            &both(r#""method":"tools/call","method":"ping""#, delete),
            INVALID,
        ),
        call(
            "two methods, one escaped",
            &both(r#""method":"ping","m\u0065thod":"tools/call""#, delete),
            INVALID,
        ),
        call(
            "two equal methods",
            &both(r#""method":"tools/call","method":"tools/call""#, weather),
            INVALID,
        ),
        call(
            "two params",
            &both(&format!("{tool},{weather}"), delete),
            INVALID,
        ),
        call(
            "two params, the other way",
            &both(&format!("{tool},{delete}"), weather),
            INVALID,
        ),
        call(
            "two params, one escaped",
            &both(
                &format!("{tool},{weather}"),
                r#""p\u0061rams":{"name":"delete_file"}"#,
            ),
            INVALID,
        ),
        call(
            "two ids",
            &format!(r#""id":1,"id":2,{tool},{weather}"#),
            INVALID,
        ),
        call(
            "two versions",
            &format!(r#""jsonrpc":"2.0","id":1,{tool},{weather}"#),
            INVALID,
        ),
        call(
            "a member with a blank in its name",
            &format!(r#""jsonrpc ":"1.0","id":1,{tool},{weather}"#),
            WEATHER,
        ),
        call(
            "`Method` beside it",
            &both(r#""method":"ping","Method":"tools/call""#, delete),
            INVALID,
        ),
        call(
            "`METHOD` alone",
            &both(r#""METHOD":"tools/call""#, delete),
            INVALID,
        ),
        call(
            "`Params` beside it",
            &both(
                &format!("{tool},{weather}"),
                r#""Params":{"name":"delete_file"}"#,
            ),
            INVALID,
        ),
        call(
            "a long s in `params`",
            &both(
                &format!("{tool},{weather}"),
                "\"param\u{17f}\":{\"name\":\"delete_file\"}",
            ),
            INVALID,
        ),
        call(
            "an escaped long s in `params`",
            &both(
                &format!("{tool},{weather}"),
                r#""param\u017f":{"name":"delete_file"}"#,
            ),
            INVALID,
        ),
        call(
            "a long s in `jsonrpc`",
            &format!("\"j\u{17f}onrpc\":\"1.0\",\"id\":1,{tool},{weather}"),
            INVALID,
        ),
        call(
            "a method and a result",
            &format!(r#""id":1,{tool},{weather},"result":{{}}"#),
            INVALID,
        ),
        call(
            "a method and an error",
            &format!(r#""id":1,{tool},{weather},"error":{{}}"#),
            INVALID,
        ),
        call("no id", &format!("{tool},{weather}"), INVALID),
        call(
            "its name outside of params",
            &format!(r#""id":1,{tool},{weather},"name":"delete_file""#),
            WEATHER,
        ),
        call(
            "other params beside",
            &format!(r#""id":1,{tool},{weather},"param":{{"name":"delete_file"}}"#),
            WEATHER,
        ),
        call(
            "escaped throughout",
            r#""\u0069d":1,"\u006dethod":"tools\/call","p\u0061rams":{"n\u0061me":"get\u005fweather"}"#,
            WEATHER,
        ),
        call(
            "escaped throughout, the forbidden one",
            r#""\u0069d":1,"\u006dethod":"tools\/call","p\u0061rams":{"n\u0061me":"delete\u005ffile"}"#,
            SCOPE,
        ),
    ]
}

fn methods() -> Vec<Line> {
    let with = |what, method: &str, verdict| {
        let members = format!(r#""id":1,"method":{method},"params":{{"name":"delete_file"}}"#);
        call(what, &members, verdict)
    };
    vec![
        with("a method in capitals", r#""TOOLS/CALL""#, METHOD),
        with("a blank before the method", r#"" tools/call""#, METHOD),
        with("a line end behind the method", r#""tools/call\n""#, METHOD),
        with("a NUL behind the method", r#""tools/call\u0000""#, METHOD),
        with("two slashes", r#""tools//call""#, METHOD),
        with("a slash behind it", r#""tools/call/""#, METHOD),
        with("another slash", "\"tools\u{2215}call\"", METHOD),
        with("half a surrogate", r#""tools/call\ud800""#, INVALID),
        with("a raw NUL", "\"tools/call\0\"", No(400, -32700)),
        with("no text", r#"["tools/call"]"#, INVALID),
        with("an empty method", r#""""#, INVALID),
        with(
            "a notification with an id",
            r#""notifications/initialized""#,
            INVALID,
        ),
        with(
            "the method of a long name",
            &format!("\"{}\"", "x".repeat(1 << 20)),
            METHOD,
        ),
    ]
}

fn names() -> Vec<Line> {
    let with = |what, name: &str, verdict| params(what, &format!(r#""name":{name}"#), verdict);
    let long = format!("\"{}\"", "get_weather".repeat(90_000));
    vec![
        params(
            "two names",
            r#""name":"get_weather","name":"delete_file""#,
            PARAMS,
        ),
        params(
            "two names, the other way",
            r#""name":"delete_file","name":"get_weather""#,
            PARAMS,
        ),
        params(
            "two names, one escaped",
            r#""name":"get_weather","n\u0061me":"delete_file""#,
            PARAMS,
        ),
        params(
            "`Name` beside it",
            r#""name":"get_weather","Name":"delete_file""#,
            PARAMS,
        ),
        params("`NAME` alone", r#""NAME":"delete_file""#, PARAMS),
        params(
            "a Kelvin sign in `taskId`",
            "\"name\":\"get_weather\",\"tas\u{212a}Id\":\"x\"",
            PARAMS,
        ),
        // What `String.CASE_INSENSITIVE_ORDER` of Java takes for an `i`.
        params(
            "an i without a dot in `taskId`",
            "\"name\":\"get_weather\",\"task\u{131}d\":\"x\"",
            PARAMS,
        ),
        params(
            "a capital i with a dot in `uri`",
            "\"name\":\"get_weather\",\"UR\u{130}\":\"x\"",
            PARAMS,
        ),
        params(
            "two arguments",
            r#""name":"get_weather","arguments":{},"arguments":{"a":1}"#,
            PARAMS,
        ),
        params(
            "its uri beside it",
            r#""name":"get_weather","uri":"file:///private/a""#,
            WEATHER,
        ),
        params(
            "a member twice within the arguments",
            r#""name":"get_weather","arguments":{"name":"x","name":"delete_file"}"#,
            WEATHER,
        ),
        params(
            "another call within the arguments",
            r#""name":"get_weather","arguments":{"method":"tools/call","params":{"name":"delete_file"}}"#,
            WEATHER,
        ),
        with("an escaped name", r#""delete\u005ffile""#, SCOPE),
        with(
            "an escaped name, all of it",
            r#""\u0067et_weather""#,
            WEATHER,
        ),
        with(
            "a NUL behind the forbidden one",
            r#""delete_file\u0000""#,
            CLOSED,
        ),
        with(
            "a NUL behind the allowed one",
            r#""get_weather\u0000""#,
            CLOSED,
        ),
        with(
            "a NUL between the two",
            r#""get_weather\u0000delete_file""#,
            CLOSED,
        ),
        with(
            "a raw NUL in the name",
            "\"delete_file\0\"",
            No(400, -32700),
        ),
        with("a blank before", r#"" delete_file""#, CLOSED),
        with("a blank behind", r#""get_weather ""#, CLOSED),
        with("another case", r#""Get_Weather""#, CLOSED),
        with("a blank of no width", "\"delete_file\u{200b}\"", CLOSED),
        with("letters that look alike", "\"g\u{435}t_weather\"", CLOSED),
        with("letters of full width", "\"\u{ff47}et_weather\"", CLOSED),
        with("half a surrogate", r#""get_weather\udc00""#, PARAMS),
        with("a long name", &long, CLOSED),
        with("a list", r#"["get_weather","delete_file"]"#, PARAMS),
        with("an object", r#"{"name":"get_weather"}"#, PARAMS),
        with("a number", "7", PARAMS),
        with("nothing", "null", PARAMS),
        with("an empty name", r#""""#, CLOSED),
        call(
            "params in a list",
            r#""id":1,"method":"tools/call","params":["delete_file"]"#,
            PARAMS,
        ),
        call(
            "params as text",
            r#""id":1,"method":"tools/call","params":"{\"name\":\"delete_file\"}""#,
            PARAMS,
        ),
        call("no params", r#""id":1,"method":"tools/call""#, PARAMS),
    ]
}

fn metas() -> Vec<Line> {
    const VERSION: &str = "io.modelcontextprotocol/protocolVersion";
    const REST: &str = r#""io.modelcontextprotocol/clientCapabilities":{}"#;
    let with = |what, params: String, verdict| {
        let body = format!(
            r#"{{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{{"name":"get_weather",{params}}}}}"#
        );
        modern(what, "get_weather", verdict).body(body)
    };
    let right = format!(r#""_meta":{{"{VERSION}":"2026-07-28",{REST}}}"#);
    vec![
        with("a right `_meta`", right.clone(), WEATHER),
        with("two of `_meta`", format!(r#"{right},"_meta":{{}}"#), PARAMS),
        with(
            "two of `_meta`, one escaped",
            format!(r#""_m\u0065ta":{{}},{right}"#),
            PARAMS,
        ),
        with(
            "`_META` beside it",
            format!(r#"{right},"_META":{{}}"#),
            PARAMS,
        ),
        with(
            "two versions in `_meta`",
            format!(r#""_meta":{{"{VERSION}":"2026-07-28","{VERSION}":"2025-06-18",{REST}}}"#),
            PARAMS,
        ),
        with(
            "two versions in `_meta`, one escaped",
            format!(
                r#""_meta":{{"{VERSION}":"2026-07-28","i\u006f.modelcontextprotocol\/protocolVersion":"2025-06-18",{REST}}}"#
            ),
            PARAMS,
        ),
        with(
            "a version of another case in `_meta`",
            format!(
                r#""_meta":{{"{VERSION}":"2026-07-28","IO.modelcontextprotocol/protocolVersion":"2025-06-18",{REST}}}"#
            ),
            PARAMS,
        ),
        with(
            "`_meta` in a list",
            r#""_meta":["2026-07-28",{}]"#.to_owned(),
            PARAMS,
        ),
        with(
            "a token in `_meta`",
            format!(r#""_meta":{{"{VERSION}":"2026-07-28",{REST},"name":"delete_file"}}"#),
            WEATHER,
        ),
    ]
}

fn ids() -> Vec<Line> {
    let with = |what, id: &str, verdict| {
        let members =
            format!(r#""id":{id},"method":"tools/call","params":{{"name":"get_weather"}}"#);
        call(what, &members, verdict)
    };
    vec![
        with("a text", r#""a\u0000\"b""#, WEATHER),
        with("less than nothing", "-9223372036854775808", WEATHER),
        with(
            "more than 64 bits",
            "340282366920938463463374607431768211456",
            WEATHER,
        ),
        with("a fraction", "1.5", INVALID),
        with("an exponent", "1e2", INVALID),
        with("a null", "null", INVALID),
        with("a truth", "true", INVALID),
        with("a list", "[1]", INVALID),
        with("an object", r#"{"id":1}"#, INVALID),
        with("a nought before", "01", No(400, -32700)),
        with("a plus before", "+1", No(400, -32700)),
        with("in hexadecimal", "0x1", No(400, -32700)),
        with("no number", "NaN", No(400, -32700)),
        with("more digits than are echoed", &"9".repeat(1_025), INVALID),
        // What reads numbers as such cannot read this, and runs nothing.
        with(
            "more digits than a number has",
            &"9".repeat(1_000),
            Runs(&[]),
        ),
    ]
}

/// RS-086: of two members of one name the service may take either, so neither is taken.
#[tokio::test]
async fn members_that_stand_twice_are_refused() {
    let site = Site::new().await;
    site.tries(envelopes()).await;
    site.tries(metas()).await;
}

/// RS-086: a method or name that is written otherwise is another one, for the layer as for the service.
#[tokio::test]
async fn names_are_read_as_the_service_reads_them() {
    let site = Site::new().await;
    site.tries(methods()).await;
    site.tries(names()).await;
    site.tries(ids()).await;
}

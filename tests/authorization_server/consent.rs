//! The consent page: who may answer it, and what strangers can write on it.

use chrono::TimeDelta;
use clearance::testing::{AuthorizationServer, ManualClock};
use serde_json::json as object;

use super::requests::assert_stays;
use super::user_agent::*;
use crate::support::Answer;

/// A page in a browser.
struct Page {
    token: String,
    cookie: String,
}

const SAME_ORIGIN: &str = "sec-fetch-site: same-origin";

async fn asking() -> (AuthorizationServer, ManualClock) {
    let clock = ManualClock::at_fixed_start();
    (builder(&clock).start().await.expect("a server"), clock)
}

#[track_caller]
fn page_in(answer: &Answer) -> Page {
    assert_eq!(answer.status, 200, "{answer:?}");
    let cookie = answer.header("set-cookie").expect("a cookie");
    let (value, attributes) = cookie.split_once("; ").expect("attributes");
    assert_eq!(attributes, "Path=/; HttpOnly; SameSite=Lax");
    Page {
        token: token_in(answer),
        // Servers on other ports of this machine may have set the others.
        cookie: format!("cookie: theme=dunkelgrün; {value}"),
    }
}

#[track_caller]
fn token_in(answer: &Answer) -> String {
    let (_, rest) = answer
        .body
        .split_once("name=\"form_token\" value=\"")
        .expect("a token");
    rest.split('"').next().expect("its end").to_owned()
}

async fn open(server: &AuthorizationServer) -> Page {
    page_in(&authorize(server, &[]).await)
}

async fn answer(server: &AuthorizationServer, lines: &[&str], pairs: &[(&str, &str)]) -> Answer {
    let mut all = vec![FORM.to_owned()];
    all.extend(lines.iter().map(|line| (*line).to_owned()));
    send(server, "POST /consent", &all, &form(pairs.iter().copied())).await
}

impl Page {
    fn say<'p>(&'p self, decision: &'p str) -> [(&'p str, &'p str); 3] {
        [
            ("form_token", &self.token),
            ("decision", decision),
            ("user", "bob"),
        ]
    }
}

#[tokio::test]
async fn yes_is_a_code_and_no_is_an_error() {
    let (server, _) = asking().await;
    let page = open(&server).await;
    let yes = answer(&server, &[&page.cookie, SAME_ORIGIN], &page.say("allow")).await;
    let code = parameter(&yes, "code").expect("a code");
    assert_eq!(
        parameter(&yes, "iss").as_deref(),
        Some(server.id().as_str())
    );
    assert_eq!(parameter(&yes, "state").as_deref(), Some("a state"));
    let tokens = granted(&post(&server, "/token", &redemption(&code, &[])).await);
    assert_eq!(claims(&text(&tokens, "access_token"))["sub"], "bob");

    let page = open(&server).await;
    let no = answer(&server, &[&page.cookie, SAME_ORIGIN], &page.say("deny")).await;
    assert_eq!(parameter(&no, "error").as_deref(), Some("access_denied"));
    assert_eq!(parameter(&no, "code"), None);
}

#[tokio::test]
async fn only_its_own_page_answers() {
    let (server, _) = asking().await;
    let page = open(&server).await;
    let origin = format!("origin: {}", server.origin());
    let elsewhere = server.origin().replace("127.0.0.1", "localhost");
    let elsewhere = format!("origin: {elsewhere}");
    for lines in [
        &[][..],
        &["sec-fetch-site: cross-site"],
        // Another port of this machine is the same site, and not the same origin.
        &["sec-fetch-site: same-site"],
        &["sec-fetch-site: none"],
        &["sec-fetch-site: same-origin, cross-site"],
        &[SAME_ORIGIN, SAME_ORIGIN],
        &[SAME_ORIGIN, "origin: https://evil.example.com"],
        &[SAME_ORIGIN, "origin: null"],
        &["sec-fetch-site: cross-site", &origin],
        &["origin: https://evil.example.com"],
        &["origin: http://127.0.0.1"],
        &["origin: null"],
        &[&elsewhere],
        &[&origin, &origin],
    ] {
        let lines = [lines, &[page.cookie.as_str()]].concat();
        assert_stays(&answer(&server, &lines, &page.say("allow")).await, 403);
    }
    // None of them has ended the page. Browsers that know no fetch metadata say where they are.
    let yes = answer(&server, &[&page.cookie, &origin], &page.say("allow")).await;
    assert!(parameter(&yes, "code").is_some());
}

#[tokio::test]
async fn only_its_own_browser_answers_and_only_once() {
    let (server, clock) = asking().await;
    let (page, other) = (open(&server).await, open(&server).await);
    assert_ne!(page.cookie, other.cookie);
    let broken = page.cookie.replace('=', "=x");
    for (lines, pairs) in [
        (&[SAME_ORIGIN][..], &page.say("allow")[..]),
        (&[SAME_ORIGIN, &other.cookie], &page.say("allow")),
        (&[SAME_ORIGIN, &broken], &page.say("allow")),
        (&[SAME_ORIGIN, &page.cookie], &other.say("allow")),
        (&[SAME_ORIGIN, &page.cookie], &page.say("allow")[1..]),
        (&[SAME_ORIGIN, &page.cookie], &page.say("perhaps")),
        (
            &[SAME_ORIGIN, &page.cookie],
            &[
                ("form_token", "guessed"),
                ("decision", "allow"),
                ("user", "bob"),
            ],
        ),
        (
            &[SAME_ORIGIN, &page.cookie],
            &[("form_token", ""), ("decision", "allow"), ("user", "bob")],
        ),
        (
            &[SAME_ORIGIN, &page.cookie],
            &[page.say("allow"), page.say("deny")].concat(),
        ),
    ] {
        assert_stays(&answer(&server, lines, pairs).await, 400);
    }
    let yes = answer(&server, &[&page.cookie, SAME_ORIGIN], &page.say("allow")).await;
    assert!(parameter(&yes, "code").is_some());
    for decision in ["allow", "deny"] {
        let again = answer(&server, &[&page.cookie, SAME_ORIGIN], &page.say(decision)).await;
        assert_stays(&again, 400);
    }
    for user in ["", "mallory", "Alice", "alice "] {
        let page = open(&server).await;
        let mut pairs = page.say("allow");
        pairs[2].1 = user;
        assert_stays(
            &answer(&server, &[&page.cookie, SAME_ORIGIN], &pairs).await,
            400,
        );
    }
    clock.advance(TimeDelta::minutes(10));
    let late = answer(&server, &[&other.cookie, SAME_ORIGIN], &other.say("allow")).await;
    assert_stays(&late, 400);
}

#[tokio::test]
async fn two_tabs_are_two_pages_of_one_browser() {
    let (server, _) = asking().await;
    let first = open(&server).await;
    let query = form(request(&[("scope", "files:write")]));
    let lines = [first.cookie.clone()];
    let second = send(&server, &format!("GET /authorize?{query}"), &lines, "").await;
    assert_eq!(second.header("set-cookie"), None);
    let token = token_in(&second);
    assert_ne!(token, first.token);
    for token in [&token, &first.token] {
        let pairs = [
            ("form_token", token.as_str()),
            ("decision", "allow"),
            ("user", "alice"),
        ];
        let yes = answer(&server, &[&first.cookie, SAME_ORIGIN], &pairs).await;
        assert!(parameter(&yes, "code").is_some());
    }
    // A cookie that this server cannot have made is not taken over.
    let planted = [first.cookie.split_once("; ").expect("ours").1.to_owned()];
    let name = planted[0].split('=').next().expect("a name");
    let planted = [format!("cookie: {name}=known-to-somebody")];
    let page = send(&server, &format!("GET /authorize?{query}"), &planted, "").await;
    assert!(page.header("set-cookie").is_some());
}

#[tokio::test]
async fn the_page_lets_nothing_in() {
    let (server, _) = asking().await;
    let answer = authorize(&server, &[("scope", "files:read files:write")]).await;
    let policy = answer.header("content-security-policy").expect("a policy");
    let directives: Vec<_> = policy.split("; ").collect();
    assert_eq!(directives[0], "default-src 'none'");
    assert!(directives[1].starts_with("style-src 'sha256-"));
    assert_eq!(directives[2], "form-action 'self' http://127.0.0.1:4321");
    assert_eq!(
        directives[3..],
        ["frame-ancestors 'none'", "base-uri 'none'"]
    );
    for (name, value) in [
        ("x-frame-options", "DENY"),
        ("referrer-policy", "same-origin"),
        ("cache-control", "no-store"),
        ("x-content-type-options", "nosniff"),
        ("content-type", "text/html; charset=utf-8"),
    ] {
        assert_eq!(answer.header(name), Some(value));
    }
    assert!(!answer.body.contains("<script"));
    for shown in [
        FILES,
        "Read your files.",
        "Change and delete your files.",
        "files:write",
        "this computer (127.0.0.1:4321)",
        "value=\"alice\"",
        "value=\"bob\"",
    ] {
        assert!(answer.body.contains(shown), "{shown}");
    }
    // Who may change files may read them. That is said where it is not asked for by itself.
    assert!(!answer.body.contains("Includes:"));
    let answer = authorize(&server, &[("scope", "files:write")]).await;
    let line = "<li>Change and delete your files.<code>files:write</code>\n\
                <p class=\"soft\">Includes: Read your files. <code>files:read</code></p></li>";
    assert!(answer.body.contains(line), "{}", answer.body);
    let answer = authorize(&server, &[]).await;
    assert!(!answer.body.contains("Includes:"));
}

#[tokio::test]
async fn strangers_write_no_markup() {
    let clock = ManualClock::at_fixed_start();
    let server = AuthorizationServer::builder(FILES.parse().expect("a resource"))
        .clock(std::sync::Arc::new(clock))
        .start()
        .await
        .expect("a server");
    let hostile = "</bdi>\u{202e}\u{0}\n</h1><script>alert(1)</script><img src='x' \"";
    let long = format!("{hostile}{}", "x".repeat(10_000));
    for name in [hostile, &long] {
        let body = object!({
            "client_name": name,
            "redirect_uris": ["https://app.example.com/cb?x='\"".replace('"', "%22")],
            "token_endpoint_auth_method": "none",
        });
        let lines = ["content-type: application/json".to_owned()];
        let client = json(&send(&server, "POST /register", &lines, &body.to_string()).await);
        let id = text(&client, "client_id");
        let uri = client["redirect_uris"][0].as_str().expect("a URI");
        let changes = [
            ("client_id", id.as_str()),
            ("redirect_uri", uri),
            ("scope", "<script>alert(2)</script> 'x'"),
        ];
        let page = authorize(&server, &changes).await;
        assert_eq!(page.status, 200, "{page:?}");
        let called = page.body.split("<bdi>").nth(1).expect("a name");
        let called = called.split("</bdi>").next().expect("its end");
        assert!(
            called.starts_with("&lt;/bdi&gt;\u{fffd}\u{fffd}\u{fffd}&lt;/h1&gt;&lt;script&gt;"),
            "{called}"
        );
        assert!(called.chars().count() < 300, "{called}");
        assert!(!page.body.contains("<script") && !page.body.contains("<img"));
        assert!(!page.body.contains('\u{202e}') && !page.body.contains('\u{0}'));
        assert!(page.body.contains("&lt;script&gt;alert(2)&lt;/script&gt;"));
        assert!(page.body.contains("app.example.com"));
    }
}

#[tokio::test]
async fn a_name_that_cannot_be_seen_is_no_name() {
    let (server, _) = asking().await;
    for name in ["", " ", "\u{2800}\u{2800}", "\u{200b}\u{17b4}"] {
        let body = object!({
            "client_name": name,
            "redirect_uris": [CALLBACK],
            "token_endpoint_auth_method": "none",
        });
        let lines = ["content-type: application/json".to_owned()];
        let client = json(&send(&server, "POST /register", &lines, &body.to_string()).await);
        let id = text(&client, "client_id");
        let page = authorize(&server, &[("client_id", &id)]).await;
        assert!(page.body.contains(&format!("<bdi>{id}</bdi>")), "{name:?}");
    }
}

#[tokio::test]
async fn a_planted_cookie_does_not_help_the_site_that_has_planted_it() {
    let (server, _) = asking().await;
    let own = open(&server).await;
    let (name, _) = own.cookie.rsplit_once('=').expect("a cookie");
    // Another port of this machine has set it before, in the form that this server gives it.
    let planted = format!("{name}={}", "A".repeat(43));
    let query = form(request(&[]));
    let lines = [planted.clone()];
    let page = send(&server, &format!("GET /authorize?{query}"), &lines, "").await;
    assert_eq!(page.header("set-cookie"), None);
    let page = Page {
        token: token_in(&page),
        cookie: planted,
    };
    let elsewhere = "origin: http://127.0.0.1:1";
    for said in [
        &["sec-fetch-site: same-site"][..],
        &["sec-fetch-site: same-site", elsewhere],
        &[SAME_ORIGIN, elsewhere],
        &[elsewhere],
        &[],
    ] {
        let lines = [said, &[page.cookie.as_str()]].concat();
        assert_stays(&answer(&server, &lines, &page.say("allow")).await, 403);
    }
    // The user, who sees the page, can answer it.
    let yes = answer(&server, &[&page.cookie, SAME_ORIGIN], &page.say("allow")).await;
    assert!(parameter(&yes, "code").is_some());
}

#[tokio::test]
async fn a_flood_of_pages_is_forgotten_again() {
    let (server, _) = asking().await;
    let (first, second) = (open(&server).await, open(&server).await);
    for _ in 0..999 {
        open(&server).await;
    }
    let lines = [first.cookie.as_str(), SAME_ORIGIN];
    assert_stays(&answer(&server, &lines, &first.say("allow")).await, 400);
    let lines = [second.cookie.as_str(), SAME_ORIGIN];
    let yes = answer(&server, &lines, &second.say("allow")).await;
    assert!(parameter(&yes, "code").is_some());
    // Of the requests themselves, the latest thousand are remembered.
    let requests = server.requests();
    assert_eq!(requests.len(), 1_000);
    assert_eq!(requests[999].path(), "/consent");
}

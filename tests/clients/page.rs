//! The consent page in a real Chromium.

use std::path::PathBuf;

use clearance::testing::RecordedRequest;
use libtest_mimic::Trial;
use rmcp::ServiceExt as _;
use rmcp::transport::StreamableHttpClientTransport;
use rmcp::transport::auth::AuthClient;
use rmcp::transport::streamable_http_client::StreamableHttpClientTransportConfig;
use serde_json::{Value, json};

use super::browser::{Place, login};
use super::installed;
use super::trial::{Outcome, trial};
use super::webdriver::{Browser, key};
use super::world::World;

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        trial("browser_allows", installed::driver, allows),
        trial("browser_denies", installed::driver, denies),
        trial(
            "browser_is_sent_nowhere_for_a_wrong_client",
            installed::driver,
            wrong_clients,
        ),
        trial("browser_needs_only_a_keyboard", installed::driver, keyboard),
        trial(
            "browser_keeps_its_pages_when_a_site_leads_here",
            installed::driver,
            led_here,
        ),
        trial(
            "browser_runs_and_loads_nothing",
            installed::driver,
            nothing_runs,
        ),
        trial(
            "browser_shows_no_page_in_a_frame",
            installed::driver,
            framed,
        ),
        trial(
            "browser_answers_for_no_other_page",
            installed::driver,
            answered_elsewhere,
        ),
    ]
}

const DENY: &str = "button[name=decision][value=deny]";
const ALLOW: &str = "button[name=decision][value=allow]";
const BOB: &str = "input[name=user][value=bob]";

async fn allows(driver: PathBuf) -> Outcome<()> {
    let (world, place, browser) = begin(&driver).await?;
    let (mut login, authorize) = login(&world.url, &place, "An editor").await?;
    browser.open(&authorize).await?;
    shows(&world, &browser, "An editor").await?;
    browser.click(BOB).await?;
    browser.click(ALLOW).await?;
    let callback = place.came_back().await?;
    login.handle_callback_url(&callback).await?;

    let manager = login.into_authorization_manager().ok_or("no token")?;
    let client = AuthClient::new(reqwest::Client::new(), manager);
    let config = StreamableHttpClientTransportConfig::with_uri(world.url.as_str());
    let transport = StreamableHttpClientTransport::with_client(client, config);
    let peer = ().serve(transport).await?;
    let tools = peer.list_all_tools().await?;
    assert_eq!(tools.len(), 2, "the tools of a reader");
    peer.cancel().await?;
    assert_eq!(answers(&world), ["bob: allow"]);

    browser.close().await
}

async fn denies(driver: PathBuf) -> Outcome<()> {
    let (world, place, browser) = begin(&driver).await?;
    let (mut login, authorize) = login(&world.url, &place, "An editor").await?;
    browser.open(&authorize).await?;
    browser.click(DENY).await?;
    let callback = place.came_back().await?;
    assert!(callback.contains("error=access_denied"), "{callback}");
    assert!(!callback.contains("code="), "{callback}");
    let refused = login.handle_callback_url(&callback).await;
    assert!(refused.is_err(), "the client has a token");
    assert_eq!(answers(&world), ["alice: deny"]);
    assert_eq!(at(&world, "/token").len(), 0);
    browser.close().await
}

/// Whoever is not registered as the client gets nothing, not even the browser.
async fn wrong_clients(driver: PathBuf) -> Outcome<()> {
    let (world, place, browser) = begin(&driver).await?;
    let foreign = Place::start().await?;
    let (_login, authorize) = login(&world.url, &place, "An editor").await?;
    let client = reqwest::Url::parse(&authorize)?;
    let client = client.query_pairs().find(|(name, _)| name == "client_id");
    let (_, client) = client.ok_or("no client")?;
    let escaped = |url: &str| url.replace(':', "%3A").replace('/', "%2F");
    let (own, other) = (escaped(&place.callback()), escaped(&foreign.callback()));
    let elsewhere = escaped(&format!("{}/elsewhere", place.origin));
    assert!(authorize.contains(&own), "{authorize}");
    let wrong = [
        authorize.replace(&*client, "nobody"),
        authorize
            .replace(&own, &other)
            .replace("127.0.0.1", "localhost"),
        authorize.replace(&own, &elsewhere),
        authorize.replace(&own, &escaped("https://evil.example/callback")),
        authorize.replace(&own, "javascript%3Aalert(1)"),
    ];
    for url in wrong {
        assert_ne!(url, authorize);
        browser.open(&url).await?;
        assert_eq!(browser.url().await?, reqwest::Url::parse(&url)?.as_str());
        let page = browser
            .evaluate(
                "return [performance.getEntriesByType('navigation')[0].responseStatus, \
                 document.forms.length, document.links.length]",
            )
            .await?;
        assert_eq!(page, json!([400, 0, 0]), "{url}");
    }
    assert_eq!(place.requests(), Vec::<String>::new());
    assert_eq!(foreign.requests(), Vec::<String>::new());
    browser.close().await
}

/// A page of another site that leads here does not make the pages worthless that are open.
async fn led_here(driver: PathBuf) -> Outcome<()> {
    let (world, place, browser) = begin(&driver).await?;
    let (_login, authorize) = login(&world.url, &place, "An editor").await?;
    browser.open(&authorize).await?;
    let first = browser.cookies().await?;
    assert_eq!(first.as_array().map(Vec::len), Some(1), "{first}");
    let elsewhere = place.origin.replace("127.0.0.1", "localhost");
    browser.open(&format!("{elsewhere}/site")).await?;
    let lead = format!("location.href = {}", json!(authorize));
    browser.evaluate(&lead).await?;
    while browser.url().await?.starts_with(&elsewhere) {}
    assert_eq!(browser.cookies().await?, first);
    browser.click(ALLOW).await?;
    place.came_back().await?;
    browser.close().await
}

/// Origins that are not that of the authorization server: of another site, and of the same one, which
/// has its cookies.
fn others(place: &Place) -> [String; 2] {
    let site = place.origin.replace("127.0.0.1", "localhost");
    [site, place.origin.clone()]
}

/// No page can be put under another one, for a click that was meant for that.
async fn framed(driver: PathBuf) -> Outcome<()> {
    let (world, place, browser) = begin(&driver).await?;
    let (_login, authorize) = login(&world.url, &place, "An editor").await?;
    for other in others(&place) {
        browser.open(&format!("{other}/site")).await?;
        browser.complaints().await?;
        let asked = at(&world, "/authorize").len();
        let frame = "const frame = document.createElement('iframe'); \
                     const loaded = new Promise(done => frame.onload = done); \
                     frame.src = URL; document.body.append(frame); return loaded.then(() => null)";
        browser
            .evaluate(&frame.replace("URL", &json!(authorize).to_string()))
            .await?;
        assert_eq!(at(&world, "/authorize").len(), asked + 1, "{other}");
        let complaints = browser.complaints().await?;
        let is_refused = |complaint: &String| {
            complaint.contains(world.authorization.origin())
                && complaint.contains("frame-ancestors 'none'")
        };
        assert!(complaints.iter().any(is_refused), "{other}: {complaints:?}");
    }
    browser.close().await
}

/// A page that has got hold of the form's token still cannot say yes, even with the cookie.
async fn answered_elsewhere(driver: PathBuf) -> Outcome<()> {
    let (world, place, browser) = begin(&driver).await?;
    for other in others(&place) {
        let (_login, authorize) = login(&world.url, &place, "An editor").await?;
        browser.open(&authorize).await?;
        let token = "return document.querySelector('input[name=form_token]').value";
        let token = browser.evaluate(token).await?;
        let cookies = browser.cookies().await?;
        assert_eq!(cookies.as_array().map(Vec::len), Some(1), "{cookies}");
        let site = format!("{other}/site");
        browser.open(&site).await?;
        let consent = format!("{}/consent", world.authorization.origin());
        let post = "const form = document.createElement('form'); \
                    form.method = 'post'; form.action = ACTION; \
                    for (const [name, value] of Object.entries(FIELDS)) \
                    form.append(Object.assign(document.createElement('input'), { name, value })); \
                    document.body.append(form); form.submit()";
        let fields = json!({ "form_token": token, "user": "alice", "decision": "allow" });
        let post = post
            .replace("ACTION", &json!(consent).to_string())
            .replace("FIELDS", &fields.to_string());
        browser.evaluate(&post).await?;
        while browser.url().await? == site {}
        assert_eq!(browser.url().await?, consent, "{other}");
        let status = "return performance.getEntriesByType('navigation')[0].responseStatus";
        assert_eq!(browser.evaluate(status).await?, json!(403), "{other}");
    }
    assert_eq!(answers(&world), ["alice: allow", "alice: allow"]);
    assert_eq!(at(&world, "/token").len(), 0);
    let callbacks = place.requests();
    assert!(
        callbacks.iter().all(|path| !path.starts_with("/callback")),
        "{callbacks:?}"
    );
    browser.close().await
}

async fn keyboard(driver: PathBuf) -> Outcome<()> {
    const FOCUS: &str =
        "const it = document.activeElement; return [it.name ?? null, it.value ?? null]";
    let (world, place, browser) = begin(&driver).await?;
    let focus = async |keys: &[char]| {
        browser.press(keys).await?;
        browser.evaluate(FOCUS).await
    };

    // To the users, of whom the arrows choose one; to Deny; to Allow.
    let (mut login_of_bob, authorize) = login(&world.url, &place, "An editor").await?;
    browser.open(&authorize).await?;
    assert_eq!(focus(&[key::TAB]).await?, json!(["user", "alice"]));
    assert_eq!(focus(&[key::DOWN]).await?, json!(["user", "bob"]));
    assert_eq!(focus(&[key::TAB]).await?, json!(["decision", "deny"]));
    assert_eq!(focus(&[key::TAB]).await?, json!(["decision", "allow"]));
    browser.press(&[key::ENTER]).await?;
    let callback = place.came_back().await?;
    login_of_bob.handle_callback_url(&callback).await?;
    assert_eq!(answers(&world), ["bob: allow"]);

    // Space presses a button, too.
    let place = Place::start().await?;
    let (_login, authorize) = login(&world.url, &place, "An editor").await?;
    browser.open(&authorize).await?;
    assert_eq!(
        focus(&[key::TAB, key::SPACE]).await?,
        json!(["user", "alice"])
    );
    assert_eq!(focus(&[key::TAB]).await?, json!(["decision", "deny"]));
    browser.press(&[key::SPACE]).await?;
    assert!(place.came_back().await?.contains("error=access_denied"));

    // Whoever only picks a user and presses Enter has not allowed anything.
    let place = Place::start().await?;
    let (_login, authorize) = login(&world.url, &place, "An editor").await?;
    browser.open(&authorize).await?;
    browser.press(&[key::TAB, key::DOWN, key::ENTER]).await?;
    assert!(place.came_back().await?.contains("error=access_denied"));
    assert_eq!(answers(&world), ["bob: allow", "alice: deny", "bob: deny"]);
    browser.close().await
}

async fn nothing_runs(driver: PathBuf) -> Outcome<()> {
    let (world, place, browser) = begin(&driver).await?;
    // Clients whose names would be more than names.
    for name in [
        "<script>document.title = 'ran'</script>".to_owned(),
        "<img src=x onerror=\"document.title = 'ran'\">".to_owned(),
        format!("<img src={}/image>", place.origin),
        format!("<iframe src={}/frame></iframe>", place.origin),
        format!("<link rel=stylesheet href={}/>", place.origin),
    ] {
        let (_login, authorize) = login(&world.url, &place, &name).await?;
        let asked = world.authorization.requests().len();
        browser.open(&authorize).await?;
        shows(&world, &browser, &name).await?;
        let requests = world.authorization.requests();
        let paths: Vec<_> = requests[asked..]
            .iter()
            .map(RecordedRequest::path)
            .collect();
        assert_eq!(paths, ["/authorize"]);
    }

    // What would get into the page all the same does not run, and loads nothing.
    let script = r"
        const seen = [];
        const all = new Promise(resolve => document.addEventListener('securitypolicyviolation', event => {
            seen.push(event.effectiveDirective);
            if (seen.length === 6) resolve(seen.sort());
        }));
        const add = (tag, members) => document.body.append(Object.assign(document.createElement(tag), members));
        add('script', { textContent: 'window.ran = true' });
        add('script', { src: 'PLACE/script' });
        add('img', { src: 'PLACE/image' });
        add('iframe', { src: 'PLACE/frame' });
        add('style', { textContent: 'body { display: none }' });
        fetch('PLACE/fetch').catch(() => {});
        const late = new Promise(resolve => setTimeout(resolve, 5000, seen));
        return Promise.race([all, late]);
    ";
    let stopped = browser
        .evaluate(&script.replace("PLACE", &place.origin))
        .await?;
    let wanted = [
        "connect-src",
        "frame-src",
        "img-src",
        "script-src-elem",
        "script-src-elem",
        "style-src-elem",
    ];
    assert_eq!(stopped, json!(wanted));
    let state = "return [window.ran ?? null, getComputedStyle(document.body).display]";
    assert_eq!(browser.evaluate(state).await?, json!([null, "block"]));
    assert_eq!(place.requests(), Vec::<String>::new());
    browser.close().await
}

/// What every test begins with.
async fn begin(driver: &PathBuf) -> Outcome<(World, Place, Browser)> {
    let (world, place) = (World::start().await?, Place::start().await?);
    Ok((world, place, Browser::start(driver).await?))
}

/// Whether the browser shows the question about a client, and nothing else has come with it.
async fn shows(world: &World, browser: &Browser, client: &str) -> Outcome<()> {
    let page = browser
        .evaluate(
            "return { text: document.querySelector('dd').textContent, \
             scripts: document.scripts.length, frames: frames.length, \
             images: document.images.length, styles: document.styleSheets.length, \
             loaded: performance.getEntriesByType('resource').map(entry => entry.name), \
             title: document.title }",
        )
        .await?;
    assert!(
        browser
            .url()
            .await?
            .starts_with(world.authorization.origin())
    );
    assert_eq!(browser.complaints().await?, Vec::<String>::new());
    let text = page["text"].as_str().unwrap_or_default();
    assert!(text.contains(client), "{text}");
    assert_ne!(page["title"], "ran");
    for (name, wanted) in [
        ("scripts", json!(0)),
        ("frames", json!(0)),
        ("images", json!(0)),
        ("styles", json!(1)),
        ("loaded", Value::Array(Vec::new())),
    ] {
        assert_eq!(page[name], wanted, "{name}");
    }
    Ok(())
}

/// The answers that were given on the page.
fn answers(world: &World) -> Vec<String> {
    let answer = |request: &RecordedRequest| {
        let value = |name| request.value(name).unwrap_or_default();
        format!("{}: {}", value("user"), value("decision"))
    };
    at(world, "/consent").iter().map(answer).collect()
}

fn at(world: &World, path: &str) -> Vec<RecordedRequest> {
    let mut requests = world.authorization.requests();
    requests.retain(|request| request.path() == path);
    requests
}

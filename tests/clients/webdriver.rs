//! The few calls of `WebDriver` that the tests need.

use std::path::PathBuf;
use std::process::Stdio;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};

use super::trial::Outcome;

/// How long a single call may take.
const PATIENCE: Duration = Duration::from_mins(1);

/// How often the browser is asked where it is.
const POLL: Duration = Duration::from_millis(10);

/// The key under which `WebDriver` names an element.
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";

/// Key codes of `WebDriver`.
pub(crate) mod key {
    pub(crate) const TAB: char = '\u{e004}';
    pub(crate) const ENTER: char = '\u{e007}';
    pub(crate) const SPACE: char = ' ';
    pub(crate) const DOWN: char = '\u{e015}';
}

/// A Chromium without a window.
pub(crate) struct Browser {
    session: String,
    http: reqwest::Client,
    /// Dropped first, and with it Chromium.
    _driver: Driver,
    profile: Profile,
}

/// What drives Chromium, in a process group with it.
struct Driver(Child);

impl Drop for Driver {
    fn drop(&mut self) {
        if let Some(leader) = self.0.id() {
            // The shell has it built in; a program of this name is not everywhere.
            let kill = std::process::Command::new("sh")
                .args(["-c", &format!("kill -KILL -{leader} 2>&-")])
                .status();
            assert!(kill.is_ok(), "the browser may be there still");
        }
    }
}

/// An empty folder for what Chromium keeps.
struct Profile(PathBuf);

impl Drop for Profile {
    fn drop(&mut self) {
        // Chromium may be dying still, and write while it does.
        for _ in 0..100 {
            if std::fs::remove_dir_all(&self.0).is_ok() || !self.0.exists() {
                break;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Browser {
    pub(crate) async fn start(driver: &PathBuf) -> Outcome<Self> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("clearance-browser-{}-{number}", std::process::id());
        let profile = Profile(std::env::temp_dir().join(name));
        std::fs::create_dir(&profile.0)?;

        let mut driver = Command::new(driver)
            .arg("--port=0")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()?;
        let output = driver.stdout.take();
        let driver = Driver(driver);
        let output = output.ok_or("no output")?;
        let mut lines = BufReader::new(output).lines();
        let port = loop {
            let line = lines.next_line().await?.ok_or("chromedriver has ended")?;
            if let Some((_, port)) = line.split_once("successfully on port ") {
                break port.trim_end_matches('.').parse::<u16>()?;
            }
        };
        // Whoever talks on is listened to.
        tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
        let http = reqwest::Client::builder()
            .no_proxy()
            .timeout(PATIENCE)
            .build()?;
        let mut browser = Self {
            session: format!("http://127.0.0.1:{port}/session"),
            http,
            _driver: driver,
            profile,
        };
        let capabilities = browser.capabilities();
        let session = browser.ask(Method::POST, "", capabilities).await?;
        let id = session["sessionId"].as_str().ok_or("no session")?;
        browser.session = format!("{}/{id}", browser.session);
        Ok(browser)
    }

    fn capabilities(&self) -> Value {
        let profile = format!("--user-data-dir={}", self.profile.0.display());
        let arguments = [
            "--headless",
            "--no-sandbox",
            "--no-proxy-server",
            "--disable-gpu",
            "--disable-quic",
            "--disable-dev-shm-usage",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            &profile,
        ];
        json!({ "capabilities": { "alwaysMatch": {
            "browserName": "chrome",
            "timeouts": { "pageLoad": 30_000, "script": 10_000 },
            "goog:chromeOptions": { "args": arguments },
            "goog:loggingPrefs": { "browser": "ALL" },
        } } })
    }

    /// Goes to a page, and waits until it is there and can be seen: keys that come before are lost.
    pub(crate) async fn open(&self, url: &str) -> Outcome<()> {
        const SHOWN: &str = "return new Promise(done => requestAnimationFrame(() => \
                             requestAnimationFrame(() => done(document.readyState))))";
        self.ask(Method::POST, "/url", json!({ "url": url }))
            .await?;
        // What was under way to another page may have ended first, and be what was waited for.
        let wanted = reqwest::Url::parse(url)?;
        let arriving = async {
            while self.url().await? != wanted.as_str() {
                tokio::time::sleep(POLL).await;
            }
            while self.evaluate(SHOWN).await? != "complete" {}
            Ok(())
        };
        match tokio::time::timeout(PATIENCE, arriving).await {
            Ok(arrived) => arrived,
            Err(_) => Err(format!("the browser does not get to {url}").into()),
        }
    }

    /// Where the browser is.
    pub(crate) async fn url(&self) -> Outcome<String> {
        let url = self.ask(Method::GET, "/url", Value::Null).await?;
        Ok(url.as_str().unwrap_or_default().to_owned())
    }

    /// Clicks on the one element that `selector` (CSS) selects.
    pub(crate) async fn click(&self, selector: &str) -> Outcome<()> {
        let wanted = json!({ "using": "css selector", "value": selector });
        let found = self.ask(Method::POST, "/elements", wanted).await?;
        let [element] = found.as_array().map(Vec::as_slice).unwrap_or_default() else {
            return Err(format!("{selector} is not one element: {found}").into());
        };
        let element = element[ELEMENT].as_str().unwrap_or_default();
        self.ask(
            Method::POST,
            &format!("/element/{element}/click"),
            json!({}),
        )
        .await?;
        Ok(())
    }

    /// Presses keys, one after the other.
    pub(crate) async fn press(&self, keys: &[char]) -> Outcome<()> {
        let strokes: Vec<_> = keys
            .iter()
            .flat_map(|key| ["keyDown", "keyUp"].map(|kind| json!({ "type": kind, "value": key })))
            .collect();
        let keyboard = json!({ "type": "key", "id": "keyboard", "actions": strokes });
        self.ask(Method::POST, "/actions", json!({ "actions": [keyboard] }))
            .await?;
        Ok(())
    }

    /// What a JavaScript function body returns, or what its promise becomes.
    pub(crate) async fn evaluate(&self, script: &str) -> Outcome<Value> {
        let call = json!({ "script": script, "args": [] });
        self.ask(Method::POST, "/execute/sync", call).await
    }

    /// The cookies of the page that the browser is on.
    pub(crate) async fn cookies(&self) -> Outcome<Value> {
        self.ask(Method::GET, "/cookie", Value::Null).await
    }

    /// What the browser has complained about since the last call.
    pub(crate) async fn complaints(&self) -> Outcome<Vec<String>> {
        let entries = self
            .ask(Method::POST, "/se/log", json!({ "type": "browser" }))
            .await?;
        let entries = entries.as_array().cloned().unwrap_or_default();
        let message = |entry: &Value| entry["message"].as_str().unwrap_or_default().to_owned();
        Ok(entries.iter().map(message).collect())
    }

    /// Ends the browser as its user does. Without it, the browser is killed.
    pub(crate) async fn close(self) -> Outcome<()> {
        self.ask(Method::DELETE, "", Value::Null).await?;
        Ok(())
    }

    async fn ask(&self, method: Method, path: &str, body: Value) -> Outcome<Value> {
        let mut request = self.http.request(method, format!("{}{path}", self.session));
        if !body.is_null() {
            request = request
                .header("content-type", "application/json")
                .body(body.to_string());
        }
        let answer = request.send().await?;
        let status = answer.status();
        let mut answer: Value = serde_json::from_slice(&answer.bytes().await?)?;
        if status.is_success() {
            return Ok(answer["value"].take());
        }
        let (error, message) = (&answer["value"]["error"], &answer["value"]["message"]);
        Err(format!("{path}: {error}: {message}").into())
    }
}

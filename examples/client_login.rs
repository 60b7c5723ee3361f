//! How does a program log a person in at an MCP server, and call its tools for them?
//!
//! The server and its authorization server run in this process, for trying it out. A browser shows the consent
//! page; with `-- --headless` nobody is asked, and the example fails if something is wrong.
#![expect(clippy::print_stdout, reason = "an example says what it does")]

use std::error::Error;
use std::sync::Arc;

use axum::Router;
use clearance::client::Client;
use clearance::client::layer::{Access, AccessService, AuthorizationCode, LoopbackLogin};
use clearance::client::redirect::{Browser, OpenError, UrlOpener, print_url};
use clearance::client::store::MemoryStore;
use clearance::mcp::{self, McpScopes, ToolError, ToolsExecute, ToolsRead};
use clearance::testing::{AuthorizationServer, User};
use clearance::{Authorized, Guard};
use reqwest::redirect::Policy;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tower::{Layer as _, ServiceExt as _};

type Failure = Box<dyn Error + Send + Sync>;

async fn look(auth: Authorized<ToolsRead>) -> Result<String, ToolError> {
    Ok(format!("{} has looked", auth.subject()))
}

async fn run(auth: Authorized<ToolsExecute>) -> Result<String, ToolError> {
    Ok(format!("{} has run it", auth.subject()))
}

/// How a person sees a URL: in their browser, and on the terminal, where there may be none.
#[derive(Debug)]
struct Person {
    is_there: bool,
}

impl UrlOpener for Person {
    fn open(&self, url: &str) -> Result<(), OpenError> {
        if self.is_there {
            print_url(url)?;
            return Browser.open(url).or(Ok(()));
        }
        // It goes where it is sent, and so comes back.
        tokio::spawn(reqwest::get(url.to_owned()));
        Ok(())
    }
}

/// What the program has: one access to one server, whatever it was used for before.
fn access(url: &str, is_there: bool, store: &Arc<MemoryStore>) -> Result<Access, Failure> {
    let client = Client::builder(url.parse()?).name("Login").build()?;
    let login = LoopbackLogin::new().opened_by(Arc::new(Person { is_there }));
    let access = Access::builder(client, AuthorizationCode::by(login));
    // A program that is started again takes a `FileStore`.
    Ok(access.store(Arc::<MemoryStore>::clone(store)).build())
}

/// Calls a tool; gives the status, and what the tool said.
async fn call(
    http: &AccessService<reqwest::Client>,
    url: &str,
    tool: &str,
) -> Result<(u16, String), Failure> {
    let params = json!({ "name": tool, "arguments": {} });
    let body = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params });
    let mut request = reqwest::Request::new(http::Method::POST, url.parse()?);
    let headers = request.headers_mut();
    headers.insert("content-type", "application/json".parse()?);
    *request.body_mut() = Some(body.to_string().into());
    // Whatever it takes to be let in happens in here.
    let answer = http.clone().oneshot(request).await?;
    let status = answer.status().as_u16();
    let body: Value = answer.text().await?.parse().unwrap_or_default();
    let said = body.pointer("/result/content/0/text");
    Ok((
        status,
        said.and_then(Value::as_str).unwrap_or("-").to_owned(),
    ))
}

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let is_there = !std::env::args().any(|word| word == "--headless" || word == "--once");
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}/mcp", listener.local_addr()?);
    let issuer = AuthorizationServer::builder(url.parse()?).describing::<McpScopes>();
    let issuer = if is_there {
        issuer
    } else {
        issuer.approve_automatically(User::Alice)
    };
    let issuer = issuer.start().await?;
    let guard = Guard::<McpScopes>::builder(url.parse()?)
        .issuer(issuer.id().clone())
        .baseline::<ToolsRead>()
        .build()?;
    let router = mcp::Router::new(&guard).tool("look", look).tool("run", run);
    let app: Router = router.build()?;
    tokio::spawn(async move { axum::serve(listener, app).await });
    let asked = |path: &str| {
        let requests = issuer.requests();
        let there = requests.iter().filter(|request| request.path() == path);
        there.count()
    };

    let store = Arc::new(MemoryStore::new());
    let plain = reqwest::Client::builder()
        .redirect(Policy::none())
        .build()?;
    let first = access(&url, is_there, &store)?;
    let http = first.layer().layer(plain.clone());
    // The person logs in for the first call, and is asked for more by the second one.
    for (tool, asked_before) in [("look", 1), ("run", 2), ("look", 2)] {
        let (status, said) = call(&http, &url, tool).await?;
        let count = asked("/authorize");
        println!("{tool:<5} {status} {said}; the person was asked {count} times");
        assert!(is_there || (status, count) == (200, asked_before));
    }

    // The same program, started again: what it had is in its store.
    let later = access(&url, is_there, &store)?;
    let http = later.layer().layer(plain.clone());
    let before = asked("/authorize");
    let (status, _) = call(&http, &url, "look").await?;
    println!("again {status}, and nobody was asked");
    assert_eq!((status, asked("/authorize")), (200, before));

    // Other servers get no token: there the call is refused as a stranger's is.
    let (status, _) = call(&http, &format!("{}/", issuer.origin()), "look").await?;
    println!("a foreign server has refused it: {status}");
    assert!(status >= 400);

    later.sign_out().await?;
    println!("signed out: the issuer was told {} time", asked("/revoke"));
    assert!(asked("/revoke") > 0);
    Ok(())
}

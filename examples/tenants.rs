//! How do I serve many customers from one process, so that nothing of one works at another?
//!
//! Three tenants: `acme` has handlers of its own, `zeta` a service that knows nothing of authorization,
//! and `hooli` is fetched when somebody asks for it. `acme` and `hooli` trust the same issuer.
#![expect(clippy::print_stdout, reason = "an example says what it does")]

use std::error::Error;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::{Json, Router, routing::post};
use clearance::mcp::{self, McpScopes, Policy, ToolError, ToolsExecute, ToolsRead, requires};
use clearance::session::SealKeys;
use clearance::tenants::{Tenant, TenantName, TenantUnavailable, Tenants};
use clearance::testing::Issuer;
use clearance::{AuthorizationLayer, Authorized, Guard, id, scopes};
use serde_json::{Value, json};

scopes! {
    /// What a caller may be allowed to do with the notes of `acme`.
    vocabulary NoteScopes includes McpScopes;

    /// Search notes.
    NotesSearch = "notes:search";
}

type Failure = Box<dyn Error + Send + Sync>;

/// `acme`: the handlers are the policy.
fn acme(resource: &str, issuer: &id::Issuer) -> Result<Tenant, Failure> {
    async fn search(auth: Authorized<NotesSearch>) -> Result<String, ToolError> {
        Ok(format!("a note of {}", auth.resource()))
    }
    let guard = Guard::<NoteScopes>::builder(resource.parse()?)
        .issuer(issuer.clone())
        .build()?;
    let service = mcp::Router::new(&guard).tool("search", search).build()?;
    Ok(Tenant::new(&guard, service))
}

/// `zeta`: a service that exists, behind a layer with a policy.
fn zeta(resource: &str, issuer: &id::Issuer) -> Result<Tenant, Failure> {
    async fn serve(Json(message): Json<Value>) -> Json<Value> {
        let result = json!({ "content": [{ "type": "text", "text": "a file of zeta" }] });
        Json(json!({ "jsonrpc": "2.0", "id": message.get("id"), "result": result }))
    }
    let guard = Guard::<McpScopes>::builder(resource.parse()?)
        .issuer(issuer.clone())
        .build()?;
    let policy = Policy::standard().tool("search", requires::<ToolsRead>());
    let layer = AuthorizationLayer::builder(&guard, policy)
        .seal_keys(SealKeys::this_process_only())
        .build()?;
    let service = Router::new().route("/zeta/mcp", post(serve)).layer(layer);
    Ok(Tenant::new(&guard, service))
}

/// What a database knows of `hooli`.
fn hooli(resource: &str, issuer: &id::Issuer) -> Result<Tenant, Failure> {
    async fn search(_: Authorized<ToolsExecute>) -> Result<&'static str, ToolError> {
        Ok("a page of hooli")
    }
    let guard = Guard::<McpScopes>::builder(resource.parse()?)
        .issuer(issuer.clone())
        .build()?;
    let service = mcp::Router::new(&guard).tool("search", search).build()?;
    Ok(Tenant::new(&guard, service))
}

/// The status, and what a tool said or the error.
async fn search(url: &str, token: &str) -> Result<(u16, String), Failure> {
    let params = json!({ "name": "search", "arguments": {} });
    let body = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params });
    let request = reqwest::Client::new()
        .post(url)
        .header("content-type", "application/json")
        .bearer_auth(token);
    let answer = request.body(body.to_string()).send().await?;
    let status = answer.status().as_u16();
    let body: Value = answer.text().await?.parse().unwrap_or_default();
    let said = body.pointer("/result/content/0/text");
    let said = said.or_else(|| body.pointer("/error/message"));
    Ok((
        status,
        said.and_then(Value::as_str).unwrap_or("-").to_owned(),
    ))
}

async fn get(url: &str) -> Result<(u16, String), Failure> {
    let answer = reqwest::get(url).await?;
    Ok((answer.status().as_u16(), answer.text().await?))
}

/// The tenants, and who vouches for their users.
struct Stage {
    origin: String,
    tenants: Tenants,
    /// How often the loader was asked.
    asked: Arc<AtomicUsize>,
    /// The issuer of `acme` and `hooli`.
    shared: Issuer,
    /// That of `zeta`.
    own: Issuer,
}

impl Stage {
    async fn start() -> Result<Self, Failure> {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
        let origin = format!("http://{}", listener.local_addr()?);
        // Issuers for this example; yours are your customers' authorization servers.
        let shared = Issuer::start(format!("{origin}/acme/mcp").parse()?).await?;
        let own = Issuer::start(format!("{origin}/zeta/mcp").parse()?).await?;

        let asked = Arc::new(AtomicUsize::new(0));
        let (count, issuer) = (Arc::clone(&asked), shared.id().clone());
        let resource = format!("{origin}/hooli/mcp");
        let load = move |name: TenantName| {
            count.fetch_add(1, Ordering::SeqCst);
            let found = match name.as_str() {
                "hooli" => hooli(&resource, &issuer).map(Some),
                _ => Ok(None),
            };
            let found = found.map_err(|_why| TenantUnavailable::new("configuration"));
            async move { found }
        };
        let tenants = Tenants::builder(format!("{origin}/{{tenant}}/mcp"))
            .loader(load)
            .build()?;
        tenants.set(acme(&format!("{origin}/acme/mcp"), shared.id())?)?;
        tenants.set(zeta(&format!("{origin}/zeta/mcp"), own.id())?)?;
        let app = Router::new().fallback_service(tenants.clone());
        tokio::spawn(async move { axum::serve(listener, app).await });
        Ok(Self {
            origin,
            tenants,
            asked,
            shared,
            own,
        })
    }

    fn url(&self, tenant: &str) -> String {
        format!("{}/{tenant}/mcp", self.origin)
    }

    /// One user, with one client, one token id and every scope that there is.
    fn token(&self, issuer: &Issuer, tenant: &str) -> String {
        let token = issuer.token().subject("alice").client("editor");
        let token = token.scope("notes:search mcp:tools:read mcp:tools:execute");
        token.token_id("one").audience(self.url(tenant)).mint()
    }
}

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let stage = Stage::start().await?;
    let former = stage.token(&stage.shared, "acme");
    let leaving = stage.token(&stage.own, "zeta");
    let hooli = stage.token(&stage.shared, "hooli");
    let names = ["acme", "zeta", "hooli"];

    println!("{:<10} {:<9} {:<6} said", "token of", "shown to", "status");
    for (of, token) in names.iter().zip([&former, &leaving, &hooli]) {
        for at in names {
            let (status, said) = search(&stage.url(at), token).await?;
            println!("{of:<10} {at:<9} {status:<6} {said}");
            assert_eq!(status, if *of == at { 200 } else { 401 });
        }
    }

    // Each has metadata of its own, and says nothing of the others.
    for tenant in names {
        let well_known = ".well-known/oauth-protected-resource";
        let place = format!("{}/{well_known}/{tenant}/mcp", stage.origin);
        let (status, document) = get(&place).await?;
        assert_eq!(status, 200);
        for other in names {
            assert_eq!(document.contains(&stage.url(other)), other == tenant);
        }
    }

    // Who is not there is asked for once.
    for _ in 0..3 {
        assert_eq!(search(&stage.url("nobody"), &hooli).await?.0, 404);
    }
    let asked = stage.asked.load(Ordering::SeqCst);
    println!("the loader was asked {asked} times: for hooli, and for nobody");
    assert_eq!(asked, 2);

    // `acme` goes over to another issuer while everything is served, and `zeta` leaves.
    let changed = acme(&stage.url("acme"), stage.own.id())?;
    assert!(stage.tenants.set(changed)?);
    assert!(stage.tenants.remove("zeta"));
    let newcomer = stage.token(&stage.own, "acme");
    for (what, tenant, token, expected) in [
        ("the former issuer", "acme", &former, 401),
        ("the new issuer", "acme", &newcomer, 200),
        ("a tenant that left", "zeta", &leaving, 404),
        ("nothing changed", "hooli", &hooli, 200),
    ] {
        let (status, said) = search(&stage.url(tenant), token).await?;
        println!("{what:<20} {tenant:<6} {status} {said}");
        assert_eq!(status, expected);
    }
    Ok(())
}

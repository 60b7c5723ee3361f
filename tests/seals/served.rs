//! Seals in a service behind a layer: what it asks back of its clients.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use axum::body::Bytes;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use axum::routing::any;
use axum::{Json, Router};
use chrono::TimeDelta;
use clearance::mcp::{Policy, any_valid_token};
use clearance::session::{Purpose, Seal, SealKeys, Sealed};
use clearance::testing::{Issuer, ManualClock};
use clearance::{AuthorizationLayer, Authorized, Guard, Guarded};
use http::StatusCode;
use serde_json::{Value, json};

use super::fixture::{Confirmation, LIFETIME, guard, seal};
use crate::support::mcp::Log;
use crate::support::request::{MODERN, Request, code_of, whole};
use crate::support::{self, Answer, Fixture};

/// A basket of files that its owner fills.
struct Basket;

impl Purpose for Basket {
    const NAME: &'static str = "files.basket";
    type Content = u32;
}

#[derive(Clone)]
struct App {
    guard: Guard<Fixture>,
    confirmations: Seal<Confirmation>,
    handles: Seal<Basket>,
    /// By their numbers.
    baskets: Arc<Mutex<BTreeMap<u32, Vec<String>>>>,
    log: Log,
}

impl Guarded for App {
    type Vocabulary = Fixture;
    fn guard(&self) -> &Guard<Fixture> {
        &self.guard
    }
}

/// What a tool answers: a result, or that it does not know what it was shown.
type Outcome = Option<Value>;

async fn serve(State(app): State<App>, auth: Authorized<()>, body: Bytes) -> Response {
    let body: Value = serde_json::from_slice(&body).expect("JSON");
    let params = &body["params"];
    let name = params["name"].as_str().expect("a tool");
    let outcome = if name == "basket" {
        app.basket(&auth, &params["arguments"])
    } else {
        app.confirmed(&auth, name, params)
    };
    let id = &body["id"];
    if let Some(result) = outcome {
        return Json(json!({ "jsonrpc": "2.0", "id": id, "result": result })).into_response();
    }
    let error = json!({ "code": -32602, "message": "unknown state" });
    let body = json!({ "jsonrpc": "2.0", "id": id, "error": error });
    (StatusCode::BAD_REQUEST, Json(body)).into_response()
}

impl App {
    /// A tool that runs when its caller comes back with what it gave him.
    fn confirmed(&self, auth: &Authorized<()>, tool: &str, params: &Value) -> Outcome {
        let request = format!("tools/call {tool}");
        let Some(state) = params["requestState"].as_str() else {
            let path = params["arguments"]["path"].as_str().unwrap_or_default();
            let state = self.confirmations.seal(auth, &request, &path.to_owned());
            let state = state.expect("a value");
            return Some(json!({ "resultType": "input_required", "requestState": state }));
        };
        let state = Sealed::from_client(state);
        let path = self.confirmations.open(auth, &request, &state).ok()?;
        self.log.ran(format!("{tool} {path}"));
        Some(json!({ "content": [] }))
    }

    /// Makes a basket, or puts a file into one.
    fn basket(&self, auth: &Authorized<()>, arguments: &Value) -> Outcome {
        let mut baskets = self.baskets.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(handle) = arguments["handle"].as_str() else {
            let number = u32::try_from(baskets.len()).expect("a number");
            baskets.insert(number, Vec::new());
            let handle = self.handles.seal(auth, "", &number).expect("a value");
            return Some(json!({ "handle": handle }));
        };
        let handle = Sealed::from_client(handle);
        let number = self.handles.open(auth, "", &handle).ok()?;
        let basket = baskets.get_mut(&number)?;
        basket.push(arguments["file"].as_str()?.to_owned());
        Some(json!({ "files": basket }))
    }
}

struct Site {
    issuer: Issuer,
    clock: ManualClock,
    app: App,
    address: SocketAddr,
    _task: support::Held,
}

impl Site {
    async fn new() -> Self {
        let clock = support::clock();
        let issuer = support::issuer(&clock).await;
        let guard = guard::<Fixture>(&[&issuer], support::E).await;
        let keys = SealKeys::this_process_only();
        let app = App {
            guard: guard.clone(),
            confirmations: seal(keys.clone()),
            handles: seal(keys.clone()),
            baskets: Arc::default(),
            log: Log::default(),
        };
        let policy = Policy::<Fixture>::closed().tools(any_valid_token());
        let layer = AuthorizationLayer::builder(&guard, policy).seal_keys(keys);
        let layer = layer.build().expect("a layer");
        let service = Router::new()
            .route("/mcp", any(serve))
            .with_state(app.clone());
        let (address, task) = support::spawn(service.layer(layer)).await;
        Self {
            issuer,
            clock,
            app,
            address,
            _task: task.into(),
        }
    }

    /// What a tool answers to a caller, without what is another one in each answer.
    async fn call(&self, tool: &str, params: &Value, (subject, client): Who) -> Answer {
        let token = self.issuer.token().subject(subject).client(client).mint();
        let request = Request::new(MODERN, &format!("tools/call {tool}"));
        let request = request.patched(&json!({ "params": params })).bearer(&token);
        let mut answer = whole(support::raw(self.address, &request.bytes()).await);
        answer
            .headers
            .retain(|(name, _)| name != "x-correlation-id");
        answer
    }

    fn baskets(&self) -> BTreeMap<u32, Vec<String>> {
        let baskets = &self.app.baskets;
        baskets
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

type Who = (&'static str, &'static str);

const ALICE: Who = ("alice", "c1");
const STRANGERS: [Who; 4] = [
    ("bob", "c1"),
    ("alice", "c2"),
    ("alicec", "1"),
    ("c1", "alice"),
];

#[track_caller]
fn result(answer: &Answer) -> Value {
    assert_eq!(answer.status, 200, "{answer:?}");
    let mut body: Value = serde_json::from_str(&answer.body).expect("JSON");
    body["result"].take()
}

/// RS-106: state that a client brings back counts for the caller, the request and the time that it was
/// given out for, and unchanged.
#[tokio::test]
async fn request_state_is_for_its_caller_request_and_time() {
    let site = Site::new().await;
    let arguments = json!({ "arguments": { "path": "a.txt" } });
    let asked = result(&site.call("delete_file", &arguments, ALICE).await);
    let state = asked["requestState"].as_str().expect("a state").to_owned();
    let with = |state: &str| json!({ "requestState": state });
    let unknown = site.call("delete_file", &with("nothing"), ALICE).await;
    assert_eq!((unknown.status, code_of(&unknown)), (400, -32602));

    for stranger in STRANGERS {
        let answer = site.call("delete_file", &with(&state), stranger).await;
        assert_eq!(answer, unknown, "{stranger:?}");
    }
    for tool in ["write_file", "delete_files", "delete_fil"] {
        assert_eq!(
            site.call(tool, &with(&state), ALICE).await,
            unknown,
            "{tool}"
        );
    }
    for at in 0..state.len() {
        let mut changed = state.clone().into_bytes();
        changed[at] ^= 1;
        let changed = String::from_utf8(changed).expect("ASCII");
        let answer = site.call("delete_file", &with(&changed), ALICE).await;
        assert_eq!(answer, unknown, "{at}");
    }
    assert!(site.app.log.take().is_empty());

    site.clock.advance(TimeDelta::seconds(299));
    result(&site.call("delete_file", &with(&state), ALICE).await);
    assert_eq!(site.app.log.take(), ["delete_file a.txt"]);
    site.clock.advance(TimeDelta::seconds(1));
    assert_eq!(LIFETIME.as_secs(), 300);
    assert_eq!(
        site.call("delete_file", &with(&state), ALICE).await,
        unknown
    );
    // Her token is as good as before.
    let asked = result(&site.call("delete_file", &arguments, ALICE).await);
    assert_eq!(asked["resultType"], "input_required");
    assert!(site.app.log.take().is_empty());
}

/// RS-107: a handle is worth something in its owner's hands alone: to others it is unknown, and what it
/// stands for stays as it was.
#[tokio::test]
async fn a_handle_is_its_owners() {
    let site = Site::new().await;
    let made = result(&site.call("basket", &json!({}), ALICE).await);
    let handle = made["handle"].as_str().expect("a handle").to_owned();
    let put = |handle: &str, file: &str| json!({ "arguments": { "handle": handle, "file": file } });
    for stranger in STRANGERS {
        let answer = site
            .call("basket", &put(&handle, "bad.txt"), stranger)
            .await;
        let unknown = site
            .call("basket", &put("nothing", "bad.txt"), stranger)
            .await;
        assert_eq!((unknown.status, code_of(&unknown)), (400, -32602));
        assert_eq!(answer, unknown, "{stranger:?}");
        // Numbers cannot be guessed, and a handle of one's own opens another basket.
        let own = result(&site.call("basket", &json!({}), stranger).await);
        let own = own["handle"].as_str().expect("a handle").to_owned();
        let filled = result(&site.call("basket", &put(&own, "own.txt"), stranger).await);
        assert_eq!(filled["files"], json!(["own.txt"]));
        assert_eq!(
            site.call("basket", &put(&own, "bad.txt"), ALICE)
                .await
                .status,
            400
        );
    }
    assert_eq!(site.baskets()[&0], <[&str; 0]>::default());
    let filled = result(&site.call("basket", &put(&handle, "a.txt"), ALICE).await);
    assert_eq!(filled["files"], json!(["a.txt"]));
    // State of another purpose is no handle.
    let asked = result(&site.call("delete_file", &json!({}), ALICE).await);
    let state = asked["requestState"].as_str().expect("a state");
    assert_eq!(
        site.call("basket", &put(state, "bad.txt"), ALICE)
            .await
            .status,
        400
    );
    let with = json!({ "requestState": handle });
    assert_eq!(site.call("delete_file", &with, ALICE).await.status, 400);
    assert_eq!(site.baskets()[&0], ["a.txt"]);
    assert_eq!(site.baskets().len(), 5);
    assert!(site.app.log.take().is_empty());
}

//! A login with a real browser: a client that waits for it, and what comes back.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::Uri;
use rmcp::transport::auth::{AuthorizationRequest, OAuthState};
use tokio::net::TcpListener;
use tokio::sync::Notify;
use tokio::task::JoinHandle;

use super::trial::Outcome;

/// How long the browser may take to be somewhere.
const PATIENCE: Duration = Duration::from_secs(30);

/// A server that takes all requests and remembers them: a client waits so for the browser.
pub(crate) struct Place {
    pub(crate) origin: String,
    heard: Arc<Heard>,
    serving: JoinHandle<()>,
}

#[derive(Default)]
struct Heard {
    requests: Mutex<Vec<String>>,
    more: Notify,
}

impl Place {
    pub(crate) async fn start() -> Outcome<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let origin = format!("http://{}", listener.local_addr()?);
        let heard: Arc<Heard> = Arc::default();
        let app = Router::new().fallback(hear).with_state(Arc::clone(&heard));
        let serving = tokio::spawn(async move {
            axum::serve(listener, app).await.expect("a server");
        });
        Ok(Self {
            origin,
            heard,
            serving,
        })
    }

    /// Where the browser is to be sent back to.
    pub(crate) fn callback(&self) -> String {
        format!("{}/callback", self.origin)
    }

    /// The paths and queries that were asked for.
    pub(crate) fn requests(&self) -> Vec<String> {
        self.heard.requests.lock().expect("a lock").clone()
    }

    /// The URL that the browser comes back to.
    pub(crate) async fn came_back(&self) -> Outcome<String> {
        let coming = async {
            loop {
                let more = self.heard.more.notified();
                let requests = self.requests();
                let is_callback = |path: &&String| path.starts_with("/callback?");
                if let Some(path) = requests.iter().find(is_callback) {
                    return format!("{}{path}", self.origin);
                }
                more.await;
            }
        };
        match tokio::time::timeout(PATIENCE, coming).await {
            Ok(url) => Ok(url),
            Err(_) => Err(format!("the browser does not come back: {:?}", self.requests()).into()),
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

async fn hear(State(heard): State<Arc<Heard>>, uri: Uri) -> &'static str {
    let path = uri.path_and_query().map(ToString::to_string);
    heard.requests.lock().expect("a lock").extend(path);
    heard.more.notify_waiters();
    "You may close this window."
}

/// A client that registers itself, and the URL that it wants to be opened.
pub(crate) async fn login(url: &str, place: &Place, name: &str) -> Outcome<(OAuthState, String)> {
    let mut login = OAuthState::new(url, None).await?;
    let request = AuthorizationRequest::new(place.callback())
        .with_client_name(name)
        .with_scopes(["files:read"]);
    login.start_authorization(request).await?;
    let authorize = login.get_authorization_url().await?;
    Ok((login, authorize))
}

//! What the names of hosts lead to that a document names.

use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use url::Url;

use super::address::{Admitted, Lookup};
use super::clients::{Asker, Clients};
use super::{FetchError, FetchOptions, IssuerClient};

/// A resolver whose answers are given: the first to the first question, and the last for ever.
#[derive(Clone)]
struct Names(Arc<Mutex<Asked>>);

/// What was asked, and what will be answered.
type Asked = (Vec<&'static str>, Vec<Vec<IpAddr>>);

impl Names {
    fn answering(answers: &[&[&str]]) -> Self {
        let answers = answers.iter().rev();
        let answers =
            answers.map(|answer| answer.iter().map(|text| text.parse().unwrap()).collect());
        Self(Arc::new(Mutex::new((Vec::new(), answers.collect()))))
    }

    fn asked(&self) -> usize {
        self.0.lock().unwrap().0.len()
    }

    fn lookup(&self) -> Lookup {
        let this = self.clone();
        Arc::new(move |name| {
            assert_eq!(name, "keys.example.com");
            let mut state = this.0.lock().unwrap();
            state.0.push("keys.example.com");
            let answer = if state.1.len() > 1 {
                state.1.pop().unwrap()
            } else {
                state.1.first().cloned().unwrap()
            };
            Box::pin(async move {
                Ok(answer
                    .into_iter()
                    .map(|ip| SocketAddr::new(ip, 0))
                    .collect())
            })
        })
    }
}

/// Something on this machine that nobody has to call. It answers each connection with `answer`.
pub(crate) struct Listening {
    pub(crate) port: u16,
    hits: Arc<AtomicUsize>,
    /// Ends with it.
    _tasks: JoinSet<()>,
}

impl Listening {
    pub(crate) async fn answering(answer: impl Fn(u16) -> String + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let hits = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&hits);
        let mut tasks = JoinSet::new();
        tasks.spawn(async move {
            loop {
                let (mut stream, _) = listener.accept().await.unwrap();
                counted.fetch_add(1, Ordering::SeqCst);
                let mut head = [0; 4096];
                if stream.read(&mut head).await.is_ok() {
                    drop(stream.write_all(answer(port).as_bytes()).await);
                }
            }
        });
        Self {
            port,
            hits,
            _tasks: tasks,
        }
    }

    fn hits(&self) -> usize {
        self.hits.load(Ordering::SeqCst)
    }
}

pub(crate) fn ok(body: &str) -> String {
    let length = body.len();
    format!("HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n{body}")
}

pub(crate) fn options() -> FetchOptions {
    FetchOptions {
        time_limit: Duration::from_secs(5),
        ..FetchOptions::standard()
    }
}

/// Asks the host for a document that it is named for.
async fn ask(names: &Names, loopback: bool, port: u16) -> FetchError {
    let mut clients =
        Clients::new(&options(), Admitted { loopback }, Asker::ResourceServer).unwrap();
    clients.look_up_by(names.lookup());
    let url = Url::parse(&format!("https://keys.example.com:{port}/jwks")).unwrap();
    let client = clients.for_foreign(&url).unwrap();
    FetchError::of(&client.get(url).send().await.unwrap_err())
}

/// RS-080
#[tokio::test]
async fn a_name_that_leads_to_this_machine_or_network_is_not_followed() {
    let listening = Listening::answering(|_| String::new()).await;
    for addresses in [
        &["127.0.0.1"][..],
        &["::1", "127.0.0.1"],
        &["::ffff:127.0.0.1"],
        &["10.0.0.1"],
        &["169.254.169.254"],
        &["100.64.0.1", "fd00::1"],
        &["64:ff9b::7f00:1"],
        &["0.0.0.0"],
    ] {
        let names = Names::answering(&[addresses]);
        let error = ask(&names, false, listening.port).await;
        assert_eq!(error, FetchError::Address, "{addresses:?}");
        assert_eq!(names.asked(), 1);
    }
    assert_eq!(listening.hits(), 0);
    // Of an issuer on this machine it is followed here, and nowhere else.
    let error = ask(&Names::answering(&[&["127.0.0.1"]]), true, listening.port).await;
    assert_eq!((error, listening.hits()), (FetchError::Connection, 1));
    let error = ask(&Names::answering(&[&["10.0.0.1"]]), true, listening.port).await;
    assert_eq!((error, listening.hits()), (FetchError::Address, 1));
}

/// RS-080: what was checked is what is connected to; the resolver is not asked once more.
#[tokio::test]
async fn a_name_is_looked_up_once_and_only_what_was_checked_is_called() {
    let listening = Listening::answering(|_| String::new()).await;
    let names = Names::answering(&[&["10.0.0.1", "127.0.0.1", "fd00::1"], &["127.0.0.1"]]);
    let error = ask(&names, true, listening.port).await;
    assert_eq!((error, listening.hits()), (FetchError::Connection, 1));
    assert_eq!(names.asked(), 1);
    // A name that changes its mind is judged by what it says each time.
    let names = Names::answering(&[&["10.0.0.1"], &["127.0.0.1"]]);
    let error = ask(&names, false, listening.port).await;
    assert_eq!((error, names.asked()), (FetchError::Address, 1));
    let error = ask(&names, false, listening.port).await;
    assert_eq!((error, names.asked()), (FetchError::Address, 2));
    assert_eq!(listening.hits(), 1);
}

/// RS-080: from the metadata on.
#[tokio::test]
async fn a_private_host_that_metadata_names_is_not_asked() {
    let listening = Listening::answering(|port| {
        let issuer = format!("http://127.0.0.1:{port}");
        let jwks_uri = format!("https://keys.example.com:{port}/jwks");
        ok(&json!({"issuer": issuer, "jwks_uri": jwks_uri}).to_string())
    })
    .await;
    let issuer = format!("http://127.0.0.1:{}", listening.port);
    let fetch = async |names: &Names| {
        let mut client = IssuerClient::new(issuer.parse().unwrap(), &options()).unwrap();
        client.look_up_by(names.lookup());
        let place = client.jwks_uri().await.unwrap();
        client.get(&place).await.map(drop).unwrap_err()
    };
    let private = Names::answering(&[&["192.168.1.1"]]);
    assert_eq!(fetch(&private).await, FetchError::Address);
    assert_eq!((private.asked(), listening.hits()), (1, 1));
    let here = Names::answering(&[&["127.0.0.1"]]);
    // It is called, and does not speak TLS.
    assert_eq!(fetch(&here).await, FetchError::Connection);
    assert_eq!((here.asked(), listening.hits()), (1, 3));
}

/// CL-090: the same for what an OAuth client asks, whether it asks for a document or posts a secret.
#[cfg(feature = "client")]
#[tokio::test]
async fn a_client_calls_no_private_host_that_a_document_names() {
    use http::HeaderMap;

    use super::WebClient;

    let listening = Listening::answering(|_| String::new()).await;
    let ask = async |names: &Names, loopback: bool| {
        let mut client = WebClient::new(loopback, &options()).unwrap();
        client.look_up_by(names.lookup());
        let url = format!("https://keys.example.com:{}/token", listening.port);
        let place = client.foreign(&url).unwrap();
        let got = client.get(&place).await.map(drop).unwrap_err();
        let form = "client_secret=s".to_owned();
        let posted = client.post(&place, HeaderMap::new(), form).await;
        (got, posted.map(drop).unwrap_err())
    };
    let forbidden = (FetchError::Address, FetchError::Address);
    for address in [
        "127.0.0.1",
        "10.0.0.1",
        "169.254.169.254",
        "::ffff:127.0.0.1",
        "0.0.0.0",
    ] {
        let names = Names::answering(&[&[address]]);
        assert_eq!(ask(&names, false).await, forbidden, "{address}");
        assert_eq!(names.asked(), 2);
    }
    // A name that leads elsewhere when it is asked once more is judged once more.
    let names = Names::answering(&[&["10.0.0.1"], &["127.0.0.1"]]);
    assert_eq!(ask(&names, false).await, forbidden);
    assert_eq!(listening.hits(), 0);
    // Where the endpoint is on this machine, others may be.
    let names = Names::answering(&[&["127.0.0.1"]]);
    let refused = (FetchError::Connection, FetchError::Connection);
    assert_eq!(ask(&names, true).await, refused);
    assert!(listening.hits() >= 2);
    // Addresses that are written as such need no looking up.
    let client = WebClient::new(false, &options()).unwrap();
    for (url, error) in [
        ("http://169.254.169.254/", FetchError::Scheme),
        ("http://127.0.0.1/", FetchError::Scheme),
        ("https://[::ffff:10.0.0.1]/", FetchError::Address),
        ("https://0x7f000001/", FetchError::Address),
        ("https://localhost/", FetchError::Address),
        ("https://user@as.example.com/", FetchError::Scheme),
        ("https://as.example.com/#f", FetchError::Scheme),
    ] {
        assert_eq!(client.foreign(url).map(drop), Err(error), "{url}");
    }
}

/// CL-057, CL-090: a secret is never posted once more, and documents stay on their origin.
#[cfg(feature = "client")]
#[tokio::test]
async fn a_client_follows_redirects_for_documents_on_one_origin_alone() {
    use http::HeaderMap;

    use super::WebClient;

    let inside = Listening::answering(|_| ok("{}")).await;
    let port = inside.port;
    let outside = Listening::answering(move |_| {
        let to = format!("location: http://127.0.0.1:{port}/x");
        format!("HTTP/1.1 307 Found\r\nconnection: close\r\ncontent-length: 0\r\n{to}\r\n\r\n")
    })
    .await;
    let client = WebClient::new(true, &options()).unwrap();
    let url = format!("http://127.0.0.1:{}/", outside.port);
    for place in [
        WebClient::trusted(&url).unwrap(),
        client.foreign(&url).unwrap(),
    ] {
        let got = client.get(&place).await.map(drop);
        assert_eq!(got, Err(FetchError::Origin));
        let posted = client.post(&place, HeaderMap::new(), String::new()).await;
        assert_eq!(posted.map(drop), Err(FetchError::Origin));
    }
    assert_eq!((inside.hits(), outside.hits()), (0, 4));
}

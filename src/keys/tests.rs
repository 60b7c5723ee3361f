//! Whether a key is at hand.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use super::{Fetched, Fetcher, IssuerKeys, Source};
use crate::clock::{Clock, WakeUp};
use crate::event::{Event, Sink};
use crate::fetch::tests::{Listening, ok, options};
use crate::id::Issuer;
use crate::jwk::Algorithm;

#[derive(Debug)]
struct Silent;

impl Sink for Silent {
    fn record(&self, _: &Event<'_>) {}
}

/// A clock that the test turns; nothing here asks for the time of day.
#[derive(Debug, Default)]
struct Hand(Mutex<Duration>);

impl Hand {
    fn advance(&self, by: Duration) {
        let mut now = self.0.lock().unwrap();
        *now = now.checked_add(by).unwrap();
    }
}

impl Clock for Hand {
    fn now(&self) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH
    }

    fn monotonic(&self) -> Duration {
        *self.0.lock().unwrap()
    }

    fn wake_at(&self, _: DateTime<Utc>) -> WakeUp {
        Box::pin(std::future::pending())
    }
}

fn ed25519(pair: &Ed25519KeyPair, kid: &str) -> Value {
    let x = URL_SAFE_NO_PAD.encode(pair.public_key());
    json!({"kid": kid, "kty": "OKP", "crv": "Ed25519", "x": x})
}

/// RS-084: whoever has verified a token is told that its key has gone, also if another key has its
/// name now, and that it is not known, when the set is too old.
#[tokio::test]
async fn a_key_is_there_as_long_as_its_issuer_publishes_it() {
    let [key, other] = [(); 2].map(|()| Ed25519KeyPair::generate().unwrap());
    let set = |keys: &[Value]| json!({ "keys": keys }).to_string();
    let published = Arc::new(Mutex::new(Some(set(&[ed25519(&key, "k")]))));
    let publish = |document: Option<String>| *published.lock().unwrap() = document;
    let served = Arc::clone(&published);
    let listening = Listening::answering(move |_| match served.lock().unwrap().as_deref() {
        Some(document) => ok(document),
        None => "HTTP/1.1 500 -\r\nconnection: close\r\ncontent-length: 0\r\n\r\n".to_owned(),
    })
    .await;
    let issuer: Issuer = format!("http://127.0.0.1:{}", listening.port)
        .parse()
        .unwrap();
    let source = Source::jwks_uri(&issuer, &format!("{issuer}/jwks")).unwrap();
    let fetcher = Fetcher::new(issuer, source, vec![Algorithm::EdDSA], &options()).unwrap();
    let clock = Arc::new(Hand::default());
    let (stale, hand) = (Duration::from_hours(1), Arc::<Hand>::clone(&clock));
    let keys = IssuerKeys::Fetched(Fetched::new(fetcher, stale, hand, Arc::new(Silent)));

    let first = keys.ready().await.unwrap();
    let signature = key.sign(b"message");
    let signer = first.verify(Some("k"), Algorithm::EdDSA, b"message", signature.as_ref());
    let thumbprint = signer.unwrap().thumbprint;
    assert!(keys.have(&thumbprint, clock.monotonic()));
    publish(Some(set(&[ed25519(&key, "renamed"), ed25519(&other, "k")])));
    clock.advance(Duration::from_millis(600_001));
    assert!(!keys.have(&thumbprint, clock.monotonic()), "too old");
    keys.ready().await.unwrap();
    assert!(
        keys.have(&thumbprint, clock.monotonic()),
        "under another name"
    );
    // Its issuer is down: it serves for an hour.
    publish(None);
    clock.advance(Duration::from_hours(1));
    keys.ready().await.unwrap();
    assert!(keys.have(&thumbprint, clock.monotonic()));
    clock.advance(Duration::from_millis(1));
    assert!(!keys.have(&thumbprint, clock.monotonic()), "too old");
    publish(Some(set(&[ed25519(&other, "k")])));
    clock.advance(Duration::from_secs(5));
    keys.ready().await.unwrap();
    assert!(!keys.have(&thumbprint, clock.monotonic()), "taken back");
}

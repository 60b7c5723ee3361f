//! Tests of the test kit: its tokens are really signed, its faults are what they say.

mod keys_of_issuers;
mod server;
mod tokens;

use aws_lc_rs::signature::{self, UnparsedPublicKey};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::Validation;
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::{Issuer, IssuerBuilder, keys};
use crate::jwk::Algorithm;

const RESOURCE: &str = "https://files.example.com/mcp";
const ALL: [Algorithm; 10] = [
    Algorithm::RS256,
    Algorithm::RS384,
    Algorithm::RS512,
    Algorithm::PS256,
    Algorithm::PS384,
    Algorithm::PS512,
    Algorithm::ES256,
    Algorithm::ES384,
    Algorithm::ES512,
    Algorithm::EdDSA,
];

fn builder() -> IssuerBuilder {
    Issuer::builder(RESOURCE.parse().unwrap())
}

async fn issuer() -> Issuer {
    builder().start().await.unwrap()
}

fn json_part(token: &str, part: usize) -> Value {
    let text = token.split('.').nth(part).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(text).unwrap()).unwrap()
}

/// What a second judge says about a token, under the key that its header names.
fn judge(issuer: &Issuer, algorithm: Algorithm, kid: &str, token: &str) -> bool {
    let Some(named) = keys::judge_algorithm(algorithm) else {
        let (signed, signature) = token.rsplit_once('.').unwrap();
        let signature = URL_SAFE_NO_PAD.decode(signature).unwrap();
        let point = issuer.public_raw(kid).unwrap();
        let key = UnparsedPublicKey::new(&signature::ECDSA_P521_SHA512_FIXED, point);
        return key.verify(signed.as_bytes(), &signature).is_ok();
    };
    let mut rules = Validation::new(named);
    rules.leeway = 0;
    rules.validate_nbf = true;
    rules.set_required_spec_claims(&["exp", "iss", "aud"]);
    rules.set_issuer(&[issuer.id().as_str()]);
    rules.set_audience(&[RESOURCE]);
    let key = issuer.decoding_key(kid).unwrap();
    jsonwebtoken::decode::<Value>(token, &key, &rules).is_ok()
}

/// Asks for `target`: status and body, as far as the server sends them.
async fn get(issuer: &Issuer, target: &str) -> Option<(u16, Vec<u8>)> {
    let address = issuer.origin().strip_prefix("http://").unwrap();
    let mut stream = TcpStream::connect(address).await.ok()?;
    let request = format!("GET {target} HTTP/1.1\r\nHost: {address}\r\n\r\n");
    stream.write_all(request.as_bytes()).await.ok()?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.ok()?;
    let body = answer
        .windows(4)
        .position(|four| four == b"\r\n\r\n")?
        .checked_add(4)?;
    let status = str::from_utf8(answer.get(9..12)?).unwrap().parse().unwrap();
    Some((status, answer.split_off(body)))
}

async fn get_json(issuer: &Issuer, target: &str) -> Value {
    let (status, body) = get(issuer, target).await.unwrap();
    assert_eq!(status, 200);
    serde_json::from_slice(&body).unwrap()
}

//! Tables of tokens: each case goes over HTTP, and once more to the guard for the reason.
#![allow(
    clippy::allow_attributes,
    clippy::arithmetic_side_effects,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::missing_panics_doc,
    reason = "a test that cannot go on must panic"
)]

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use clearance::jwk::Algorithm;
use clearance::testing::{Issuer, TokenBuilder};
use clearance::{Authorized, Guard, Refusal};
use serde_json::Value;

use super::{Answer, Fixture, Server, ToolsRead};

/// What the tables begin with: a token that `/mcp` accepts.
pub fn t0(issuer: &Issuer) -> TokenBuilder<'_> {
    issuer.token().scope("mcp:tools.read")
}

/// A server whose guard looks at tokens of any length, so that the parser must stand them.
pub async fn patient() -> Server {
    super::server_with(|rules| rules, |b| b.max_token_length(64 << 20)).await
}

/// A server whose issuer has a key for each of these, and publishes `extra` beside them.
pub async fn server_of(
    algorithms: &[Algorithm],
    extra: impl FnOnce(&Issuer) -> Vec<Value>,
) -> Server {
    let clock = super::clock();
    let issuer = Issuer::builder(super::resource())
        .clock(Arc::new(clock.clone()))
        .algorithms(algorithms.iter().copied())
        .start()
        .await
        .expect("an issuer");
    let mut set: Value = serde_json::from_str(&issuer.jwks()).expect("a key set");
    set["keys"]
        .as_array_mut()
        .expect("keys")
        .extend(extra(&issuer));
    issuer.publish_jwks(set.to_string());
    let guard = super::strict(&issuer, &clock).build().expect("a guard");
    guard.ready().await.expect("keys");
    super::serve(issuer, clock, guard).await
}

/// Cases of one guarantee against one server, on `/mcp`.
pub struct Table<'a> {
    server: &'a Server,
    /// The answer to a token that is none.
    garbage: Answer,
}

impl<'a> Table<'a> {
    pub async fn of(server: &'a Server) -> Self {
        let garbage = server.get("/mcp", "abc.def.ghi").await;
        garbage.assert_401_inv();
        Self { server, garbage }
    }

    /// `OK`: the handler ran once.
    pub async fn accepts(&self, case: &str, token: &str) {
        let ran = self.server.ran();
        let answer = self.server.get("/mcp", token).await;
        let why = reason(&self.server.app.guard, token).await;
        assert_eq!((answer.status, why), (200, "authorized"), "{case}");
        assert_eq!(self.server.ran(), ran + 1, "{case}");
    }

    /// `401-inv`, the same bytes as for every other invalid token, for the reason `code`.
    pub async fn refuses(&self, case: &str, token: &str, code: &str) {
        assert_eq!(reason(&self.server.app.guard, token).await, code, "{case}");
        self.refuses_anyhow(case, token).await;
    }

    /// The same for whatever reason.
    pub async fn refuses_anyhow(&self, case: &str, token: &str) {
        let ran = self.server.ran();
        let answer = self.server.get("/mcp", token).await;
        assert_eq!(answer, self.garbage, "{case}");
        answer.assert_silent_about(token);
        assert_eq!(self.server.ran(), ran, "{case}: the handler ran");
    }

    /// `400-req` for these bytes after `Bearer `.
    pub async fn malformed(&self, case: &str, token: &[u8]) {
        let ran = self.server.ran();
        let value = [b"Bearer ", token].concat();
        let answer = self.server.with_authorization("/mcp", &value).await;
        assert_eq!(answer.status, 400, "{case}: {answer:?}");
        answer.assert_400_req();
        answer.assert_silent_about(&String::from_utf8_lossy(token));
        assert_eq!(self.server.ran(), ran, "{case}: the handler ran");
    }

    /// `403(mcp:tools.read)`: a genuine token without the scope.
    pub async fn lacks_scope(&self, case: &str, token: &str) {
        let ran = self.server.ran();
        let answer = self.server.get("/mcp", token).await;
        assert_eq!(answer.status, 403, "{case}: {answer:?}");
        answer.assert_403("mcp:tools.read");
        answer.assert_silent_about(token);
        assert_eq!(self.server.ran(), ran, "{case}: the handler ran");
    }
}

/// Asks the guard itself, where no HTTP library limits the length of a header.
pub async fn ask(guard: &Guard<Fixture>, token: &str) -> Result<Authorized<ToolsRead>, Refusal> {
    let request = http::Request::builder()
        .header("authorization", format!("Bearer {token}"))
        .body(())
        .expect("a request");
    let (mut parts, ()) = request.into_parts();
    guard.authorize(&mut parts).await
}

/// The code of the reason, or `authorized`.
pub async fn reason(guard: &Guard<Fixture>, token: &str) -> &'static str {
    match ask(guard, token).await {
        Ok(_) => "authorized",
        Err(refusal) => refusal.reason().code().as_str(),
    }
}

/// Base64url without padding.
pub fn b64(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// The bytes behind [`b64`].
pub fn unb64(text: &str) -> Vec<u8> {
    URL_SAFE_NO_PAD.decode(text).expect("base64url")
}

/// The three segments of a token.
pub fn segments(token: &str) -> [&str; 3] {
    let segments: Vec<&str> = token.split('.').collect();
    segments.try_into().expect("three segments")
}

/// A token of these two segments as they stand, really signed.
pub fn signed(issuer: &Issuer, algorithm: Algorithm, header: &str, payload: &str) -> String {
    let message = format!("{header}.{payload}");
    let signature = b64(issuer.sign(algorithm, message.as_bytes()));
    format!("{message}.{signature}")
}

/// The same token with other bytes for a signature.
pub fn with_signature(token: &str, signature: impl AsRef<[u8]>) -> String {
    let [header, payload, _] = segments(token);
    format!("{header}.{payload}.{}", b64(signature))
}

/// The bytes of a token's signature.
pub fn signature_of(token: &str) -> Vec<u8> {
    let [_, _, signature] = segments(token);
    unb64(signature)
}

/// A JSON object with one more member at its end, as text.
pub fn with_member(object: &str, member: &str) -> String {
    let open = object.strip_suffix('}').expect("an object");
    format!("{open},{member}}}")
}

/// The last character of base64url text in another spelling: the same bytes, and a spare bit that
/// is not zero.
pub fn respelled(text: &str) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    assert!(!text.len().is_multiple_of(4), "no spare bits");
    let (head, last) = text.split_at(text.len() - 1);
    let value = ALPHABET
        .iter()
        .position(|known| last.as_bytes() == [*known])
        .expect("base64url");
    format!("{head}{}", char::from(ALPHABET[value | 1]))
}

//! Whatever a guard accepts, an independent judge accepts too: thousands of tokens, right and wrong
//! in every way that is listed here, are shown to both.
//!
//! The judge is `jsonwebtoken` with the same key, issuer, audience and leeway, and `aws-lc-rs` for
//! ES512, which `jsonwebtoken` does not know. It is asked in one direction only: it knows nothing
//! of RFC 9068 and accepts more.
#![cfg(test)]
#![allow(
    clippy::allow_attributes,
    clippy::arithmetic_side_effects,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::too_many_lines,
    clippy::unwrap_used,
    reason = "a test that cannot go on must panic, and a table may be long"
)]

mod support;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;

use aws_lc_rs::signature::{ECDSA_P521_SHA512_FIXED, UnparsedPublicKey};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use chrono::{DateTime, TimeDelta, Utc};
use clearance::clock::{Clock, SystemClock};
use clearance::jwk::Algorithm;
use clearance::keys::FixedKeys;
use clearance::secret::BearerToken;
use clearance::testing::{Issuer, ManualClock, TokenBuilder};
use clearance::token::{Token, Unverified};
use clearance::{Guard, TrustedIssuer};
use jsonwebtoken::{DecodingKey, Validation};
use serde_json::{Value, json};
use support::{Answer, App, E, Fixture};

/// How often each change is made.
const TIMES: usize = 100;

/// Every so many tokens, one goes over HTTP as well.
const HTTP_EVERY: usize = 20;

/// What the guard forgives when clocks differ; its default.
const LEEWAY: u64 = 60;

/// The one thing beyond equal text that a guard forgives in an audience.
const OTHER_CASE: [&str; 2] = ["HTTPS://MCP.EXAMPLE.COM/mcp", "https://Mcp.Example.com/mcp"];

/// Small and repeatable (xorshift64*).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 16
    }

    /// A number from `range`.
    fn within(&mut self, range: std::ops::Range<i64>) -> i64 {
        let width = u64::try_from(range.end - range.start).unwrap();
        range.start + i64::try_from(self.next() % width).unwrap()
    }

    fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.within(0..i64::try_from(end).unwrap())).unwrap()
    }

    fn pick<T: Clone>(&mut self, of: &[T]) -> T {
        of[self.below(of.len())].clone()
    }
}

/// Issuers, guard and judge.
struct Lab {
    issuer: Issuer,
    /// Another issuer, with other keys under the same names.
    stranger: Issuer,
    guard: Guard<Fixture>,
    clock: ManualClock,
    judges: BTreeMap<String, Judge>,
}

/// A key of the issuer, as the judge wants it.
struct Judge {
    algorithm: Algorithm,
    key: Option<DecodingKey>,
    raw: Vec<u8>,
}

/// A token to be, and what a change may need.
struct Draft<'a> {
    lab: &'a Lab,
    algorithm: Algorithm,
    token: TokenBuilder<'a>,
    now: DateTime<Utc>,
}

/// One way to change a token that was right.
struct Change {
    name: String,
    /// Whether it stays right.
    harmless: bool,
    make: Make,
}

type Make = Box<dyn Fn(Draft<'_>, &mut Random) -> String>;

impl Lab {
    async fn new() -> Self {
        let clock = ManualClock::new(whole_second());
        let issuer = Issuer::builder(support::resource())
            .clock(Arc::new(clock.clone()))
            .algorithms(Algorithm::ALL)
            .start()
            .await
            .expect("an issuer");
        let stranger = Issuer::builder(support::resource())
            .clock(Arc::new(clock.clone()))
            .algorithms([
                Algorithm::ES256,
                Algorithm::ES384,
                Algorithm::ES512,
                Algorithm::EdDSA,
            ])
            .start()
            .await
            .expect("another issuer");
        let keys = FixedKeys::from_json(issuer.jwks());
        let rules = TrustedIssuer::with_keys(issuer.id().clone(), keys);
        let rules = rules.only_algorithms(&Algorithm::ALL);
        let guard = support::with_rules(rules, &clock).unlimited().build();
        let judges = Algorithm::ALL.map(|algorithm| {
            let kid = issuer.kid(algorithm).expect("a key");
            let judge = Judge {
                algorithm,
                key: issuer.decoding_key(&kid),
                raw: issuer.public_raw(&kid).expect("a key"),
            };
            (kid, judge)
        });
        Self {
            guard: guard.expect("a guard"),
            judges: judges.into(),
            issuer,
            stranger,
            clock,
        }
    }

    /// What we say, by the chain of token states.
    async fn accepts(&self, token: &[u8], now: DateTime<Utc>) -> bool {
        let Ok(token) = BearerToken::from_bytes(token) else {
            return false;
        };
        let Ok(token) = Token::<Unverified>::parse(token) else {
            return false;
        };
        let Ok(keys) = self.guard.key_set(&token).await else {
            return false;
        };
        let Ok(token) = token.verify_signature(&keys) else {
            return false;
        };
        token.verify_audience(self.guard.acceptance(), now).is_ok()
    }

    /// What the judge says, with the key that the token names or each of its algorithm.
    fn judge_accepts(&self, token: &str) -> bool {
        let header = token.split('.').next().unwrap();
        let header = URL_SAFE_NO_PAD.decode(header).expect("base64url");
        let header: Value = serde_json::from_slice(&header).expect("a header");
        let mut judges = self.judges.iter().filter(|(kid, judge)| {
            let by_algorithm = header["alg"] == judge.algorithm.as_str();
            header["kid"]
                .as_str()
                .map_or(by_algorithm, |named| named == *kid)
        });
        judges.any(|(_, judge)| judge.accepts(token, self.issuer.id().as_str()))
    }

    /// A token that is right, no two alike.
    fn draft<'a>(&'a self, algorithm: Algorithm, random: &mut Random) -> Draft<'a> {
        let now = whole_second();
        self.clock.set(now);
        let at = |seconds| now + TimeDelta::seconds(seconds);
        let mut token = self
            .issuer
            .token()
            .signed_by(algorithm)
            .subject(&format!("user-{}", random.below(50)))
            .client(random.pick(&["client-1", "https://app.example/c.json", "é"]))
            .issued_at(at(random.within(-3_000..1)))
            .expires_at(at(random.within(20..80_000)));
        if random.below(2) == 0 {
            token = token.claim("nbf", at(random.within(-3_000..1)).timestamp());
        }
        if random.below(2) == 0 {
            token = token.scope(random.pick(&["a", "a b", "mcp:admin unknown:scope", ""]));
        }
        if random.below(3) == 0 {
            token = token.claim(
                "extra",
                json!({"deep": [1, {"\"": null}], "text": "ü\u{1f600}\n"}),
            );
        }
        Draft {
            lab: self,
            algorithm,
            token,
            now,
        }
    }
}

impl Judge {
    fn accepts(&self, token: &str, issuer: &str) -> bool {
        let Some(key) = &self.key else {
            let (message, signature) = token.rsplit_once('.').unwrap();
            let signature = URL_SAFE_NO_PAD.decode(signature).unwrap();
            let key = UnparsedPublicKey::new(&ECDSA_P521_SHA512_FIXED, &self.raw);
            return key.verify(message.as_bytes(), &signature).is_ok();
        };
        let algorithm = self.algorithm.as_str().parse().expect("a known algorithm");
        let mut rules = Validation::new(algorithm);
        rules.leeway = LEEWAY;
        rules.validate_nbf = true;
        rules.set_required_spec_claims(&["exp", "iss", "aud"]);
        rules.set_issuer(&[issuer]);
        rules.set_audience(&[E, OTHER_CASE[0], OTHER_CASE[1]]);
        jsonwebtoken::decode::<Value>(token, key, &rules).is_ok()
    }
}

impl Draft<'_> {
    fn at(&self, seconds: i64) -> i64 {
        self.now.timestamp() + seconds
    }

    /// The payload with this put behind its opening brace.
    fn with_member(self, member: &str) -> String {
        let payload = put_in_front(member, &self.token.payload_json());
        self.token.raw_payload(payload).mint()
    }

    /// The header with this put behind its opening brace.
    fn with_header_member(self, member: &str) -> String {
        let header = put_in_front(member, &self.token.header_json());
        self.token.raw_header(header).mint()
    }

    fn payload(&self) -> String {
        self.token.payload_json()
    }
}

/// The system's time without fractions: the judge counts whole seconds.
fn whole_second() -> DateTime<Utc> {
    DateTime::from_timestamp(SystemClock.now().timestamp(), 0).expect("a date")
}

/// A JSON object with one more member, which comes first.
fn put_in_front(member: &str, object: &str) -> String {
    object.replacen('{', &format!("{{{member},"), 1)
}

/// The three segments.
fn segments(token: &str) -> [String; 3] {
    let segments: Vec<String> = token.split('.').map(str::to_owned).collect();
    segments.try_into().expect("three segments")
}

fn signature_of(token: &str) -> (String, Vec<u8>) {
    let (message, signature) = token.rsplit_once('.').expect("a signature");
    let signature = URL_SAFE_NO_PAD.decode(signature).expect("base64url");
    (message.to_owned(), signature)
}

/// Collects changes.
#[derive(Default)]
struct Changes(Vec<Change>);

impl Changes {
    fn good(&mut self, name: &str, make: impl Fn(Draft<'_>, &mut Random) -> String + 'static) {
        self.add(name, true, make);
    }

    fn bad(&mut self, name: &str, make: impl Fn(Draft<'_>, &mut Random) -> String + 'static) {
        self.add(name, false, make);
    }

    fn add<F>(&mut self, name: &str, harmless: bool, make: F)
    where
        F: Fn(Draft<'_>, &mut Random) -> String + 'static,
    {
        let (name, make) = (name.to_owned(), Box::new(make));
        self.0.push(Change {
            name,
            harmless,
            make,
        });
    }

    fn all() -> Vec<Change> {
        let mut changes = Self::default();
        changes.harmless();
        changes.claims();
        changes.audiences_and_issuers();
        changes.times();
        changes.headers();
        changes.signatures();
        changes.spellings();
        changes.documents();
        changes.0
    }

    fn harmless(&mut self) {
        // Several times, so that enough of all tokens are right.
        for number in 1..=36 {
            self.good(&format!("nothing {number}"), |d, _| d.token.mint());
        }
        self.good("no kid", |d, _| d.token.without_header("kid").mint());
        self.good("typ in other words", |d, r| {
            let types = ["AT+JWT", "application/at+jwt", "Application/AT+jwt"];
            d.token.header("typ", r.pick(&types)).mint()
        });
        self.good("header members without meaning", |d, r| {
            let members = [
                ("jku", json!("https://evil.example/keys")),
                ("x5u", json!("https://evil.example/cert")),
                ("x5c", json!(["MIIB"])),
                ("jwk", json!({"kty": "oct", "k": "AAAA"})),
                ("x", json!([1, [2], {"alg": "none"}])),
            ];
            let (name, value) = r.pick(&members);
            d.token.header(name, value).mint()
        });
        self.good("a name written with escapes", |d, r| {
            let (name, escaped) =
                r.pick(&[("\"aud\"", "\"\\u0061ud\""), ("\"exp\"", "\"e\\u0078p\"")]);
            let payload = d.payload().replace(name, escaped);
            d.token.raw_payload(payload).mint()
        });
        self.good("blanks in JSON", |d, _| {
            let payload = d.payload().replacen('{', " {\n\t", 1);
            d.token.raw_payload(payload + "\r\n ").mint()
        });
        self.good("unknown claims", |d, r| {
            let value = r.pick(&[json!(1.5), json!([[], {}]), json!(null), json!("\u{0}")]);
            d.token
                .claim("nonce", value.clone())
                .claim("act", value)
                .mint()
        });
        self.good("audience in a list", |d, r| {
            let other = "https://other.example";
            let lists = [vec![E], vec![other, E], vec![E, other, E], vec!["", E]];
            d.token.audience(r.pick(&lists)).mint()
        });
        self.good("audience in another case", |d, r| {
            d.token.audience(r.pick(&OTHER_CASE)).mint()
        });
        self.good("expired within the leeway", |d, r| {
            let exp = d.at(r.within(-59..0));
            d.token.claim("exp", exp).claim("iat", exp - 100).mint()
        });
        self.good("not yet valid within the leeway", |d, r| {
            let nbf = d.at(r.within(0..61));
            d.token.claim("nbf", nbf).mint()
        });
        self.good("issued up to 10 seconds from now", |d, r| {
            let iat = d.at(r.within(0..11));
            d.token.claim("iat", iat).mint()
        });
        self.good("fractions of a second", |d, r| {
            let exp = format!("{}.{}", d.at(r.within(-59..60)), r.below(1_000));
            let iat = format!("{}.5e0", d.at(-200));
            d.token
                .claim_text("exp", &exp)
                .claim_text("iat", &iat)
                .mint()
        });
        self.good("exactly 24 hours", |d, _| {
            let iat = d.at(-100);
            d.token.claim("iat", iat).claim("exp", iat + 86_400).mint()
        });
    }

    fn claims(&mut self) {
        for name in ["iss", "sub", "aud", "exp", "iat", "jti", "client_id"] {
            self.bad(&format!("without {name}"), move |d, _| {
                d.token.without(name).mint()
            });
            self.bad(&format!("{name} of another type"), move |d, r| {
                let values = match name {
                    "exp" | "iat" => {
                        json!(["1", "1800000000", null, true, [1], {"a": 1}, "", "NaN"])
                    }
                    _ => json!([1, null, false, [1], {"a": "b"}, [E, 1], [[E]], 1.5]),
                };
                let value = r.pick(values.as_array().unwrap());
                d.token.claim(name, value).mint()
            });
            self.bad(&format!("{name} twice"), move |d, r| {
                let claims: Value = serde_json::from_str(&d.payload()).unwrap();
                let value = r.pick(&[claims[name].clone(), json!("x"), json!(1), json!(null)]);
                d.with_member(&format!("\"{name}\":{value}"))
            });
            self.bad(&format!("{name} twice, once with escapes"), move |d, _| {
                let claims: Value = serde_json::from_str(&d.payload()).unwrap();
                let (first, rest) = name.split_at(1);
                let code = u32::from(first.chars().next().unwrap());
                d.with_member(&format!("\"\\u{code:04x}{rest}\":{}", claims[name]))
            });
        }
        for name in ["iss", "sub", "jti", "client_id"] {
            self.bad(&format!("{name} empty"), move |d, _| {
                d.token.claim(name, "").mint()
            });
        }
        self.bad("scope of another type", |d, r| {
            let value = r.pick(&[json!(1), json!(["a"]), json!({}), json!(null), json!(true)]);
            d.token.claim("scope", value).mint()
        });
        self.bad("an unknown claim twice", |d, _| {
            d.with_member("\"x\":1,\"\\u0078\":1")
        });
        self.bad("a claim twice, deep inside", |d, _| {
            d.token.claim_text("x", r#"[{"a":{"b":1,"b":1}}]"#).mint()
        });
        self.bad("bound to a key", |d, r| {
            let values = [
                json!({"jkt": "x"}),
                json!({"x5t#S256": "x"}),
                json!(null),
                json!(""),
            ];
            d.token.claim("cnf", r.pick(&values)).mint()
        });
    }

    fn audiences_and_issuers(&mut self) {
        self.bad("another audience", |d, r| {
            let others = [
                "https://mcp.example.com",
                "https://mcp.example.com/",
                "https://mcp.example.com/mcp/",
                "https://mcp.example.com/MCP",
                "https://mcp.example.com:443/mcp",
                "*",
                "",
                "https://mcp.example.com/mcp?",
                "https://mcp.example.com/mcp#",
                "mcp.example.com/mcp",
                "https://mcp.example.com.evil.example/mcp",
                "http://mcp.example.com/mcp",
                "https://mcp.example.com/mc%70",
                " https://mcp.example.com/mcp",
                "client-1",
                "https://mcp.example.com/mcp https://other.example",
                "https://mcp.example.com/mcp\u{0}",
            ];
            d.token.audience(r.pick(&others)).mint()
        });
        self.bad("no audience of the list", |d, r| {
            let lists = [
                json!([]),
                json!(["a", "b"]),
                json!([""]),
                json!({"0": E}),
                json!([[E]]),
            ];
            d.token.audience(r.pick(lists.as_slice())).mint()
        });
        self.bad("an audience list with something else in it", |d, r| {
            let other = r.pick(&[json!(1), json!(null), json!([]), json!({}), json!(true)]);
            let list = if r.below(2) == 0 {
                json!([E, other])
            } else {
                json!([other, E])
            };
            d.token.audience(list).mint()
        });
        self.bad("another issuer", |d, r| {
            let id = d.lab.issuer.id().as_str().to_owned();
            let others = [
                format!("{id}/"),
                id.to_uppercase(),
                format!("{id} "),
                id.replace("127.0.0.1", "localhost"),
                d.lab.stranger.id().as_str().to_owned(),
                "https://evil.example".to_owned(),
                format!("{id}#"),
            ];
            d.token.claim("iss", r.pick(&others)).mint()
        });
        self.bad("a list of issuers", |d, _| {
            let id = d.lab.issuer.id().as_str();
            d.token.claim("iss", json!([id])).mint()
        });
    }

    fn times(&mut self) {
        self.bad("expired", |d, r| {
            let past = *r
                .pick(&[&[-61_i64, -60][..], &[-3_000, -100, -62]])
                .first()
                .unwrap();
            let exp = d.at(past - r.within(0..30));
            d.token.claim("exp", exp).claim("iat", exp - 500).mint()
        });
        self.bad("expired by no more than the leeway", |d, _| {
            let exp = d.at(-60);
            d.token.claim("exp", exp).claim("iat", exp - 500).mint()
        });
        self.bad("expired by a fraction", |d, r| {
            let exp = format!("{}.{:03}", d.at(-61), r.below(1_000));
            let iat = d.at(-500);
            d.token.claim_text("exp", &exp).claim("iat", iat).mint()
        });
        self.bad("not yet valid", |d, r| {
            let nbf = d.at(61 + r.within(0..1_000));
            d.token.claim("nbf", nbf).mint()
        });
        self.bad("not yet valid by a fraction", |d, r| {
            let nbf = format!("{}.{}1", d.at(60), r.below(999));
            d.token.claim_text("nbf", &nbf).mint()
        });
        self.bad("nbf that is no date", |d, r| {
            let value = r.pick(&[
                "\"0\"", "null", "-1", "1e300", "[0]", "1e400", "true", "\"\"",
            ]);
            d.token.claim_text("nbf", value).mint()
        });
        self.bad("issued in the future", |d, r| {
            let iat = d.at(11 + r.within(0..5_000));
            d.token.claim("iat", iat).claim("exp", iat + 100).mint()
        });
        self.bad("issued when it dies, or later", |d, r| {
            let exp = d.at(-20);
            let iat = exp + r.within(0..10);
            d.token.claim("exp", exp).claim("iat", iat).mint()
        });
        self.bad("more than 24 hours", |d, r| {
            let iat = d.at(-100);
            let exp = iat + 86_401 + r.within(0..1_000_000);
            d.token.claim("exp", exp).claim("iat", iat).mint()
        });
        for name in ["exp", "iat"] {
            self.bad(&format!("{name} that is no date"), move |d, r| {
                let values = [
                    "-1",
                    "1e300",
                    "1e400",
                    "253402300800",
                    "18446744073709551616",
                    "-0.5",
                    "0x1",
                ];
                d.token.claim_text(name, r.pick(&values)).mint()
            });
        }
    }

    fn headers(&mut self) {
        self.bad("alg none", |d, r| {
            let token = d.token.alg_none();
            let name = r.pick(&["none", "None", "NONE", "nOnE"]);
            token.header("alg", name).mint()
        });
        self.bad("no signature wanted, the old one kept", |d, _| {
            d.token.header("alg", "none").mint()
        });
        self.bad("a MAC under the public key", |d, r| {
            let kid = d.lab.issuer.kid(d.algorithm).unwrap();
            let issuer = &d.lab.issuer;
            let secret = match r.below(4) {
                0 => issuer.public_pem(&kid).unwrap().into_bytes(),
                1 => issuer.public_der(&kid).unwrap(),
                2 => issuer.public_jwk(&kid).unwrap().to_string().into_bytes(),
                _ => issuer.public_raw(&kid).unwrap(),
            };
            d.token
                .hmac_with(r.pick(&["HS256", "HS384", "HS512"]), secret)
                .mint()
        });
        self.bad("the name of another algorithm", |d, r| {
            let others = Algorithm::ALL.map(Algorithm::as_str);
            let others: Vec<&str> = others
                .into_iter()
                .filter(|&o| o != d.algorithm.as_str())
                .collect();
            d.token.header("alg", r.pick(&others)).mint()
        });
        self.bad("a name of no algorithm", |d, r| {
            let lower = d.algorithm.as_str().to_ascii_lowercase();
            let names = [
                json!(lower),
                json!(5),
                json!(null),
                json!(""),
                json!("Ed25519"),
                json!("ES256K"),
                json!([]),
            ];
            d.token.header("alg", r.pick(&names)).mint()
        });
        self.bad("the key of another algorithm", |d, r| {
            let others: Vec<Algorithm> = Algorithm::ALL
                .into_iter()
                .filter(|&o| o != d.algorithm)
                .collect();
            let kid = d.lab.issuer.kid(r.pick(&others)).unwrap();
            d.token.header("kid", kid).mint()
        });
        self.bad("a key name that is none", |d, r| {
            let names = [
                json!(5),
                json!(null),
                json!("x".repeat(257)),
                json!(["es256-1"]),
                json!({}),
            ];
            d.token.header("kid", r.pick(&names)).mint()
        });
        self.bad("a key that is not published", |d, r| {
            let names = ["", "../es256-1", "es256", "' OR 1=1 --", "ES256-1", "x"];
            d.token.unknown_key().header("kid", r.pick(&names)).mint()
        });
        self.bad("another type", |d, r| {
            let types = [
                "JWT",
                "jwt",
                "application/jwt",
                "id_token+jwt",
                "dpop+jwt",
                "logout+jwt",
                "at+jwt ",
                "",
            ];
            d.token.header("typ", r.pick(&types)).mint()
        });
        for name in ["alg", "typ"] {
            self.bad(&format!("without {name}"), move |d, _| {
                d.token.without_header(name).mint()
            });
        }
        for name in ["alg", "typ", "kid"] {
            self.bad(&format!("header member {name} twice"), move |d, r| {
                let header: Value = serde_json::from_str(&d.token.header_json()).unwrap();
                let value = r.pick(&[header[name].clone(), json!("none"), json!("JWT")]);
                d.with_header_member(&format!("\"{name}\":{value}"))
            });
        }
        self.bad("an unknown header member twice", |d, _| {
            d.with_header_member("\"x\":1,\"\\u0078\":2")
        });
        self.bad("a critical header", |d, r| {
            let values = [
                json!(["exp"]),
                json!([]),
                json!(["b64"]),
                json!("exp"),
                json!(null),
            ];
            d.token.header("crit", r.pick(&values)).mint()
        });
        self.bad("encoded, compressed or nested content", |d, r| {
            let members = [
                ("b64", json!(false)),
                ("b64", json!(true)),
                ("zip", json!("DEF")),
                ("cty", json!("JWT")),
            ];
            let (name, value) = r.pick(&members);
            d.token.header(name, value).mint()
        });
    }

    fn signatures(&mut self) {
        self.bad("another key", |d, _| d.token.wrong_signature().mint());
        self.bad("a key of another issuer, under the same name", |d, _| {
            let stranger = Algorithm::ES256;
            let kid = d.lab.issuer.kid(stranger).unwrap();
            d.lab
                .stranger
                .token()
                .signed_by(stranger)
                .header("kid", kid)
                .claim("iss", d.lab.issuer.id().as_str())
                .mint()
        });
        self.bad("a token of another issuer", |d, _| {
            d.lab.stranger.token().signed_by(Algorithm::EdDSA).mint()
        });
        let mut by_bytes = |name: &str, change: fn(&mut Vec<u8>, &mut Random)| {
            self.bad(name, move |d, r| {
                let (message, mut signature) = signature_of(&d.token.mint());
                let before = signature.clone();
                change(&mut signature, r);
                assert_ne!(before, signature);
                format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature))
            });
        };
        by_bytes("no signature", |s, _| s.clear());
        by_bytes("a signature of zeros", |s, _| s.fill(0));
        by_bytes("a signature of ones", |s, _| s.fill(0xff));
        by_bytes("a shorter signature", |s, r| s.truncate(r.below(s.len())));
        by_bytes("a signature without its first byte", |s, _| {
            s.drain(..1).for_each(drop);
        });
        by_bytes("a longer signature", |s, r| {
            s.extend(vec![0; 1 + r.below(2_000)]);
        });
        by_bytes("a zero before the signature", |s, _| s.insert(0, 0));
        by_bytes("one bit of the signature", |s, r| {
            let at = r.below(s.len());
            s[at] ^= 1 << r.below(8);
        });
        by_bytes("the halves of the signature swapped", |s, _| {
            let half = s.len() / 2;
            s.rotate_left(half);
        });
        by_bytes("the signature backward", |s, _| s.reverse());
        self.bad("the signature of another token", |d, _| {
            let [_, _, signature] = segments(&d.token.clone().subject("mallory").mint());
            d.token
                .raw_signature(URL_SAFE_NO_PAD.decode(signature).unwrap())
                .mint()
        });
        self.bad("claims changed afterwards", |d, r| {
            let [header, payload, signature] = segments(&d.token.mint());
            let mut bytes = URL_SAFE_NO_PAD.decode(&payload).unwrap();
            let end = bytes.len() - 2;
            bytes[1 + r.below(end)] ^= 1 << r.below(7);
            format!("{header}.{}.{signature}", URL_SAFE_NO_PAD.encode(bytes))
        });
        self.bad("header changed afterwards", |d, r| {
            let [header, payload, signature] = segments(&d.token.mint());
            let text = String::from_utf8(URL_SAFE_NO_PAD.decode(&header).unwrap()).unwrap();
            let text = match r.below(3) {
                0 => text.replace("at+jwt", "AT+jwt"),
                1 => format!("{text} "),
                _ => text.replacen('{', "{\"x\":1,", 1),
            };
            format!("{}.{payload}.{signature}", URL_SAFE_NO_PAD.encode(text))
        });
    }

    fn spellings(&mut self) {
        self.bad("padding", |d, r| {
            let mut parts = segments(&d.token.mint());
            parts[r.below(3)].push_str(r.pick(&["=", "==", "==="]));
            parts.join(".")
        });
        self.bad("the alphabet of plain base64", |d, _| {
            // A quarter of all tokens would have no letter that differs: one is made sure of.
            let claims = d.token.claim_text("x", "\"~~~???>>>\"");
            let [header, payload, signature] = segments(&claims.mint());
            let bytes = URL_SAFE_NO_PAD.decode(&payload).unwrap();
            let other = STANDARD_NO_PAD.encode(bytes);
            assert_ne!(payload, other);
            format!("{header}.{other}.{signature}")
        });
        self.bad("spare bits", |d, r| {
            let mut parts = segments(&d.token.mint());
            let with_spare: Vec<usize> = (0..3)
                .filter(|&at| !parts[at].len().is_multiple_of(4))
                .collect();
            match with_spare.as_slice() {
                [] => parts[2].push('A'),
                some => {
                    let at = r.pick(some);
                    let last = parts[at].pop().unwrap();
                    // The lowest bit of the last letter, which no byte needs.
                    parts[at].push(char::from(with_bit(last, 0)));
                }
            }
            parts.join(".")
        });
        self.bad("something inserted", |d, r| {
            let mut token = d.token.mint();
            let at = r.below(token.len() + 1);
            token.insert(
                at,
                r.pick(&[' ', '\n', '\t', '.', '=', '%', '\u{0}', 'é', 'A', '~']),
            );
            token
        });
        self.bad("a letter in the other case", |d, r| {
            let mut bytes = d.token.mint().into_bytes();
            let letters: Vec<usize> = (0..bytes.len())
                .filter(|&at| bytes[at].is_ascii_alphabetic())
                .collect();
            bytes[r.pick(&letters)] ^= 0x20;
            String::from_utf8(bytes).unwrap()
        });
        self.bad("cut", |d, r| {
            let mut token = d.token.mint();
            token.truncate(r.below(token.len()));
            token
        });
        self.bad("more or fewer segments", |d, r| {
            let [header, payload, signature] = segments(&d.token.mint());
            match r.below(7) {
                0 => format!("{header}.{payload}"),
                1 => format!("{header}.{payload}."),
                2 => format!("{header}.{payload}.{signature}."),
                3 => format!(".{header}.{payload}.{signature}"),
                4 => format!("{header}..{payload}.{signature}"),
                5 => format!("{header}.{payload}.{signature}.{signature}"),
                _ => format!("{header}..{signature}"),
            }
        });
        self.bad("segments in another order", |d, r| {
            let [header, payload, signature] = segments(&d.token.mint());
            match r.below(3) {
                0 => format!("{payload}.{header}.{signature}"),
                1 => format!("{signature}.{payload}.{header}"),
                _ => format!("{header}.{signature}.{payload}"),
            }
        });
        self.bad("JSON serialization", |d, _| {
            let [header, payload, signature] = segments(&d.token.mint());
            json!({"protected": header, "payload": payload, "signature": signature}).to_string()
        });
    }

    fn documents(&mut self) {
        let mut raw = |name: &str, change: fn(String, &mut Random) -> Vec<u8>| {
            self.bad(name, move |d, r| {
                let payload = change(d.payload(), r);
                d.token.raw_payload(payload).mint()
            });
        };
        raw("a byte order mark", |p, _| {
            format!("\u{feff}{p}").into_bytes()
        });
        raw("something after the claims", |p, r| {
            let rest = r.pick(&["x", "{}", ",", "\u{0}", "//", "}"]);
            format!("{p}{rest}").into_bytes()
        });
        raw("not an object", |p, r| match r.below(4) {
            0 => format!("[{p}]").into_bytes(),
            1 => b"null".to_vec(),
            2 => Vec::new(),
            _ => json!(p).to_string().into_bytes(),
        });
        raw("not UTF-8", |p, r| {
            let bytes: &[u8] = r.pick(&[
                &b"\xff"[..],
                b"\xc0\xaf",
                b"\xed\xa0\x80",
                b"\xf4\x90\x80\x80",
            ]);
            [b"{\"x\":\"", bytes, b"\",", &p.as_bytes()[1..]].concat()
        });
        raw("broken text", |p, r| {
            let broken = r.pick(&[
                "\"\\ud800\"",
                "\"\n\"",
                "\"\\x\"",
                "'a'",
                "NaN",
                "01",
                "1.",
                "undefined",
            ]);
            put_in_front(&format!("\"x\":{broken}"), &p).into_bytes()
        });
        raw("a comma too many", |p, _| {
            p.replacen('}', ",}", 1).into_bytes()
        });
        raw("too deep", |p, r| {
            let depth = 17 + r.below(300);
            let (open, close) = ("[".repeat(depth), "]".repeat(depth));
            put_in_front(&format!("\"x\":{open}{close}"), &p).into_bytes()
        });
        raw("too many members", |p, r| {
            let names = 0..(257 + r.below(100));
            let members: Vec<String> = names.map(|name| format!("\"x{name}\":0")).collect();
            put_in_front(&members.join(","), &p).into_bytes()
        });
        self.bad("a header that is no object", |d, r| {
            let headers = ["[]", "null", "", "{", "\"ES256\"", "{} {}"];
            d.token.raw_header(r.pick(&headers)).mint()
        });
        self.bad("a token in a token", |d, _| {
            let inner = d.token.mint();
            d.token.raw_payload(inner).mint()
        });
    }
}

/// The letter of base64url whose value differs in one bit.
fn with_bit(letter: char, bit: u8) -> u8 {
    let alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let value = alphabet.iter().position(|&l| char::from(l) == letter);
    alphabet[value.expect("a letter") ^ (1 << bit)]
}

/// What was counted.
#[derive(Default)]
struct Tally {
    tokens: usize,
    judged: usize,
    accepted: usize,
    over_http: usize,
    accepted_over_http: usize,
    by_change: BTreeMap<String, usize>,
    by_algorithm: BTreeMap<Algorithm, usize>,
}

/// The algorithm of one of so many tokens: all of them, and those most often that sign fast.
fn algorithm(time: usize) -> Algorithm {
    let slow = Algorithm::ALL.get(time % TIMES % 32).copied();
    slow.unwrap_or(if time.is_multiple_of(2) {
        Algorithm::ES256
    } else {
        Algorithm::EdDSA
    })
}

/// Makes a token and shows it to us and, if we accept it, to the judge.
async fn show(lab: &Lab, change: &Change, algorithm: Algorithm, random: &mut Random) -> String {
    loop {
        let draft = lab.draft(algorithm, random);
        let now = draft.now;
        let token = (change.make)(draft, random);
        let accepted = lab.accepts(token.as_bytes(), now).await;
        let name = &change.name;
        assert_eq!(accepted, change.harmless, "{name}, {algorithm}: {token}");
        if !accepted || lab.judge_accepts(&token) {
            return token;
        }
        // The judge's clock goes on: a second that has just begun is not a disagreement.
        assert_ne!(whole_second(), now, "{name}, {algorithm}: {token}");
    }
}

async fn get(address: SocketAddr, token: &str) -> Answer {
    let head = "GET /open HTTP/1.1\r\nhost: t\r\nconnection: close";
    let request = format!("{head}\r\nauthorization: Bearer {token}\r\n\r\n");
    support::raw(address, request.as_bytes()).await
}

#[tokio::test]
async fn what_we_accept_the_judge_accepts() {
    let lab = Lab::new().await;
    let app = App {
        guard: lab.guard.clone(),
        ran: Arc::default(),
    };
    let (address, server) = support::spawn(support::router(&app)).await;
    let mut random = Random(0x5EED);
    let mut tally = Tally::default();
    for change in Changes::all() {
        for time in 0..TIMES {
            let algorithm = algorithm(time);
            let token = show(&lab, &change, algorithm, &mut random).await;
            tally.tokens += 1;
            tally.judged += usize::from(algorithm != Algorithm::ES512);
            tally.accepted += usize::from(change.harmless);
            *tally.by_change.entry(change.name.clone()).or_default() += 1;
            *tally.by_algorithm.entry(algorithm).or_default() += 1;
            let is_sendable = token.bytes().all(|byte| byte.is_ascii_graphic());
            if tally.tokens % HTTP_EVERY == 0 && is_sendable {
                let answer = get(address, &token).await;
                assert_eq!(answer.status == 200, change.harmless, "{}", change.name);
                tally.over_http += 1;
                tally.accepted_over_http += usize::from(answer.status == 200);
            }
        }
    }
    server.abort();
    assert!(tally.judged >= 6_000, "{}", tally.judged);
    assert!(
        tally.accepted * 10 >= tally.tokens * 3,
        "{} of {}",
        tally.accepted,
        tally.tokens
    );
    assert!(tally.by_change.values().all(|&count| count >= 100));
    assert!(tally.by_change.len() >= 100);
    assert!(tally.by_algorithm.values().all(|&count| count >= 300));
    assert_eq!(tally.by_algorithm.len(), 10);
    assert!(tally.over_http >= 300 && tally.accepted_over_http >= 100);
}

/// No single bit of an accepted token can be changed: neither one of its text, nor one that a
/// letter of base64url stands for, those that no byte needs included.
#[tokio::test]
async fn no_bit_of_an_accepted_token_is_free() {
    let lab = Lab::new().await;
    let mut random = Random(0xB17);
    for algorithm in [Algorithm::ES256, Algorithm::EdDSA, Algorithm::RS256] {
        let draft = lab.draft(algorithm, &mut random);
        let (now, token) = (draft.now, draft.token.mint());
        assert!(lab.accepts(token.as_bytes(), now).await);
        for at in 0..token.len() {
            let letter = char::from(token.as_bytes()[at]);
            let flipped = (0..8).map(|bit| token.as_bytes()[at] ^ (1 << bit));
            let values = (0..6)
                .filter(|_| letter != '.')
                .map(|bit| with_bit(letter, bit));
            for byte in flipped.chain(values) {
                let mut changed = token.clone().into_bytes();
                changed[at] = byte;
                let accepted = lab.accepts(&changed, now).await;
                assert!(!accepted, "{algorithm}: {byte:#x} at {at} of {token}");
            }
        }
    }
}

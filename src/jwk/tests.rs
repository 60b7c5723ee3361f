//! Which published keys verify, which are skipped, and which one a token means.

use std::sync::LazyLock;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, ED25519, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _,
    RSA_PKCS1_SHA256, RSA_PSS_SHA256, RsaEncoding, RsaKeyPair, UnparsedPublicKey,
};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use super::Algorithm::{self, ES256, EdDSA, PS256, RS256};
use super::{KeyError, KeySet, KeySetError};

const MESSAGE: &[u8] = b"header.payload";

/// The generator of secp256k1: 32-byte coordinates, and not a point of P-256.
const SECP256K1: [&str; 2] = [
    "eb5mfvncu6xVoGKVzocLBwKb_NstzijZWfKBWxb4F5g",
    "SDradyajxGVdpPv8DhEIqP0XtEimhVQZxEf7EJjUuHg",
];

struct Keys {
    rsa: RsaKeyPair,
    ec: EcdsaKeyPair,
    /// Another pair, for the key that stays usable.
    good: EcdsaKeyPair,
    ed: Ed25519KeyPair,
}

static KEYS: LazyLock<Keys> = LazyLock::new(|| Keys {
    rsa: RsaKeyPair::generate(KeySize::Rsa2048).unwrap(),
    ec: EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap(),
    good: EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap(),
    ed: Ed25519KeyPair::generate().unwrap(),
});

fn text(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

fn modulus() -> Vec<u8> {
    let public = KEYS.rsa.public_key();
    public.modulus().big_endian_without_leading_zero().to_vec()
}

fn rsa() -> Value {
    json!({"kid": "bad", "kty": "RSA", "n": text(&modulus()), "e": "AQAB"})
}

fn point(of: &EcdsaKeyPair, kid: &str) -> Value {
    let (x, y) = of.public_key().as_ref()[1..].split_at(32);
    json!({"kid": kid, "kty": "EC", "crv": "P-256", "x": text(x), "y": text(y)})
}

fn ec() -> Value {
    point(&KEYS.ec, "bad")
}

fn ed() -> Value {
    let x = text(KEYS.ed.public_key().as_ref());
    json!({"kid": "bad", "kty": "OKP", "crv": "Ed25519", "x": x})
}

/// The key with one member set.
fn with(mut key: Value, name: &str, value: impl Into<Value>) -> Value {
    key[name] = value.into();
    key
}

fn without(mut key: Value, name: &str) -> Value {
    key.as_object_mut().unwrap().remove(name);
    key
}

/// What the private halves of the keys above sign.
fn signatures() -> [(Algorithm, Vec<u8>); 4] {
    let random = SystemRandom::new();
    let by_rsa = |encoding: &'static dyn RsaEncoding| {
        let mut signature = vec![0; 256];
        let signed = KEYS.rsa.sign(encoding, &random, MESSAGE, &mut signature);
        signed.map(|()| signature).unwrap()
    };
    [
        (RS256, by_rsa(&RSA_PKCS1_SHA256)),
        (PS256, by_rsa(&RSA_PSS_SHA256)),
        (ES256, by(&KEYS.ec)),
        (EdDSA, KEYS.ed.sign(MESSAGE).as_ref().to_vec()),
    ]
}

fn by(key: &EcdsaKeyPair) -> Vec<u8> {
    let signed = key.sign(&SystemRandom::new(), MESSAGE).unwrap();
    signed.as_ref().to_vec()
}

fn set(keys: impl IntoIterator<Item = Value>) -> KeySet {
    let keys: Vec<Value> = keys.into_iter().collect();
    let issuer = "https://as.example".parse().unwrap();
    let document = json!({ "keys": keys }).to_string();
    KeySet::parse(issuer, document.as_bytes(), &Algorithm::ALL).unwrap()
}

/// Both encodings (by the sign bit) of every `y` of a point whose order divides 8, those above the
/// prime included.
fn small_orders() -> impl Iterator<Item = Vec<u8>> {
    let bytes = |first: u8, all: u8, last: u8| [vec![first], vec![all; 30], vec![last]].concat();
    let order_8 = [
        "JuiVj8KyJ7BFw_SJ8u-Y8NXfrAXTxjM5sTgCiG1T_AU",
        "xxdqcD1N2E-6PAt2DRBnDyogU_osOczGTsf9d5KsA3o",
    ];
    [bytes(0, 0, 0), bytes(1, 0, 0)]
        .into_iter()
        .chain([0xec, 0xed, 0xee].map(|first| bytes(first, 0xff, 0x7f)))
        .chain(order_8.map(|y| URL_SAFE_NO_PAD.decode(y).unwrap()))
        .flat_map(|point| {
            let mut signed = point.clone();
            signed[31] |= 0x80;
            [point, signed]
        })
}

/// Keys that must never verify, though the private halves of most of them are at hand.
fn bad_keys() -> Vec<Value> {
    let malformed = json!([5, null, "text", [], {}, {"kid": "bad", "kty": "oct"},
        {"kid": "bad", "kty": "oct", "k": "c2VjcmV0IHNlY3JldCBzZWNyZXQgc2VjcmV0"}]);
    let mut bad = malformed.as_array().unwrap().clone();
    bad.extend([with(rsa(), "kty", "XYZ"), without(rsa(), "kty")]);
    // RFC 7517 section 9.2, also where the member is empty.
    for name in ["d", "p", "q", "dp", "dq", "qi", "oth", "k"] {
        bad.extend([with(rsa(), name, "AQAB"), with(ec(), name, Value::Null)]);
    }
    let members = json!({
        "use": ["enc", "SIG", 5],
        "key_ops": [["sign"], [], "verify"],
        "kid": [5, "k".repeat(257)],
        "alg": [5, ["RS256", "ES256", "EdDSA"], "none", "HS256", "RSA-OAEP-256", "ES384"],
    });
    for (name, values) in members.as_object().unwrap() {
        for value in values.as_array().unwrap() {
            bad.extend([rsa(), ec(), ed()].map(|key| with(key, name, value.clone())));
        }
    }
    bad.extend([with(rsa(), "alg", "ES256"), with(ec(), "alg", "RS256")]);
    bad.extend([with(ed(), "alg", "ES256"), with(ec(), "alg", "Ed25519")]);
    // RFC 9864: such a key is for tokens that say `Ed25519`, which none here may.
    bad.push(with(ed(), "alg", "Ed25519"));
    bad
}

/// Keys of the right kind whose numbers are wrong.
fn weak_keys() -> Vec<Value> {
    let with_modulus = |change: fn(&mut Vec<u8>)| {
        let mut n = modulus();
        change(&mut n);
        with(rsa(), "n", text(&n))
    };
    let mut weak = vec![
        with_modulus(|n| n.drain(..128).for_each(drop)),
        with_modulus(|n| n[0] = 0x7f),
        with_modulus(|n| n[255] &= 0xfe),
        with_modulus(|n| n.resize(1025, 0xff)),
        with_modulus(Vec::clear),
        with_modulus(|n| n.fill(0)),
    ];
    // 0, 1, 3, 65535, 65536 and more than 32 bits.
    for e in ["", "AA", "AQ", "Aw", "__8", "AQAA", "AQAAAAE"] {
        weak.push(with(rsa(), "e", e));
    }
    let (x, y) = (ec()["x"].clone(), ec()["y"].clone());
    let coordinate = URL_SAFE_NO_PAD.decode(x.as_str().unwrap()).unwrap();
    weak.extend([
        with(ec(), "y", x),
        with(ec(), "x", y),
        with(ec(), "x", text(&coordinate[1..])),
        with(ec(), "x", text(&[&[0], coordinate.as_slice()].concat())),
        with(with(ec(), "x", text(&[0; 32])), "y", text(&[0; 32])),
        with(with(ec(), "x", SECP256K1[0]), "y", SECP256K1[1]),
        with(ec(), "kty", "OKP"),
        without(ec(), "y"),
        with(ed(), "kty", "EC"),
        with(ed(), "x", text(&KEYS.ed.public_key().as_ref()[1..])),
    ]);
    weak.extend(["secp256k1", "P-384", "P-521", "Ed25519"].map(|name| with(ec(), "crv", name)));
    weak.extend(["X25519", "Ed448", "P-256"].map(|name| with(ed(), "crv", name)));
    weak.extend(small_orders().map(|key| with(ed(), "x", text(&key))));
    weak
}

/// RS-082
#[test]
fn weak_and_foreign_keys_are_skipped_and_the_rest_serves() {
    let signatures = signatures();
    let by_good = by(&KEYS.good);
    for bad in bad_keys().into_iter().chain(weak_keys()) {
        let good = point(&KEYS.good, "good");
        for keys in [[bad.clone(), good.clone()], [good.clone(), bad.clone()]] {
            let keys = set(keys);
            assert_eq!((keys.len(), keys.skipped()), (1, 1), "{bad}");
            for id in [None, Some("good")] {
                let signer = keys.verify(id, ES256, MESSAGE, &by_good).unwrap();
                assert_eq!(signer.id.unwrap().as_str(), "good", "{bad}");
            }
            for (algorithm, signature) in &signatures {
                let named = keys.verify(Some("bad"), *algorithm, MESSAGE, signature);
                assert_eq!(named.unwrap_err(), KeyError::Unknown, "{bad}");
                assert!(keys.verify(None, *algorithm, MESSAGE, signature).is_err());
            }
        }
        assert!(set([bad]).is_empty());
    }
}

/// Why points of small order are refused: the backend takes one signature for any message.
#[test]
fn the_backend_would_take_a_key_of_small_order() {
    let neutral = small_orders().nth(2).unwrap();
    let signature = [neutral.as_slice(), &[0; 32]].concat();
    let key = UnparsedPublicKey::new(&ED25519, neutral);
    assert!([MESSAGE, b"other"].map(|m| key.verify(m, &signature)) == [Ok(()); 2]);
}

#[test]
fn what_is_only_unusual_is_used() {
    let leading_zero = [&[0], modulus().as_slice()].concat();
    let unusual = [
        (rsa(), 6),
        (with(rsa(), "n", text(&leading_zero)), 6),
        (with(rsa(), "e", "AAEAAQ"), 6),
        (with(rsa(), "alg", "RS256"), 1),
        (with(rsa(), "key_ops", json!(["sign", "verify"])), 6),
        (with(ec(), "use", "sig"), 1),
        (with(ec(), "kid", "k".repeat(256)), 1),
        (without(ec(), "kid"), 1),
        (with(ed(), "alg", "EdDSA"), 1),
    ];
    let signatures = signatures();
    for (key, algorithms) in unusual {
        let keys = set([key.clone()]);
        assert_eq!(keys.len(), algorithms, "{key}");
        let verified = signatures.iter().filter(|(algorithm, signature)| {
            keys.verify(None, *algorithm, MESSAGE, signature).is_ok()
        });
        assert_eq!(verified.count(), algorithms.min(2), "{key}");
    }
}

/// RS-085
#[test]
fn one_name_for_keys_of_different_types_confuses_nothing() {
    let signatures = signatures();
    let keys = set([rsa(), with(ec(), "use", "enc"), ec(), ed()]);
    for (algorithm, _) in &signatures {
        for (of, signature) in &signatures {
            let verdict = keys.verify(Some("bad"), *algorithm, MESSAGE, signature);
            assert_eq!(verdict.is_ok(), algorithm == of, "{algorithm} by {of}");
        }
    }
    let unsuitable = keys.verify(Some("bad"), Algorithm::ES384, MESSAGE, &[0; 96]);
    assert_eq!(unsuitable.unwrap_err(), KeyError::Unsuitable);
}

#[test]
fn a_token_without_a_key_name_means_at_most_four() {
    let signature = by(&KEYS.ec);
    let foreign = || ["1", "2", "3", "4"].map(|kid| point(&KEYS.good, kid));
    let verdict = |keys: &KeySet| keys.verify(None, ES256, MESSAGE, &signature).map(|_| ());
    assert_eq!(verdict(&set([rsa()])), Err(KeyError::Unknown));
    assert_eq!(verdict(&set([ec()])), Ok(()));
    // Keys for other algorithms do not count.
    let four = foreign().into_iter().skip(1).chain([ec(), rsa(), ed()]);
    assert_eq!(verdict(&set(four)), Ok(()));
    assert_eq!(verdict(&set(foreign())), Err(KeyError::BadSignature));
    let five = set(foreign().into_iter().chain([ec()]));
    assert_eq!(verdict(&five), Err(KeyError::Ambiguous));
}

#[test]
fn a_set_has_at_most_64_keys_and_knows_them() {
    let issuer = || "https://as.example".parse().unwrap();
    let parse = |document: &str| KeySet::parse(issuer(), document.as_bytes(), &[ES256]);
    let many = |count: usize| json!({ "keys": vec![json!({}); count] }).to_string();
    assert_eq!(parse(&many(64)).unwrap().skipped(), 64);
    assert_eq!(parse(&many(65)).unwrap_err(), KeySetError::TooManyKeys);
    for no_set in ["", "{}", "[]", r#"{"keys":{}}"#, r#"{"keys":[]} x"#] {
        let error = parse(no_set).unwrap_err();
        assert_eq!(error, KeySetError::NotAKeySet, "{no_set}");
    }

    let keys = set([ec(), without(ed(), "kid"), point(&KEYS.good, "good")]);
    // A name that is there needs no second look, whatever it is for.
    assert!(keys.knows(Some("bad"), ES256) && keys.knows(Some("bad"), RS256));
    assert!(keys.knows(None, ES256) && keys.knows(None, EdDSA));
    for other in ["", "ba", "badd", "goo", "z"] {
        assert!(!keys.knows(Some(other), ES256), "{other}");
    }
    assert!(!keys.knows(None, RS256));
}

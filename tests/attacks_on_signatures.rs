//! Signatures that are no proper ones: numbers out of range, other lengths, other spellings.
#![cfg(test)]
#![allow(
    clippy::allow_attributes,
    clippy::arithmetic_side_effects,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::too_many_lines,
    clippy::unwrap_in_result,
    reason = "a test that cannot go on must panic, and a table may be long"
)]

mod support;

use clearance::id::TokenId;
use clearance::jwk::Algorithm::{ES256, ES384, EdDSA, RS256};
use serde_json::json;
use support::tokens::{Table, b64, server_of, signature_of, t0, with_signature};

/// The order of the P-256 group.
const P256_ORDER: [u8; 32] = [
    0xff, 0xff, 0xff, 0xff, 0x00, 0x00, 0x00, 0x00, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
    0xbc, 0xe6, 0xfa, 0xad, 0xa7, 0x17, 0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51,
];

/// `a - b` of big-endian numbers, where `a` is not the smaller one.
fn difference(a: &[u8; 32], b: &[u8]) -> Vec<u8> {
    let mut borrow = false;
    let mut digits: Vec<u8> = (0..32)
        .rev()
        .map(|at| {
            let (digit, under) = a[at].overflowing_sub(b[at]);
            let (digit, more) = digit.overflowing_sub(u8::from(borrow));
            borrow = under || more;
            digit
        })
        .collect();
    digits.reverse();
    digits
}

/// An ECDSA signature as ASN.1, where most libraries begin.
fn der(signature: &[u8]) -> Vec<u8> {
    let integer = |number: &[u8]| {
        let zeros = number.iter().take_while(|byte| **byte == 0).count();
        let number = &number[zeros..];
        let sign = if number[0] >= 0x80 { &[0][..] } else { &[] };
        let length = u8::try_from(number.len() + sign.len()).expect("short");
        [&[2, length], sign, number].concat()
    };
    let (r, s) = signature.split_at(signature.len() / 2);
    let both = [integer(r), integer(s)].concat();
    let length = u8::try_from(both.len()).expect("short");
    [&[0x30, length], both.as_slice()].concat()
}

/// RS-058 A-12
#[tokio::test]
async fn degenerate_ecdsa_signatures() {
    let server = server_of(&[ES256, ES384], |_| Vec::new()).await;
    let table = Table::of(&server).await;
    let issuer = &server.issuer;
    let token = t0(issuer).token_id("j1").mint();
    let good = signature_of(&token);
    let (r, s) = good.split_at(32);
    table.accepts("as minted", &token).await;
    let zero = [0; 32];
    for (case, signature) in [
        ("r = s = 0", vec![0; 64]),
        ("r = 0", [&zero, s].concat()),
        ("s = 0", [r, &zero].concat()),
        ("s = order", [r, &P256_ORDER].concat()),
        ("r = order", [&P256_ORDER, s].concat()),
        ("both = order", [P256_ORDER, P256_ORDER].concat()),
        ("all ones", vec![0xff; 64]),
        ("r and s exchanged", [s, r].concat()),
        ("DER", der(&good)),
        ("length 0", Vec::new()),
        ("length 63", good[..63].to_vec()),
        ("length 63, cut in front", good[1..].to_vec()),
        ("length 65", [good.as_slice(), &[0]].concat()),
        (
            "length 65, a zero in front",
            [&[0], good.as_slice()].concat(),
        ),
        ("length 66, zeros in both", [&[0], r, &[0], s].concat()),
        ("length 96", [&[0; 16], r, &[0; 16], s].concat()),
        ("length 132", [&[0; 34], r, &[0; 34], s].concat()),
        ("twice", [good.as_slice(), &good].concat()),
        ("8 KiB", vec![1; 8192]),
    ] {
        table
            .refuses(case, &with_signature(&token, signature), "bad_signature")
            .await;
    }
    // Also with a signature whose numbers are short, where DER and zeros differ most.
    let short = (0..100_000)
        .map(|n| t0(issuer).token_id(&format!("s{n}")).mint())
        .find(|token| signature_of(token)[0] == 0)
        .expect("a token");
    table.accepts("a small r", &short).await;
    let cut = with_signature(&short, &signature_of(&short)[1..]);
    table
        .refuses("a small r without its zero", &cut, "bad_signature")
        .await;

    let token = t0(issuer).signed_by(ES384).mint();
    table.accepts("ES384", &token).await;
    let good = signature_of(&token);
    for (case, signature) in [
        ("ES384, DER", der(&good)),
        ("ES384, zeros", vec![0; 96]),
        ("ES384, length 64", good[..64].to_vec()),
        ("ES384, length 97", [good.as_slice(), &[0]].concat()),
    ] {
        table
            .refuses(case, &with_signature(&token, signature), "bad_signature")
            .await;
    }
}

/// A-12: the other valid `s` is the same token, and revoking one ends both.
#[tokio::test]
async fn both_forms_of_an_ecdsa_signature_are_one_token() {
    let server = support::server().await;
    let table = Table::of(&server).await;
    let token = t0(&server.issuer).token_id("j1").mint();
    let good = signature_of(&token);
    let (r, s) = good.split_at(32);
    let other = with_signature(&token, [r, &difference(&P256_ORDER, s)].concat());
    assert_ne!(token, other);
    table.accepts("one", &token).await;
    table.accepts("the other", &other).await;
    let revocations = server.app.guard.revocations();
    revocations
        .revoke_token(server.issuer.id(), &TokenId::new("j1"))
        .expect("room");
    table.refuses("one, revoked", &token, "revoked").await;
    table.refuses("the other, revoked", &other, "revoked").await;
    table.accepts("another", &t0(&server.issuer).mint()).await;
}

/// The encodings of the points of small order on edwards25519.
const SMALL_ORDER: [&str; 14] = [
    "0100000000000000000000000000000000000000000000000000000000000000",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "0000000000000000000000000000000000000000000000000000000000000080",
    "0000000000000000000000000000000000000000000000000000000000000000",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
    "0100000000000000000000000000000000000000000000000000000000000080",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
    "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
    "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
];

fn unhex(text: &str) -> Vec<u8> {
    let digit = |byte: u8| char::from(byte).to_digit(16).expect("a hex digit");
    let pairs = text.as_bytes().chunks(2);
    pairs
        .map(|pair| u8::try_from(digit(pair[0]) * 16 + digit(pair[1])).expect("a byte"))
        .collect()
}

/// The order of the edwards25519 group, little-endian.
const ED25519_ORDER: &str = "edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010";

/// A-12: under a key of small order, one signature is good for any message, or for every eighth.
#[tokio::test]
async fn degenerate_ed25519_keys_and_signatures() {
    let server = server_of(&[EdDSA], |_| {
        let key = |point: &&str| {
            json!({ "kty": "OKP", "crv": "Ed25519", "alg": "EdDSA", "kid": point, "x": b64(unhex(point)) })
        };
        SMALL_ORDER.iter().map(key).collect()
    })
    .await;
    let table = Table::of(&server).await;
    let issuer = &server.issuer;
    let token = t0(issuer).mint();
    let good = signature_of(&token);
    table.accepts("as minted", &token).await;
    let forged = |point: &str| [unhex(point), vec![0; 32]].concat();
    for key in SMALL_ORDER {
        for point in [SMALL_ORDER[0], key] {
            for n in 0..8 {
                let token = t0(issuer).token_id(&format!("t{n}")).header("kid", key);
                let token = token.raw_signature(forged(point)).mint();
                table.refuses(key, &token, "unknown_key").await;
            }
        }
        let token = with_signature(&token, forged(key));
        table
            .refuses("the issuer's key", &token, "bad_signature")
            .await;
    }
    // S and S + order are one number to who does not look.
    let mut carry = 0;
    let more = good[32..].iter().zip(unhex(ED25519_ORDER)).map(|(a, b)| {
        let sum = u16::from(*a) + u16::from(b) + carry;
        carry = sum >> 8;
        sum.to_le_bytes()[0]
    });
    let more: Vec<u8> = more.collect();
    let malleable = [&good[..32], &more].concat();
    for (case, signature) in [
        ("S + order", malleable),
        ("zeros", vec![0; 64]),
        ("length 63", good[..63].to_vec()),
        ("length 65", [good.as_slice(), &[0]].concat()),
        ("length 0", Vec::new()),
    ] {
        table
            .refuses(case, &with_signature(&token, signature), "bad_signature")
            .await;
    }
}

/// A-12: an RSA signature has the length of the modulus, also where it begins with a zero.
#[tokio::test]
async fn rsa_signatures_of_another_length() {
    let server = server_of(&[RS256], |_| Vec::new()).await;
    let table = Table::of(&server).await;
    let token = (0..100_000)
        .map(|n| t0(&server.issuer).token_id(&format!("s{n}")).mint())
        .find(|token| signature_of(token)[0] == 0)
        .expect("a token");
    let good = signature_of(&token);
    table.accepts("as minted", &token).await;
    for (case, signature) in [
        ("without its zero", good[1..].to_vec()),
        ("one more zero", [&[0], good.as_slice()].concat()),
        ("a byte behind", [good.as_slice(), &[0]].concat()),
        ("half", good[..128].to_vec()),
        ("empty", Vec::new()),
        ("zeros", vec![0; 256]),
        ("one", [vec![0; 255], vec![1]].concat()),
        ("ones", vec![0xff; 256]),
    ] {
        table
            .refuses(case, &with_signature(&token, signature), "bad_signature")
            .await;
    }
}

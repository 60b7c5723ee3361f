//! Which published keys are good enough to verify anything.
//!
//! The crypto backend judges keys late or not at all (it takes a modulus of 1024 bits, an exponent
//! of 1 and an Ed25519 key of zeros when they are parsed), so these rules run before it.

use jsonwebtoken::jwk::{
    AlgorithmParameters, CommonParameters, EllipticCurve, KeyOperations, PublicKeyUse,
};

use super::Algorithm;

/// Key material that passed, in the form in which the backend takes it.
pub(super) enum Material {
    /// Modulus and exponent, big endian, without leading zeros.
    Rsa { n: Vec<u8>, e: Vec<u8> },
    /// An uncompressed point, `04 || x || y`.
    Point {
        algorithm: Algorithm,
        point: Vec<u8>,
    },
    /// An Ed25519 public key.
    Ed25519(Vec<u8>),
}

/// Bounds on an RSA modulus, in bits: RFC 7518 section 3.3 demands 2048, and what is larger than
/// 8192 costs too much to verify.
const MODULUS_BITS: std::ops::RangeInclusive<usize> = 2048..=8192;

/// Whether `common` says that this key is for something other than verifying signatures
/// (RFC 7517 sections 4.2 and 4.3).
pub(super) fn is_for_signatures(common: &CommonParameters) -> bool {
    let by_use = common
        .public_key_use
        .as_ref()
        .is_none_or(|u| *u == PublicKeyUse::Signature);
    let by_operations = common
        .key_operations
        .as_ref()
        .is_none_or(|operations| operations.contains(&KeyOperations::Verify));
    by_use && by_operations
}

/// The key material, if it is strong enough. `oct` keys and unknown types never are.
pub(super) fn material(parameters: &AlgorithmParameters) -> Option<Material> {
    match parameters {
        AlgorithmParameters::RSA(rsa) => rsa_material(&decode(&rsa.n)?, &decode(&rsa.e)?),
        AlgorithmParameters::EllipticCurve(ec) => {
            let (algorithm, length) = match ec.curve {
                EllipticCurve::P256 => (Algorithm::ES256, 32),
                EllipticCurve::P384 => (Algorithm::ES384, 48),
                EllipticCurve::P521 => (Algorithm::ES512, 66),
                EllipticCurve::Ed25519 | _ => return None,
            };
            let (x, y) = (decode(&ec.x)?, decode(&ec.y)?);
            // RFC 7518 section 6.2.1.2: coordinates have the full length of the field.
            (x.len() == length && y.len() == length).then(|| Material::Point {
                algorithm,
                point: [&[4], x.as_slice(), y.as_slice()].concat(),
            })
        }
        AlgorithmParameters::OctetKeyPair(pair) if pair.curve == EllipticCurve::Ed25519 => {
            let key = decode(&pair.x)?;
            (key.len() == 32 && !has_small_order(&key)).then_some(Material::Ed25519(key))
        }
        AlgorithmParameters::OctetKeyPair(_)
        | AlgorithmParameters::OctetKey(_)
        | AlgorithmParameters::Other(_)
        | _ => None,
    }
}

fn rsa_material(n: &[u8], e: &[u8]) -> Option<Material> {
    // Some issuers put a zero byte before the modulus, against RFC 7518 section 2.
    let (n, e) = (without_leading_zeros(n), without_leading_zeros(e));
    let bits = n
        .len()
        .saturating_mul(8)
        .saturating_sub(usize::try_from(n.first()?.leading_zeros()).ok()?);
    let odd = |number: &[u8]| number.last().is_some_and(|byte| byte & 1 == 1);
    // FIPS 186-5 section 5.4: the exponent is odd and above 2^16. An exponent of 3 has been the
    // entry for forged paddings. Above 2^32 verification becomes slow.
    let exponent_fits = (3..=4).contains(&e.len());
    (MODULUS_BITS.contains(&bits) && odd(n) && odd(e) && exponent_fits).then(|| Material::Rsa {
        n: n.to_vec(),
        e: e.to_vec(),
    })
}

fn without_leading_zeros(number: &[u8]) -> &[u8] {
    let zeros = number.iter().take_while(|&&byte| byte == 0).count();
    number.get(zeros..).unwrap_or_default()
}

fn decode(text: &str) -> Option<Vec<u8>> {
    use base64::Engine as _;
    base64::engine::general_purpose::URL_SAFE_NO_PAD
        .decode(text)
        .ok()
}

/// The points of small order on edwards25519, with the sign bit cleared: under such a key, one
/// signature verifies for (almost) any message (RFC 8032 section 8.1 leaves this to the reader).
const SMALL_ORDER: [[u8; 32]; 7] = [
    // 0 (order 4)
    [0; 32],
    // 1 (the neutral element)
    one(),
    // order 8
    [
        0x26, 0xe8, 0x95, 0x8f, 0xc2, 0xb2, 0x27, 0xb0, 0x45, 0xc3, 0xf4, 0x89, 0xf2, 0xef, 0x98,
        0xf0, 0xd5, 0xdf, 0xac, 0x05, 0xd3, 0xc6, 0x33, 0x39, 0xb1, 0x38, 0x02, 0x88, 0x6d, 0x53,
        0xfc, 0x05,
    ],
    // order 8
    [
        0xc7, 0x17, 0x6a, 0x70, 0x3d, 0x4d, 0xd8, 0x4f, 0xba, 0x3c, 0x0b, 0x76, 0x0d, 0x10, 0x67,
        0x0f, 0x2a, 0x20, 0x53, 0xfa, 0x2c, 0x39, 0xcc, 0xc6, 0x4e, 0xc7, 0xfd, 0x77, 0x92, 0xac,
        0x03, 0x7a,
    ],
    // p - 1 (order 2), p and p + 1 (not canonical)
    near_p(0xec),
    near_p(0xed),
    near_p(0xee),
];

const fn one() -> [u8; 32] {
    let mut bytes = [0; 32];
    bytes[0] = 1;
    bytes
}

const fn near_p(lowest: u8) -> [u8; 32] {
    let mut bytes = [0xff; 32];
    bytes[0] = lowest;
    bytes[31] = 0x7f;
    bytes
}

fn has_small_order(key: &[u8]) -> bool {
    let Some((last, head)) = key.split_last() else {
        return true;
    };
    SMALL_ORDER
        .iter()
        .filter_map(|point| point.split_last())
        .any(|(l, h)| h == head && *l == last & 0x7f)
}

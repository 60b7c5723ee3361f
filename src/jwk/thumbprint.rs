//! What a key is called by its own content, whatever name its issuer gives it.

use std::fmt;

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::Algorithm;
use super::weak::Material;

/// The SHA-256 thumbprint of a public key (RFC 7638 section 3).
///
/// Two keys under one name have two thumbprints, and one key under two names has one.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Thumbprint([u8; 32]);

impl Thumbprint {
    /// The thumbprint of this key.
    pub(super) fn of(material: &Material) -> Option<Self> {
        let text = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        // RFC 7638 section 3.2 and RFC 8037 section 2: the required members alone, in the order of
        // their names, without blanks. Nothing in base64url needs to be escaped.
        let canonical = match material {
            Material::Rsa { n, e } => {
                format!(r#"{{"e":"{}","kty":"RSA","n":"{}"}}"#, text(e), text(n))
            }
            Material::Point { algorithm, point } => {
                let curve = curve(*algorithm)?;
                let (_, coordinates) = point.split_first()?;
                let (x, y) = coordinates.split_at_checked(coordinates.len().div_ceil(2))?;
                let (x, y) = (text(x), text(y));
                format!(r#"{{"crv":"{curve}","kty":"EC","x":"{x}","y":"{y}"}}"#)
            }
            Material::Ed25519(key) => {
                format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{}"}}"#, text(key))
            }
        };
        let hash = digest(&SHA256, canonical.as_bytes());
        hash.as_ref().try_into().ok().map(Self)
    }
}

const fn curve(algorithm: Algorithm) -> Option<&'static str> {
    match algorithm {
        Algorithm::ES256 => Some("P-256"),
        Algorithm::ES384 => Some("P-384"),
        Algorithm::ES512 => Some("P-521"),
        Algorithm::EdDSA
        | Algorithm::PS256
        | Algorithm::PS384
        | Algorithm::PS512
        | Algorithm::RS256
        | Algorithm::RS384
        | Algorithm::RS512 => None,
    }
}

impl fmt::Debug for Thumbprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&URL_SAFE_NO_PAD.encode(self.0))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::{Algorithm, KeySet};
    use super::*;

    fn set(keys: &[Value]) -> KeySet {
        let document = json!({ "keys": keys }).to_string();
        let issuer = "https://as.example".parse().unwrap();
        KeySet::parse(issuer, document.as_bytes(), &Algorithm::ALL).unwrap()
    }

    fn thumbprint(text: &str) -> Thumbprint {
        let bytes = URL_SAFE_NO_PAD.decode(text).unwrap();
        Thumbprint(bytes.try_into().unwrap())
    }

    /// RFC 7638 section 3.1, and a key whose number begins with a byte that does not belong there.
    const RSA: &str = "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFx\
        uhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-\
        65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-b\
        FTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw";

    #[test]
    fn thumbprints_are_those_of_the_rfc() {
        let rsa = json!({"kty": "RSA", "n": RSA, "e": "AQAB", "alg": "RS256", "kid": "2011-04-29"});
        let mut number = vec![0];
        number.extend(URL_SAFE_NO_PAD.decode(RSA).unwrap());
        let odd = json!({"kty": "RSA", "n": URL_SAFE_NO_PAD.encode(number), "e": "AQAB"});
        // RFC 7517 appendix A.1; its thumbprint was calculated by another program.
        let ec = json!({"kty": "EC", "crv": "P-256", "kid": "1",
            "x": "MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4",
            "y": "4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM"});
        // RFC 8037 appendix A.3
        let ed = json!({"kty": "OKP", "crv": "Ed25519",
            "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"});
        let of_rsa = "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs";
        for (key, expected) in [
            (&rsa, of_rsa),
            (&odd, of_rsa),
            (&ec, "cn-I_WNMClehiVp51i_0VpOENW1upEerA8sEam5hn-s"),
            (&ed, "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"),
        ] {
            let keys = set(std::slice::from_ref(key));
            assert!(!keys.is_empty(), "{key}");
            assert!(keys.has(&thumbprint(expected)), "{key}");
            assert_eq!(format!("{:?}", thumbprint(expected)), expected);
            for other in [&rsa, &ec, &ed] {
                let both = set(&[other.clone(), key.clone()]);
                assert!(both.has(&thumbprint(expected)), "{key} beside {other}");
            }
        }
        // A key under two names is one key; a name says nothing about the key.
        assert_eq!(set(&[rsa.clone(), odd]).thumbprints.len(), 1);
        assert!(!set(&[rsa, ed]).has(&thumbprint("cn-I_WNMClehiVp51i_0VpOENW1upEerA8sEam5hn-s")));
        assert!(!set(&[]).has(&thumbprint(of_rsa)));
    }
}
